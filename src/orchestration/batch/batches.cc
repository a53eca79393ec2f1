// The front door: batches as rows, and what the journal tells of their jobs.
#include "base/random.h"
#include "base/text.h"
#include "knowledge/catalog/catalog.h"
#include "orchestration/batch/core.h"
#include "orchestration/batch/lines.h"
#include "orchestration/batch/rows.h"

namespace strata::batch {
namespace {

Status check_endpoint(const Executor& executor, const std::string& endpoint) {
  std::vector<std::string_view> names;
  std::string all;
  for (const std::string& one : executor.endpoints()) {
    if (one == endpoint) return {};
    names.push_back(one);
    all += (all.empty() ? "" : ", ") + one;
  }
  const std::string near(nearest_name(endpoint, names));
  return invalid_argument(
      "endpoint: expected one of " + all + ", got '" + endpoint.substr(0, 64) + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"), "endpoint",
      "invalid_value");
}

}  // namespace

Batches::Batches(store::Store& store, durable::Journal& journal, catalog::Catalog& catalog, const Clock& clock, const Executor& executor, Options options)
    : parts_(std::make_unique<Parts>(Parts{store, journal, catalog, clock, executor, options})) {}

Batches::~Batches() = default;

void Batches::register_jobs() {
  parts_->journal.register_kind(
      std::string(kKind), [this](durable::Run& run) { return parts_->run(run); },
      [this](store::Transaction& transaction, const durable::Job& job) { return parts_->moved(transaction, job); }, 1);
}

Result<Batch> Batches::create(const Context& context, const Wanted& wanted) {
  TRY(check_endpoint(parts_->executor, wanted.endpoint));
  TRY_ASSIGN(const int64_t window_ms, parse_window(wanted.window));
  auto file = parts_->catalog.file(context, wanted.input_file_id);
  if (!file) {
    file.error().param = "input_file_id";
    return file.error();
  }
  if (file->purpose != kInputPurpose)
    return invalid_argument("input_file_id: expected a file uploaded with the purpose 'batch'; this one has '" + file->purpose + "'", "input_file_id",
                            "invalid_value");
  TRY_ASSIGN(const std::string bytes, parts_->catalog.file_bytes(context, wanted.input_file_id));
  Lines lines = read_lines(bytes, wanted.endpoint, [&](const Json& body) { return parts_->executor.check(wanted.endpoint, body); });
  Batch batch;
  batch.id = make_id("batch");
  batch.endpoint = wanted.endpoint;
  batch.window = wanted.window;
  batch.input_file_id = wanted.input_file_id;
  batch.metadata = wanted.metadata;
  batch.created_ms = parts_->clock.unix_ms();
  batch.expires_ms = batch.created_ms + window_ms;
  batch.errors = std::move(lines.errors);
  if (!batch.errors.empty()) batch.state = State::kFailed, batch.failed_ms = batch.created_ms;
  else batch.total = static_cast<int64_t>(lines.lines.size());
  TRY(parts_->store.write(context, [&](store::Transaction& transaction) -> Status {
    if (batch.state == State::kValidating) {
      TRY_ASSIGN(const durable::Job job,
                 parts_->journal.submit_in(transaction, std::string(kKind), Json::object({{"batch", batch.id}}), batch.id, context.principal()));
      batch.job_id = job.id;
    }
    return insert(transaction, batch, context.principal());
  }));
  return batch;
}

Result<Batch> Batches::get(const Context& context, const std::string& id) {
  Result<Batch> out = Batch{};
  TRY(parts_->store.read(context, [&](store::Reader& reader) -> Status {
    out = find(reader, id);
    return {};
  }));
  return out;
}

Result<std::vector<Batch>> Batches::list(const Context& context, int limit, const std::string& after) {
  Result<std::vector<Batch>> out = std::vector<Batch>{};
  TRY(parts_->store.read(context, [&](store::Reader& reader) -> Status {
    out = newest(reader, limit, after);
    return {};
  }));
  return out;
}

Result<Batch> Batches::cancel(const Context& context, const std::string& id) {
  Batch batch;
  TRY(parts_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(batch, find(transaction, id));
    if (batch.state == State::kCancelling || batch.state == State::kCancelled) return {};
    if (finished(batch.state) || batch.state == State::kFinalizing)
      return failed_precondition("the batch is " + std::string(state_name(batch.state)) + " already: there is nothing left to cancel");
    const int64_t now = parts_->clock.unix_ms();
    batch.cancelling_ms = now;
    if (batch.state == State::kValidating) batch.state = State::kCancelled, batch.cancelled_ms = now;   // its job finds nothing to do
    else batch.state = State::kCancelling;
    return update(transaction, batch);
  }));
  return batch;
}

Status Batches::Parts::moved(store::Transaction& transaction, const durable::Job& job) {
  auto found = find_by_job(transaction, job.id);
  if (!found) return found.error().code == Code::kNotFound ? Status() : Status(tl::unexpect, found.error());
  Batch& batch = *found;
  const int64_t now = clock.unix_ms();
  if (job.state == durable::State::kFailed && !finished(batch.state)) {
    batch.state = State::kFailed;
    batch.failed_ms = now;
    batch.errors = {{0, "batch_failed", job.error, ""}};
    return update(transaction, batch);
  }
  if (job.state == durable::State::kQueued && batch.state == State::kFailed) {   // tried again: what is done is still there
    batch.state = State::kInProgress;
    batch.failed_ms = 0;
    batch.errors.clear();
    return update(transaction, batch);
  }
  if (job.state != durable::State::kCancelled || finished(batch.state)) return {};
  // Cancelled among the jobs: another job writes the files of what is done.
  batch.state = State::kCancelling;
  if (batch.cancelling_ms == 0) batch.cancelling_ms = now;
  TRY_ASSIGN(const Principal principal, who_asked(transaction, batch.id));
  TRY_ASSIGN(const durable::Job next, journal.submit_in(transaction, std::string(kKind), Json::object({{"batch", batch.id}}), job.id, principal));
  batch.job_id = next.id;
  return update(transaction, batch);
}

}  // namespace strata::batch
