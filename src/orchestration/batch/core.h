// What the files of this folder share. Only this folder includes it.
#pragma once

#include "orchestration/batch/batch.h"

namespace strata::batch {

inline constexpr std::string_view kKind = "batch";   // of its jobs

struct Batches::Parts {
  store::Store& store;
  durable::Journal& journal;
  catalog::Catalog& catalog;
  const Clock& clock;
  const Executor& executor;
  const Options options;

  // What runs a batch's lines and writes its files: the journal's worker.
  Result<Json> run(durable::Run& run);
  // The journal moved the job: cancelled by its own list of jobs, failed, or queued again.
  Status moved(store::Transaction& transaction, const durable::Job& job);
};

}  // namespace strata::batch
