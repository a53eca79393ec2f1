// What callers ask for: pairs and their jobs, committed together. What a job does is in job.cc.
#include "knowledge/ingest/ingest.h"

#include "base/crypto.h"
#include "base/log.h"

namespace strata::ingest {
namespace {

using catalog::BaseFile;
using catalog::FileState;

// Uploads that put() makes are of this purpose, as the API's are.
constexpr char kPurpose[] = "assistants";
// Files that refresh() starts at once at most; the next start goes on.
constexpr int kRefreshMax = 10'000;

bool under_way_or_done(const BaseFile& pair) { return pair.state == FileState::kInProgress || pair.state == FileState::kCompleted; }

}  // namespace

std::string fingerprint(const model::ModelInfo& info) {
  const std::string weights = info.sha256.empty() ? info.id : info.id + "@" + info.sha256.substr(0, 16);
  // F32 is what the weights say; any rounding of them gives other vectors.
  return info.format.empty() || info.format == "F32" ? weights : weights + "+" + info.format;
}

Ingest::Ingest(store::Store& store, durable::Journal& journal, catalog::Catalog& catalog, document::Parser& parser, model::Embedder& embedder,
               const Clock& clock, Options options)
    : store_(store), journal_(journal), catalog_(catalog), parser_(parser), embedder_(embedder), clock_(clock), options_(options) {
  journal_.register_kind(
      "ingest", [this](durable::Run& job) { return run(job); },
      [this](store::Transaction& transaction, const durable::Job& job) { return moved(transaction, job); });
}

Result<BaseFile> Ingest::start(store::Transaction& transaction, const std::string& base_id, const std::string& file_id, catalog::AddOptions options,
                               bool replace_same_name) {
  Json input = Json::object({{"base_id", base_id}, {"file_id", file_id}, {"replace_same_name", replace_same_name}});
  TRY_ASSIGN(auto job, journal_.submit_in(transaction, "ingest", std::move(input)));
  options.job_id = job.id;
  return catalog_.add_base_file(transaction, base_id, file_id, options);
}

Result<BaseFile> Ingest::attach(const Context& context, const std::string& base_id, const std::string& file_id, const AttachOptions& options) {
  BaseFile pair;
  TRY(store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(catalog_.base_in(transaction, base_id));
    TRY_ASSIGN(auto file, catalog_.file_in(transaction, file_id));
    TRY_ASSIGN(auto same, catalog_.find_base_file(transaction, base_id, file_id));
    if (same && under_way_or_done(*same)) return pair = std::move(*same), Status();
    if (options.replace_same_name) {
      TRY_ASSIGN(auto other, catalog_.find_by_name(transaction, base_id, file.filename));
      if (other && other->file_id != file_id && under_way_or_done(*other)) {
        TRY_ASSIGN(auto other_file, catalog_.file_in(transaction, other->file_id));
        if (other_file.sha256 == file.sha256) return pair = std::move(*other), Status();
      }
    }
    TRY_ASSIGN(pair, start(transaction, base_id, file_id, {.attributes = options.attributes, .chunking = options.chunking}, options.replace_same_name));
    return {};
  }));
  return pair;
}

Result<BaseFile> Ingest::put(const Context& context, const std::string& base_id, std::string filename, std::string_view bytes, const AttachOptions& options) {
  TRY(catalog_.base(context, base_id));
  TRY_ASSIGN(auto same, catalog_.same_file(context, filename, kPurpose, sha256_hex(bytes)));
  std::string file_id;
  if (same) {
    file_id = same->id;
  } else {
    TRY_ASSIGN(auto file, catalog_.add_file(context, std::move(filename), kPurpose, bytes));
    file_id = file.id;
  }
  return attach(context, base_id, file_id, options);
}

Result<BaseFile> Ingest::again(const Context& context, const std::string& base_id, const std::string& file_id) {
  TRY_ASSIGN(BaseFile pair, catalog_.base_file(context, base_id, file_id));  // names what is not there
  TRY(store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(auto now, catalog_.find_base_file(transaction, base_id, file_id));
    if (!now) return not_found("no file '" + file_id + "' is in the vector store '" + base_id + "'", "file_id");
    pair = std::move(*now);
    if (pair.state == FileState::kInProgress) return {};
    TRY_ASSIGN(pair, start(transaction, base_id, file_id, {.attributes = pair.attributes, .chunking = pair.chunking}, false));
    return {};
  }));
  return pair;
}

Result<int> Ingest::refresh(const Context& context) {
  TRY_ASSIGN(auto stale, catalog_.stale(context, fingerprint(embedder_.info()), kRefreshMax));
  int started = 0;
  for (const auto& [base_id, file_id] : stale) {
    auto pair = again(context, base_id, file_id);
    if (!pair && pair.error().code == Code::kNotFound) continue;  // removed meanwhile
    if (!pair) return std::move(pair.error());
    ++started;
  }
  return started;
}

Status Ingest::cancel(const Context& context, const std::string& base_id, const std::string& file_id) {
  TRY_ASSIGN(BaseFile pair, catalog_.base_file(context, base_id, file_id));
  return journal_.cancel(context, pair.job_id);
}

// The rows are gone already: a job that is not stopped in time finds no pair to publish and ends by itself.
void Ingest::stop_jobs(const Context& context, const std::vector<std::string>& job_ids) {
  for (const auto& id : job_ids) {
    if (auto status = journal_.cancel(context, id); !status && status.error().code != Code::kFailedPrecondition)
      log::debug("ingest.cancel_failed", {{"job", id}, {"error", status.error().message}});
  }
}

Status Ingest::remove(const Context& context, const std::string& base_id, const std::string& file_id) {
  TRY_ASSIGN(auto jobs, catalog_.running_jobs(context, base_id, file_id));
  TRY(catalog_.remove_base_file(context, base_id, file_id));
  stop_jobs(context, jobs);
  return {};
}

Status Ingest::remove_file(const Context& context, const std::string& file_id) {
  TRY_ASSIGN(auto jobs, catalog_.running_jobs(context, "", file_id));
  TRY(catalog_.remove_file(context, file_id));
  stop_jobs(context, jobs);
  return {};
}

Status Ingest::remove_base(const Context& context, const std::string& base_id) {
  TRY_ASSIGN(auto jobs, catalog_.running_jobs(context, base_id, ""));
  TRY(catalog_.remove_base(context, base_id));
  stop_jobs(context, jobs);
  return {};
}

}  // namespace strata::ingest
