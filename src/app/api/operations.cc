// /livez, /readyz, /metrics, /openapi.json.
#include <mutex>

#include "app/api/api.h"
#include "app/api/openapi.h"
#include "app/api/reply.h"
#include "infra/cache/cache.h"
#include "infra/metrics/metrics.h"
#include "infra/observe/observe.h"
#include "model/engine/engine.h"

namespace strata::api {
namespace {

// Of one language model, also of one that is not in memory any more: what it did stays counted.
void add_series(const Services& services, const std::string& id, const engine::Stats& stats) {
  const metrics::Labels labels = {{"model_name", id}};
  auto set = [&](std::string_view name, std::string_view help, double value) { services.registry->gauge(name, help, labels).set(value); };
  set("vllm:num_requests_running", "Requests being decoded.", stats.running);
  set("vllm:num_requests_waiting", "Requests in the queue.", stats.waiting);
  set("vllm:kv_cache_usage_perc", "Fraction of the KV cache in use.", stats.kv_cache_used);
  set("strata:model_memory_bytes", "Weights and KV cache.", static_cast<double>(stats.memory_bytes));
  auto count = [&](std::string_view name, std::string_view help, uint64_t value) {
    metrics::Counter& counter = services.registry->counter(name, help, labels);
    counter.add(static_cast<double>(value) - counter.value());
  };
  count("vllm:prompt_tokens_total", "Prompt tokens processed.", stats.prompt_tokens + stats.cached_tokens);
  count("vllm:generation_tokens_total", "Tokens generated.", stats.generated_tokens);
  count("vllm:prefix_cache_queries_total", "Prompt tokens looked for in the prefix cache.", stats.prompt_tokens + stats.cached_tokens);
  count("vllm:prefix_cache_hits_total", "Prompt tokens found there.", stats.cached_tokens);
  count("vllm:num_preemptions_total", "Requests that gave their KV blocks to older ones and were computed again later.", stats.preemptions);
  count("strata:recomputed_tokens_total", "Tokens that preempted requests ran again.", stats.recomputed_tokens);
  count("vllm:spec_decode_num_draft_tokens_total", "Tokens guessed.", stats.drafted_tokens);
  count("vllm:spec_decode_num_accepted_tokens_total", "Guesses that were right.", stats.accepted_tokens);
}

// Series are brought up to date when they are asked for; names are vLLM's where they fit.
void refresh_series(const Services& services) {
  static std::mutex one_at_a_time;  // two scrapes must not add the same tokens twice
  const std::lock_guard lock(one_at_a_time);
  auto gauge = [&](std::string_view name, std::string_view help, const metrics::Labels& labels, double value) {
    services.registry->gauge(name, help, labels).set(value);
  };
  for (const auto& [id, stats] : services.engine->stats_by_model()) add_series(services, id, stats);
  for (const auto& entry : services.models->list()) {
    const model::ModelInfo& info = entry.model->info();
    if (info.remote) continue;
    const metrics::Labels labels = {{"model_name", info.id}};
    gauge("strata:model_loaded", "Whether the model is in memory.", labels, entry.local.state == pool::State::kLoaded ? 1 : 0);
    gauge("strata:model_requests_loading", "Requests that wait for the model to be loaded.", labels, entry.local.waiting);
  }
  const engine::Stats all = services.engine->stats();
  gauge("strata:embeddings_waiting", "Embedding requests in the queue.", {{"model_name", services.models->embedder()->info().id}}, all.waiting_embeddings);
  gauge("strata:engine_memory_bytes", "Weights and KV caches of all models.", {}, static_cast<double>(all.memory_bytes));
  gauge("strata:engine_memory_budget_bytes", "What all models together may take.", {}, static_cast<double>(services.engine->memory_max()));
  auto count = [&](std::string_view name, std::string_view help, uint64_t value) {
    metrics::Counter& counter = services.registry->counter(name, help, {});
    counter.add(static_cast<double>(value) - counter.value());
  };
  const cache::Stats kept = services.cache->stats();
  count("strata:cache_hits_total", "Results that the exact cache gave.", kept.hits);
  count("strata:cache_misses_total", "Results that were looked for there and had to be made.", kept.misses);
  count("strata:cache_evicted_total", "Entries that went for others, the least recently used first.", kept.evicted);
  gauge("strata:cache_entries", "Results in the exact cache.", {}, static_cast<double>(kept.entries));
  gauge("strata:cache_bytes", "What they take.", {}, static_cast<double>(kept.bytes));
  const observe::Stats spans = services.observer->stats();
  count("strata:spans_total", "Spans that came in.", spans.taken);
  count("strata:spans_dropped_total", "Spans that there was no room for.", spans.dropped);
  count("strata:spans_exported_total", "Spans sent to a collector.", spans.exported);
  count("strata:spans_export_dropped_total", "Spans that the collector did not take.", spans.export_dropped);
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
    refresh_series(services);
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
