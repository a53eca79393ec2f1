#include "model/schema/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

namespace strata::schema {
namespace {

using testing::HasSubstr;

Json json(const std::string& text) { return Json::parse(text).value(); }

std::vector<Problem> problems(const std::string& schema, const std::string& value) {
  auto validator = Validator::compile(json(schema), "schema");
  EXPECT_TRUE(validator) << validator.error().message;
  return (*validator)->check(json(value));
}

std::string refusal(const std::string& schema) {
  auto validator = Validator::compile(json(schema), "schema");
  return validator ? "" : validator.error().message;
}

const std::string kWeather = R"({"type":"object","properties":{"city":{"type":"string","minLength":1},"unit":{"enum":["celsius","fahrenheit"]},
  "days":{"type":"array","items":{"type":"integer","minimum":1,"maximum":14},"maxItems":3}},"required":["city"],"additionalProperties":false})";

TEST(Schema, AProblemSaysWhereWhatWasExpectedWhatCameAndWhatIsNearest) {
  EXPECT_TRUE(problems(kWeather, R"({"city":"Oslo","unit":"celsius","days":[1,2]})").empty());
  auto wrong = problems(kWeather, R"({"city":"Oslo","unit":"celsuis"})");
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_EQ(wrong[0].json().dump(),
            R"({"path":"/unit","keyword":"enum","expected":"one of \"celsius\", \"fahrenheit\"","got":"the string \"celsuis\"","nearest":"celsius"})");
  wrong = problems(kWeather, R"({"cty":"Oslo"})");
  ASSERT_EQ(wrong.size(), 2u);
  EXPECT_EQ(wrong[0].text(), "/city: expected 'city', a string, got nothing; did you mean 'cty'?");
  EXPECT_EQ(wrong[1].text(), "/cty: expected only the members 'city', 'unit', 'days', got 'cty'; did you mean 'city'?");
  wrong = problems(kWeather, R"({"city":7,"days":[1,0,"x"]})");
  ASSERT_EQ(wrong.size(), 3u);
  EXPECT_EQ(wrong[0].text(), "/city: expected a string, got the integer 7");
  EXPECT_EQ(wrong[1].text(), "/days/1: expected a number of at least 1, got the integer 0");
  EXPECT_EQ(wrong[2].path, "/days/2");
}

TEST(Schema, TheNearestAlternativeSaysWhatIsWrong) {
  const std::string either =
      R"({"anyOf":[{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]},{"type":"null"}]})";
  const auto wrong = problems(either, R"({"a":1})");
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_EQ(wrong[0].path, "/b");
  EXPECT_EQ(problems(either, "3")[0].text(), "the value: expected an object or null, got the integer 3");
}

TEST(Schema, WhatCannotBeCheckedIsRefusedByName) {
  EXPECT_THAT(refusal(R"({"properties":{"a":{"unevaluatedProperties":false}}})"), HasSubstr("at /properties/a: the keyword 'unevaluatedProperties'"));
  EXPECT_THAT(refusal(R"({"$ref":"http://example.com/s"})"), HasSubstr("only references inside this schema"));
  EXPECT_THAT(refusal(R"({"$ref":"#/$defs/x"})"), HasSubstr("leads nowhere"));
  EXPECT_THAT(refusal(R"({"type":"strin"})"), HasSubstr("did you mean 'string'"));
  EXPECT_THAT(refusal(R"s({"pattern":"(?=a)"})s"), HasSubstr("look-around"));
  EXPECT_THAT(refusal(R"({"required":"a"})"), HasSubstr("required: expected a list of names"));
  EXPECT_THAT(refusal("3"), HasSubstr("expected a schema"));
}

TEST(Schema, ReferencesThatLeadToThemselvesAndMultiplyingAlternativesEnd) {
  EXPECT_FALSE(problems(R"({"$ref":"#"})", "1").empty());
  EXPECT_FALSE(problems(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"},{"type":"null"}]})", "1").empty());
  EXPECT_TRUE(
      problems(R"({"$defs":{"n":{"type":["object","null"],"properties":{"next":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"})", R"({"next":{"next":null}})")
          .empty());
}

TEST(Schema, ALargeValueCostsStepsInProportionAndNothingIsLookedAtPastTheLastProblemTold) {
  const auto weather = Validator::compile(json(kWeather), "schema").value();
  auto strangers = [](int count) {
    Json::Object members;
    for (int i = 0; i < count; ++i) members.emplace_back("member" + std::to_string(i), Json(i));
    return Json(std::move(members));
  };
  size_t few = 0, many = 0;
  EXPECT_EQ(weather->check(strangers(4'000), &few).size(), kProblemsMost);
  const auto wrong = weather->check(strangers(40'000), &many);
  ASSERT_EQ(wrong.size(), kProblemsMost);
  EXPECT_EQ(wrong.back().keyword, "additionalProperties") << "not: too costly to judge";
  EXPECT_LE(many, 11 * few);
  EXPECT_LT(many, kStepsMost / 2);
}

TEST(Schema, ComparingLargeValuesIsNotQuadratic) {
  Json::Object forwards, backwards;
  for (int i = 0; i < 100'000; ++i) forwards.emplace_back("member" + std::to_string(i), Json(i));
  backwards.assign(forwards.rbegin(), forwards.rend());
  EXPECT_TRUE(same(Json(forwards), Json(backwards))) << "by a sorted walk: pair by pair it would take 10^10 comparisons, and the test its whole time limit";
  Json items = Json::array();
  for (int i = 0; i < 20'000; ++i) items.push(Json::object({{"id", i}}));
  size_t steps = 0;
  const auto unique = Validator::compile(json(R"({"uniqueItems":true})"), "schema").value();
  EXPECT_TRUE(unique->check(items, &steps).empty());
  EXPECT_LE(steps, 2 * items.size());
  items.push(json(R"({"id":7.0})"));
  ASSERT_EQ(unique->check(items).size(), 1u);
  EXPECT_EQ(unique->check(items)[0].text(), "/20000: expected an item that is not there yet, got the same as item 7");
}

TEST(Schema, PatternsNeverBacktrack) {
  EXPECT_FALSE(problems(R"({"pattern":"^(a+)+$"})", "\"" + std::string(20'000, 'a') + "b\"").empty());
  EXPECT_TRUE(problems(R"({"pattern":"b+"})", "\"abc\"").empty());
}

TEST(Schema, AgreesWithTheOfficialSuiteWhereverItCompiles) {
  const char* given = std::getenv("STRATA_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(given ? given : STRATA_SOURCE_DIR "/../shared/data") / "structured/json-schema-test-suite/tests/draft2020-12";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no JSON-Schema-Test-Suite at " << folder;
  int right = 0, groups = 0, refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    auto cases = Json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    if (!cases) continue;   // integers beyond 64 bits
    for (const Json& group : *cases->as_array()) {
      ++groups;
      auto validator = Validator::compile(group["schema"], "schema");
      if (!validator) {
        ++refused;
        continue;
      }
      for (const Json& test : *group["tests"].as_array()) {
        const bool valid = (*validator)->check(test["data"]).empty();
        EXPECT_EQ(valid, *test["valid"].as_bool()) << entry.path().filename() << ": " << *group["description"].as_string() << ": "
                                                   << *test["description"].as_string();
        right += valid == *test["valid"].as_bool();
      }
    }
  }
  std::cout << right << " judgements right; " << refused << " of " << groups << " groups use what is refused\n";
  EXPECT_GT(right, 700);
  EXPECT_LT(refused, groups / 2);
}

}  // namespace
}  // namespace strata::schema
