// model/pool: several language models by name, under one memory budget. A model is loaded when a request names it; idle ones give way,
// the least recently used first.
//
// What it is: names, and who is in memory when. What it is not: it knows no files and no engine; how a model is loaded and unloaded is
// handed in. find() gives a model that is used like any other: a request on one that is not in memory waits, bounded, until it is.
//
// How a swap goes: a model that is wanted and does not fit takes the place of the idle ones used longest ago. Where those do not suffice,
// busy ones drain: what runs on them runs to its end, what comes for them waits; then they go. So nobody's request is dropped, and two
// models that do not fit together take turns, each serving all that has waited for it.
//
// Invariants: (1) the needs of loaded, loading and leaving models never exceed the budget; (2) a model with a lease is never unloaded;
// (3) who holds a lease never waits for another of the same session, so draining ends when requests end; (4) one load at a time.
// THREADS: safe. Loads and unloads run on a thread of the pool's own: streams of other models go on. submit() never blocks; the other
// calls of a model that is not in memory block their caller until it is (never call those first from a sink).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/interface/interface.h"

namespace strata::pool {

struct Model {
  model::ModelInfo info;               // info.id is its name: "smollm2@2"
  std::string version;                 // "0.1.2"; empty where nobody says
  uint64_t need_bytes = 0;             // what it takes once loaded, KV cache included
  // Blocks; on the pool's thread. What it gives lives until unload() has been called, which also blocks, and is called once for each load.
  std::function<Result<model::LanguageModel*>()> load;
  std::function<void()> unload;
};

struct Alias {
  std::string name, target;            // target: an id, or a name of one
};

struct Options {
  uint64_t budget_bytes = 0;
  int waiting_max = 32;                // requests that wait for loads, of all models together; beyond: kUnavailable (model_loading), a 503
  int blocking_max = 4;                // of them, those that hold a thread meanwhile
  const Clock* clock = nullptr;        // nullptr: the system's
};

enum class State { kOnDisk, kLoading, kLoaded, kLeaving };
std::string_view state_name(State state);   // "on_disk", "loading", "loaded", "leaving"

struct Listed {
  model::ModelInfo info;
  std::string version;
  std::vector<std::string> aliases;
  State state = State::kOnDisk;
  uint64_t need_bytes = 0;
  int leases = 0, waiting = 0;         // requests (and sessions) that use it; that wait for it
  std::string problem;                 // why it cannot be used: it can never fit, or its last load failed; empty where it can
};

class Pool {
 public:
  // Names: a model answers to its id, to "id@version" where it has a version and the id names none, and, where ids are "name@version",
  // to "name": the first listed of that name. kInvalidArgument where two models have one id, or an alias has no target or is taken.
  static Result<std::unique_ptr<Pool>> make(const Options& options, std::vector<Model> models, const std::vector<Alias>& aliases);
  // Ends requests that wait with kCancelled, waits for a load that runs, and unloads everything. REQUIRES: nothing runs on the models
  // any more, or their unload() ends it.
  ~Pool();

  // A model for one request; it need not be in memory. kNotFound (model_not_found) where nothing has this name;
  // kFailedPrecondition (insufficient_memory), with the numbers, where it can never fit.
  // Calls that must wait for a load may give kUnavailable (model_loading), or the load's own error.
  Result<std::shared_ptr<model::LanguageModel>> find(const std::string& name);
  // Blocks until it is in memory.
  Status load(const std::string& name);
  std::vector<Listed> list() const;    // in the order given to make()
  uint64_t budget_bytes() const;
  uint64_t used_bytes() const;         // needs of those in memory, coming or going

  struct Impl;                         // of this room

 private:
  explicit Pool(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace strata::pool
