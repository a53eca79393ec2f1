// /strata/v1: documents as they were read, their chunks, and the jobs that made them.
#include "app/api/api.h"
#include "app/api/reply.h"
#include "infra/durable/durable.h"
#include "knowledge/catalog/catalog.h"
#include "orchestration/flow/flow.h"

namespace strata::api {
namespace {

Json job_json(const durable::Job& job) {
  return Json::object({{"id", job.id},
                       {"kind", job.kind},
                       {"state", durable::state_name(job.state)},
                       {"done", job.done},
                       {"total", job.total},
                       {"note", job.note},
                       {"error", job.error.empty() ? Json() : Json(job.error)},
                       {"attempts", job.attempts},
                       {"created_at", seconds_of(job.created_ms)},
                       {"updated_at", seconds_of(job.updated_ms)}});
}

Result<Json> list_documents(const Services& services, const Context& context, const http::Request& request) {
  std::string base_id(request.parameter("vector_store_id"));
  if (base_id.empty()) return invalid_argument("missing required parameter 'vector_store_id'", "vector_store_id", "missing_required_parameter");
  TRY(services.catalog->base(context, base_id));
  TRY_ASSIGN(Page page, parse_page(request, 100, 1000));
  TRY_ASSIGN(auto files, services.catalog->base_files(context, base_id, page.limit + 1, page.after, page.ascending));
  bool more = files.size() > static_cast<size_t>(page.limit);
  if (more) files.pop_back();
  Json data = Json::array();
  for (auto& file : files) {
    Json row = Json::object({{"document_id", file.document_id.empty() ? Json() : Json(file.document_id)},
                             {"file_id", file.file_id},
                             {"filename", file.filename},
                             {"status", catalog::file_state_name(file.state)},
                             {"error", file.error.empty() ? Json() : Json(file.error)},
                             {"job_id", file.job_id},
                             {"bytes", file.bytes},
                             {"created_at", seconds_of(file.created_ms)}});
    if (file.state == catalog::FileState::kInProgress)
      if (auto job = services.journal->get(context, file.job_id)) row.set("job", job_json(*job));
    data.push(std::move(row));
  }
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", more}});
}

Result<Json> one_document(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto row, services.catalog->document(context, request.captures[0]));
  Json headings = Json::array(), pages = Json::array(), warnings = Json::array();
  for (auto& heading : row.content.headings)
    headings.push(Json::object({{"level", heading.level}, {"title", heading.title}, {"begin", heading.at.begin}, {"end", heading.at.end}}));
  for (auto& page : row.content.pages)
    pages.push(Json::object({{"number", page.number}, {"begin", page.at.begin}, {"end", page.at.end}, {"by_ocr", page.by_ocr}}));
  for (auto& warning : row.content.warnings) warnings.push(warning);
  return Json::object({{"document_id", row.id},
                       {"file_id", row.file_id},
                       {"vector_store_id", row.base_id},
                       {"filename", row.filename},
                       {"title", row.title},
                       {"version", row.version},
                       {"kind", document::kind_name(row.content.kind)},
                       {"text", row.content.text},
                       {"headings", std::move(headings)},
                       {"pages", std::move(pages)},
                       {"warnings", std::move(warnings)},
                       {"chunks", row.chunks},
                       {"created_at", seconds_of(row.created_ms)}});
}

Result<Json> list_chunks(const Services& services, const Context& context, const http::Request& request) {
  TRY(services.catalog->document(context, request.captures[0]));
  TRY_ASSIGN(auto rows, services.catalog->chunks_of(context, request.captures[0]));
  Json data = Json::array();
  for (auto& row : rows)
    data.push(Json::object({{"chunk_id", row.id},
                            {"ordinal", row.ordinal},
                            {"begin", row.chunk.at.begin},
                            {"end", row.chunk.at.end},
                            {"parent_begin", row.chunk.parent.begin},
                            {"parent_end", row.chunk.parent.end},
                            {"heading", row.chunk.heading},
                            {"page", row.chunk.page > 0 ? Json(row.chunk.page) : Json()},
                            {"tokens", row.chunk.tokens},
                            {"text", row.text}}));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> list_jobs(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  TRY_ASSIGN(auto jobs, services.journal->list(context, std::string(request.parameter("kind")), page.limit));
  Json data = Json::array();
  for (auto& job : jobs) data.push(job_json(job));
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Result<Json> one_job(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto job, services.journal->get(context, request.captures[0]));
  return job_json(job);
}

Result<Json> cancel_job(const Services& services, const Context& context, const http::Request& request) {
  TRY(services.journal->cancel(context, request.captures[0]));
  return one_job(services, context, request);
}

Result<Json> retry_job(const Services& services, const Context& context, const http::Request& request) {
  // A run's log must say that it is tried again: it would fail once more where it failed.
  auto run = services.flows->run(context, request.captures[0]);
  if (!run && run.error().code != Code::kNotFound) return std::move(run.error());
  if (run) TRY(services.flows->retry(context, request.captures[0], ""));
  else TRY(services.journal->retry(context, request.captures[0]));
  return one_job(services, context, request);
}

}  // namespace

void add_knowledge_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/documents", list_documents);
  add("GET", "/strata/v1/documents/{}", one_document);
  add("GET", "/strata/v1/documents/{}/chunks", list_chunks);
  add("GET", "/strata/v1/jobs", list_jobs);
  add("GET", "/strata/v1/jobs/{}", one_job);
  add("POST", "/strata/v1/jobs/{}/cancel", cancel_job);
  add("POST", "/strata/v1/jobs/{}/retry", retry_job);
}

}  // namespace strata::api
