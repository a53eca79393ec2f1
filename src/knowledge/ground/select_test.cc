#include <gtest/gtest.h>

#include <set>

#include "knowledge/ground/bag_embedder.h"
#include "knowledge/ground/ground.h"

namespace strata::ground {
namespace {

const Context kContext = Context::background();

std::vector<Source> handbook() {
  const std::string prefix(100, 'x');
  return {{.chunk_id = 1,
           .document_id = "doc_a",
           .title = "Leave",
           .heading = "Leave > Parental leave",
           .text = "Parental leave\n\nParental leave lasts 12 weeks. It must be requested 30 days before it begins. The request goes to Dana Hill.",
           .begin = 100},
          {.chunk_id = 2,
           .document_id = "doc_b",
           .title = "Travel",
           .text = "Travel is booked by the travel desk. Hotels cost at most 150 dollars a night.",
           .begin = 0}};
}

Evidence select(const std::string& question, const std::vector<Source>& sources, SelectOptions options = {}) {
  BagEmbedder embedder;
  Selector selector(embedder);
  auto out = selector.select(kContext, question, sources, options);
  EXPECT_TRUE(out) << (out ? "" : out.error().message);
  return out ? *out : Evidence{};
}

TEST(Select, TheSentenceThatAnswersComesFirst) {
  EXPECT_EQ(select("How many weeks does parental leave last?", handbook()).quotes.at(0).text, "Parental leave lasts 12 weeks.");
  EXPECT_EQ(select("How much may hotels cost a night?", handbook()).quotes.at(0).text, "Hotels cost at most 150 dollars a night.");
}

TEST(Select, QuotesAreTheDocumentsBytes) {
  const auto sources = handbook();
  for (const Quote& quote : select("When must parental leave be requested?", sources).ranked) {
    const Source& source = sources[quote.source];
    EXPECT_EQ(source.text.substr(quote.at.begin - source.begin, quote.at.end - quote.at.begin), quote.text);
  }
}

TEST(Select, AHeadingIsNoAnswer) {
  for (const Quote& quote : select("What about parental leave?", handbook()).ranked) EXPECT_NE(quote.text, "Parental leave");
}

TEST(Select, AHeadingIsNoAnswerWhereverItStands) {
  const std::vector<Source> sources = {
      {.document_id = "doc",
       .title = "Reference",
       .heading = "Reference > Contents",
       .text = "Contents\n\n- 5.9.3. Renaming a package\n- 5.9.4. Orphaning a package\n- 5.9.5. Adopting a package\n- Orphaning a package\n- Renaming costs "
               "nothing"},
      {.document_id = "doc",
       .title = "Reference",
       .heading = "Reference > Packages > Orphaning a package",
       .text = "Packages\n\nOrphaning a package\n\nIf you can no longer maintain a package, you must mark it as orphaned.",
       .begin = 500},
      {.document_id = "other", .text = "Adopting a package\n\nTo adopt a package, ask for it. Nobody else may have claimed it.\n\nDana Hill\n\n20 euros"}};
  std::set<std::string> quotable;
  for (const Quote& quote : select("How does orphaning a package work?", sources).ranked) quotable.insert(quote.text);
  EXPECT_EQ(quotable, (std::set<std::string>{"If you can no longer maintain a package, you must mark it as orphaned.", "To adopt a package, ask for it.",
                                             "Nobody else may have claimed it.", "Dana Hill", "20 euros", "- Renaming costs nothing"}))
      << "names and facts may be answers; headings and entries of a list of contents are none";
}

std::vector<Source> with_table(const std::string& before) {
  return {{.document_id = "doc",
           .title = "Leave",
           .heading = "Leave",
           .text = before + "| Years | Days |\n| 1 | 20 |\n| 5 | 25 |\n| 10 | 28 |\n\nLeave is taken in whole days.",
           .begin = 40}};
}

TEST(Select, ATableRowBringsTheNamesOfItsColumns) {
  const auto sources = with_table("Leave grows with the years.\n\n");
  const Evidence evidence = select("How many days of leave after 5 years?", sources);
  bool seen = false;
  for (const Quote& quote : evidence.ranked) {
    EXPECT_NE(quote.text, "| Years | Days |") << "it names columns and says nothing";
    EXPECT_EQ(quote.header_text.empty(), quote.text.front() != '|');
    if (quote.text != "| 5 | 25 |") continue;
    seen = true;
    EXPECT_EQ(quote.header_text, "| Years | Days |");
    EXPECT_EQ(sources[0].text.substr(quote.header.begin - 40, quote.header.end - quote.header.begin), quote.header_text);
    EXPECT_GT(quote.features.value[SentenceFeatures::kCovered], 0.5) << "its columns' names count as its words";
  }
  EXPECT_TRUE(seen);
}

TEST(Select, APassageThatBeginsInsideATableNamesNoColumns) {
  for (const Quote& quote : select("How many days of leave after 5 years?", with_table("")).ranked) EXPECT_EQ(quote.header_text, "") << quote.text;
}

TEST(Select, AQuestionFromElsewhereHasLessConfidence) {
  const Evidence inside = select("How many weeks does parental leave last?", handbook());
  const Evidence outside = select("Which river flows through the capital of Bolivia?", handbook());
  EXPECT_GT(inside.confidence, outside.confidence);
  EXPECT_TRUE(inside.sufficient);
  EXPECT_FALSE(outside.sufficient);
}

TEST(Select, SentencesThatFollowEachOtherAreOneQuote) {
  const Evidence evidence = select("How many weeks does parental leave last and when must it be requested?", handbook(), {.quotes_max = 2, .enough = 1.1});
  ASSERT_EQ(evidence.quotes.size(), 1u);
  EXPECT_EQ(evidence.quotes[0].text, "Parental leave lasts 12 weeks. It must be requested 30 days before it begins.");
}

TEST(Select, ALeadInTakesItsListAlong) {
  const std::vector<Source> sources = {
      {.document_id = "doc", .text = "To get a laptop, follow these steps:\n- Ask your lead.\n- Open a ticket.\n\nOther things follow here."}};
  const Evidence evidence = select("Which steps do I follow to get a laptop?", sources, {.quotes_max = 1});
  ASSERT_FALSE(evidence.quotes.empty());
  EXPECT_EQ(evidence.quotes[0].text.substr(0, 69), "To get a laptop, follow these steps:\n- Ask your lead.\n- Open a ticket");
}

TEST(Select, OverlappingPassagesGiveASentenceOnce) {
  const std::string text = "The office opens at nine. The office closes at five. The kitchen never closes.";
  const std::vector<Source> sources = {{.chunk_id = 1, .document_id = "doc", .text = text.substr(0, 52)},
                                       {.chunk_id = 2, .document_id = "doc", .text = text.substr(26), .begin = 26}};
  EXPECT_EQ(select("When does the office close?", sources).ranked.size(), 3u);
}

TEST(Select, NoSentencesGiveNoQuotesAndNoConfidence) {
  const Evidence evidence = select("Anything?", {});
  EXPECT_TRUE(evidence.quotes.empty());
  EXPECT_FALSE(evidence.sufficient);
}

TEST(Select, ASecondQuestionEmbedsOnlyWhatIsNew) {
  BagEmbedder embedder;
  Selector selector(embedder);
  ASSERT_TRUE(selector.select(kContext, "How long is parental leave?", handbook()));
  const int before = embedder.texts_embedded;
  ASSERT_TRUE(selector.select(kContext, "Who books travel?", handbook()));
  EXPECT_EQ(embedder.texts_embedded - before, 1);
}

TEST(Select, ACancelledQuestionIsAnError) {
  const Context context = Context::make(system_clock(), {}, "r", std::make_shared<CancelFlag>());
  context.cancel();
  BagEmbedder embedder;
  Selector selector(embedder);
  const auto out = selector.select(context, "How long?", handbook());
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Code::kCancelled);
}

int count_words(std::string_view text) { return static_cast<int>(words(text).size()); }

TEST(Pack, WholeSourcesBestFirstAndWhatIsLeftOutIsNamed) {
  const Evidence evidence = select("How much may hotels cost a night?", handbook());
  const Packed packed = pack(handbook(), {evidence.quotes[0]}, 20, count_words);
  EXPECT_EQ(packed.packed, std::vector<int64_t>{2});
  EXPECT_EQ(packed.left_out, std::vector<int64_t>{1});
  EXPECT_FALSE(packed.best_left_out);
  EXPECT_EQ(packed.text, "[1] Travel\nTravel is booked by the travel desk. Hotels cost at most 150 dollars a night.");
}

TEST(Pack, ASourceThatDoesNotFitGivesItsQuotedSentence) {
  const Evidence evidence = select("How much may hotels cost a night?", handbook());
  const Packed packed = pack(handbook(), {evidence.quotes[0]}, 11, count_words);
  EXPECT_EQ(packed.text, "[1] Travel\nHotels cost at most 150 dollars a night.");
  EXPECT_TRUE(pack(handbook(), {evidence.quotes[0]}, 3, count_words).best_left_out);
}

}  // namespace
}  // namespace strata::ground
