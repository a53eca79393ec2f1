// /strata/v1: specs of products: check, save, versions, labels, drafts. What follows from a spec is in spec_advice.cc.
#include "app/api/specs.h"

#include "app/api/reply.h"
#include "base/yaml.h"
#include "orchestration/registry/registry.h"
#include "product/live/live.h"

namespace strata::api {
namespace {

using http::Request;

Field who_field() { return {"who", Kind::kString, "Who changes it; default: the caller.", false, 0, 128}; }
Field why_field() { return {"why", Kind::kString, "Why, for the history.", false, 0, 2000}; }
Field text_field() { return {"text", Kind::kString, "The spec as YAML or JSON.", false, 0, registry::kContentBytesMax}; }
Field object_field() { return {"spec", Kind::kObject, "The spec as an object, instead of text."}; }

Result<Body> body_of(const Request& request, const std::vector<Field>& fields) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  return Body::parse(fields, json);
}

// `text` as it is, or `spec` written as YAML.
Result<std::string> text_of(const Body& body) {
  if (body.has("text") && body.has("spec")) return invalid_argument("give text or spec, not both", "spec", "invalid_value");
  if (body.has("spec")) return spec::to_yaml(body["spec"]);
  if (!body.has("text")) return invalid_argument("missing required parameter 'text' (or 'spec')", "text", "missing_required_parameter");
  return body.text("text");
}

Json texts_json(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (auto& text : texts) out.push(text);
  return out;
}

Json field_json(const spec::FieldInfo& f) {
  Json out = Json::object({{"path", f.path},
                           {"section", f.section},
                           {"kind", spec::field_kind_name(f.kind)},
                           {"required", f.required},
                           {"meaning", f.meaning},
                           {"choices", texts_json(f.choices)}});
  if (f.most > f.least) out.set("least", f.least), out.set("most", f.most);
  return out;
}

Result<Json> spec_fields_list(const Services&, const Context&, const Request&) {
  Json data = Json::array();
  for (auto& field : spec::fields()) data.push(field_json(field));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"starter", spec::starter_yaml()}});
}

Json checked_json(const spec::Checked& checked) {
  Json problems = Json::array();
  for (auto& p : checked.problems)
    problems.push(
        Json::object({{"line", p.line ? Json(p.line) : Json()}, {"column", p.line ? Json(p.column) : Json()}, {"field", p.field}, {"message", p.message}}));
  return Json::object({{"complete", checked.spec.has_value()},
                       {"problems", std::move(problems)},
                       {"missing", texts_json(checked.missing)},
                       {"value", checked.value},
                       {"recommendation", checked.spec ? Json(checked.spec->model_tier_recommendation()) : Json()}});
}

Result<Json> check_spec(const Services&, const Context&, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, {text_field(), object_field()}));
  TRY_ASSIGN(std::string text, text_of(body));
  Json out = checked_json(spec::check_text(text));
  out.set("text", text);
  return out;
}

Json version_json(const registry::Version& v) {
  return Json::object({{"version", v.number}, {"sha256", v.sha256}, {"who", v.who}, {"why", v.why}, {"created_at", seconds_of(v.created_ms)}});
}

Json draft_json(const registry::Draft& d) {
  return Json::object(
      {{"text", d.content}, {"revision", d.revision}, {"base_version", d.base_version}, {"who", d.who}, {"updated_at", seconds_of(d.updated_ms)}});
}

Json saved_json(const live::Saved& saved) {
  Json out = Json::object({{"id", saved.product}, {"state", saved.version ? "saved" : "draft"}, {"missing", texts_json(saved.missing)}});
  if (saved.version) out.set("version", saved.version->number);
  if (saved.draft) out.set("draft", draft_json(*saved.draft));
  return out;
}

registry::Key spec_key(const Request& request) { return {live::kSpecKind, request.captures[0]}; }
registry::Change change_of(const Body& body) { return {body.text("who"), body.text("why")}; }

Result<int> number_of(const Request& request, std::string_view name, int fallback) {
  std::string text(request.parameter(name));
  if (text.empty()) return fallback;
  auto json = Json::parse(text);
  auto number = json ? json->to_int(name) : Result<int64_t>(json.error());
  if (!number || *number < 0 || *number > 1'000'000)
    return invalid_argument(std::string(name) + ": expected a version's number, got '" + text.substr(0, 40) + "'", std::string(name));
  return static_cast<int>(*number);
}

Result<Json> list_specs(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 100, 1000));
  TRY_ASSIGN(auto rows, services.artifacts->list(context, live::kSpecKind, page.limit + 1, page.after));
  Json::Array items;
  for (auto& row : rows) {
    auto product = services.outcomes->product(context, row.key.name);
    TRY_ASSIGN(auto live, services.specs->live(context, row.key.name));
    Json item = Json::object({{"id", row.key.name},
                              {"name", product ? product->name : row.key.name},
                              {"latest", row.latest},
                              {"live", live ? Json(live->version) : Json()},
                              {"has_draft", row.has_draft},
                              {"updated_at", seconds_of(row.updated_ms)}});
    item.set("job_to_be_done", live ? Json(live->spec.job_to_be_done) : Json());
    item.set("hallucination_risk", live ? Json(spec::risk_name(live->spec.hallucination_risk)) : Json());
    items.push_back(std::move(item));
  }
  return list_json(std::move(items), page.limit);
}

Result<Json> make_spec(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, new_spec_fields()));
  TRY_ASSIGN(std::string text, text_of(body));
  TRY_ASSIGN(auto saved, services.specs->create(context, body.text("id"), text, change_of(body)));
  return saved_json(saved);
}

Result<Json> one_spec(const Services& services, const Context& context, const Request& request) {
  registry::Key key = spec_key(request);
  TRY_ASSIGN(auto artifact, services.artifacts->artifact(context, key));
  TRY_ASSIGN(auto draft, services.artifacts->draft(context, key));
  TRY_ASSIGN(auto labels, services.artifacts->labels(context, key));
  auto product = services.outcomes->product(context, key.name);
  Json marks = Json::object();
  for (auto& label : labels) marks.set(label.name, label.version);
  Json out = Json::object({{"id", key.name},
                           {"name", product ? product->name : key.name},
                           {"latest", artifact.latest},
                           {"labels", std::move(marks)},
                           {"draft", draft ? draft_json(*draft) : Json()}});
  TRY_ASSIGN(int number, number_of(request, "version", 0));
  std::string label(request.parameter("label"));
  if (artifact.latest == 0) return out;
  auto version = label.empty() ? services.artifacts->version(context, key, number) : services.artifacts->labelled(context, key, label);
  if (!version) return version.error();
  Json head = version_json(*version);
  for (auto& [name, value] : *head.as_object()) out.set(name, value);
  out.set("text", version->content);
  out.set("spec", spec::check_text(version->content).value);
  return out;
}

Result<Json> save_spec(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, spec_body_fields()));
  TRY_ASSIGN(std::string text, text_of(body));
  int base = static_cast<int>(body.integer("base_version", 0));
  TRY_ASSIGN(auto saved, services.specs->save(context, request.captures[0], text, base, body.flag("live", true), change_of(body)));
  return saved_json(saved);
}

Result<Json> save_draft(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, spec_draft_fields()));
  TRY_ASSIGN(std::string text, text_of(body));
  TRY_ASSIGN(auto draft, services.specs->save_draft(context, request.captures[0], text, static_cast<int>(body.integer("base_version", 0)),
                                                    static_cast<int>(body.integer("revision", 0)), change_of(body)));
  return draft_json(draft);
}

Result<Json> remove_draft(const Services& services, const Context& context, const Request& request) {
  TRY(services.artifacts->remove_draft(context, spec_key(request)));
  return Json::object({{"id", request.captures[0]}, {"deleted", true}});
}

Result<Json> list_versions(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto versions, services.artifacts->versions(context, spec_key(request)));
  Json data = Json::array();
  for (auto& version : versions) data.push(version_json(version));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> diff_versions(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int newer, number_of(request, "to", 0));
  TRY_ASSIGN(auto version, services.artifacts->version(context, spec_key(request), newer));
  TRY_ASSIGN(int older, number_of(request, "from", std::max(1, version.number - 1)));
  TRY_ASSIGN(auto lines, services.artifacts->diff(context, spec_key(request), older, version.number));
  Json data = Json::array();
  for (auto& line : lines)
    data.push(Json::object({{"sign", std::string(1, line.sign)},
                            {"from_line", line.old_line ? Json(line.old_line) : Json()},
                            {"to_line", line.new_line ? Json(line.new_line) : Json()},
                            {"text", line.text}}));
  return Json::object({{"from", older}, {"to", version.number}, {"lines", std::move(data)}});
}

Json label_json(const registry::Label& label) {
  return Json::object(
      {{"label", label.name}, {"version", label.version}, {"who", label.who}, {"why", label.why}, {"updated_at", seconds_of(label.updated_ms)}});
}

Result<Json> list_labels(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto labels, services.artifacts->labels(context, spec_key(request)));
  Json data = Json::array();
  for (auto& label : labels) data.push(label_json(label));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> set_label(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, label_fields()));
  TRY_ASSIGN(auto label,
             services.artifacts->set_label(context, spec_key(request), body.text("label"), static_cast<int>(body.integer("version", 0)), change_of(body)));
  return label_json(label);
}

Result<Json> history(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto events, services.artifacts->history(context, spec_key(request)));
  Json data = Json::array();
  for (auto& e : events)
    data.push(Json::object({{"what", e.what},
                            {"version", e.version ? Json(e.version) : Json()},
                            {"label", e.label.empty() ? Json() : Json(e.label)},
                            {"who", e.who},
                            {"why", e.why},
                            {"at", seconds_of(e.at_ms)}}));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

}  // namespace

std::vector<Field> new_spec_fields() {
  return {{"id", Kind::kString, "The product's slug; default: from the spec's name.", false, 1, 64}, text_field(), object_field(), who_field(), why_field()};
}
std::vector<Field> spec_body_fields() {
  return {text_field(),
          object_field(),
          who_field(),
          why_field(),
          {"base_version", Kind::kInteger, "The version that the change starts from; 0: there is none.", false, 0, 1e6},
          {"live", Kind::kBoolean, "Answer by it from now on; default true."}};
}
std::vector<Field> spec_draft_fields() {
  return {text_field(),
          object_field(),
          who_field(),
          {"base_version", Kind::kInteger, "The version it started from.", false, 0, 1e6},
          {"revision", Kind::kInteger, "The draft's revision seen last; 0: none.", false, 0, 1e9}};
}
std::vector<Field> label_fields() {
  return {{"label", Kind::kString, "live, or one of your own.", true, 1, 64}, {"version", Kind::kInteger, "", true, 1, 1e6}, who_field(), why_field()};
}

void add_spec_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/specs", list_specs);
  add("POST", "/strata/v1/specs", make_spec);
  add("GET", "/strata/v1/specs/fields", spec_fields_list);
  add("POST", "/strata/v1/specs/check", check_spec);
  add("GET", "/strata/v1/products/{}/spec", one_spec);
  add("PUT", "/strata/v1/products/{}/spec", save_spec);
  add("PUT", "/strata/v1/products/{}/spec/draft", save_draft);
  add("DELETE", "/strata/v1/products/{}/spec/draft", remove_draft);
  add("GET", "/strata/v1/products/{}/spec/versions", list_versions);
  add("GET", "/strata/v1/products/{}/spec/diff", diff_versions);
  add("GET", "/strata/v1/products/{}/spec/labels", list_labels);
  add("PUT", "/strata/v1/products/{}/spec/labels", set_label);
  add("GET", "/strata/v1/products/{}/spec/history", history);
  add_spec_advice_routes(server, services);
}

}  // namespace strata::api
