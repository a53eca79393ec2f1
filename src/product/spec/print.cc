// A spec as JSON, as YAML, and as 9b prints it.
#include "base/text.h"
#include "base/yaml.h"
#include "product/spec/spec.h"

namespace strata::spec {
namespace {

Json list_json(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (auto& text : texts) out.push(text);
  return out;
}

// Sets what is said and leaves out what is not.
class Section {
 public:
  Section& add(const char* name, const std::string& text) {
    if (!text.empty()) json_.set(name, text);
    return *this;
  }
  Section& add(const char* name, const std::vector<std::string>& texts) {
    if (!texts.empty()) json_.set(name, list_json(texts));
    return *this;
  }
  Section& add(const char* name, const std::optional<double>& number) {
    if (number) json_.set(name, *number);
    return *this;
  }
  Section& add(const char* name, Json part) {
    if (part.size()) json_.set(name, std::move(part));
    return *this;
  }
  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

Json persona_json(const Persona& p) {
  return Section()
      .add("current_workflow", p.current_workflow)
      .add("technical_sophistication", p.technical_sophistication)
      .add("key_frustrations", p.key_frustrations)
      .take();
}

Json operation_json(const Operation& o) {
  Operation usual;
  Json out = Section().add("latency_class", o.latency_class).add("call_frequency", o.call_frequency).take();
  if (o.prompt_tokens != usual.prompt_tokens) out.set("prompt_tokens", o.prompt_tokens);
  if (o.answer_tokens != usual.answer_tokens) out.set("answer_tokens", o.answer_tokens);
  return out;
}

Json targets_json(const Targets& t) {
  return Section()
      .add("accuracy", t.accuracy)
      .add("hallucination_rate", t.hallucination_rate)
      .add("latency_p95", t.latency_p95)
      .add("csat", t.csat)
      .add("adoption_rate", t.adoption_rate)
      .add("edit_rate", t.edit_rate)
      .add("resolution_rate", t.resolution_rate)
      .add("deflection_rate", t.deflection_rate)
      .add("cost_per_resolution", t.cost_per_resolution)
      .take();
}

void add_optional_sections(const LLMProductSpec& s, Json& out) {
  Json sections = Section()
                      .add("definition", Section()
                                             .add("jobs", s.definition.jobs)
                                             .add("why_ai", s.definition.why_ai)
                                             .add("ai_roles", s.definition.ai_roles)
                                             .add("feel", s.definition.feel)
                                             .add("interaction_patterns", s.definition.interaction_patterns)
                                             .add("impact", s.definition.impact)
                                             .take())
                      .add("personas", Section().add("end_user", persona_json(s.end_user)).add("developer", persona_json(s.developer)).take())
                      .add("constraints", Section()
                                              .add("capabilities", s.constraints.capabilities)
                                              .add("scale", s.constraints.scale)
                                              .add("infrastructure", s.constraints.infrastructure)
                                              .add("data", s.constraints.data)
                                              .add("integration", s.constraints.integration)
                                              .add("timeline", s.constraints.timeline)
                                              .take())
                      .add("operation", operation_json(s.operation))
                      .add("targets", targets_json(s.targets))
                      .add("knowledge_bases", s.knowledge_bases)
                      .take();
  for (auto& [name, part] : *sections.as_object()) out.set(name, part);
}

std::string comment_of(std::string_view path) {
  for (auto& field : fields())
    if (field.path == path) return field.meaning;
  return "";
}

}  // namespace

std::string_view risk_name(RiskLevel level) {
  static constexpr std::string_view kNames[] = {"low", "medium", "high", "critical"};
  return kNames[static_cast<size_t>(level)];
}

Json to_json(const LLMProductSpec& s) {
  Json out = Json::object({{"name", s.name},
                           {"user_persona", s.user_persona},
                           {"job_to_be_done", s.job_to_be_done},
                           {"input_types", list_json(s.input_types)},
                           {"output_format", s.output_format},
                           {"max_latency_seconds", s.max_latency_seconds},
                           {"context_window_needs", s.context_window_needs},
                           {"hallucination_risk", risk_name(s.hallucination_risk)},
                           {"requires_citations", s.requires_citations},
                           {"human_review_required", s.human_review_required},
                           {"accuracy_target", s.accuracy_target},
                           {"daily_requests_estimate", s.daily_requests_estimate},
                           {"concurrent_users_peak", s.concurrent_users_peak},
                           {"data_residency", s.data_residency ? Json(*s.data_residency) : Json()},
                           {"pii_handling", s.pii_handling}});
  add_optional_sections(s, out);
  return out;
}

std::string to_yaml(const Json& value) { return yaml::dump(value, comment_of); }

std::string starter_yaml() {
  std::string out;
  for (auto& field : fields())
    if (field.path.find('.') == std::string::npos && field.path != "knowledge_bases") out += field.path + ":  # " + field.meaning + "\n";
  return out;
}

std::string shown(const LLMProductSpec& spec) {
  return "Product: " + spec.name + "\nModel recommendation: " + spec.model_tier_recommendation() +
         "\nAccuracy target: " + python_format(spec.accuracy_target, ".0%") + "\n";
}

std::string slug(std::string_view name) {
  constexpr size_t kBytesMax = 64;
  std::string out;
  for (char c : ascii_lower(name)) {
    bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (kept) out += c;
    else if (!out.empty() && out.back() != '-') out += '-';
    if (out.size() == kBytesMax) break;
  }
  if (!out.empty() && out[0] >= '0' && out[0] <= '9') out = ("product-" + out).substr(0, kBytesMax);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "product" : out;
}

}  // namespace strata::spec
