// The room's tables as functions. Only this folder includes it.
//
//   batches        one row each: what was asked, its state, its counts
//   batch_lines    what became of a line; gone once the files are written. begun: it is under way, and cannot be asked twice
#pragma once

#include <map>
#include <string>
#include <vector>

#include "orchestration/batch/batch.h"

namespace strata::batch {

Status insert(store::Transaction& transaction, const Batch& batch, const Principal& principal);
// Writes all but what was asked and who asked it.
Status update(store::Transaction& transaction, const Batch& batch);
Result<Batch> find(store::Reader& reader, const std::string& id);   // kNotFound
Result<Batch> find_by_job(store::Reader& reader, const std::string& job_id);
Result<std::vector<Batch>> newest(store::Reader& reader, int limit, const std::string& after);
Result<Principal> who_asked(store::Reader& reader, const std::string& id);

// Lines.
struct Done {
  int64_t line = 0;
  Answer answer;
};
Status begin_lines(store::Transaction& transaction, const std::string& id, const std::vector<int64_t>& lines);
// Also where a line had begun. Nothing where it is done already: false.
Result<bool> end_line(store::Transaction& transaction, const std::string& id, const Done& done);
// The lines that had begun and are not done have not: nothing of them is under way.
Status forget_begun(store::Transaction& transaction, const std::string& id);
Status forget_lines(store::Transaction& transaction, const std::string& id);
// By line: true where it is done, false where it has begun.
Result<std::map<int64_t, bool>> known_lines(store::Reader& reader, const std::string& id);
// In order.
Status each_done(store::Reader& reader, const std::string& id, const std::function<void(Done)>& each);

}  // namespace strata::batch
