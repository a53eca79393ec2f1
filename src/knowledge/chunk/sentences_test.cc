#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"

namespace strata::chunk {
namespace {

using Strings = std::vector<std::string>;

Strings cut(std::string_view text) {
  Strings out;
  for (const auto& range : sentences(text)) out.emplace_back(text.substr(range.begin, range.end - range.begin));
  return out;
}

TEST(Sentences, EndAtStopsQuestionsAndExclamations) {
  EXPECT_EQ(cut("One day. Is it two? Yes! Good."), (Strings{"One day.", "Is it two?", "Yes!", "Good."}));
  EXPECT_EQ(cut("Wait... What? No!! Really?! Yes."), (Strings{"Wait...", "What?", "No!!", "Really?!", "Yes."}));
  EXPECT_EQ(cut("no end"), (Strings{"no end"}));
  EXPECT_EQ(cut(""), Strings{});
  EXPECT_EQ(cut(" \n\t\n "), Strings{});
}

TEST(Sentences, AbbreviationsDoNotEndOne) {
  for (const char* text : {
           "Dr. Smith met Mrs. Jones and Prof. Li at St. Mary's.",
           "Use a port, e.g. 8080, i.e. the usual one.",
           "Bring papers, books, etc. to the desk.",
           "The U.S. Army moved on.",
           "It was the U.S. Supreme Court that ruled.",
           "See Fig. 3 and Sec. 4.2 of Vol. 7, pp. 12-13.",
           "Smith et al. found it.",
           "He arrived at 5 p.m. on Monday.",
           "It began on Jan. 12 and ended on Sept. 3.",
           "Answer No. 5 is right.",
           "J. R. R. Tolkien and J.K. Rowling wrote.",
           "Acme Inc. sells to Foo Ltd. and Bar Co. today.",
           "The case Roe vs. Wade is old.",
           "He holds a Ph.D. Physics was his field of choice not.",
           "George W. Bush spoke.",
       }) {
    EXPECT_EQ(cut(text), Strings{text});
  }
}

TEST(Sentences, AnAbbreviationEndsOneWhereTheNextWordOpensASentence) {
  EXPECT_EQ(cut("She moved to the U.S. The rest stayed."), (Strings{"She moved to the U.S.", "The rest stayed."}));
  EXPECT_EQ(cut("They sell tea, etc. However, nobody came."), (Strings{"They sell tea, etc.", "However, nobody came."}));
  EXPECT_EQ(cut("It closes at 5 p.m. We leave."), (Strings{"It closes at 5 p.m.", "We leave."}));
  EXPECT_EQ(cut("Say no. Then go."), (Strings{"Say no.", "Then go."}));
  EXPECT_EQ(cut("Take vitamin C. It helps."), (Strings{"Take vitamin C.", "It helps."}));
}

TEST(Sentences, DecimalsVersionsUrlsAndFileNamesDoNotEndOne) {
  for (const char* text :
       {"Pi is 3.14 and e is 2.72.", "Use version 1.2.3 of foo.txt now.", "Go to https://example.com/a.html?b=1 today.", "Read /etc/passwd.bak first."}) {
    EXPECT_EQ(cut(text), Strings{text});
  }
  EXPECT_EQ(cut("It was built in 1990. The roof came later."), (Strings{"It was built in 1990.", "The roof came later."}));
}

TEST(Sentences, QuotesAndBracketsStayWithTheirSentence) {
  EXPECT_EQ(cut("\"I went.\" He left. (So did I.) Good."), (Strings{"\"I went.\"", "He left.", "(So did I.)", "Good."}));
  EXPECT_EQ(cut("“I went.” He left."), (Strings{"“I went.”", "He left."}));
  EXPECT_EQ(cut("\"Really?\" he asked. “Dr. Who” is on."), (Strings{"\"Really?\" he asked.", "“Dr. Who” is on."}));
  EXPECT_EQ(cut("It is true.[12] Next comes this.[a] End."), (Strings{"It is true.[12]", "Next comes this.[a]", "End."}));
  EXPECT_EQ(cut("He said so. \"Go,\" she said."), (Strings{"He said so.", "\"Go,\" she said."}));
}

TEST(Sentences, ListMarksDoNotEndOneAndItemsAreTheirOwn) {
  EXPECT_EQ(cut("Steps:\n1. Open it.\n2. Close it\n- last one\n* star\nb) letter\n• dot"),
            (Strings{"Steps:", "1. Open it.", "2. Close it", "- last one", "* star", "b) letter", "• dot"}));
  EXPECT_EQ(cut("- one item\n  that wraps\n- two"), (Strings{"- one item\n  that wraps", "- two"}));
}

TEST(Sentences, TableRowsAreTheirOwn) { EXPECT_EQ(cut("Before\n| a | b. C |\n| 1 | 2 |\nAfter"), (Strings{"Before", "| a | b. C |", "| 1 | 2 |", "After"})); }

TEST(Sentences, GoOverLineEndsButNeverOverBlankLines) {
  EXPECT_EQ(cut("A long line\nthat wraps. Done"), (Strings{"A long line\nthat wraps.", "Done"}));
  EXPECT_EQ(cut("A heading\n\nThen text"), (Strings{"A heading", "Then text"}));
  EXPECT_EQ(cut("A heading\n \t \nThen text"), (Strings{"A heading", "Then text"}));
  EXPECT_EQ(cut("built in\n1990. The roof"), (Strings{"built in\n1990.", "The roof"}));
}

TEST(Sentences, OtherScriptsStops) { EXPECT_EQ(cut("これは本です。あれも本です。終"), (Strings{"これは本です。", "あれも本です。", "終"})); }

TEST(Sentences, CoverEveryNonSpaceByteInOrderOnLetterBoundaries) {
  std::mt19937 random(7);
  const Strings parts = {"Word", "e.g.", ".",  "?",   "!",    "\n",  "\n\n", " ", "é",  "“",  "”",  "…",
                         "。",   "|",    "- ", "1. ", "U.S.", "[1]", "(",    ")", "😀", "A.", "\t", "\xC2"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0, n = random() % 40; i < n; ++i) text += parts[random() % parts.size()];
    uint32_t end = 0;
    for (const auto& range : sentences(text)) {
      ASSERT_LT(range.begin, range.end) << text;
      ASSERT_LE(end, range.begin) << text;
      ASSERT_TRUE(trim(std::string_view(text).substr(end, range.begin - end)).empty()) << text;
      const std::string_view sentence = std::string_view(text).substr(range.begin, range.end - range.begin);
      ASSERT_EQ(sentence, trim(sentence));
      ASSERT_EQ(sentence.find("\n\n"), sentence.npos) << text;
      end = range.end;
    }
    ASSERT_TRUE(trim(std::string_view(text).substr(end)).empty()) << text;
  }
}

TEST(Sentences, HostileMegabytesAreJustText) {
  const size_t n = 1 << 20;
  EXPECT_EQ(sentences(std::string(n, 'a')).size(), 1u);
  EXPECT_EQ(sentences(std::string(n, '\n')).size(), 0u);
  EXPECT_EQ(sentences(std::string(n, '.')).size(), 1u);
  EXPECT_EQ(sentences(std::string(n, '(')).size(), 1u);
  EXPECT_EQ(sentences(std::string(n, '|')).size(), 1u);
  std::string spaced, lines, brackets = ".";
  for (size_t i = 0; i < n / 2; ++i) spaced += ". ", lines += "a\n", brackets += "\")";
  EXPECT_GE(sentences(spaced).size(), 1u);
  EXPECT_EQ(sentences(lines).size(), 1u);
  EXPECT_GE(sentences(brackets).size(), 1u);
}

}  // namespace
}  // namespace strata::chunk
