// /v1/load_lora_adapter and /v1/unload_lora_adapter, as vLLM has them: LoRA adapters come and go while the server runs.
#include <filesystem>

#include "app/api/api.h"
#include "app/api/openapi.h"
#include "app/api/params.h"
#include "app/api/reply.h"
#include "app/load_models.h"
#include "base/log.h"
#include "model/engine/engine.h"

namespace strata::api {

std::vector<Field> load_adapter_fields() {
  return {{"lora_name", Kind::kString, "What requests will call it: letters, digits, '-', '_', '.'.", true, 1, 64},
          {"lora_path", Kind::kString, "A PEFT folder or a GGUF file in the adapters folder; relative to it, or absolute.", true, 1, 4096},
          {"base_model_name", Kind::kString, "The language model that it is for; default: the default model.", false, 1, 256},
          {"load_inplace", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kUnsupported, {false}},
          {"is_3d_lora_weight", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kUnsupported, {false}}};
}

std::vector<Field> unload_adapter_fields() {
  return {{"lora_name", Kind::kString, "Of a loaded adapter.", true, 1, 64}, {"lora_int_id", Kind::kInteger, "", false, -1e300, 1e300, {}, Support::kNoEffect}};
}

namespace {

namespace fs = std::filesystem;

// What a client names lies in the adapters folder, links followed: the API is no way to try the disk's other files.
Result<std::string> path_inside(const std::string& folder, const std::string& named) {
  std::error_code error;
  const fs::path root = fs::weakly_canonical(folder, error);
  const fs::path path = fs::weakly_canonical(root / named, error);
  const auto [end, unused] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  if (error || end != root.end() || path == root) {
    return invalid_argument("lora_path: expected a PEFT folder or a GGUF file inside the adapters folder " + folder + " (setting adapters.folder)", "lora_path",
                            "invalid_value");
  }
  if (!fs::exists(path, error)) return not_found("lora_path: there is no '" + named + "' in the adapters folder " + folder, "lora_path");
  return path.string();
}

Result<Json> load(const Services& services, const Body& body) {
  const std::string name = body.text("lora_name");
  if (!app::is_adapter_name(name))
    return invalid_argument("lora_name: expected letters, digits, '-', '_' and '.', got '" + name + "'", "lora_name", "invalid_value");
  TRY_ASSIGN(const std::string path, path_inside(services.adapters_folder, body.text("lora_path")));
  TRY_ASSIGN(const auto base, services.models->find(body.text("base_model_name")));
  auto taken = [&] {
    Error error = invalid_argument("lora_name: '" + name + "' is loaded already, or the name of a model; unload it first", "lora_name", "already_exists");
    error.code = Code::kAlreadyExists;
    return error;
  };
  if (services.models->knows(name)) return taken();
  const std::string& base_id = base->info().parent.empty() ? base->info().id : base->info().parent;
  TRY(base->tokenize("", false));   // a model that is not in memory is now
  TRY_ASSIGN(auto adapter, services.engine->load_adapter(base_id, path, name));
  const model::ModelInfo info = adapter->info();
  if (!services.models->add_adapter(std::move(adapter), services.clock->unix_ms())) return taken();   // somebody was faster
  log::info("adapter.loaded", {{"name", name}, {"base", base_id}, {"sha256", info.adapter_sha256}});
  return model_json(info, services.clock->unix_ms(), "loaded");
}

Result<Json> unload(const Services& services, const Body& body) {
  const std::string name = body.text("lora_name");
  if (!services.models->remove_adapter(name)) return not_found("no adapter called '" + name + "' is loaded", "lora_name", "model_not_found");
  log::info("adapter.unloaded", {{"name", name}});
  return Json::object({{"id", name}, {"object", "model"}, {"deleted", true}});
}

using Act = Result<Json> (*)(const Services&, const Body&);

Result<Json> translate(const Services& services, const http::Request& request, const std::vector<Field>& fields, Act act) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(fields, json));
  return act(services, body);
}

}  // namespace

void add_adapter_routes(http::Server& server, Services& services) {
  auto add = [&](const char* pattern, std::vector<Field> (*fields)(), Act act) {
    server.route("POST", pattern, [&services, fields, act](const Context&, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, translate(services, request, fields(), act));
    });
  };
  add("/v1/load_lora_adapter", load_adapter_fields, load);
  add("/v1/unload_lora_adapter", unload_adapter_fields, unload);
}

}  // namespace strata::api
