// /livez, /readyz, /metrics, /openapi.json.
#include "app/api/api.h"
#include "app/api/openapi.h"
#include "app/api/reply.h"
#include "infra/metrics/metrics.h"
#include "model/engine/engine.h"

namespace strata::api {
namespace {

// Gauges are read when they are asked for; names are vLLM's where they fit.
void refresh_gauges(const Services& services) {
  engine::Stats stats = services.engine->stats();
  metrics::Labels labels = {{"model_name", services.models->default_id()}};
  auto set = [&](std::string_view name, std::string_view help, double value) { services.registry->gauge(name, help, labels).set(value); };
  set("vllm:num_requests_running", "Requests being decoded.", stats.running);
  set("vllm:num_requests_waiting", "Requests in the queue.", stats.waiting);
  set("vllm:kv_cache_usage_perc", "Fraction of the KV cache in use.", stats.kv_cache_used);
  set("strata:embeddings_waiting", "Embedding requests in the queue.", stats.waiting_embeddings);
  set("strata:prompt_tokens", "Prompt tokens processed since start.", static_cast<double>(stats.prompt_tokens));
  set("strata:generation_tokens", "Tokens generated since start.", static_cast<double>(stats.generated_tokens));
  set("strata:engine_memory_bytes", "Weights and KV cache.", static_cast<double>(stats.memory_bytes));
}

}  // namespace

void add_operation_routes(http::Server& server, Services& services) {
  http::RouteOptions health;
  health.health = true;
  server.route(
      "GET", "/livez",
      [](const Context&, const http::Request&, std::shared_ptr<http::Responder> responder) {
        responder->send(json_response(Json::object({{"status", "ok"}})));
      },
      health);
  server.route("GET", "/readyz", [&services](const Context&, const http::Request&, std::shared_ptr<http::Responder> responder) {
    bool ready = !services.models->list().empty();
    responder->send(json_response(Json::object({{"status", ready ? "ready" : "loading"}}), {}, ready ? 200 : 503));
  });
  server.route("GET", "/metrics", [&services](const Context&, const http::Request&, std::shared_ptr<http::Responder> responder) {
    refresh_gauges(services);
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = services.registry->text();
    responder->send(std::move(response));
  });
  server.route("GET", "/openapi.json", [&services](const Context&, const http::Request&, std::shared_ptr<http::Responder> responder) {
    responder->send(json_response(openapi_document(services.version)));
  });
}

}  // namespace strata::api
