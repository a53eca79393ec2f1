#include "knowledge/sql/sql.h"

#include <gtest/gtest.h>

namespace strata::sql {
namespace {

const Json kDescribed = *Json::parse(R"({"tables":[
  {"name":"state","columns":[{"name":"state_name","type":"text","key":true},{"name":"population","type":"int"},{"name":"capital","type":"text"}]},
  {"name":"city","columns":[{"name":"city_name","type":"text"},{"name":"population","type":"int"},{"name":"state_name","type":"text","references":"state.state_name"}]},
  {"name":"river","columns":[{"name":"river_name","type":"text"},{"name":"traverse","type":"text","references":"state.state_name"}]},
  {"name":"lake","columns":[{"name":"lake_name","type":"text"},{"name":"area","type":"double"}]}]})");

ValueIndex values() {
  ValueIndex index;
  for (const char* name : {"texas", "new york", "mississippi", "maine"}) {
    index.add({"state", "state_name", name, true});
    index.add({"river", "traverse", name, false});
  }
  for (const char* name : {"austin", "new york"}) index.add({"city", "city_name", name, true});
  index.add({"river", "river_name", "mississippi", true});
  return index;
}

TEST(Sql, AWordOfAQuestionIsFoundAsTheValueThatTheDatabaseHas) {
  const auto found = values().find("What is the capital of Texas?");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].value.table + "." + found[0].value.column + "=" + found[0].value.text, "state.state_name=texas");
  EXPECT_EQ(found[0].words, "texas");
}

TEST(Sql, AMisspeltValueIsFoundAndACommonWordIsNone) {
  const auto found = values().find("rivers in missisippi");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].value.text, "mississippi");
  EXPECT_LT(found[0].score, 1);
  EXPECT_TRUE(values().find("how many people are in the list").empty());
}

TEST(Sql, WordsBesideAValueSayWhichColumnIsMeant) {
  EXPECT_EQ(values().find("how long is the mississippi river")[0].value.column, "river_name");
  EXPECT_EQ(values().find("the population of the state mississippi")[0].value.column, "state_name");
  EXPECT_EQ(values().find("what city is new york")[0].value.table, "city");
}

TEST(Sql, LinkingTakesTheTablesThatAreMeantAndThoseThatJoinThem) {
  const Schema schema = schema_of(kDescribed);
  const auto matches = values().find("which rivers are in the state of the city austin");
  const Linked linked = link("which rivers are in the state of the city austin", schema, matches);
  std::vector<std::string> names;
  for (const size_t i : linked.tables) names.push_back(schema[i].name);
  EXPECT_EQ(std::count(names.begin(), names.end(), "lake"), 0);
  const Linked joined = link("rivers and cities", schema, {});
  EXPECT_EQ(joined.tables.size(), 3u) << "state joins them";
  EXPECT_EQ(joined.joins.size(), 2u);
  EXPECT_EQ(link("something else", schema, {}).tables.size(), 4u) << "where nothing is named, everything is shown";
}

TEST(Sql, AKnownQuestionLendsItsSqlWithTheValuesOfTheNewOne) {
  const ValueIndex index = values();
  const Examples known(
      {{"what is the capital of texas", "SELECT capital FROM state WHERE state_name = 'texas'"}, {"how many lakes are there", "SELECT count(*) FROM lake"}},
      schema_of(kDescribed), index);
  const auto near = known.nearest("What's the capital of New York", index.find("What's the capital of New York state"), 2);
  ASSERT_FALSE(near.empty());
  EXPECT_EQ(near[0].sql, "SELECT capital FROM state WHERE state_name = 'new york'");
  EXPECT_TRUE(near[0].complete);
  EXPECT_GE(near[0].score, kDraftScore);
  EXPECT_FALSE(known.nearest("what is the capital", {}, 1)[0].complete) << "a value is missing";
}

TEST(Sql, AKnownQuestionThatAsksForSomethingElseIsNoDraft) {
  const ValueIndex index = values();
  const Examples known({{"what is the largest city in texas", "SELECT city_name FROM city WHERE state_name = 'texas' ORDER BY population DESC LIMIT 1"}},
                       schema_of(kDescribed), index);
  const auto score = [&](const char* question) { return known.nearest(question, index.find(question), 1)[0].score; };
  EXPECT_GT(score("what is the largest city in maine"), kDraftScore);
  EXPECT_LT(score("what is the smallest city in maine"), kDraftScore);
  EXPECT_LT(score("how many largest city in maine"), kDraftScore);
  EXPECT_LT(score("what is the largest river in maine"), kDraftScore) << "another table is named";
  EXPECT_LT(score("what is the largest city"), kDraftScore) << "the value is missing";
}

TEST(Sql, TheSqlOfAKnownQuestionSaysWhichColumnItsWordsMeant) {
  const ValueIndex index = values();   // new york is a city and a state
  const Examples known({{"how many people live in new york", "SELECT population FROM state WHERE state_name = 'new york'"}}, schema_of(kDescribed), index);
  const auto city = known.nearest("how many people live in austin", index.find("how many people live in austin"), 1);
  EXPECT_FALSE(city[0].complete) << "austin is no state";
  const auto state = known.nearest("how many people live in texas", index.find("how many people live in texas"), 1);
  EXPECT_EQ(state[0].sql, "SELECT population FROM state WHERE state_name = 'texas'");
}

TEST(Sql, LiteralsAreReadWithTheirQuotes) {
  const auto found = literals_of("SELECT 'it''s', \"a b\", 'open");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "it's");
  EXPECT_EQ(found[1].text, "a b");
  EXPECT_EQ(found[1].quote, '"');
}

TEST(Sql, NoRowsAreExplainedByValuesThatStandNowhere) {
  const auto hints = hints_of("SELECT * FROM state WHERE state_name = 'Texas' AND capital = 'austin'", values());
  ASSERT_EQ(hints.size(), 1u);
  EXPECT_NE(hints[0].find("'texas'"), std::string::npos);
  EXPECT_TRUE(hints_of("SELECT * FROM state WHERE state_name = 'atlantis'", values()).empty());
}

TEST(Sql, AModelSeesTablesJoinsValuesAndKnownQuestions) {
  const Schema schema = schema_of(kDescribed);
  const ValueIndex index = values();
  const std::string question = "cities of texas";
  const auto matches = index.find(question);
  const Linked linked = link(question, schema, matches);
  const Examples known({{"cities of maine", "SELECT city_name FROM city WHERE state_name = 'maine'"}}, schema, index);
  const auto near = known.nearest(question, matches, 3);
  const std::string text = prompt_of({"SQLite", "Places.", schema, linked, matches, near});
  for (const char* part : {"SQLite", "Places.", "CREATE TABLE city(", "\"texas\" is state.state_name = 'texas'", "cities of maine"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

Json rows(const char* text) { return *Json::parse(text); }

TEST(Sql, AChartFollowsTheTypesOfTheColumns) {
  const Json named = rows(R"(["model","calls","cost"])");
  EXPECT_EQ(chart_of(named, rows(R"([["a",3,0.5],["b",1,2]])")).dump(), R"({"kind":"bar","x":"model","y":"cost"})");
  EXPECT_EQ(chart_of(rows(R"(["day","cost"])"), rows(R"([["2026-11-21",1],["2026-11-22",2]])"))["kind"], Json("line"));
  EXPECT_EQ(chart_of(rows(R"(["year","sales"])"), rows("[[2024,1],[2025,2]]"))["kind"], Json("line"));
  EXPECT_TRUE(chart_of(named, rows(R"([["a",3,0.5]])")).is_null()) << "one row is a sentence";
  EXPECT_TRUE(chart_of(rows(R"(["name","city"])"), rows(R"([["a","b"],["c","d"]])")).is_null()) << "nothing to draw";
  EXPECT_TRUE(chart_of(rows(R"(["name","customer_id"])"), rows(R"([["a",1],["c",2]])")).is_null()) << "an id is no amount";
}

TEST(Sql, TheSentenceSaysOnlyWhatTheRowsSay) {
  EXPECT_EQ(sentence_of(rows(R"(["population"])"), rows("[[42]]"), false), "population: 42.");
  EXPECT_EQ(sentence_of(rows(R"(["x"])"), rows("[]"), false), "No row matches.");
  EXPECT_EQ(sentence_of(rows(R"(["name"])"), rows(R"([["a"],["b"]])"), false), "2 rows: a, b.");
  EXPECT_EQ(sentence_of(rows(R"(["model","cost"])"), rows(R"([["a",0.5],["b",2]])"), false), "2 rows; the highest cost has b (2), the lowest a (0.5).");
  EXPECT_TRUE(sentence_of(rows(R"(["n"])"), rows("[[1],[2]]"), true).starts_with("More than 2 rows"));
}

}  // namespace
}  // namespace strata::sql
