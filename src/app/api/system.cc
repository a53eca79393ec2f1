// /strata/v1/system and /strata/v1/providers: what this installation is, and the models it answers with.
#include "app/api/api.h"
#include "app/api/openapi.h"
#include "app/api/providers.h"
#include "app/api/reply.h"
#include "infra/compute/compute.h"
#include "knowledge/index/index.h"
#include "model/engine/engine.h"

namespace strata::api {

std::vector<Field> provider_fields() {
  return {{"id", Kind::kString, "What its model is called here.", true, 1, 100},
          {"base_url", Kind::kString, "Of an OpenAI-compatible server, up to /v1.", true, 8, 500},
          {"model", Kind::kString, "What the model is called there.", true, 1, 200},
          {"key", Kind::kString, "Goes to the secret store.", false, 0, 4096},
          {"context_tokens", Kind::kInteger, "What the model holds.", false, 256, 10'000'000, {}, Support::kSupported, {}, 32'768},
          {"residency", Kind::kString, "Where its data stays: US, EU, …", false, 0, 64},
          {"default", Kind::kBoolean, "Answers when no model is named."}};
}
std::vector<Field> default_model_fields() { return {{"id", Kind::kString, "The model that answers when none is named.", true}}; }

namespace {

Json model_row(const model::ModelInfo& info, std::string_view kind, std::string_view state, std::string_view problem = {}) {
  return Json::object({{"id", info.id},
                       {"kind", kind},
                       {"family", info.family},
                       {"format", info.format},
                       {"license", info.license},
                       {"source", info.source},
                       {"parameters", info.parameters},
                       {"context_tokens", info.context_tokens},
                       {"dimensions", info.dimensions},
                       {"memory_bytes", info.memory_bytes},
                       {"state", state},
                       {"problem", problem.empty() ? Json() : Json(problem)},
                       {"remote", info.remote},
                       {"demo", info.demo},
                       {"parent", info.parent.empty() ? Json() : Json(info.parent)}});
}

Json machine_json() {
  static const compute::Machine machine = compute::inspect_machine();
  Json sets = Json::array(), accelerators = Json::array();
  for (auto& name : machine.instruction_sets) sets.push(name);
  for (auto& name : machine.accelerators) accelerators.push(name);
  return Json::object({{"cpu", machine.cpu_name},
                       {"cores", machine.cores},
                       {"memory_bytes", machine.memory_bytes},
                       {"instruction_sets", std::move(sets)},
                       {"isa", compute::isa_name(compute::best_isa())},
                       {"accelerators", std::move(accelerators)}});
}

Result<Json> system(const Services& services, const Context&, const http::Request&) {
  Json models = Json::array();
  for (auto& entry : services.models->list()) {
    const bool remote = entry.model->info().remote;
    models.push(model_row(entry.model->info(), "language", remote ? "remote" : pool::state_name(entry.local.state), entry.local.problem));
  }
  models.push(model_row(services.models->embedder()->info(), "embedding", "loaded"));
  engine::Stats e = services.engine->stats();
  index::Stats i = services.index->stats();
  return Json::object({{"version", services.version},
                       {"uptime_s", (services.clock->unix_ms() - services.started_ms) / 1000},
                       {"default_model", services.models->default_id()},
                       {"models", std::move(models)},
                       {"engine", Json::object({{"running", e.running},
                                                {"waiting", e.waiting},
                                                {"waiting_embeddings", e.waiting_embeddings},
                                                {"kv_cache_used", e.kv_cache_used},
                                                {"decode_tokens_per_s", e.decode_tokens_per_s},
                                                {"prefill_tokens_per_s", e.prefill_tokens_per_s},
                                                {"prompt_tokens", e.prompt_tokens},
                                                {"cached_tokens", e.cached_tokens},
                                                {"generated_tokens", e.generated_tokens},
                                                {"drafted_tokens", e.drafted_tokens},
                                                {"accepted_tokens", e.accepted_tokens},
                                                {"preemptions", e.preemptions},
                                                {"recomputed_tokens", e.recomputed_tokens},
                                                {"adapters", e.adapters},
                                                {"embedded_texts", e.embedded_texts},
                                                {"memory_bytes", e.memory_bytes}})},
                       {"memory", Json::object({{"budget_bytes", services.engine->memory_max()},
                                                {"promised_bytes", services.engine->memory_max() - services.engine->memory_left()}})},
                       {"machine", machine_json()},
                       {"index", Json::object({{"chunks", i.chunks}, {"documents", i.documents}, {"memory_bytes", i.memory_bytes}})}});
}

Result<Json> list_providers(const Services& services, const Context& context, const http::Request&) {
  TRY_ASSIGN(auto providers, stored_providers(*services.secrets, context));
  Json data = Json::array();
  for (auto& p : providers)
    data.push(Json::object({{"id", p.id},
                            {"base_url", p.base_url},
                            {"model", p.model},
                            {"context_tokens", p.context_tokens},
                            {"residency", p.residency},
                            {"has_key", !p.key.empty()}}));
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Result<Json> add_provider(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(provider_fields(), json));
  Provider provider{
      body.text("id"),       body.text("base_url"), body.text("model"), body.text("key"), static_cast<int>(body.integer("context_tokens", 32'768)),
      body.text("residency")};
  for (auto& entry : services.models->list())
    if (entry.model->info().id == provider.id && !entry.model->info().remote)
      return Error{Code::kAlreadyExists, "the id '" + provider.id + "' is a local model's: choose another", "id", ""};
  TRY_ASSIGN(auto model, connect_provider(*services.egress, provider));
  TRY(store_provider(*services.secrets, context, provider));
  services.models->add(std::move(model), services.clock->unix_ms());
  if (body.flag("default", false)) TRY(services.models->set_default(provider.id));
  return Json::object({{"id", provider.id}, {"base_url", provider.base_url}, {"model", provider.model}});
}

Result<Json> remove_provider(const Services& services, const Context& context, const http::Request& request) {
  TRY(forget_provider(*services.secrets, context, request.captures[0]));
  services.models->remove(request.captures[0]);
  return Json::object({{"id", request.captures[0]}, {"deleted", true}});
}

Result<Json> choose_default(const Services& services, const Context&, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(default_model_fields(), json));
  TRY(services.models->set_default(body.text("id")));
  return Json::object({{"default_model", services.models->default_id()}});
}

}  // namespace

void add_system_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/system", system);
  add("GET", "/strata/v1/providers", list_providers);
  add("POST", "/strata/v1/providers", add_provider);
  add("DELETE", "/strata/v1/providers/{}", remove_provider);
  add("POST", "/strata/v1/models/default", choose_default);
}

}  // namespace strata::api
