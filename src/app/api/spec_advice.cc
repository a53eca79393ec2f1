// /strata/v1: what follows from a product's spec: model tier and our pick, layers, capacity, promise against measurement, notes.
#include "app/api/providers.h"
#include "app/api/reply.h"
#include "app/api/specs.h"
#include "model/engine/engine.h"
#include "orchestration/registry/registry.h"
#include "product/outcome/outcome.h"

#include "base/span.h"

namespace strata::api {
namespace {

using http::Request;

Json texts_json(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (auto& text : texts) out.push(text);
  return out;
}

Result<Json> recommendation(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto current, services.specs->newest_or_live(context, request.captures[0]));
  auto verdicts = spec::pick_models(current.spec, model_facts(services, context));
  Json models = Json::array(), layers = Json::array();
  for (auto& v : verdicts) models.push(Json::object({{"id", v.id}, {"allowed", v.allowed}, {"score", v.score}, {"reasons", texts_json(v.reasons)}}));
  for (auto& layer : spec::layers_needed(current.spec))
    layers.push(Json::object({{"layer", layer.layer}, {"needed", layer.needed}, {"why", texts_json(layer.why)}}));
  bool any = !verdicts.empty() && verdicts[0].allowed;
  return Json::object({{"id", current.product},
                       {"version", current.version},
                       {"recommendation", current.spec.model_tier_recommendation()},
                       {"pick", any ? Json(verdicts[0].id) : Json()},
                       {"models", std::move(models)},
                       {"layers", std::move(layers)}});
}

Result<Json> capacity(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto current, services.specs->newest_or_live(context, request.captures[0]));
  engine::Stats stats = services.engine->stats();
  TRY_ASSIGN(auto promise, services.specs->promise(context, current.product, current.spec.max_latency_seconds));
  auto c = spec::reckon_capacity(current.spec, {.decode_tokens_per_s = stats.decode_tokens_per_s,
                                                .prefill_tokens_per_s = stats.prefill_tokens_per_s,
                                                .answer_seconds_p95 = promise.actual_seconds_p95,
                                                .answers = promise.answers});
  Json kept = Json::object({{"promised_seconds", promise.promised_seconds},
                            {"actual_seconds_p95", promise.answers ? Json(promise.actual_seconds_p95) : Json()},
                            {"answers", promise.answers},
                            {"late", promise.late},
                            {"kept", promise.answers ? Json(promise.actual_seconds_p95 <= promise.promised_seconds) : Json()}});
  return Json::object({{"id", current.product},
                       {"version", current.version},
                       {"verdict", spec::verdict_name(c.verdict)},
                       {"latency_class", c.latency_class},
                       {"call_frequency", c.call_frequency},
                       {"average_per_s", c.average_per_s},
                       {"peak_per_s", c.peak_per_s},
                       {"capacity_per_s", c.capacity_per_s},
                       {"used", c.used},
                       {"machines", c.machines},
                       {"expected_seconds", c.expected_seconds},
                       {"promised_seconds", c.promised_seconds},
                       {"lines", texts_json(c.lines)},
                       {"promise", std::move(kept)}});
}

struct Notes {
  std::string text;
  int version = 0;   // 0: generated, not edited yet
};

// The edited notes, or those that the spec says by itself.
Result<Notes> notes_of(const Services& services, const Context& context, const std::string& product, bool generated) {
  if (!generated) {
    auto kept = services.artifacts->version(context, {live::kNotesKind, product}, 0);
    if (kept) return Notes{kept->content, kept->number};
    if (kept.error().code != Code::kNotFound) return kept.error();
  }
  TRY_ASSIGN(auto current, services.specs->newest_or_live(context, product));
  return Notes{spec::product_notes(current.spec, spec::pick_models(current.spec, model_facts(services, context))), 0};
}

Result<Json> get_notes(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto notes, notes_of(services, context, request.captures[0], request.parameter("generated") == "true"));
  int latest = notes.version;
  if (auto artifact = services.artifacts->artifact(context, {live::kNotesKind, request.captures[0]})) latest = artifact->latest;
  return Json::object({{"id", request.captures[0]}, {"text", notes.text}, {"version", notes.version}, {"latest", latest}, {"edited", notes.version > 0}});
}

Result<Json> put_notes(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(notes_fields(), json));
  TRY(services.artifacts->artifact(context, {live::kSpecKind, request.captures[0]}));
  TRY_ASSIGN(auto version, services.artifacts->add_version(context, {live::kNotesKind, request.captures[0]}, body.text("text"),
                                                           static_cast<int>(body.integer("base_version", 0)), {body.text("who"), body.text("why")}));
  return Json::object({{"id", request.captures[0]}, {"version", version.number}, {"latest", version.number}, {"edited", true}, {"text", version.content}});
}

void export_notes(const Services& services, const Context& context, const Request& request, http::Responder& responder) {
  auto notes = notes_of(services, context, request.captures[0], false);
  if (!notes) return responder.send(error_response(notes.error()));
  http::Response response;
  response.content_type = "text/markdown; charset=utf-8";
  response.headers.push_back({"content-disposition", "attachment; filename=\"" + request.captures[0] + "-notes.md\""});
  response.headers.push_back({"x-content-type-options", "nosniff"});
  response.body = notes->text;
  responder.send(std::move(response));
}

}  // namespace

std::vector<Field> notes_fields() {
  return {{"text", Kind::kString, "Markdown.", true, 1, registry::kContentBytesMax},
          {"base_version", Kind::kInteger, "The version that the change starts from; 0: the generated notes.", false, 0, 1e6},
          {"who", Kind::kString, "", false, 0, 128},
          {"why", Kind::kString, "", false, 0, 2000}};
}

std::vector<spec::ModelFacts> model_facts(const Services& services, const Context& context) {
  std::vector<Provider> providers;
  if (auto stored = stored_providers(*services.secrets, context)) providers = std::move(*stored);
  const auto stats = services.engine->stats_by_model();
  std::vector<spec::ModelFacts> out;
  for (auto& entry : services.models->list()) {
    auto& info = entry.model->info();
    if (!info.parent.empty()) continue;   // an adapter stands with its base
    spec::ModelFacts facts{info.id, info.license, info.remote, info.demo, info.context_tokens, info.parameters, 0, ""};
    if (const auto measured = stats.find(info.id); !info.remote && measured != stats.end()) facts.tokens_per_s = measured->second.decode_tokens_per_s;
    for (auto& provider : providers)
      if (provider.id == info.id) facts.residency = provider.residency;
    out.push_back(std::move(facts));
  }
  return out;
}

namespace {

// The product's live spec, once it allows this model and what it demands can be had here.
Result<std::optional<live::LiveSpec>> spec_for(const Services& services, const Context& context, const std::string& product, const model::LanguageModel* model,
                                               std::vector<std::string>* base_ids) {
  if (product.empty()) return std::optional<live::LiveSpec>();
  TRY_ASSIGN(auto current, services.specs->live(context, product));
  if (!current) return current;
  if (model)
    for (auto& facts : model_facts(services, context))
      if (facts.id == model->info().id) TRY(spec::check_residency(current->spec, facts));
  if (base_ids && base_ids->empty()) *base_ids = current->spec.knowledge_bases;
  if (!current->spec.requires_citations || (base_ids && !base_ids->empty())) return current;
  const std::string why = base_ids ? ", and no knowledge base is named: name one in its spec (knowledge_bases) or in the request"
                                   : ", and what comes from here cites nothing: use chat completions or responses";
  return Error{Code::kFailedPrecondition, "the product '" + current->product + "' answers only with verified citations" + why, "vector_store_ids",
               "citations_required"};
}

}  // namespace

Result<std::optional<live::Terms>> terms_of(const Services& services, const Context& context, const std::string& product, const model::LanguageModel& model,
                                            const std::string& question, std::vector<std::string>& base_ids) {
  std::string text = question;
  TRY_ASSIGN(auto terms, terms_of(services, context, product, &model, {&text}, &base_ids));
  if (terms) terms->question = std::move(text);
  return terms;
}

Result<std::optional<live::Terms>> terms_of(const Services& services, const Context& context, const std::string& product, const model::LanguageModel* model,
                                            const std::vector<std::string*>& texts, std::vector<std::string>* base_ids) {
  const int64_t begun_ns = services.clock->monotonic_ns();
  TRY_ASSIGN(auto current, spec_for(services, context, product, model, base_ids));
  if (!current) return std::optional<live::Terms>();
  Span span(context, "guard input");
  live::Terms terms = live::terms_for(*current, texts, context.principal().user);
  terms.begun_ns = begun_ns;
  span.set("strata.pii_handling", current->spec.pii_handling);
  for (auto& [kind, count] : terms.pii)
    span.set(kind == "email" ? "strata.pii.email" : kind == "phone" ? "strata.pii.phone" : kind == "card" ? "strata.pii.card" : "strata.pii.iban", count);
  return std::optional<live::Terms>(std::move(terms));
}

Json terms_json(const live::Terms& terms) {
  Json pii = Json::object();
  for (auto& [kind, count] : terms.pii) pii.set(kind, count);
  auto& spec = terms.live.spec;
  return Json::object({{"id", terms.live.product},
                       {"name", spec.name},
                       {"version", terms.live.version},
                       {"requires_citations", spec.requires_citations},
                       {"human_review_required", spec.human_review_required},
                       {"max_latency_seconds", spec.max_latency_seconds},
                       {"context_tokens_max", spec::context_tokens_max(spec)},
                       {"pii_handling", spec.pii_handling},
                       {"pii", std::move(pii)}});
}

void add_spec_advice_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/products/{}/recommendation", recommendation);
  add("GET", "/strata/v1/products/{}/capacity", capacity);
  add("GET", "/strata/v1/products/{}/notes", get_notes);
  add("PUT", "/strata/v1/products/{}/notes", put_notes);
  server.route("GET", "/strata/v1/products/{}/notes.md",
               [&services](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
                 export_notes(services, context, request, *responder);
               });
}

}  // namespace strata::api
