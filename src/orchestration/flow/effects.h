// One step's effect: from its filled-in input to an outcome. Only this folder includes it.
#pragma once

#include <string>
#include <vector>

#include "orchestration/flow/core.h"

namespace strata::flow {

struct Work {
  int64_t frame = 0;
  std::string path;
  const Step* step = nullptr;
  std::shared_ptr<Scope> scope;     // keeps the step alive
  std::shared_ptr<const Block> planned;   // and a step that a driver chose
  bool driven = false;              // it is one: the log has its input already
  Json about;                       // of a tool step: what a person should know who is asked
  Json input;                       // filled in
  Json variables;                   // of model steps that may escalate
  Json decided;                     // the decision that lets the tool run now
  std::string tool, key;
  std::string tool_version;         // see Tools::Info
  bool untrusted = false;           // see Tools::Call
  Effect effect = Effect::kReads;
  int attempt = 1, refusals = 0;
};

struct Outcome {
  Work work;
  Result<Json> output;
  ModelReply usage;
  double cost = 0;
  int64_t ms = 0;
  int asked = 0, hits = 0;          // models, documents, tools; and of those that the cache answered for them
  double saved = 0;                 // by the hits
  bool cached() const { return hits > 0 && asked == 0; }
  bool untrusted = false;           // the output holds text that others wrote
  std::vector<durable::Event> notes;   // escalated_model
};

// Fills in the input of a step with an effect (model, retrieve, answer, tool, or an approval's tool).
Result<Work> prepare(Flows::Core& core, const Context& context, const Machine& machine, const Frame& frame, const std::string& run_id);
// Blocks. Called on any thread.
Outcome perform(Flows::Core& core, const Context& context, Work work);
// Whether an effect that failed so may have happened all the same.
bool outcome_unclear(Code code);

}  // namespace strata::flow
