// /strata/v1/landscape, /strata/v1/decide: the catalogue with what is here, the comparison, and the helper. Works out nothing itself.
#include "app/api/landscape.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "app/api/api.h"
#include "app/api/openapi.h"
#include "app/api/providers.h"
#include "app/api/reply.h"
#include "model/engine/engine.h"
#include "model/hub/hub.h"
#include "product/landscape/landscape.h"

namespace strata::api {
namespace {

namespace ls = landscape;

// The built-in catalogue with the user's file over it. A file that cannot be read leaves the built-in one, with the error beside it.
struct Loaded {
  ls::Catalogue catalogue;
  std::string path, error;
  bool found = false;
};

Loaded load(const Services& services) {
  Loaded out{ls::built_in(), services.data_folder + "/landscape.json", "", false};
  std::ifstream file(out.path, std::ios::binary);
  if (!file) return out;
  out.found = true;
  std::string text{std::istreambuf_iterator<char>(file), {}};
  auto parsed = ls::parse(text, ls::built_in());
  if (parsed) out.catalogue = std::move(*parsed);
  else out.error = parsed.error().message;
  return out;
}

Result<std::vector<ls::Installed>> installed_models(const Services& services, const Context& context) {
  TRY_ASSIGN(auto providers, stored_providers(*services.secrets, context));
  std::string local_default = services.models->default_id();
  const auto stats = services.engine->stats_by_model();
  std::vector<ls::Installed> out;
  for (auto& entry : services.models->list()) {
    auto& info = entry.model->info();
    if (!info.parent.empty()) continue;   // an adapter stands with its base
    ls::Installed row{.id = info.id, .model = "", .remote = info.remote, .is_default = info.id == local_default, .context_tokens = info.context_tokens};
    for (auto& provider : providers)
      if (info.remote && provider.id == info.id) row.model = provider.model;
    if (const auto measured = stats.find(info.id); !info.remote && measured != stats.end()) row.decode_tokens_per_s = measured->second.decode_tokens_per_s;
    out.push_back(std::move(row));
  }
  if (auto* embedder = services.models->embedder())
    out.push_back({.id = embedder->info().id, .model = "", .remote = false, .is_default = false, .embedder = true, .context_tokens = embedder->tokens_max()});
  return out;
}

Json words(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (auto& word : list) out.push(word);
  return out;
}

Json value_json(const ls::Value& value) {
  if (auto* whole = std::get_if<int64_t>(&value)) return *whole;
  if (auto* real = std::get_if<double>(&value)) return *real;
  if (auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

Json facts_json(const ls::Facts& facts) {
  Json out = Json::object();
  for (auto& field : ls::fields()) {
    const ls::Fact& fact = facts[static_cast<size_t>(field.field)];
    out.set(
        field.name,
        Json::object({{"value", value_json(fact.value)}, {"source", fact.source}, {"as_of", fact.as_of}, {"note", fact.note}, {"inherited", fact.inherited}}));
  }
  return out;
}

Json hub_json(const std::vector<std::string>& ids) {
  Json out = Json::array();
  for (auto& known : hub::recommendations())
    if (std::find(ids.begin(), ids.end(), known.id) != ids.end())
      out.push(Json::object({{"id", known.id}, {"format", known.format}, {"bytes", known.bytes}, {"command", "strata model pull " + std::string(known.id)}}));
  return out;
}

Json model_json(const ls::Catalogue& catalogue, const ls::Model& model, const std::vector<ls::Installed>& installed) {
  Json here = Json::array();
  for (auto& row : installed)
    if (ls::match(catalogue, row) == &model) here.push(row.id);
  const ls::Family* family = catalogue.family(model.family);
  return Json::object({{"id", model.id},
                       {"name", model.name},
                       {"family", model.family},
                       {"family_name", family->name},
                       {"maker", family->maker},
                       {"kinds", words(model.kinds)},
                       {"input", words(model.input)},
                       {"output", words(model.output)},
                       {"aliases", words(model.aliases)},
                       {"open_weights", model.open_weights},
                       {"origin", ls::origin_name(model.origin)},
                       {"here", std::move(here)},
                       {"hub", hub_json(model.hub)},
                       {"facts", facts_json(model.facts)}});
}

std::string_view kind_name(ls::FieldKind kind) {
  switch (kind) {
    case ls::FieldKind::kText:
    case ls::FieldKind::kChoice: return "text";
    case ls::FieldKind::kCount: return "count";
    case ls::FieldKind::kNumber: return "number";
    case ls::FieldKind::kMonth: return "month";
    case ls::FieldKind::kGrade: return "grade";
  }
  return "";
}

Json lists_json(const ls::Catalogue& catalogue) {
  Json sources = Json::object(), kinds = Json::array(), families = Json::array(), fields = Json::array();
  for (auto& s : catalogue.sources) sources.set(s.id, Json::object({{"title", s.title}, {"url", s.url.empty() ? Json() : Json(s.url)}}));
  for (auto& k : catalogue.kinds) kinds.push(Json::object({{"id", k.id}, {"name", k.name}, {"meaning", k.meaning}}));
  for (auto& f : catalogue.families)
    families.push(Json::object({{"id", f.id},
                                {"name", f.name},
                                {"maker", f.maker},
                                {"kinds", words(f.kinds)},
                                {"open_weights", f.open_weights},
                                {"ux", f.ux},
                                {"origin", ls::origin_name(f.origin)},
                                {"facts", facts_json(f.facts)}}));
  for (auto& f : ls::fields())
    fields.push(Json::object({{"name", f.name}, {"kind", kind_name(f.kind)}, {"axis", f.axis}, {"meaning", f.meaning}, {"ages", f.ages}}));
  return Json::object({{"as_of", catalogue.as_of},
                       {"fields", std::move(fields)},
                       {"sources", std::move(sources)},
                       {"kinds", std::move(kinds)},
                       {"families", std::move(families)}});
}

Result<Json> whole(const Services& services, const Context& context, const http::Request&) {
  Loaded loaded = load(services);
  TRY_ASSIGN(auto installed, installed_models(services, context));
  Json out = lists_json(loaded.catalogue);
  Json models = Json::array(), here = Json::array();
  for (auto& model : loaded.catalogue.models) models.push(model_json(loaded.catalogue, model, installed));
  for (auto& row : installed) {
    const ls::Model* model = ls::match(loaded.catalogue, row);
    here.push(Json::object({{"id", row.id},
                            {"catalogue_id", model ? Json(model->id) : Json()},
                            {"remote", row.remote},
                            {"default", row.is_default},
                            {"embedder", row.embedder},
                            {"context_tokens", row.context_tokens}}));
  }
  out.set("models", std::move(models));
  out.set("installed", std::move(here));
  out.set("own_file", Json::object({{"path", loaded.path}, {"found", loaded.found}, {"error", loaded.error.empty() ? Json() : Json(loaded.error)}}));
  return out;
}

Result<Json> one_model(const Services& services, const Context& context, const http::Request& request) {
  Loaded loaded = load(services);
  TRY_ASSIGN(const ls::Model* model, loaded.catalogue.find(request.captures[0]));
  TRY_ASSIGN(auto installed, installed_models(services, context));
  return model_json(loaded.catalogue, *model, installed);
}

Json comparison_json(const ls::Comparison& comparison) {
  Json rows = Json::array(), left = Json::array();
  int rank = 0;
  for (auto& row : comparison.rows) {
    Json parts = Json::array();
    for (auto& p : row.parts)
      parts.push(Json::object({{"axis", p.axis}, {"weight", p.weight}, {"points", p.points}, {"known", p.known}, {"reason", p.reason}}));
    rows.push(Json::object({{"rank", ++rank},
                            {"id", row.id},
                            {"name", row.name},
                            {"in_catalogue", row.model != nullptr},
                            {"here", words(row.here)},
                            {"score", row.score},
                            {"parts", std::move(parts)}}));
  }
  for (auto& out : comparison.left) left.push(Json::object({{"id", out.id}, {"reason", out.reason}}));
  return Json::object({{"rows", std::move(rows)}, {"left_out", std::move(left)}});
}

Result<Json> compare(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(landscape_compare_fields(), json));
  ls::Wish wish;
  wish.use = body.text("use", wish.use);
  wish.lean = body.text("lean", wish.lean);
  wish.favour = body.text("favour", wish.favour);
  wish.context_tokens_min = body.integer("context_tokens_min", 0);
  wish.here_only = body.flag("here_only", false);
  wish.open_weights_only = body.flag("open_weights_only", false);
  wish.with_retired = body.flag("with_retired", false);
  if (body.has("models"))
    for (auto& item : *body["models"].as_array()) {
      TRY_ASSIGN(std::string id, item.to_string("models"));
      wish.models.push_back(std::move(id));
    }
  Loaded loaded = load(services);
  TRY_ASSIGN(auto installed, installed_models(services, context));
  TRY_ASSIGN(auto comparison, ls::compare(loaded.catalogue, installed, wish));
  return comparison_json(comparison);
}

Json matrix_json(const ls::MatrixRow& row) {
  return Json::object({{"need", row.need}, {"rag", ls::fit_name(row.rag)}, {"fine_tune", ls::fit_name(row.fine_tune)}});
}

Result<Json> questions(const Services&, const Context&, const http::Request&) {
  Json list = Json::array(), matrix = Json::array();
  for (auto& q : ls::questions()) list.push(Json::object({{"id", q.id}, {"text", q.text}, {"why", q.why}, {"kind", q.number ? "number" : "yes_no"}}));
  for (auto& row : ls::matrix()) matrix.push(matrix_json(row));
  return Json::object(
      {{"questions", std::move(list)}, {"matrix", std::move(matrix)}, {"high_volume", ls::kHighVolume}, {"examples_enough", ls::kExamplesEnough}});
}

Result<Json> decide(const Services&, const Context&, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(decide_fields(), json));
  return advice_json({.private_docs = body.flag("private_docs", false),
                      .dynamic_data = body.flag("dynamic_data", false),
                      .style_consistency = body.flag("style_consistency", false),
                      .domain_jargon = body.flag("domain_jargon", false),
                      .narrow_task = body.flag("narrow_task", false),
                      .fits_in_prompt = body.flag("fits_in_prompt", false),
                      .daily_requests = body.integer("daily_requests", 0),
                      .labelled_examples = body.integer("labelled_examples", 0)});
}

}  // namespace

Json advice_json(const ls::Situation& situation) {
  ls::Advice advice = ls::decide(situation);
  Json cells = Json::array(), conditions = Json::array(), changes = Json::array();
  for (auto& row : advice.cells) cells.push(matrix_json(row));
  for (auto& c : advice.conditions) conditions.push(Json::object({{"name", c.name}, {"met", c.met}, {"detail", c.detail}}));
  for (auto& c : advice.changes)
    changes.push(Json::object({{"question", c.question}, {"to", c.to}, {"approach", c.approach}, {"title", ls::approach_title(c.approach)}}));
  return Json::object({{"approach", advice.approach},
                       {"title", advice.title},
                       {"reasons", words(advice.reasons)},
                       {"matrix_cells", std::move(cells)},
                       {"fine_tuning_conditions", std::move(conditions)},
                       {"would_change_it", std::move(changes)}});
}

std::vector<Field> landscape_compare_fields() {
  auto choices = [](const std::vector<std::string_view>& names) { return std::vector<std::string>(names.begin(), names.end()); };
  return {{"use", Kind::kString, "What for.", false, -1e300, 1e300, choices(ls::uses()), Support::kSupported, {}, "chat"},
          {"lean", Kind::kString, "Reasoning or creativity.", false, -1e300, 1e300, choices(ls::leans()), Support::kSupported, {}, "balanced"},
          {"favour", Kind::kString, "Low cost or low latency.", false, -1e300, 1e300, choices(ls::favours()), Support::kSupported, {}, "balanced"},
          {"context_tokens_min", Kind::kInteger, "Only models whose context holds so many tokens.", false, 0, 1e9},
          {"here_only", Kind::kBoolean, "Only models that this installation has."},
          {"open_weights_only", Kind::kBoolean, "Only models whose weights can be downloaded."},
          {"with_retired", Kind::kBoolean, "Also models that their makers no longer serve."},
          {"models", Kind::kArray, "Only these, by id, name or alias.", false, 0, 100}};
}

std::vector<Field> decide_fields() {
  std::vector<Field> out;
  for (auto& q : ls::questions()) out.push_back(q.number ? Field{q.id, Kind::kInteger, q.text, false, 0, 1e12} : Field{q.id, Kind::kBoolean, q.text});
  return out;
}

void add_landscape_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/landscape", whole);
  add("GET", "/strata/v1/landscape/models/{}", one_model);
  add("POST", "/strata/v1/landscape/compare", compare);
  add("GET", "/strata/v1/decide", questions);
  add("POST", "/strata/v1/decide", decide);
}

}  // namespace strata::api
