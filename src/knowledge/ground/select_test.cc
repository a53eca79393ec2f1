#include <gtest/gtest.h>

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
