// The declaration of every field, once: it reads, checks, prints, and draws the form.
#include "product/spec/spec.h"

namespace strata::spec {

std::string_view field_kind_name(FieldKind kind) {
  static constexpr std::string_view kNames[] = {"text", "texts", "choice", "choices", "number", "integer", "boolean"};
  return kNames[static_cast<size_t>(kind)];
}

namespace {

constexpr double kMost = 1e12;

std::vector<FieldInfo> product_fields() {
  using K = FieldKind;
  return {
      {"name", "Product", K::kText, true, {}, 0, 0, "what the product is called"},
      {"user_persona", "Product", K::kText, true, {}, 0, 0, "who uses it"},
      {"job_to_be_done", "Product", K::kText, true, {}, 0, 0, "what it does for them"},
      {"input_types", "Functional", K::kChoices, true, {"text", "image", "document", "audio"}, 0, 0, "text, image, document, audio"},
      {"output_format", "Functional", K::kText, true, {"free text", "structured JSON", "classification"}, 0, 0, "free text, structured JSON, classification"},
      {"max_latency_seconds", "Functional", K::kNumber, true, {}, 0.01, 86'400, "seconds until the answer is there"},
      {"context_window_needs", "Functional", K::kChoice, true, {"short", "medium", "long"}, 0, 0, "\"short\" (<4K), \"medium\" (4-32K), \"long\" (>32K)"},
      {"hallucination_risk",
       "Risk and quality",
       K::kChoice,
       true,
       {"low", "medium", "high", "critical"},
       0,
       0,
       "wrong answer: low is inconvenient, medium causes rework, high causes financial or legal harm, critical endangers safety"},
      {"requires_citations", "Risk and quality", K::kBoolean, true, {}, 0, 0, "an answer without a verified citation is not given"},
      {"human_review_required", "Risk and quality", K::kBoolean, true, {}, 0, 0, "a person reviews every answer"},
      {"accuracy_target", "Risk and quality", K::kNumber, true, {}, 0, 1, "0.0 to 1.0"},
      {"daily_requests_estimate", "Scale", K::kInteger, true, {}, 0, kMost, "requests a day"},
      {"concurrent_users_peak", "Scale", K::kInteger, true, {}, 0, kMost, "users at once, at most"},
      {"data_residency", "Constraints", K::kText, false, {"US", "EU"}, 0, 0, "\"US\", \"EU\", etc."},
      {"pii_handling", "Constraints", K::kChoice, false, {"none", "redact", "allowed"}, 0, 0, "\"none\", \"redact\", \"allowed\""},
  };
}

std::vector<FieldInfo> definition_fields() {
  using K = FieldKind;
  return {
      {"definition.jobs",
       "Definition",
       K::kTexts,
       false,
       {"reduce time to answer tickets by 40%", "let PMs auto-draft specs"},
       0,
       0,
       "jobs to be done, one a line"},
      {"definition.why_ai", "Definition", K::kChoices, false, {"flexible_reasoning", "messy_input", "automation"}, 0, 0, "why AI and not plain software"},
      {"definition.ai_roles",
       "Definition",
       K::kChoices,
       false,
       {"assistant", "generator", "summarizer", "decision_helper"},
       0,
       0,
       "what the AI is to its user"},
      {"definition.feel", "Definition", K::kChoice, false, {"chatty", "precise", "background_helper"}, 0, 0, "how it feels"},
      {"definition.interaction_patterns",
       "Definition",
       K::kChoices,
       false,
       {"chat", "form", "search", "autocomplete", "command_palette", "background_agent", "suggestions"},
       0,
       0,
       "how people meet it"},
      {"definition.impact", "Definition", K::kText, false, {}, 0, 0, "how its impact is measured"},
  };
}

std::vector<FieldInfo> people_fields() {
  std::vector<FieldInfo> out;
  for (auto& [who, section] : {std::pair{"end_user", "Persona: end user"}, std::pair{"developer", "Persona: developer"}}) {
    std::string path = "personas." + std::string(who) + ".";
    out.push_back({path + "current_workflow", section, FieldKind::kText, false, {}, 0, 0, "how they do it today"});
    out.push_back({path + "technical_sophistication", section, FieldKind::kText, false, {}, 0, 0, "how much they know of the technology"});
    out.push_back({path + "key_frustrations", section, FieldKind::kTexts, false, {}, 0, 0, "what annoys them most, one a line"});
  }
  return out;
}

std::vector<FieldInfo> constraint_fields() {
  using K = FieldKind;
  return {
      {"constraints.capabilities",
       "Intake",
       K::kChoices,
       false,
       {"reasoning", "multimodal", "tool_use", "code_generation"},
       0,
       0,
       "what the model is assumed to be able to do"},
      {"constraints.scale", "Intake", K::kText, false, {}, 0, 0, "users, queries, latency"},
      {"constraints.infrastructure", "Intake", K::kText, false, {}, 0, 0, "cloud or on-premises, compute budget"},
      {"constraints.data", "Intake", K::kText, false, {}, 0, 0, "training and evaluation data, privacy"},
      {"constraints.integration", "Intake", K::kText, false, {}, 0, 0, "what it must work with"},
      {"constraints.timeline", "Intake", K::kChoice, false, {"mvp", "production"}, 0, 0, "MVP or production-grade"},
  };
}

std::vector<FieldInfo> operation_fields() {
  using K = FieldKind;
  return {
      {"operation.latency_class",
       "Operation",
       K::kChoice,
       false,
       {"sub_second", "2_3_seconds", "10_plus_seconds"},
       0,
       0,
       "sub-second, 2-3 seconds, or is 10+ seconds acceptable"},
      {"operation.call_frequency",
       "Operation",
       K::kChoice,
       false,
       {"per_session", "per_click", "background"},
       0,
       0,
       "called per user session, per click, or in the background"},
      {"operation.prompt_tokens", "Operation", K::kInteger, false, {}, 1, 10'000'000, "tokens read in a typical call"},
      {"operation.answer_tokens", "Operation", K::kInteger, false, {}, 1, 1'000'000, "tokens written in a typical call"},
      {"knowledge_bases", "Knowledge", K::kTexts, false, {}, 0, 0, "ids of the knowledge bases that it answers from, one a line"},
  };
}

std::vector<FieldInfo> target_fields() {
  std::vector<FieldInfo> out;
  auto add = [&](const char* name, double most, const char* meaning) {
    out.push_back({std::string("targets.") + name, "Targets", FieldKind::kNumber, false, {}, 0, most, meaning});
  };
  add("accuracy", 1, "at least; fraction of outputs rated correct");
  add("hallucination_rate", 1, "below; fraction of outputs with fabricated facts");
  add("latency_p95", 86'400, "below; seconds, 95th percentile");
  add("csat", 5, "at least; 1 to 5");
  add("adoption_rate", 1, "at least; fraction of eligible users who use it");
  add("edit_rate", 1, "below; fraction of outputs changed before sending");
  add("resolution_rate", 1, "above; fraction resolved without escalation");
  add("deflection_rate", 1, "at least; fraction handled without a human agent");
  add("cost_per_resolution", kMost, "at most; dollars");
  return out;
}

}  // namespace

const std::vector<FieldInfo>& fields() {
  static const std::vector<FieldInfo> all = [] {
    std::vector<FieldInfo> out;
    for (auto& part : {product_fields(), definition_fields(), people_fields(), constraint_fields(), operation_fields(), target_fields()})
      out.insert(out.end(), part.begin(), part.end());
    return out;
  }();
  return all;
}

}  // namespace strata::spec
