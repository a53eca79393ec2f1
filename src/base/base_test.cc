#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"

namespace strata {
namespace {

TEST(Json, KeepsOrderAndExactIntegers) {
  auto json = Json::parse(R"({"b":9007199254740993,"a":[1,2.5,18446744073709551615,-9223372036854775808],"t":true,"n":null})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->dump(), R"({"b":9007199254740993,"a":[1,2.5,18446744073709551615,-9223372036854775808],"t":true,"n":null})");
}

TEST(Json, RepeatedKeyKeepsItsLastValue) { EXPECT_EQ(Json::parse(R"({"a":1,"b":2,"a":3})")->dump(), R"({"a":3,"b":2})"); }

TEST(Json, TooDeepIsAnErrorNotACrash) {
  std::string deep(100'000, '[');
  auto json = Json::parse(deep);
  ASSERT_FALSE(json);
  EXPECT_NE(json.error().message.find("64 levels"), std::string::npos);
}

TEST(Json, ErrorsNameTheOffset) {
  auto json = Json::parse("{\"a\": tru}");
  ASSERT_FALSE(json);
  EXPECT_NE(json.error().message.find("byte"), std::string::npos) << json.error().message;
}

TEST(Json, InvalidUtf8IsRefusedOnTheWayInAndRepairedOnTheWayOut) {
  EXPECT_FALSE(Json::parse("\"\xff\""));
  EXPECT_EQ(Json("a\xff").dump(), "\"a\xEF\xBF\xBD\"");
}

TEST(Json, DoublesStayDoubles) {
  EXPECT_EQ(Json(1.0).dump(), "1.0");
  EXPECT_EQ(Json(0.1).dump(), "0.1");
}

TEST(Text, Utf8BoundariesAreFound) {
  std::string text = "a\xC3\xA9\xF0\x9F\x98\x80";
  EXPECT_TRUE(utf8_valid(text));
  EXPECT_EQ(utf8_complete_prefix(text.substr(0, 2)), 1u);
  EXPECT_EQ(utf8_complete_prefix(text.substr(0, 5)), 3u);
  EXPECT_EQ(utf8_complete_prefix(text), text.size());
  EXPECT_FALSE(utf8_valid("\xED\xA0\x80"));  // a surrogate
  EXPECT_FALSE(utf8_valid("\xC0\x80"));      // overlong
}

TEST(Text, NearestNameIsOnlyGivenWhenNear) {
  EXPECT_EQ(nearest_name("temprature", {"top_p", "temperature"}), "temperature");
  EXPECT_EQ(nearest_name("colour", {"top_p", "temperature"}), "");
}

TEST(Text, ANameTooLongToBeMistypedIsComparedWithNothing) {
  const std::string most(100, 'a');
  EXPECT_EQ(nearest_name(most, {most}), most);
  EXPECT_EQ(nearest_name(most + "a", {most}), "");
  EXPECT_EQ(nearest_name("tempratur", {std::string(5000, 't'), "temperature"}), "temperature");
}

TEST(Crypto, KnownAnswers) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(base64_encode("hello"), "aGVsbG8=");
  EXPECT_EQ(*base64_decode("aGVsbG8="), "hello");
  EXPECT_FALSE(base64_decode("a$b"));
}

TEST(Crypto, SealedValuesOpenOnlyWithTheirKey) {
  std::string key = random_bytes(kSealKeyBytes), other = random_bytes(kSealKeyBytes);
  std::string sealed = seal("secret", key);
  EXPECT_EQ(*unseal(sealed, key), "secret");
  EXPECT_FALSE(unseal(sealed, other));
  sealed.back() ^= 1;
  EXPECT_FALSE(unseal(sealed, key));
}

TEST(ByteReader, NeverReadsPastTheEnd) {
  ByteReader reader("\x01\x02\x03", "file");
  EXPECT_EQ(*reader.read<uint16_t>(), 0x0201);
  EXPECT_FALSE(reader.read<uint32_t>());
  EXPECT_FALSE(reader.take(UINT64_MAX));
  EXPECT_EQ(reader.take(1)->at(0), '\x03');
}

TEST(Context, ChildrenNarrowTheDeadlineAndShareTheCancelFlag) {
  ManualClock clock;
  Context parent = Context::background(clock).with_timeout_ms(100);
  Context child = parent.with_timeout_ms(1000);
  EXPECT_TRUE(child.check());
  clock.advance_ms(100);
  EXPECT_EQ(child.check().error().code, Code::kDeadlineExceeded);
  child.cancel();
  EXPECT_TRUE(parent.cancelled());
}

TEST(Random, TheNthNumberDependsOnSeedAndPositionAlone) {
  Random a(7);
  for (int i = 0; i < 5; ++i) a.next();
  Random b(7, a.position());
  EXPECT_EQ(a.next(), b.next());
  EXPECT_EQ(make_id("x").size(), 26u);
  EXPECT_NE(make_id("x"), make_id("x"));
}

}  // namespace
}  // namespace strata
