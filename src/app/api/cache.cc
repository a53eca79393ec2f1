#include "app/api/cache.h"

#include <algorithm>
#include <cmath>

#include "app/api/reply.h"
#include "base/crypto.h"
#include "infra/cache/cache.h"
#include "infra/observe/observe.h"

namespace strata::api {
namespace {

std::vector<Field> inner_fields() {
  return {{"ttl_s", Kind::kNumber, "For how long the answer stands, in seconds.", true, 1, cache::kTtlSecondsMost},
          {"sampled",
           Kind::kBoolean,
           "Keep one answer of a request with a temperature and without a seed.",
           false,
           -1e300,
           1e300,
           {},
           Support::kSupported,
           {},
           false}};
}

// Of these an answer does not depend, or they are said in another way: the model by its version.
constexpr const char* kBeside[] = {"cache",        "model", "stream", "stream_options", "user", "metadata", "safety_identifier", "prompt_cache_key",
                                   "service_tier", "store"};

class KeepingSink : public model::Sink {
 public:
  KeepingSink(const Services& services, Keeping keeping, const model::ModelInfo& model, std::shared_ptr<model::Sink> sink)
      : services_(services), keeping_(std::move(keeping)), model_(model), sink_(std::move(sink)) {}
  void on_token(const model::TokenEvent& event) override {
    text_ += event.text;
    for (auto& call : event.calls) model::add_call(calls_, call);
    sink_->on_token(event);
  }
  void on_finish(const model::Finish& finish) override {
    const bool whole = finish.reason == model::FinishReason::kStop || finish.reason == model::FinishReason::kLength;
    if (whole) keep(finish);
    sink_->on_finish(finish);
  }

 private:
  // On another thread: this one is the engine's.
  void keep(const model::Finish& finish) {
    Json calls = Json::array();
    for (auto& call : calls_) calls.push(Json::object({{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}}));
    cache::Cache::Made made;
    made.value = Json::object({{"text", std::move(text_)}, {"calls", std::move(calls)}, {"cut", finish.reason == model::FinishReason::kLength}});
    made.cost = token_cost(services_, model_, finish.usage);
    made.ttl_ms = keeping_.ttl_ms;
    // Not the caller's context: it may be over by then.
    services_.background([cache = services_.cache, clock = services_.clock, keeping = keeping_, made = std::move(made)] {
      cache->keep(Context::background(*clock), keeping.tenant, keeping.key, made);
    });
  }

  const Services& services_;
  const Keeping keeping_;
  const model::ModelInfo model_;
  const std::shared_ptr<model::Sink> sink_;
  std::string text_;
  std::vector<model::FunctionCall> calls_;
};

Result<Json> stats(const Services& services) {
  const cache::Stats now = services.cache->stats();
  const uint64_t asked = now.hits + now.misses;
  return Json::object({{"object", "cache"},
                       {"entries", now.entries},
                       {"bytes", now.bytes},
                       {"hits", now.hits},
                       {"misses", now.misses},
                       {"hit_rate", asked ? Json(static_cast<double>(now.hits) / static_cast<double>(asked)) : Json()},
                       {"evicted", now.evicted},
                       {"saved", now.saved}});
}

Result<Json> clear(const Services& services, const Context& context) {
  TRY_ASSIGN(const int64_t gone, services.cache->clear(context, context.principal().tenant));
  return Json::object({{"object", "cache"}, {"removed", gone}});
}

}  // namespace

Field cache_field() {
  return {"cache", Kind::kObject,
          "An extension: {ttl_s, sampled}. The same request again is answered by the same answer, for so long: same tenant and roles, same model in the same "
          "version, same messages and parameters. Its usage is then 0 and strata.cached is true."};
}

std::string model_version(const Services& services, const model::ModelInfo& model) {
  return sha256_hex(Json::array({model.id, model.sha256, model.parent, model.adapter_sha256, model.source, model.format, services.version}).dump());
}

double token_cost(const Services& services, const model::ModelInfo& model, const model::Usage& usage) {
  if (!services.observer) return 0;
  const observe::Call call{.model = model.id,
                           .product = "",
                           .operation = "chat",
                           .remote = model.remote,
                           .input_tokens = usage.prompt_tokens,
                           .cached_tokens = usage.cached_tokens,
                           .output_tokens = usage.completion_tokens};
  return observe::cost_of(services.observer->prices(), call).value_or(0);
}

Result<std::optional<Keeping>> keeping_of(const Services& services, const Context& context, const Body& body, const Json& request,
                                          const model::ModelInfo& model) {
  if (!body.has("cache")) return std::optional<Keeping>();
  TRY_ASSIGN(const Body wanted, Body::parse(inner_fields(), body["cache"], "cache."));
  for (const char* name : {"logprobs", "receipt"})
    if (body.flag(name, false))
      return invalid_argument(std::string("cache: an answer with ") + name + " is not kept: leave one of them out", "cache", "invalid_value");
  const bool sampled = body.number("temperature", 1) > 0 && !body.has("seed");
  if (sampled && !wanted.flag("sampled", false))
    return invalid_argument(
        "cache: with a temperature and without a seed the answer is another each time: set temperature 0 or a seed, or cache.sampled: true "
        "to keep one such answer",
        "cache", "invalid_value");
  Json asked = request;
  for (const char* name : kBeside) asked.erase(name);
  cache::Key key("chat", context.principal());
  key.add("model", model_version(services, model)).add_json("request", asked);
  Keeping keeping{key.hex(), key.tenant(), std::llround(wanted.number("ttl_s", 0) * 1000)};
  return std::optional(std::move(keeping));
}

bool answer_from_cache(const Services& services, const Context& context, const Keeping& keeping, ChatWriter writer) {
  const auto hit = services.cache->find(context, keeping.key);
  if (!hit || !hit->value["text"].is_string()) return false;
  if (const std::string& text = *hit->value["text"].as_string(); !text.empty()) writer.text(text, Json::array(), {});
  std::vector<model::CallDelta> calls;
  if (const auto* list = hit->value["calls"].as_array())
    for (const Json& call : *list)
      calls.push_back({static_cast<int>(calls.size()), call["id"].to_string("id").value_or(""), call["name"].to_string("name").value_or(""),
                       call["arguments"].to_string("arguments").value_or("")});
  if (!calls.empty()) writer.calls(calls);
  if (auto* call = writer.call()) call->tell(writer.model(), model::Usage{});
  const double age_s = std::max(0.0, static_cast<double>(services.clock->unix_ms() - hit->made_ms) / 1000);
  writer.done(hit->value["cut"] == Json(true) ? "length" : "stop", model::Usage{}, Json::object({{"cached", true}, {"age_s", age_s}, {"saved", hit->cost}}));
  return true;
}

std::shared_ptr<model::Sink> keeping_sink(const Services& services, Keeping keeping, const model::ModelInfo& model, std::shared_ptr<model::Sink> sink) {
  return std::make_shared<KeepingSink>(services, std::move(keeping), model, std::move(sink));
}

void add_cache_routes(http::Server& server, Services& services) {
  using Responder = std::shared_ptr<http::Responder>;
  server.route("GET", "/strata/v1/cache", [&services](const Context&, const http::Request&, Responder responder) { send(*responder, stats(services)); });
  server.route("DELETE", "/strata/v1/cache",
               [&services](const Context& context, const http::Request&, Responder responder) { send(*responder, clear(services, context)); });
}

}  // namespace strata::api
