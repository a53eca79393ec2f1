#include "model/engine/text_stream.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace strata::engine {
namespace {

struct Whole {
  std::string text;
  size_t tokens = 0;
  bool stopped = false;
};

Whole run(const std::vector<std::string>& pieces, std::vector<std::string> stops) {
  TextStream stream(std::move(stops));
  Whole whole;
  for (const std::string& piece : pieces) {
    const TextStream::Out out = stream.push(piece);
    EXPECT_TRUE(utf8_valid(out.text));
    whole.text += out.text;
    whole.tokens += out.tokens;
    if (out.stopped) return whole.stopped = true, whole;
  }
  const TextStream::Out out = stream.finish();
  whole.text += out.text;
  whole.tokens += out.tokens;
  return whole;
}

TEST(TextStream, SplitEmojiIsHeldUntilItIsWhole) {
  TextStream stream;
  EXPECT_EQ(stream.push("a\xF0").text, "a");
  EXPECT_EQ(stream.push("\x9F\x98").text, "");
  const TextStream::Out out = stream.push("\x80!");
  EXPECT_EQ(out.text, "\xF0\x9F\x98\x80!");
  EXPECT_EQ(out.tokens, 3u);
}

TEST(TextStream, BytesThatNeverBecomeACharacterAreReplaced) {
  EXPECT_EQ(run({"a\xF0\x9F", "b"}, {}).text, utf8_repaired("a\xF0\x9F"
                                                            "b"));
  EXPECT_EQ(run({"a\xF0\x9F"}, {}).text, utf8_repaired("a\xF0\x9F"));
}

TEST(TextStream, StopStringAcrossTokensEndsTheTextBeforeIt) {
  const Whole whole = run({"one\n", "Us", "er", ": two"}, {"\nUser:"});
  EXPECT_TRUE(whole.stopped);
  EXPECT_EQ(whole.text, "one");
  EXPECT_EQ(whole.tokens, 1u) << "only the token that the stop string begins in still belongs to the text";
}

TEST(TextStream, TextThatOnlyLooksLikeAStopStringComesOut) {
  TextStream stream({"STOP"});
  EXPECT_EQ(stream.push("a ST").text, "a ");
  const TextStream::Out out = stream.push("ART");
  EXPECT_EQ(out.text, "START");
  EXPECT_EQ(out.tokens, 2u);
  EXPECT_EQ(run({"ST", "O"}, {"STOP"}).text, "STO");
}

TEST(TextStream, OverlappingBeginningsOfAStopStringAreFound) {
  EXPECT_EQ(run({"a", "a", "a", "b"}, {"aab"}).text, "a");
  EXPECT_EQ(run({"\n", "\n", "\n", "x"}, {"\n\nx"}).text, "\n");
}

TEST(TextStream, TheFirstCompleteStopWinsWhereverTheTokensAreCut) {
  const std::string text = "say abc and more";
  const std::vector<std::string> stops = {"abc", "b", "nothing"};
  std::vector<std::string> bytes;
  for (const char c : text) bytes.emplace_back(1, c);
  const std::string by_byte = run(bytes, stops).text;
  EXPECT_EQ(by_byte, "say a");
  for (size_t a = 0; a <= text.size(); ++a) {
    for (size_t b = a; b <= text.size(); ++b) {
      EXPECT_EQ(run({text.substr(0, a), text.substr(a, b - a), text.substr(b)}, stops).text, by_byte) << a << " " << b;
    }
  }
}

TEST(TextStream, StopStringMayBeginInsideACharacter) {
  // The stop string's bytes are the last two of the emoji and an "x": the character is not torn.
  const Whole whole = run({"a\xF0\x9F\x98\x80", "y"}, {"\x98\x80x"});
  EXPECT_FALSE(whole.stopped);
  EXPECT_EQ(whole.text, "a\xF0\x9F\x98\x80y");
}

TEST(TextStream, EveryTokenIsReleasedOnceWhenNothingStops) { EXPECT_EQ(run({"", "ab", "", "c", "STO"}, {"STOP"}).tokens, 5u); }

}  // namespace
}  // namespace strata::engine
