// What a model is shown before it writes SQL, and what people are shown of the rows.
#include <algorithm>
#include <cmath>

#include "knowledge/sql/parts.h"
#include "knowledge/sql/sql.h"

namespace strata::sql {
namespace {

constexpr size_t kExamplesShown = 4;
constexpr size_t kSentenceItems = 5;
constexpr size_t kSentenceTextBytes = 120;

std::string cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  const std::string_view head = text.substr(0, bytes);
  return std::string(head.substr(0, utf8_complete_prefix(head))) + "…";
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out;
}

std::string sql_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : one_line(text)) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string table_text(const Table& table) {
  std::string out = "CREATE TABLE " + table.name + "(";
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    out += (i ? ", " : "") + column.name + (column.type.empty() ? "" : " " + column.type) + (column.key ? " PRIMARY KEY" : "");
    if (!column.references.empty()) out += " /* = " + column.references + " */";
  }
  return out + ");\n";
}

bool is_day(const std::string& text) {
  if (text.size() < 7 || text[4] != '-') return false;
  for (size_t i = 0; i < 7; ++i)
    if (i != 4 && (text[i] < '0' || text[i] > '9')) return false;
  return text.size() == 7 || text[7] == '-' || text[7] == 'W';
}

struct Look {              // what a column holds
  bool numbers = true, texts = true, days = true, whole = true;
  size_t present = 0;
};
Look look_at(const Json::Array& rows, size_t column) {
  Look out;
  for (const Json& row : rows) {
    const auto* values = row.as_array();
    if (!values || column >= values->size() || (*values)[column].is_null()) continue;
    const Json& value = (*values)[column];
    ++out.present;
    out.numbers = out.numbers && value.is_number();
    out.whole = out.whole && value.is_int();
    out.texts = out.texts && value.is_string();
    out.days = out.days && value.is_string() && is_day(*value.as_string());
  }
  if (!out.present) out = {false, false, false, false, 0};
  return out;
}

std::string name_at(const Json& columns, size_t i) {
  const auto* list = columns.as_array();
  return list && i < list->size() && (*list)[i].as_string() ? *(*list)[i].as_string() : "";
}

bool is_time_name(const std::string& name) {
  const auto words = words_of(name);
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word == "year" || word == "month" || word == "day" || word == "week" || word == "date"; });
}
bool is_id_name(const std::string& name) {
  const auto words = words_of(name);
  return !words.empty() && (words.back() == "id" || words.back() == "key");
}

std::string shown(const Json& value) {
  if (value.is_null()) return "nothing";
  if (const auto* text = value.as_string()) return cut(one_line(*text), kSentenceTextBytes);
  if (value.is_int()) return value.dump();
  if (value.is_number()) {   // six digits after the point, without zeros at the end: 0.1 + 0.2 is 0.3
    const double number = *value.to_double("value");
    if (std::abs(number) >= 1e15) return value.dump();
    std::string out = python_format(number, ".6f");
    while (out.ends_with('0')) out.pop_back();
    if (out.ends_with('.')) out.pop_back();
    return out;
  }
  return value.dump();
}

std::string extremes(const Json& columns, const Json::Array& rows, const Json& chart) {
  size_t x = 0, y = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (name_at(columns, i) == *chart["x"].as_string()) x = i;
    if (name_at(columns, i) == *chart["y"].as_string()) y = i;
  }
  const Json *most = nullptr, *least = nullptr;
  const auto number = [&](const Json* row) { return (*row->as_array())[y].to_double("y").value_or(0); };
  for (const Json& row : rows) {
    if (row.size() <= std::max(x, y) || !row.is_array() || (*row.as_array())[y].is_null()) continue;
    if (!most || number(&row) > number(most)) most = &row;
    if (!least || number(&row) < number(least)) least = &row;
  }
  if (!most || number(most) == number(least)) return "";
  const auto say = [&](const Json* row) { return shown((*row->as_array())[x]) + " (" + shown((*row->as_array())[y]) + ")"; };
  return "; the highest " + name_at(columns, y) + " has " + say(most) + ", the lowest " + say(least);
}

}  // namespace

std::string prompt_of(const Prompt& p) {
  std::string out = "-- " + p.dialect + (p.about.empty() ? "" : ". " + one_line(p.about)) + "\n";
  for (const size_t i : p.linked.tables) out += table_text(p.schema[i]);
  if (p.linked.left_out > 0) out += "-- " + std::to_string(p.linked.left_out) + " more tables do not concern the question.\n";
  for (const auto& [left, right] : p.linked.joins) out += "-- Join on " + left + " = " + right + "\n";
  for (const Match& match : p.matches)
    out += "-- \"" + match.words + "\" is " + match.value.table + "." + match.value.column + " = " + sql_quoted(match.value.text) + "\n";
  size_t shown = 0;
  for (const Near& near : p.near) {
    if (++shown > kExamplesShown) break;
    out += (shown == 1 ? "\n-- Questions like it, and their SQL:\n" : "") + std::string("-- ") + one_line(near.example->question) + "\n" +
           one_line(near.example->sql) + "\n";
  }
  return out;
}

std::vector<std::string> hints_of(std::string_view sql, const ValueIndex& values) {
  std::vector<std::string> out;
  for (const Literal& literal : literals_of(sql)) {
    if (out.size() == kSentenceItems) break;
    if (literal.text.find('%') != literal.text.npos || values.has(literal.text)) continue;
    if (const auto near = values.nearest(literal.text); near && near->text != literal.text)
      out.push_back("no value is written " + sql_quoted(literal.text) + "; " + near->table + "." + near->column + " has " + sql_quoted(near->text));
  }
  return out;
}

Json chart_of(const Json& columns, const Json& rows) {
  const auto* list = rows.as_array();
  if (!list || list->size() < 2 || list->size() > kChartRowsMost || columns.size() < 2) return nullptr;
  std::vector<Look> looks;
  for (size_t i = 0; i < columns.size(); ++i) looks.push_back(look_at(*list, i));
  size_t x = columns.size(), y = columns.size();
  bool time = false;
  for (size_t i = 0; i < columns.size() && !time; ++i) {
    time = looks[i].days || (looks[i].whole && is_time_name(name_at(columns, i)));
    if (time) x = i;
  }
  for (size_t i = 0; i < columns.size() && x == columns.size(); ++i)
    if (looks[i].texts) x = i;
  // The last number is the one that was asked for: "SELECT model, count(*), sum(cost)".
  for (size_t i = 0; i < columns.size(); ++i)
    if (i != x && looks[i].numbers && !is_id_name(name_at(columns, i))) y = i;
  if (x == columns.size() || y == columns.size() || name_at(columns, x) == name_at(columns, y)) return nullptr;
  return Json::object({{"kind", time ? "line" : "bar"}, {"x", name_at(columns, x)}, {"y", name_at(columns, y)}});
}

std::string sentence_of(const Json& columns, const Json& rows, bool truncated) {
  const auto* list = rows.as_array();
  if (!list || list->empty()) return "No row matches.";
  const auto value = [&](size_t row, size_t column) {
    return (*list)[row].as_array() && column < (*list)[row].size() ? shown((*(*list)[row].as_array())[column]) : "";
  };
  std::string out;
  if (list->size() == 1) {
    for (size_t i = 0; i < std::min(columns.size(), kSentenceItems); ++i) out += (i ? ", " : "") + name_at(columns, i) + ": " + value(0, i);
    return out + ".";
  }
  out = truncated ? "More than " + std::to_string(list->size()) + " rows" : std::to_string(list->size()) + " rows";
  if (columns.size() == 1) {
    for (size_t i = 0; i < std::min(list->size(), kSentenceItems); ++i) out += (i ? ", " : ": ") + value(i, 0);
    return out + (list->size() > kSentenceItems ? ", …" : ".");
  }
  if (const Json chart = chart_of(columns, rows); !chart.is_null()) out += extremes(columns, *list, chart);
  else out += "; the first: " + value(0, 0) + ", " + value(0, 1);
  return out + ".";
}

}  // namespace strata::sql
