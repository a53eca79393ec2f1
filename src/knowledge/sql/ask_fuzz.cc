// Questions, SQL, schemas and rows of any bytes: what is made of them is bounded and valid text.
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "knowledge/sql/sql.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = utf8_repaired({reinterpret_cast<const char*>(data), size});
  sql::ValueIndex values;
  values.add({"state", "state_name", "texas", true});
  values.add({"city", "city_name", text.substr(0, utf8_complete_prefix(text.substr(0, 20))), true});
  const auto matches = values.find(text);
  for (const auto& match : matches)
    if (match.begin >= match.end) abort();
  sql::hints_of(text, values);
  for (const auto& literal : sql::literals_of(text))
    if (literal.end > text.size() || literal.begin >= literal.end) abort();
  const sql::Examples known({{"how big is texas", "SELECT area FROM state WHERE state_name = 'texas'"}, {text, text}}, {}, values);
  const auto near = known.nearest(text, matches, 5);
  const auto json = Json::parse(text, {.bytes = 1u << 16, .depth = 16});
  const Json described = json ? *json : Json();
  const sql::Schema schema = sql::schema_of(described);
  const sql::Linked linked = sql::link(text, schema, matches);
  if (!utf8_valid(sql::prompt_of({"SQLite", "", schema, linked, matches, near}))) abort();
  sql::sentence_of(described["columns"], described["rows"], false);
  return 0;
}
