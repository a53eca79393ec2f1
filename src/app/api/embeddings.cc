// POST /v1/embeddings (float and base64) and GET /v1/models.
#include <cmath>
#include <cstring>

#include "app/api/api.h"
#include "app/api/generation.h"
#include "app/api/reply.h"
#include "app/api/rules.h"
#include "base/crypto.h"

namespace strata::api {

std::vector<Field> embedding_fields() {
  return {{"input", Kind::kAny, "A string, or a list of up to 2048 strings.", true},
          {"model", Kind::kString, "Id of the embedding model."},
          {"encoding_format", Kind::kString, "", false, -1e300, 1e300, {"float", "base64"}, Support::kSupported, {}, "float"},
          {"dimensions", Kind::kInteger, "Shorter vectors: the first so many dimensions, made unit length again.", false, 1, 65536},
          {"user", Kind::kString, "The end user.", false, -1e300, 1e300, {}, Support::kNoEffect}};
}

namespace {

Result<std::vector<std::string>> parse_input(const Json& input) {
  std::vector<std::string> texts;
  if (auto* text = input.as_string()) texts.push_back(*text);
  else if (auto* items = input.as_array()) {
    for (size_t i = 0; i < items->size(); ++i) {
      std::string at = "input[" + std::to_string(i) + "]";
      if (!(*items)[i].is_string())
        return invalid_argument(at + ": expected a string; token ids are not supported for embeddings: send text", at, "invalid_type");
      texts.push_back(*(*items)[i].as_string());
    }
  } else {
    return invalid_argument("input: expected a string or a list of strings, got " + std::string(input.type_name()), "input", "invalid_type");
  }
  if (texts.empty() || texts.size() > 2048)
    return invalid_argument("input: expected 1 to 2048 texts, got " + std::to_string(texts.size()), "input", "invalid_value");
  for (auto& text : texts)
    if (text.empty()) return invalid_argument("input: a text must not be empty", "input", "invalid_value");
  return texts;
}

void shorten(std::vector<float>& vector, size_t dimensions) {
  vector.resize(dimensions);
  double square = 0;
  for (float x : vector) square += double{x} * x;
  float scale = square > 0 ? static_cast<float>(1 / std::sqrt(square)) : 0;
  for (float& x : vector) x *= scale;
}

Json vector_json(const std::vector<float>& vector, bool base64) {
  if (base64) return base64_encode({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
  Json out = Json::array();
  for (float x : vector) out.push(static_cast<double>(x));
  return out;
}

Json embeddings_json(std::vector<model::Embedding> embeddings, const std::string& model, bool base64, int dimensions) {
  Json data = Json::array();
  int tokens = 0, truncated = 0;
  for (size_t i = 0; i < embeddings.size(); ++i) {
    if (dimensions > 0) shorten(embeddings[i].vector, static_cast<size_t>(dimensions));
    data.push(Json::object({{"object", "embedding"}, {"index", i}, {"embedding", vector_json(embeddings[i].vector, base64)}}));
    tokens += embeddings[i].tokens;
    truncated += embeddings[i].truncated;
  }
  Json out = Json::object(
      {{"object", "list"}, {"data", std::move(data)}, {"model", model}, {"usage", Json::object({{"prompt_tokens", tokens}, {"total_tokens", tokens}})}});
  if (truncated) out.set("strata", Json::object({{"truncated_inputs", truncated}}));
  return out;
}

// A vector cites nothing and needs no review; its texts are masked as any others.
Result<std::optional<live::Terms>> embedding_terms(const Services& services, const Context& context, ProductCall* call, std::vector<std::string>& inputs) {
  std::vector<std::string*> texts;
  for (auto& input : inputs) texts.push_back(&input);
  std::vector<std::string> no_citations = {""};
  return terms_of_call(services, context, call, nullptr, texts, &no_citations);
}

Status start_embedding(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder,
                       std::shared_ptr<ProductCall> call) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  if (call) call->made_for(json);
  TRY_ASSIGN(Body body, Body::parse(embedding_fields(), json));
  model::Embedder* embedder = services.models->embedder();
  std::string wanted = body.text("model", embedder->info().id);
  if (wanted != embedder->info().id)
    return not_found("the model '" + wanted + "' does not exist or does not embed; there is: " + embedder->info().id, "model", "model_not_found");
  TRY_ASSIGN(auto texts, parse_input(body["input"]));
  TRY_ASSIGN(auto terms, embedding_terms(services, context, call.get(), texts));
  int dimensions = static_cast<int>(body.integer("dimensions", 0));
  if (dimensions > embedder->info().dimensions)
    return invalid_argument("dimensions: expected at most " + std::to_string(embedder->info().dimensions), "dimensions", "invalid_value");
  bool base64 = body.text("encoding_format") == "base64";
  auto without_effect = body.without_effect();
  model::EmbedRequest wanted_vectors{.texts = std::move(texts), .priority = services.priority};
  return embedder->submit(context, std::move(wanted_vectors), [=](Result<std::vector<model::Embedding>> result) {
    if (!result) return responder->send(error_response(result.error()));
    Json out = embeddings_json(std::move(*result), wanted, base64, dimensions);
    if (call) call->tell(wanted, {.prompt_tokens = static_cast<int>(*out["usage"]["prompt_tokens"].to_int("prompt_tokens"))});
    if (terms) {
      Json strata = out["strata"].is_object() ? out["strata"] : Json::object();
      strata.set("spec", terms_json(*terms));
      out.set("strata", std::move(strata));
    }
    responder->send(json_response(out, without_effect));
  });
}

Json names_json(const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const std::string& name : names) out.push(name);
  return out;
}

}  // namespace

Json model_json(const model::ModelInfo& info, int64_t created_ms, std::string_view state, const pool::Listed& local) {
  Json out = Json::object({{"id", info.id},
                           {"object", "model"},
                           {"created", seconds_of(created_ms)},
                           {"owned_by", info.remote ? "provider" : "strata"},
                           {"strata", Json::object({{"family", info.family},
                                                    {"format", info.format},
                                                    {"source", info.source},
                                                    {"license", info.license},
                                                    {"parameters", info.parameters},
                                                    {"context_tokens", info.context_tokens},
                                                    {"dimensions", info.dimensions},
                                                    {"memory_bytes", info.memory_bytes},
                                                    {"sha256", info.sha256},
                                                    {"version", local.version.empty() ? Json() : Json(local.version)},
                                                    {"aliases", names_json(local.aliases)},
                                                    {"state", state},
                                                    {"need_bytes", local.need_bytes},
                                                    {"requests", local.leases},
                                                    {"waiting", local.waiting},
                                                    {"problem", local.problem.empty() ? Json() : Json(local.problem)},
                                                    {"remote", info.remote},
                                                    {"demo", info.demo}})}});
  if (info.parent.empty()) return out;
  out.set("parent", info.parent);
  out.set("root", info.source);
  Json own = out["strata"];
  own.set("adapter_sha256", info.adapter_sha256);
  own.set("adapter_rank", info.adapter_rank);
  out.set("strata", std::move(own));
  return out;
}

namespace {

Json::Array all_models(const Services& services) {
  Json::Array out;
  for (auto& entry : services.models->list()) {
    const bool remote = entry.model->info().remote;
    const bool adapter = !entry.model->info().parent.empty();
    out.push_back(model_json(entry.model->info(), entry.created_ms, remote ? "remote" : adapter ? "loaded" : pool::state_name(entry.local.state), entry.local));
  }
  if (auto* embedder = services.models->embedder()) out.push_back(model_json(embedder->info(), services.started_ms, "loaded"));
  return out;
}

}  // namespace

CallHandler embedding_handler() { return start_embedding; }

void add_embedding_routes(http::Server& server, Services& services) { route_call(server, services, "/v1/embeddings", false, start_embedding); }

void add_model_routes(http::Server& server, Services& services) {
  server.route("GET", "/v1/models", [&services](const Context&, const http::Request&, std::shared_ptr<http::Responder> responder) {
    responder->send(json_response(Json::object({{"object", "list"}, {"data", all_models(services)}})));
  });
  server.route("GET", "/v1/models/{}", [&services](const Context&, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    std::string id = request.captures[0];
    if (auto found = services.models->find(id)) id = (*found)->info().id;   // an alias
    for (auto& model : all_models(services))
      if (*model["id"].as_string() == id) return responder->send(json_response(model));
    responder->send(error_response(not_found("the model '" + request.captures[0] + "' does not exist", "model", "model_not_found")));
  });
}

}  // namespace strata::api
