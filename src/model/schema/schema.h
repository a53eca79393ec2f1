// model/schema: is this JSON value what a JSON Schema asks for, and where not? The one validator of the house: arguments and results of
// tools, requests of flows. (model/grammar makes outputs that are valid; this judges values that come from anywhere.)
//
// What is compiled is checked in full: a keyword that cannot be checked is an error of compile() that names it, never a silent gap. format and the
// content keywords are annotations, as in 2020-12. Patterns are those of model/grammar, which never backtrack.
// SOURCE: JSON Schema 2020-12 (and the list form of items, additionalItems and dependencies of draft 7).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::grammar { class Grammar; }

namespace strata::schema {

// One thing that is wrong, in a form that a person or a model can mend it from.
struct Problem {
  std::string path;        // JSON pointer into the value: "/orders/0/id"; "" is the whole
  std::string keyword;     // of the schema: "type", "required", "enum", …
  std::string expected;    // "an integer", "one of \"celsius\", \"fahrenheit\""
  std::string got;         // what came, cut short; "nothing" where it is missing
  std::string nearest;     // the allowed name or value that is most like it; empty where none is near

  std::string text() const;   // one sentence
  Json json() const;          // {"path", "keyword", "expected", "got"} and "nearest" where there is one
};

// Whether two values are the same to JSON Schema: 1 is 1.0, and the order of members does not count.
bool same(const Json& a, const Json& b);

// THREADS: safe.
class Validator {
 public:
  // kInvalidArgument: `where` and the path of what is wrong, or cannot be checked: unevaluatedItems, unevaluatedProperties, $dynamicRef,
  // $recursiveRef, references to other documents, and schemas within that have an $id of their own.
  static Result<std::shared_ptr<const Validator>> compile(const Json& schema, const std::string& where);

  // Empty: valid. At most kProblemsMost, in the order of the schema; past them nothing more is looked at. COST: at most kStepsMost steps, each of
  // bounded work (a schema applied, 16 members or items passed over, a KiB of text read); a value that is too costly to judge is not valid. `steps`: how
  // many it took.
  std::vector<Problem> check(const Json& value, size_t* steps = nullptr) const;

  const Json& schema() const { return schema_; }

 private:
  friend class Compilation;
  friend class Judgement;
  explicit Validator(Json schema) : schema_(std::move(schema)) {}
  Json schema_;
  std::map<std::string, const Json*, std::less<>> references_;   // "#/$defs/a" → within schema_
  std::map<std::string, std::shared_ptr<const grammar::Grammar>, std::less<>> patterns_;
};

inline constexpr size_t kProblemsMost = 16;
inline constexpr size_t kStepsMost = 200'000;   // alternatives within alternatives multiply

}  // namespace strata::schema
