// A flow's file → a checked graph. Only this folder includes it; the form is described in flow.h.
//
//   Definition ── Block "" ── Step, Step, Step(map) ── Block "" ── Step …
//                                  Step(parallel) ── Block "left" …, Block "right" …
//
// Every template and expression is compiled while the file is read, so that a mistake in one is told before anything runs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "model/template/template.h"

namespace strata::flow {

enum class StepKind { kModel, kRetrieve, kAnswer, kTool, kCondition, kSet, kRecord, kMap, kParallel, kWait, kApproval, kSubflow, kDriven, kRespond };
std::string_view step_kind_name(StepKind kind);   // "model", …

struct Block;

struct Retry {
  int attempts = 1;
  int64_t backoff_ms = 1'000, backoff_ms_max = 300'000;
  double factor = 2;
  int64_t pause_ms(int attempt) const;            // after the so-manieth attempt
};

// Of model, retrieve and tool steps: for how long a result answers for the same again.
struct CacheFor {
  int64_t ttl_ms = 0;                             // 0: it does not
};

struct Step {
  std::string id, title;
  StepKind kind = StepKind::kSet;
  Json spec;                                      // the step as written
  std::string save;                               // the state's field that gets the output; empty: none
  std::string next;                               // a step of the same block, "end", or empty: the one that follows
  std::string on_error;                           // as next; empty: the run fails
  Retry retry;
  int64_t timeout_ms = 0;                         // 0: none
  CacheFor cache;
  bool templated = false;                         // whether anything in it is to be filled in: most cost of a plain step would be its variables
  // Which of these its text names: a run's variables are large, and a template can reach only what it names.
  bool names_input = false, names_state = false, names_steps = false;
  bool literal = false;                           // a driver chose it: nothing in it is a template, whatever it looks like
  std::vector<Block> blocks;                      // of map (one) and parallel
};

struct Block {
  std::string name;
  std::vector<Step> steps;
  // steps.size() for "end".
  size_t index_of(std::string_view id) const;
};

// A field of the input or the state.
struct Variable {
  std::string name, type, description;            // "string", "integer", "number", "boolean", "array", "object", "any"
  Json choices;                                   // array, or null
  Json fallback;
  bool required = false;                          // of the input
};

struct Definition {
  std::string name, description;
  std::vector<Variable> input, state;
  Block root;
  int64_t steps_most = 1'000, tokens_most = 0, seconds_most = 0;   // 0: no limit
  std::map<std::string, templates::Template, std::less<>> templates;  // by source; see value_of

  // Input with defaults filled in. kInvalidArgument names the field.
  Result<Json> check_input(const Json& input) const;
  Status check_state(const std::string& field, const Json& value) const;
  Json initial_state() const;
  // Templates inside `spec` filled in, at any depth. A text that is one {{ expression }} gives the expression's value with its type.
  Result<Json> value_of(const Json& spec, const Json& variables) const;
  Result<bool> truth_of(const std::string& expression, const Json& variables) const;
};

// `text` is YAML or JSON. kInvalidArgument: "line 12: steps[2].query: …", with the path as param.
Result<std::shared_ptr<const Definition>> parse_definition(std::string_view text);
// The same of a flow that a program made.
Result<std::shared_ptr<const Definition>> definition_of(const Json& flow);

// One step that a driver chose, as a block of its own.
Result<std::shared_ptr<const Block>> parse_planned(const Json& step);
// What the step says there, filled in, unless it is literal.
Result<Json> fill(const Step& step, const Definition& flow, const Json& spec, const Json& variables);

// Whether the text holds anything to fill in.
bool is_template(std::string_view text);

}  // namespace strata::flow
