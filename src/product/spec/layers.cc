// Which of the five layers a product needs, and why (X01, U16).
#include <algorithm>

#include "base/text.h"
#include "product/spec/spec.h"

namespace strata::spec {
namespace {

bool has(const std::vector<std::string>& list, std::string_view item) { return std::find(list.begin(), list.end(), item) != list.end(); }

LayerNeed infra(const LLMProductSpec& s) {
  LayerNeed out{"Infra", true, {}};
  out.why.push_back("an answer within " + python_format(s.max_latency_seconds) + " s, " + std::to_string(s.daily_requests_estimate) + " requests a day, " +
                    std::to_string(s.concurrent_users_peak) + " users at once");
  if (s.data_residency) out.why.push_back("data must stay in " + *s.data_residency);
  if (!s.constraints.infrastructure.empty()) out.why.push_back(s.constraints.infrastructure);
  return out;
}

LayerNeed models(const LLMProductSpec& s) {
  LayerNeed out{"Models", true, {s.model_tier_recommendation()}};
  if (s.context_window_needs == "long") out.why.push_back("a context window of more than 32K tokens");
  if (has(s.input_types, "image") || has(s.input_types, "audio") || has(s.constraints.capabilities, "multimodal")) out.why.push_back("it reads more than text");
  if (has(s.constraints.capabilities, "reasoning")) out.why.push_back("it must reason in steps");
  if (has(s.constraints.capabilities, "code_generation")) out.why.push_back("it must write code");
  return out;
}

LayerNeed data(const LLMProductSpec& s) {
  LayerNeed out{"Data & Knowledge", false, {}};
  if (s.requires_citations) out.why.push_back("every answer must cite its source: retrieval and verified quotes");
  if (!s.knowledge_bases.empty())
    out.why.push_back("it answers from " + std::to_string(s.knowledge_bases.size()) + (s.knowledge_bases.size() == 1 ? " knowledge base" : " knowledge bases"));
  if (has(s.input_types, "document")) out.why.push_back("documents come in: they are read, cut and indexed");
  if (has(s.constraints.capabilities, "tool_use")) out.why.push_back("it uses tools and outside systems");
  if (!s.constraints.data.empty()) out.why.push_back(s.constraints.data);
  out.needed = !out.why.empty();
  if (!out.needed) out.why.push_back("a prompt alone is the first, cheapest lever: nothing here asks for documents or tools");
  return out;
}

LayerNeed orchestration(const LLMProductSpec& s) {
  LayerNeed out{"Orchestration", false, {}};
  if (s.human_review_required) out.why.push_back("a person reviews every answer: approvals and a queue");
  if (s.pii_handling == "redact") out.why.push_back("personal data is masked on the way in: a guard");
  if (s.pii_handling == "allowed") out.why.push_back("access to personal data is logged: governance");
  if (s.hallucination_risk >= RiskLevel::kHigh)
    out.why.push_back("a wrong answer does harm (" + std::string(risk_name(s.hallucination_risk)) + "): guards and evaluation before each change");
  if (has(s.constraints.capabilities, "tool_use") || has(s.definition.interaction_patterns, "background_agent"))
    out.why.push_back("it acts in several steps: workflows or an agent");
  if (s.operation.call_frequency == "background") out.why.push_back("it is called in the background: durable jobs");
  if (s.accuracy_target > 0) out.why.push_back("an accuracy of " + python_format(s.accuracy_target, ".0%") + " is promised: a test set that measures it");
  out.needed = !out.why.empty();
  return out;
}

LayerNeed product(const LLMProductSpec& s) {
  LayerNeed out{"App/Product", true, {s.user_persona + ": " + s.job_to_be_done}};
  std::string patterns;
  for (auto& pattern : s.definition.interaction_patterns) patterns += (patterns.empty() ? "people meet it as " : ", ") + pattern;
  if (!patterns.empty()) out.why.push_back(patterns);
  out.why.push_back(s.definition.impact.empty() ? "how its impact is measured is not said yet (definition.impact)" : "impact: " + s.definition.impact);
  return out;
}

}  // namespace

std::vector<LayerNeed> layers_needed(const LLMProductSpec& spec) { return {infra(spec), models(spec), data(spec), orchestration(spec), product(spec)}; }

}  // namespace strata::spec
