// knowledge/sql: what stands between a question in words and a database. Pure: schema, values and known questions come in, what a model should see
// and what a person should see go out; nothing here asks a database, and nothing here judges SQL (the database's own parser does).
//
//   question ─▶ ValueIndex::find   "Texas" is state.state_name = 'texas'
//            ─▶ link               which tables and columns concern it, and the tables that join them
//            ─▶ Examples::nearest  questions with known SQL that are like it, with its own values in their SQL
//            ─▶ prompt_of          all of that as text for a model
//   rows     ─▶ chart_of, sentence_of
//   no rows  ─▶ hints_of           'Texsa' stands nowhere; state.state_name has 'texas'
//
// Words are compared in lower case, without plural ends ("states" is "state"); a value may be misspelt by a fifth of its letters.
// Everything is bounded by the constants below. THREADS: what is const is safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace strata::sql {

inline constexpr size_t kQuestionBytesMost = 4'000;
inline constexpr size_t kValuesOfColumnMost = 1'000;   // distinct texts; a column with more is not indexed
inline constexpr size_t kValueBytesMost = 80;          // a longer text is prose, not a name
inline constexpr size_t kTablesShown = 8;              // in a prompt
inline constexpr size_t kExamplesMost = 2'000;

// ---- what there is ----

struct Column {
  std::string name, type, references;                  // references: "table.column", or empty
  bool key = false;
  bool is_text() const;                                // by its declared type; one without a type counts as text
  bool is_number() const;
};
struct Table {
  std::string name;
  std::vector<Column> columns;
};
using Schema = std::vector<Table>;
// Of what the workers describe: {"tables": [{"name", "columns": [{"name", "type", "key", "references"}]}]}. What does not fit is left out.
Schema schema_of(const Json& described);

// ---- values ----

struct Value {
  std::string table, column, text;                     // text: as it stands in the database
  bool own = false;                                    // the column names its table's rows: state.state_name, a key
};
struct Match {
  Value value;                                         // where several columns hold the text: the one that fits the question best
  std::string words;                                   // of the question
  size_t begin = 0, end = 0;                           // UNITS: words of the question (words_of)
  double score = 0;                                    // 1: the same words; less where misspelt
  std::vector<Value> also = {};                        // all that these words may be, `value` among them
  const Value* in_column(std::string_view column) const;   // the one of a column of this name, or null
};

class ValueIndex {
 public:
  void add(Value value);
  // The question's words that name values, the longest first taken, in order of appearance; no two overlap.
  std::vector<Match> find(std::string_view question) const;
  bool has(std::string_view text) const;               // exactly so written
  // The value that a text in SQL was probably meant to be: same words otherwise written, or misspelt.
  std::optional<Value> nearest(std::string_view text) const;
  size_t size() const { return values_.size(); }

 private:
  std::vector<const Value*> named(const std::string& folded) const;
  std::vector<Value> values_;
  std::map<std::string, std::vector<size_t>, std::less<>> by_words_;   // folded words joined by a space
};

// ---- words ----

// Lower-case words and numbers of a text. "state_name" and "stateName" are two words each.
std::vector<std::string> words_of(std::string_view text);
std::string stem_of(const std::string& word);          // without the ends of plurals

// ---- linking ----

struct Linked {
  std::vector<size_t> tables;                          // of the schema, best first; those that only join are last
  std::vector<std::pair<std::string, std::string>> joins;   // "city.state_name", "state.state_name"
  size_t left_out = 0;                                 // tables that are not among them
};
Linked link(std::string_view question, const Schema& schema, const std::vector<Match>& matches);

// ---- known questions ----

struct Example {
  std::string question, sql;
};
struct Near {
  const Example* example = nullptr;
  double score = 0;                                    // 0 to 1; 1: the same question but for its values
  std::string sql;                                     // with this question's values in place of its own
  bool complete = false;                               // each value that its SQL takes from its question has one of ours in its place
};
class Examples {
 public:
  Examples() = default;
  // `schema` and `values` are only looked at now.
  Examples(std::vector<Example> examples, const Schema& schema, const ValueIndex& values);
  // Best first.
  std::vector<Near> nearest(std::string_view question, const std::vector<Match>& matches, size_t most) const;
  size_t size() const { return known_.size(); }

 private:
  struct Slot {
    std::string kind, value;                           // column; as its SQL has it, folded
  };
  struct Known {
    Example example;
    std::vector<std::string> terms;
    std::set<std::string> turns;
    std::vector<Slot> slots;
  };
  static std::vector<std::string> terms_of(const std::vector<std::string>& words, const std::vector<Match>& matches);
  // What a question asks for, whatever the rest of it says: words such as "smallest" and "not", numbers, and names of tables and columns.
  std::set<std::string> turns_of(const std::vector<std::string>& terms) const;
  double weight(const std::string& term) const;
  void adapt(Near& near, const std::vector<Match>& matches) const;
  std::vector<Known> known_;
  std::set<std::string> names_;                        // stems of tables' and columns' names
  std::map<std::string, int> frequency_;
};
// At and above this a known question's SQL is tried before a model is asked. Chosen on GeoQuery's training questions, each fifth against the other
// four (bench/sql --tune): in every tenth of the scale from here on such SQL was right three times of four and more, 90 of 100 in all.
inline constexpr double kDraftScore = 0.6;

// ---- for a model ----

struct Prompt {
  std::string dialect, about;                          // "SQLite"
  const Schema& schema;
  const Linked& linked;
  const std::vector<Match>& matches;
  const std::vector<Near>& near;
};
// Tables as CREATE TABLE, joins, values, known questions; without the question itself.
std::string prompt_of(const Prompt& prompt);

// ---- for a person, and for another try ----

// The texts in quotes of a statement ('…' and "…"), unescaped. A reading for hints and swaps only: no judgement rests on it.
struct Literal {
  std::string text;
  size_t begin = 0, end = 0;                           // UNITS: bytes, with the quotes
  char quote = '\'';
};
std::vector<Literal> literals_of(std::string_view sql);
// What in a statement without rows may be amiss; empty: nothing known.
std::vector<std::string> hints_of(std::string_view sql, const ValueIndex& values);

// {"kind": "bar" | "line", "x": column, "y": column}, or null where no chart would say more than the table: fewer than two rows, more than
// kChartRowsMost, no number to draw, or nothing to draw it over. A line where x is a time, else bars.
inline constexpr size_t kChartRowsMost = 60;
Json chart_of(const Json& columns, const Json& rows);
// One sentence that says what the rows say, from the rows alone: no model wrote it, so nothing in it is made up.
std::string sentence_of(const Json& columns, const Json& rows, bool truncated);

}  // namespace strata::sql
