// The schema as the workers describe it, and which of it a question concerns.
#include <algorithm>
#include <deque>
#include <set>

#include "knowledge/sql/parts.h"
#include "knowledge/sql/sql.h"

namespace strata::sql {
namespace {

std::string text_at(const Json& json, const char* name) { return json[name].as_string() ? *json[name].as_string() : ""; }

bool mentions(const std::string& type, std::initializer_list<const char*> parts) {
  const std::string lower = ascii_lower(type);
  return std::any_of(parts.begin(), parts.end(), [&](const char* part) { return lower.find(part) != lower.npos; });
}

using Graph = std::vector<std::vector<std::pair<size_t, std::pair<std::string, std::string>>>>;   // by table: its neighbours, and by which columns

void connect(Graph& graph, const Schema& schema, size_t a, const std::string& a_column, size_t b, const std::string& b_column) {
  const std::string left = schema[a].name + "." + a_column, right = schema[b].name + "." + b_column;
  graph[a].push_back({b, {left, right}});
  graph[b].push_back({a, {right, left}});
}

// By declared references; where a database declares none, by columns of the same name that are not said of everything ("name", "population").
Graph graph_of(const Schema& schema) {
  Graph graph(schema.size());
  bool declared = false;
  for (size_t a = 0; a < schema.size(); ++a)
    for (const Column& column : schema[a].columns)
      for (size_t b = 0; b < schema.size() && !column.references.empty(); ++b) {
        const size_t dot = column.references.rfind('.');
        if (ascii_lower(column.references.substr(0, dot)) != ascii_lower(schema[b].name)) continue;
        connect(graph, schema, a, column.name, b, dot == column.references.npos ? "" : column.references.substr(dot + 1));
        declared = true;
      }
  for (size_t a = 0; a < schema.size() && !declared; ++a)
    for (const Column& column : schema[a].columns)
      for (size_t b = a + 1; b < schema.size(); ++b)
        for (const Column& other : schema[b].columns) {
          const std::string name = ascii_lower(column.name);
          if (name == ascii_lower(other.name) &&
              (name.ends_with("_id") || name == ascii_lower(schema[a].name) + "_name" || name == ascii_lower(schema[b].name) + "_name"))
            connect(graph, schema, a, column.name, b, other.name);
        }
  return graph;
}

// The tables between what was chosen, by the shortest way; and the columns that join all of them.
void join(Linked& linked, const Graph& graph) {
  if (linked.tables.empty()) return;
  std::set<size_t> in = {linked.tables.front()};
  const std::vector<size_t> chosen = linked.tables;
  for (const size_t goal : chosen) {
    std::map<size_t, size_t> from;
    std::deque<size_t> queue(in.begin(), in.end());
    for (const size_t at : in) from[at] = at;
    while (!queue.empty() && !from.contains(goal)) {
      const size_t at = queue.front();
      queue.pop_front();
      for (const auto& [next, columns] : graph[at])
        if (from.emplace(next, at).second) queue.push_back(next);
    }
    for (size_t at = goal; from.contains(at) && !in.contains(at); at = from[at]) {
      in.insert(at);
      if (std::find(linked.tables.begin(), linked.tables.end(), at) == linked.tables.end()) linked.tables.push_back(at);
    }
    in.insert(goal);
  }
  for (const size_t a : linked.tables)
    for (const auto& [b, columns] : graph[a])
      if (a < b && in.contains(b) && linked.joins.size() < 20) linked.joins.push_back(columns);
}

}  // namespace

bool Column::is_text() const { return type.empty() || mentions(type, {"char", "text", "clob", "name", "enum"}); }
bool Column::is_number() const { return mentions(type, {"int", "real", "double", "float", "numeric", "decimal", "serial", "money"}); }

Schema schema_of(const Json& described) {
  Schema out;
  const auto* tables = described["tables"].as_array();
  if (!tables) return out;
  for (const Json& table : *tables) {
    Table one{text_at(table, "name"), {}};
    const auto* columns = table["columns"].as_array();
    for (size_t i = 0; columns && i < columns->size(); ++i) {
      const Json& column = (*columns)[i];
      one.columns.push_back({text_at(column, "name"), text_at(column, "type"), text_at(column, "references"), column["key"] == Json(true)});
    }
    if (!one.name.empty()) out.push_back(std::move(one));
  }
  return out;
}

Linked link(std::string_view question, const Schema& schema, const std::vector<Match>& matches) {
  std::set<std::string> asked;
  for (const std::string& word : words_of(question.substr(0, kQuestionBytesMost)))
    if (!is_plain(word)) asked.insert(stem_of(word));
  const auto named = [&](const std::string& name) {
    double hits = 0;
    const auto words = words_of(name);
    for (const std::string& word : words) hits += asked.contains(stem_of(word));
    return words.empty() ? 0 : hits / static_cast<double>(words.size());
  };
  std::vector<double> scores(schema.size());
  for (size_t i = 0; i < schema.size(); ++i) {
    scores[i] = 3 * named(schema[i].name);
    for (const Column& column : schema[i].columns) scores[i] += named(column.name);
    for (const Match& match : matches) scores[i] += match.value.table == schema[i].name ? 2 * match.score : 0;
  }
  Linked out;
  for (size_t i = 0; i < schema.size(); ++i)
    if (scores[i] > 0) out.tables.push_back(i);
  std::stable_sort(out.tables.begin(), out.tables.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  // A table that only shares one common column's name with the question adds noise.
  if (out.tables.size() > 4) std::erase_if(out.tables, [&](size_t i) { return scores[i] < 0.25 * scores[out.tables.front()]; });
  if (out.tables.size() > kTablesShown) out.tables.resize(kTablesShown);
  if (out.tables.empty()) {   // nothing is named: all that fit
    for (size_t i = 0; i < std::min(schema.size(), kTablesShown); ++i) out.tables.push_back(i);
  }
  join(out, graph_of(schema));
  out.left_out = schema.size() - out.tables.size();
  return out;
}

}  // namespace strata::sql
