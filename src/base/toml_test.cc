#include "base/toml.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace strata::toml {
namespace {

Value only(std::string_view text) {
  auto entries = parse(text, "f");
  EXPECT_TRUE(entries) << text << ": " << (entries ? "" : entries.error().message);
  if (!entries || entries->size() != 1) return std::string("not one entry");
  return (*entries)[0].value;
}

std::string refused(std::string_view text) {
  auto entries = parse(text, "f");
  EXPECT_FALSE(entries) << text;
  return entries ? "" : entries.error().message;
}

std::vector<std::string> names(std::string_view text) {
  auto entries = parse(text, "f");
  EXPECT_TRUE(entries) << text << ": " << (entries ? "" : entries.error().message);
  std::vector<std::string> out;
  if (entries) {
    for (const Entry& entry : *entries) out.push_back(joined(entry.path));
  }
  return out;
}
using Names = std::vector<std::string>;

TEST(Toml, SectionsAndKeysOfEveryForm) {
  EXPECT_EQ(names(""), Names{});
  EXPECT_EQ(names("\xEF\xBB\xBF# of an editor\r\n\r\na = 1"), Names{"a"});
  EXPECT_EQ(names("[server] # here\nport = 1\n\n [ model . engine ]\n\tthreads=2#x\n"), (Names{"server.port", "model.engine.threads"}));
  EXPECT_EQ(names("bare_key = 1\nbare-key = 1\n1234 = 1\n3.14159 = 'pi'"), (Names{"bare_key", "bare-key", "1234", "3.14159"}));
  EXPECT_EQ(names("\"127.0.0.1\" = 1\n'quoted \"x\"' = 1\n\"\xCA\x8E\" = 1\n\"\" = 1"),
            (Names{"\"127.0.0.1\"", "\"quoted \\\"x\\\"\"", "\"\xCA\x8E\"", "\"\""}));
  EXPECT_EQ(names("fruit . color = 1\nsite.\"google.com\" = 1\nfruit.name = 2"), (Names{"fruit.color", "site.\"google.com\"", "fruit.name"}));
}

TEST(Toml, EntriesKnowWhereTheyStand) {
  auto entries = parse("[a]\n  \n  b = [\n1]\nc = 2", "f");
  ASSERT_TRUE(entries);
  EXPECT_EQ((*entries)[0].line, 3);
  EXPECT_EQ((*entries)[0].column, 3);
  EXPECT_EQ((*entries)[1].line, 5);
}

TEST(Toml, Integers) {
  for (auto [text, value] : {std::pair{"+99", 99},
                             {"42", 42},
                             {"0", 0},
                             {"-0", 0},
                             {"+0", 0},
                             {"-17", -17},
                             {"1_000", 1000},
                             {"5_349_221", 5349221},
                             {"53_49_221", 5349221},
                             {"0xDEADBEE", 0xDEADBEE},
                             {"0xdead_bee", 0xDEADBEE},
                             {"0o755", 493},
                             {"0b1101_0110", 214},
                             {"0x00", 0}}) {
    EXPECT_EQ(only(std::string("a=") + text), Value(int64_t{value})) << text;
  }
  EXPECT_EQ(only("a = 9223372036854775807"), Value(std::numeric_limits<int64_t>::max()));
  EXPECT_EQ(only("a = -9223372036854775808"), Value(std::numeric_limits<int64_t>::min()));
  EXPECT_NE(refused("a = 9223372036854775808").find("does not fit into 64 bits"), std::string::npos);
  for (auto text : {"01", "-01", "1__0", "_1", "1_", "0x", "0x_1", "0xG", "+0x1", "0X1", "0b2", "0o8", "++1", "+", "1a", "1:2"})
    refused(std::string("a = ") + text);
}

TEST(Toml, Floats) {
  for (auto [text, value] : {std::pair{"+1.0", 1.0},
                             {"3.1415", 3.1415},
                             {"-0.01", -0.01},
                             {"5e+22", 5e22},
                             {"1e06", 1e6},
                             {"-2E-2", -2e-2},
                             {"6.626e-34", 6.626e-34},
                             {"224_617.445_991_228", 224617.445991228},
                             {"0e0", 0.0},
                             {"-0.0", -0.0}}) {
    EXPECT_EQ(only(std::string("a=") + text), Value(value)) << text;
  }
  EXPECT_EQ(only("a = -inf"), Value(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(only("a = +inf"), Value(std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(std::isnan(std::get<double>(only("a = nan"))));
  for (auto text : {".7", "7.", "3.e+20", "1.e", "1e", "1e+", "03.14", "1._0", "1_.0", "1.0_", "1e_1", "1e1.5", "1.2.3", "Inf", "1e999"})
    refused(std::string("a = ") + text);
}

TEST(Toml, Texts) {
  EXPECT_EQ(only(R"(a = "I'm a string. \"You can quote me\". Name\tJos\u00E9\nLoc \U0001F600 \\ \b\f\r.")"),
            Value(std::string("I'm a string. \"You can quote me\". Name\tJos\xC3\xA9\nLoc \xF0\x9F\x98\x80 \\ \b\f\r.")));
  EXPECT_EQ(only(R"(a = 'C:\Users\nodejs "x" # no comment')"), Value(std::string(R"(C:\Users\nodejs "x" # no comment)")));
  EXPECT_EQ(only("a = \"\""), Value(std::string()));
  EXPECT_EQ(only("a = \"\xC3\xA9\tb\""), Value(std::string("\xC3\xA9\tb")));
  EXPECT_NE(refused("a = \"open\nb = 1").find("f:1: not valid TOML at column 10: the text that begins at column 5 is not closed"), std::string::npos);
  EXPECT_NE(refused("a = \"C:\\dir\"").find("column 8: unknown escape; write \\\\ for a backslash"), std::string::npos);
  for (auto text :
       {"\"\\uD800\"", "\"\\U00110000\"", "\"\\u12\"", "\"\\", "'a", "\"a\x01\"", "'a\x7F'", "\"\xFF\"", "\"\xC0\x80\"", "bare", "\"a\"b", "\"a\rb\""})
    refused(std::string("a = ") + text);
}

TEST(Toml, TextsOfManyLines) {
  EXPECT_EQ(only("a = \"\"\"\nRoses are red\r\nViolets are blue\"\"\""), Value(std::string("Roses are red\nViolets are blue")));
  EXPECT_EQ(only("a = \"\"\"\\\n  The quick \\  \n\n\n   brown fox.\\\n   \"\"\""), Value(std::string("The quick brown fox.")));
  EXPECT_EQ(only("a = \"\"\"Two: \"\". Three: \"\"\\\". End: \"\"\"\"\""), Value(std::string("Two: \"\". Three: \"\"\". End: \"\"")));
  EXPECT_EQ(only("a = '''\nNo \\ escape,\n '' that's it'''' # x"), Value(std::string("No \\ escape,\n '' that's it'")));
  EXPECT_EQ(only("a = \"\"\"\"\"\""), Value(std::string()));
  refused("a = \"\"\"\"\"\"\"\"\"");  // nine quotes: three too many
  EXPECT_NE(refused("a = '''\nx\n").find("the text that begins on line 1 is not closed; expected '''"), std::string::npos);
  refused("a = \"\"\"x \\ y\"\"\"");
  refused("\"\"\"a\"\"\" = 1");
}

TEST(Toml, ListsOverSeveralLines) {
  EXPECT_EQ(only("a = [ ]"), Value(std::vector<Scalar>{}));
  EXPECT_EQ(only("a = [\n  1, # one\n  'x'\n  ,\n  true, 0.5,\n  # done\n]"), Value(std::vector<Scalar>{int64_t{1}, std::string("x"), true, 0.5}));
  EXPECT_NE(refused("a = [1 2]").find("f:1: not valid TOML at column 8: expected ',' or ']' in the list, got '2'"), std::string::npos);
  EXPECT_NE(refused("\na = [1,\n").find("the list that begins on line 2 is not closed"), std::string::npos);
  for (auto text : {"a = [,]", "a = [1,,2]", "a = [", "a = ]", "a = [1]]"}) refused(text);
}

TEST(Toml, WhatIsLeftOutSaysWhatToWriteInstead) {
  EXPECT_NE(refused("a = {b = 1}").find("write a [section]"), std::string::npos);
  EXPECT_NE(refused("a = [[1]]").find("lists in lists are not read here"), std::string::npos);
  EXPECT_NE(refused("[[a]]").find("write one [section]"), std::string::npos);
  for (auto date : {"1979-05-27", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", "07:32:00"})
    EXPECT_NE(refused(std::string("a = ") + date).find("dates and times are not read here; write it as a text, in quotes"), std::string::npos);
}

TEST(Toml, NothingIsNamedTwice) {
  EXPECT_NE(refused("name = 1\n\n  name = 2").find("f:3: not valid TOML at column 3: 'name' has a value already, on line 1; keep one"), std::string::npos);
  EXPECT_NE(refused("[a]\n[b]\n[a]").find("f:3: not valid TOML at column 2: 'a' is a section already, on line 1"), std::string::npos);
  for (auto text : {"a = 1\n\"a\" = 2", "a = 1\na.b = 2", "a.b = 1\na = 2", "[a]\nb = 1\n[a.b]\nc = 1", "a = 1\n[a]", "a.b = 1\n[a]",
                    "[fruit]\napple.color = 1\n[fruit.apple]", "[a.b.c]\nz = 9\n[a]\nb.c.t = 1", "[a.b]\n[a]\nb = 1", "[a.b.c.d]\nz = 9\n[a]\nb.c.d.k.t = 1"}) {
    refused(text);
  }
}

TEST(Toml, SectionsMayStandInAnyOrderAndBelowDottedKeys) {
  EXPECT_EQ(names("[a.b.c]\nx = 1\n[a]\ny = 2\n[a.b]\nz = 3"), (Names{"a.b.c.x", "a.y", "a.b.z"}));
  EXPECT_EQ(names("[fruit]\napple.color = 1\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = 1"),
            (Names{"fruit.apple.color", "fruit.apple.taste.sweet", "fruit.apple.texture.smooth"}));
}

TEST(Toml, WrongFilesGetTheirPlaceAndTheFix) {
  EXPECT_EQ(refused("[ @"),
            "f:1: not valid TOML at column 3: expected a name (letters, digits, '_', '-', or anything in quotes), got '@'");  // toml++ 3.3 asserted
  EXPECT_EQ(refused("[server]\n\xCB\x9E = 1\n"), "f:2: not valid TOML at column 1: letters past ASCII stand only in quotes and comments");
  EXPECT_EQ(refused("[server\n"), "f:1: not valid TOML at column 8: expected ']' behind the section's name, got the end of the line");
  EXPECT_EQ(refused("port 80"), "f:1: not valid TOML at column 6: expected '=' behind the key 'port', got '8'");
  EXPECT_EQ(refused("'\xC3\xA9' = 1 2"), "f:1: not valid TOML at column 9: expected the end of the line, got '2'; one key = value stands on a line");
  EXPECT_EQ(refused("a ="), "f:1: not valid TOML at column 4: expected a value, got the end of the file; a text stands in quotes");
  EXPECT_EQ(refused("a = yes"), "f:1: not valid TOML at column 5: 'yes' is neither a number nor true or false; a text stands in quotes");
  for (auto text : {"= 1", "a", "a.", ".a = 1", "a..b = 1", "[]", "[a.]", "[a]b = 1", "[a\nb]", "a = 1 b = 2", "a\n= 1", "a =\n1", "# \x01", "# \xFF",
                    "a = 1\r", "a = 1\rb = 2"})
    refused(text);
  refused(std::string_view("a = 1\0", 6));
}

TEST(Toml, HostileSizesAreRefusedAtOnce) {
  EXPECT_NE(refused(std::string(kBytesMax + 1, '\n')).find("more than 1.0 MiB"), std::string::npos);
  std::string deep = "a", many;
  for (int i = 0; i < 20; ++i) deep += ".a";
  for (int i = 0; i < 20'000; ++i) many += "k" + std::to_string(i) + "=1\n";
  EXPECT_NE(refused(deep + " = 1").find("more than 16 parts"), std::string::npos);
  EXPECT_NE(refused("[" + deep + "]").find("more than 16 parts"), std::string::npos);
  EXPECT_NE(refused(many).find("more than 10000 names"), std::string::npos);
  EXPECT_NE(refused(std::string(1000, 'k') + " = 1").find("more than 128 bytes"), std::string::npos);
  std::string texts = "a = [";
  while (texts.size() < kBytesMax - 8) texts += "'',";
  EXPECT_EQ(std::get<std::vector<Scalar>>(only(texts + "]")).size(), (texts.size() - 5) / 3);
}

}  // namespace
}  // namespace strata::toml
