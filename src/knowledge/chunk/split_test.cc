#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"

namespace strata::chunk {
namespace {

using document::Block;
using document::BlockType;
using document::Document;
using document::Range;

// One token per run of up to 4 bytes of a word, as a stand-in for WordPiece.
int count(std::string_view text) {
  int tokens = 0, run = 0;
  for (char c : text) {
    if (c == ' ' || c == '\n') {
      run = 0;
    } else if (run++ % 4 == 0) {
      ++tokens;
    }
  }
  return tokens;
}

// Builds a document as a parser would.
class Writer {
 public:
  Writer& heading(int level, const std::string& title) {
    add(BlockType::kHeading, title);
    document_.headings.push_back({level, title, document_.blocks.back().at});
    return *this;
  }
  Writer& add(BlockType type, const std::string& text) {
    if (!document_.text.empty()) document_.text += "\n\n";
    const uint32_t begin = document_.text.size();
    document_.text += text;
    document_.blocks.push_back({type, {begin, static_cast<uint32_t>(document_.text.size())}});
    return *this;
  }
  Document done() { return document_; }

 private:
  Document document_;
};

std::string_view at(const Document& document, Range range) { return std::string_view(document.text).substr(range.begin, range.end - range.begin); }

std::string prose(std::mt19937& random, int sentences) {
  std::string out;
  for (int i = 0; i < sentences; ++i) {
    out += i ? " The" : "The";
    for (int w = 0, n = 1 + random() % 12; w < n; ++w) out += w % 5 == 4 ? " naïve" : " word";
    out += ".";
  }
  return out;
}

// Every promise of split() that holds for any document.
void expect_promises(const Document& document, const Options& options, const std::vector<Chunk>& chunks) {
  const std::string_view text = document.text;
  uint32_t end = 0, begin_before = 0;
  bool first = true;
  for (const Chunk& chunk : chunks) {
    ASSERT_LT(chunk.at.begin, chunk.at.end);
    ASSERT_LE(chunk.at.end, text.size());
    ASSERT_TRUE(first || chunk.at.begin > begin_before) << "in order, each with something new";
    ASSERT_TRUE(first || chunk.at.end > end);
    if (chunk.at.begin > end) {
      ASSERT_TRUE(trim(text.substr(end, chunk.at.begin - end)).empty()) << "a gap with text in it";
    }
    ASSERT_EQ(trim(at(document, chunk.at)), at(document, chunk.at));
    ASSERT_TRUE(utf8_valid(at(document, chunk.at)));
    ASSERT_LE(chunk.parent.begin, chunk.at.begin);
    ASSERT_GE(chunk.parent.end, chunk.at.end);
    const int whole = count(indexed_text(document, chunk));
    ASSERT_LE(chunk.tokens, options.tokens_max + options.tokens_max / 2);
    ASSERT_LE(whole, chunk.tokens);
    if (whole - count(at(document, chunk.at)) <= options.tokens_max / 2) {
      ASSERT_LE(chunk.tokens, options.tokens_max);
    }
    if (!first && chunk.at.begin < end) {
      ASSERT_LE(count(text.substr(chunk.at.begin, end - chunk.at.begin)), options.tokens_overlap);
    }
    begin_before = chunk.at.begin;
    end = chunk.at.end;
    first = false;
  }
  ASSERT_TRUE(trim(text.substr(end)).empty()) << "text behind the last chunk";
}

TEST(Split, EveryPromiseHoldsForRandomDocuments) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    Writer writer;
    for (int i = 0, n = random() % 12; i < n; ++i) {
      switch (random() % 6) {
        case 0: writer.heading(1 + random() % 4, "Heading " + std::to_string(i)); break;
        case 1: writer.add(BlockType::kTable, "| a | b |\n| one word | two |\n| x | y |"); break;
        case 2: writer.add(BlockType::kCode, "int main() {\n  return 0;\n}\n\n// é"); break;
        case 3: writer.add(BlockType::kListItem, "- " + prose(random, 1)); break;
        case 4: writer.add(BlockType::kParagraph, std::string(random() % 900, 'x') + "é"); break;
        default: writer.add(BlockType::kParagraph, prose(random, 1 + random() % 9));
      }
    }
    Document document = writer.done();
    document.title = round % 2 ? "Title" : "";
    if (round % 3 == 0) document.blocks.clear();
    const Options options{.tokens_max = 20 + static_cast<int>(random() % 60), .tokens_overlap = static_cast<int>(random() % 10)};
    expect_promises(document, options, split(document, options, count));
  }
}

TEST(Split, OverlapsAreWholeSentences) {
  std::mt19937 random(3);
  const Document document = Writer().add(BlockType::kParagraph, prose(random, 60)).done();
  const auto all = sentences(document.text);
  const auto chunks = split(document, {.tokens_max = 60, .tokens_overlap = 20}, count);
  ASSERT_GT(chunks.size(), 3u);
  int overlapping = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    EXPECT_TRUE(std::ranges::any_of(all, [&](Range s) { return s.begin == chunks[i].at.begin; }));
    EXPECT_TRUE(std::ranges::any_of(all, [&](Range s) { return s.end == chunks[i].at.end; }));
    if (i > 0 && chunks[i].at.begin < chunks[i - 1].at.end) ++overlapping;
  }
  EXPECT_GT(overlapping, static_cast<int>(chunks.size()) / 2);
}

TEST(Split, SectionsGiveParentsAndHeadingPaths) {
  const Document document = Writer()
                                .add(BlockType::kParagraph, "Before all.")
                                .heading(1, "Leave")
                                .heading(2, "Parental leave")
                                .add(BlockType::kParagraph, "You get 12 weeks.")
                                .heading(2, "Sick leave")
                                .add(BlockType::kParagraph, "Call in.")
                                .heading(1, "Travel")
                                .add(BlockType::kParagraph, "Book early.")
                                .done();
  const auto chunks = split(document, {}, count);
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[0].heading, "");
  EXPECT_EQ(at(document, chunks[1].at), "Leave\n\nParental leave\n\nYou get 12 weeks.") << "a bare heading goes with what follows";
  EXPECT_EQ(chunks[1].heading, "Leave > Parental leave");
  EXPECT_EQ(trim(at(document, chunks[1].parent)), "Leave\n\nParental leave\n\nYou get 12 weeks.");
  EXPECT_EQ(chunks[2].heading, "Leave > Sick leave");
  EXPECT_EQ(chunks[3].heading, "Travel");
  EXPECT_EQ(trim(at(document, chunks[3].parent)), "Travel\n\nBook early.");
}

TEST(Split, AParentHoldsItsSubsections) {
  const Document document = Writer()
                                .heading(1, "A")
                                .add(BlockType::kParagraph, "One.")
                                .heading(2, "B")
                                .add(BlockType::kParagraph, "Two.")
                                .heading(1, "C")
                                .add(BlockType::kParagraph, "Three.")
                                .done();
  const auto chunks = split(document, {}, count);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(trim(at(document, chunks[0].parent)), "A\n\nOne.\n\nB\n\nTwo.");
  EXPECT_EQ(trim(at(document, chunks[1].parent)), "B\n\nTwo.");
}

TEST(Split, TablesAndCodeStayWholeWhereTheyFit) {
  std::mt19937 random(5);
  const std::string table = "| a | b |\n| c | d |\n| e | f |\n| g | h |";
  const std::string code = "one();\n\ntwo();\n\nthree();";
  for (int before = 1; before < 12; ++before) {
    const Document document = Writer()
                                  .add(BlockType::kParagraph, prose(random, before))
                                  .add(BlockType::kTable, table)
                                  .add(BlockType::kCode, code)
                                  .add(BlockType::kParagraph, prose(random, 3))
                                  .done();
    const auto chunks = split(document, {.tokens_max = 40, .tokens_overlap = 10}, count);
    for (size_t block : {1u, 2u}) {
      const Range whole = document.blocks[block].at;
      EXPECT_TRUE(std::ranges::any_of(chunks, [&](const Chunk& c) { return c.at.begin <= whole.begin && c.at.end >= whole.end; })) << before;
    }
  }
}

TEST(Split, ALongTableIsCutAtRowsOnly) {
  std::string table;
  for (int i = 0; i < 100; ++i) table += "| row number " + std::to_string(i) + ". Yes. | more |\n";
  table.pop_back();
  const Document document = Writer().add(BlockType::kTable, table).done();
  for (const Chunk& chunk : split(document, {.tokens_max = 50, .tokens_overlap = 10}, count)) {
    EXPECT_EQ(document.text[chunk.at.begin], '|');
    EXPECT_EQ(document.text[chunk.at.end - 1], '|');
    EXPECT_TRUE(chunk.at.begin == 0 || document.text[chunk.at.begin - 1] == '\n');
  }
}

TEST(Split, ALongSentenceIsCutAtWords) {
  std::string sentence;
  for (int i = 0; i < 500; ++i) sentence += i ? " word" : "word";
  const Document document = Writer().add(BlockType::kParagraph, sentence).done();
  const auto chunks = split(document, {.tokens_max = 50, .tokens_overlap = 10}, count);
  ASSERT_GE(chunks.size(), 10u);
  ASSERT_LE(chunks.size(), 14u) << "pieces should be nearly full";
  for (const Chunk& chunk : chunks) {
    EXPECT_TRUE(at(document, chunk.at).starts_with("word"));
    EXPECT_TRUE(at(document, chunk.at).ends_with("word"));
  }
}

TEST(Split, PagesAreWhereAChunkBegins) {
  Document document = Writer().add(BlockType::kParagraph, "Page one has these words.").add(BlockType::kParagraph, "Page two has some others.").done();
  document.headings.clear();
  document.pages = {{1, {0, 27}}, {2, {27, static_cast<uint32_t>(document.text.size())}}};
  const auto chunks = split(document, {.tokens_max = 8, .tokens_overlap = 0}, count);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].page, 1);
  EXPECT_EQ(chunks[1].page, 2);
}

TEST(Split, HostileTextCostsLinearCounting) {
  const size_t n = 1 << 20;
  std::string sentences_only, headings_text;
  for (size_t i = 0; i < n / 4; ++i) sentences_only += "A b. ";
  for (const std::string& text : {std::string(n, 'a'), std::string(n, '\n'), std::string(n, '.'), sentences_only, std::string(n, '|')}) {
    Document document;
    document.text = text;
    size_t bytes = 0;
    const auto chunks = split(document, {}, [&](std::string_view piece) {
      bytes += piece.size();
      return count(piece);
    });
    EXPECT_LE(bytes, 4 * text.size() + 100);
    expect_promises(document, {}, chunks);
  }
}

TEST(Split, AWordThatCountsAsOneTokenIsStillCut) {
  Document document;
  document.text = std::string(1 << 20, 'a');
  for (const Chunk& chunk : split(document, {}, [](std::string_view) { return 1; })) EXPECT_LE(chunk.at.end - chunk.at.begin, 200u * 24);
}

TEST(Split, ManyHeadingsAndDamagedRangesAreSurvived) {
  Document document;
  for (uint32_t i = 0; i < 20000; ++i) {
    document.headings.push_back(
        {1 + static_cast<int>(i % 6), "h", {static_cast<uint32_t>(document.text.size()), static_cast<uint32_t>(document.text.size() + 1)}});
    document.text += "h\n";
  }
  expect_promises(document, {}, split(document, {}, count));
  document.headings.push_back({1, "bad", {5, 3}});
  document.headings.push_back({1, "bad", {1u << 30, (1u << 30) + 5}});
  document.blocks = {{BlockType::kCode, {50, 10}}, {BlockType::kCode, {100, 1u << 31}}, {BlockType::kTable, {20, 60}}};
  expect_promises(document, {}, split(document, {}, count));
}

TEST(IndexedText, HasTitlePathAndTextWithoutRepeatingTheTitle) {
  Document document;
  document.text = "Call in.";
  document.title = "Leave";
  EXPECT_EQ(indexed_text(document, {.at = {0, 8}, .heading = "Sick"}), "Leave\nSick\nCall in.");
  EXPECT_EQ(indexed_text(document, {.at = {0, 8}, .heading = "Leave > Sick"}), "Leave > Sick\nCall in.");
  EXPECT_EQ(indexed_text(document, {.at = {0, 8}}), "Leave\nCall in.");
  EXPECT_EQ(indexed_text(document, {.at = {4, 900}}), "Leave\n in.");
}

}  // namespace
}  // namespace strata::chunk
