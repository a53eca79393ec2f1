#include "knowledge/tool/sql_known.h"

#include <algorithm>

#include "base/text.h"
#include "knowledge/tool/parts.h"

namespace strata::tool {
namespace {

constexpr int64_t kKeptMs = 60'000;
constexpr size_t kStatesMost = 64;             // databases whose knowledge is kept at once
constexpr size_t kTablesIndexed = 60, kColumnsIndexed = 200;
constexpr int64_t kRowsLookedAt = 50'000;      // of a table, for its values
constexpr size_t kNearMost = 5;

std::string identifier(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// PostgreSQL's worker describes a table outside of the search path as "schema.table".
std::string table_identifier(const std::string& name, const std::string& dialect) {
  const size_t dot = dialect == "PostgreSQL" ? name.find('.') : name.npos;
  return dot == name.npos ? identifier(name) : identifier(name.substr(0, dot)) + "." + identifier(name.substr(dot + 1));
}

// state.state_name, shop.name: what its table's rows are called by.
bool names_rows(const sql::Table& table, const sql::Column& column) {
  const std::string name = ascii_lower(column.name), stem = sql::stem_of(ascii_lower(table.name));
  return column.key || name == "name" || name == "title" || name == stem || name == stem + "_name" || name == ascii_lower(table.name) + "_name";
}

// The distinct texts of all text columns of a table, by the column's number; one more than is indexed tells that there are too many.
std::string values_sql(const sql::Table& table, const std::vector<size_t>& columns, const std::string& dialect) {
  std::string out;
  for (const size_t i : columns) {
    const std::string name = identifier(table.columns[i].name);
    out += (out.empty() ? "" : " UNION ALL ") + std::string("SELECT n, v FROM (SELECT DISTINCT ") + std::to_string(i) + " AS n, v FROM (SELECT " + name +
           " AS v FROM " + table_identifier(table.name, dialect) + " LIMIT " + std::to_string(kRowsLookedAt) + ") AS a WHERE v IS NOT NULL LIMIT " +
           std::to_string(sql::kValuesOfColumnMost + 1) + ") AS b";
  }
  return out;
}

Json value_json(const sql::Match& match) {
  return Json::object(
      {{"words", match.words}, {"table", match.value.table}, {"column", match.value.column}, {"value", match.value.text}, {"score", match.score}});
}

}  // namespace

Result<Known::Shared> Known::read(const Context& context) const {
  auto state = std::make_shared<State>();
  TRY_ASSIGN(const Json described, source_.ask(context, Json::object({{"describe", true}})));
  state->schema = sql::schema_of(described);
  size_t indexed = 0;
  for (size_t t = 0; t < std::min(state->schema.size(), kTablesIndexed); ++t) {
    const sql::Table& table = state->schema[t];
    std::vector<size_t> columns;
    for (size_t i = 0; i < table.columns.size() && columns.size() < 40 && indexed < kColumnsIndexed; ++i)
      if (table.columns[i].is_text()) columns.push_back(i), ++indexed;
    if (columns.empty()) continue;
    const auto most = static_cast<int64_t>(columns.size() * (sql::kValuesOfColumnMost + 1));
    TRY_ASSIGN(const Json got, source_.ask(context, Json::object({{"sql", values_sql(table, columns, source_.dialect)}, {"rows", most}})));
    const auto* rows = got["rows"].as_array();   // a table that cannot be read so (a column of another type) is only not indexed
    if (!rows) continue;
    std::map<size_t, std::vector<std::string>> values;
    for (const Json& row : *rows)
      if (row.size() == 2 && (*row.as_array())[1].is_string() && (*row.as_array())[0].is_int())
        values[static_cast<size_t>((*row.as_array())[0].to_int("n").value_or(0))].push_back(*(*row.as_array())[1].as_string());
    for (auto& [column, texts] : values) {
      if (column >= table.columns.size() || texts.size() > sql::kValuesOfColumnMost) continue;
      for (std::string& text : texts) state->values.add({table.name, table.columns[column].name, std::move(text), names_rows(table, table.columns[column])});
    }
  }
  std::vector<sql::Example> examples;
  for (const auto& [question, answer] : source_.examples) examples.push_back({question, answer});
  state->examples = sql::Examples(std::move(examples), state->schema, state->values);
  state->read_ms = context.clock().unix_ms();
  return Shared(std::move(state));
}

Result<Known::Shared> Known::state(const Context& context, bool anew) {
  TRY_ASSIGN(const auto which, source_.command(context, anew));
  {
    std::lock_guard lock(mutex_);
    const auto found = states_.find(which);
    if (found != states_.end() && context.clock().unix_ms() - found->second->read_ms < kKeptMs) return found->second;
  }
  TRY_ASSIGN(Shared fresh, read(context));
  std::lock_guard lock(mutex_);
  if (states_.size() >= kStatesMost && !states_.contains(which)) states_.clear();
  states_[which] = fresh;
  return fresh;
}

Result<Json> Known::context_of(const Context& context, const std::string& question) {
  TRY_ASSIGN(const Shared known, state(context, true));
  const auto matches = known->values.find(question);
  const sql::Linked linked = sql::link(question, known->schema, matches);
  const auto near = known->examples.nearest(question, matches, kNearMost);
  Json tables = Json::array(), values = Json::array(), examples = Json::array(), draft;
  for (const size_t i : linked.tables) tables.push(known->schema[i].name);
  for (const auto& match : matches) values.push(value_json(match));
  for (const auto& one : near) {
    Json shown = Json::object({{"question", one.example->question}, {"sql", one.sql}, {"score", one.score}});
    if (draft.is_null() && one.complete && one.score >= sql::kDraftScore) draft = shown;
    examples.push(std::move(shown));
  }
  const std::string text = sql::prompt_of({source_.dialect, source_.about, known->schema, linked, matches, near});
  return Json::object(
      {{"text", text}, {"tables", std::move(tables)}, {"values", std::move(values)}, {"examples", std::move(examples)}, {"draft", std::move(draft)}});
}

Result<Json> Known::hints(const Context& context, const std::string& sql) {
  TRY_ASSIGN(const Shared known, state(context, false));
  Json out = Json::array();
  for (const std::string& hint : sql::hints_of(sql, known->values)) out.push(hint);
  return out;
}

}  // namespace strata::tool
