// /v1/batches: many requests in one uploaded file, answered when nothing else has work.
#include "app/api/batches.h"

#include "app/api/reply.h"
#include "base/text.h"
#include "infra/http/http.h"

namespace strata::api {

std::vector<Field> batch_fields() {
  return {{"input_file_id", Kind::kString, "A file of purpose 'batch': one request a line, as JSON.", true, 1, 128},
          {"endpoint", Kind::kString, "/v1/chat/completions, /v1/completions, /v1/embeddings or /v1/responses.", true, 1, 128},
          {"completion_window", Kind::kString, "24h; as an extension any time from 1s to 7d. What is not done by then is not run.", true, 1, 16},
          {"metadata", Kind::kObject, "Up to 16 strings of your own."},
          {"output_expires_after", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kUnsupported}};
}

namespace {

constexpr size_t kMetadataMost = 16, kKeyBytesMost = 64, kValueBytesMost = 512;

Json time_json(int64_t ms) { return ms > 0 ? Json(seconds_of(ms)) : Json(); }
Json id_json(const std::string& id) { return id.empty() ? Json() : Json(id); }

Json errors_json(const std::vector<batch::LineError>& errors) {
  if (errors.empty()) return nullptr;
  Json data = Json::array();
  for (auto& error : errors)
    data.push(Json::object(
        {{"code", error.code}, {"message", error.message}, {"param", id_json(error.param)}, {"line", error.line > 0 ? Json(error.line) : Json()}}));
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Json batch_json(const batch::Batch& b) {
  return Json::object({{"id", b.id},
                       {"object", "batch"},
                       {"endpoint", b.endpoint},
                       {"errors", errors_json(b.errors)},
                       {"input_file_id", b.input_file_id},
                       {"completion_window", b.window},
                       {"status", batch::state_name(b.state)},
                       {"output_file_id", id_json(b.output_file_id)},
                       {"error_file_id", id_json(b.error_file_id)},
                       {"created_at", seconds_of(b.created_ms)},
                       {"in_progress_at", time_json(b.in_progress_ms)},
                       {"expires_at", time_json(b.expires_ms)},
                       {"finalizing_at", time_json(b.finalizing_ms)},
                       {"completed_at", time_json(b.completed_ms)},
                       {"failed_at", time_json(b.failed_ms)},
                       {"expired_at", time_json(b.expired_ms)},
                       {"cancelling_at", time_json(b.cancelling_ms)},
                       {"cancelled_at", time_json(b.cancelled_ms)},
                       {"request_counts", Json::object({{"total", b.total}, {"completed", b.completed}, {"failed", b.failed}})},
                       {"usage", Json::object({{"input_tokens", b.tokens.input},
                                               {"input_tokens_details", Json::object({{"cached_tokens", b.tokens.cached}})},
                                               {"output_tokens", b.tokens.output},
                                               {"output_tokens_details", Json::object({{"reasoning_tokens", 0}})},
                                               {"total_tokens", b.tokens.input + b.tokens.output}})},
                       {"metadata", b.metadata},
                       {"strata", Json::object({{"job_id", id_json(b.job_id)}})}});
}

Status check_metadata(const Json& metadata) {
  const auto* pairs = metadata.as_object();
  if (!pairs) return {};
  bool fits = pairs->size() <= kMetadataMost;
  for (auto& [key, value] : *pairs) fits = fits && key.size() <= kKeyBytesMost && value.is_string() && value.as_string()->size() <= kValueBytesMost;
  if (fits) return {};
  return invalid_argument("metadata: expected at most 16 pairs of a key of at most 64 bytes and a string of at most 512", "metadata", "invalid_value");
}

Result<Json> create(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(batch_fields(), json));
  TRY(check_metadata(body["metadata"]));
  TRY_ASSIGN(const auto made,
             services.batches->create(context, {body.text("input_file_id"), body.text("endpoint"), body.text("completion_window"), body["metadata"]}));
  return batch_json(made);
}

Result<Json> list(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(const Page page, parse_page(request));
  TRY_ASSIGN(const auto batches, services.batches->list(context, page.limit + 1, page.after));
  Json::Array items;
  for (auto& batch : batches) items.push_back(batch_json(batch));
  return list_json(std::move(items), page.limit);
}

Result<Json> json_of(Result<batch::Batch> batch) {
  if (!batch) return batch.error();
  return batch_json(*batch);
}

}  // namespace

void add_batch_routes(http::Server& server, Services& services) {
  using Responder = std::shared_ptr<http::Responder>;
  server.route("POST", "/v1/batches", [&services](const Context& context, const http::Request& request, Responder responder) {
    send(*responder, create(services, context, request));
  });
  server.route("GET", "/v1/batches",
               [&services](const Context& context, const http::Request& request, Responder responder) { send(*responder, list(services, context, request)); });
  server.route("GET", "/v1/batches/{}", [&services](const Context& context, const http::Request& request, Responder responder) {
    send(*responder, json_of(services.batches->get(context, request.captures[0])));
  });
  server.route("POST", "/v1/batches/{}/cancel", [&services](const Context& context, const http::Request& request, Responder responder) {
    send(*responder, json_of(services.batches->cancel(context, request.captures[0])));
  });
}

}  // namespace strata::api
