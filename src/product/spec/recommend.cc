// What a spec asks of a model: 9b's four answers, and our own pick from the models that are here.
#include <algorithm>

#include "base/text.h"
#include "product/spec/spec.h"

namespace strata::spec {
namespace {

// Tokens that fit the need wholly, and those below which it cannot be met. SOURCE: 9b, "short" (<4K), "medium" (4-32K), "long" (>32K).
struct ContextNeed {
  int whole, least;
};
ContextNeed context_need(const std::string& name) {
  if (name == "long") return {131'072, 32'769};
  if (name == "medium") return {32'768, 4'096};
  return {4'096, 1'024};
}

std::string with_thousands(int64_t number) {
  std::string text = std::to_string(number);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<size_t>(at), ",");
  return text;
}

bool risky(const LLMProductSpec& spec) { return spec.hallucination_risk == RiskLevel::kHigh || spec.hallucination_risk == RiskLevel::kCritical; }

// Each of these adds a reason and what it weighs; `forbid` takes the model out.
class Judge {
 public:
  Judge(const LLMProductSpec& spec, const ModelFacts& model) : spec_(spec), model_(model) { verdict_ = {model.id, true, 0, {}}; }

  ModelVerdict judge() {
    context();
    residency();
    privacy();
    quality();
    speed();
    cost();
    return std::move(verdict_);
  }

 private:
  void say(double weight, std::string reason) {
    verdict_.score += weight;
    verdict_.reasons.push_back(std::move(reason));
  }
  void forbid(std::string reason) {
    verdict_.allowed = false;
    verdict_.reasons.insert(verdict_.reasons.begin(), std::move(reason));
  }

  void context() {
    ContextNeed need = context_need(spec_.context_window_needs);
    std::string has = "its context is " + with_thousands(model_.context_tokens) + " tokens; \"" + spec_.context_window_needs + "\" ";
    if (model_.context_tokens < need.least) forbid(has + "needs at least " + with_thousands(need.least));
    else if (model_.context_tokens < need.whole) say(1, has + "is met in part (up to " + with_thousands(need.whole) + " in whole)");
    else say(3, has + "is met in whole");
  }

  void residency() {
    if (auto status = check_residency(spec_, model_); !status) return forbid(status.error().message);
    if (!spec_.data_residency) return;
    say(model_.remote ? 0 : 1, model_.remote ? "its provider is tagged " + model_.residency + ", as the spec demands"
                                             : "it runs in this process: data stays where this machine stands");
  }

  void privacy() {
    if (!model_.remote) say(1, "no text leaves this machine");
    else if (spec_.pii_handling == "redact") say(0, "text leaves this machine; personal data is masked before");
    else say(-1, "text leaves this machine, unmasked (pii_handling is \"" + spec_.pii_handling + "\")");
  }

  void quality() {
    if (model_.demo) say(risky(spec_) ? -4 : -2, "it is a small demonstration model: quotes from documents are exact, what it writes itself is simple");
    constexpr uint64_t kLarge = 7'000'000'000, kMiddle = 1'000'000'000;
    if (model_.parameters >= kLarge) say(3, "it has " + with_thousands(static_cast<int64_t>(model_.parameters / 1'000'000)) + " million parameters");
    else if (model_.parameters >= kMiddle) say(1, "it has " + with_thousands(static_cast<int64_t>(model_.parameters / 1'000'000)) + " million parameters");
    else if (model_.remote && model_.parameters == 0)
      say(risky(spec_) ? 3 : 2, "its size is not published; hosted models of this kind are larger than what runs here");
    else if (risky(spec_)) say(-1, "it is small for a wrong answer's cost (" + std::string(risk_name(spec_.hallucination_risk)) + ")");
    if (risky(spec_) && spec_.requires_citations) say(0, "every sentence is verified against its source, whatever model writes it");
  }

  void speed() {
    if (model_.tokens_per_s <= 0) return say(0, "its speed is not measured yet: ask it something");
    double seconds = spec_.operation.answer_tokens / model_.tokens_per_s;
    std::string text = "at " + python_format(model_.tokens_per_s, ".1f") + " tokens/s a typical answer (" + std::to_string(spec_.operation.answer_tokens) +
                       " tokens) takes " + python_format(seconds, ".1f") + " s of the " + python_format(spec_.max_latency_seconds) + " s promised";
    say(seconds <= spec_.max_latency_seconds ? 2 : -3, text);
  }

  void cost() {
    if (!model_.remote) say(spec_.daily_requests_estimate > 10'000 ? 2 : 1, "no cost per token");
    else if (spec_.daily_requests_estimate > 10'000) say(-2, with_thousands(spec_.daily_requests_estimate) + " requests a day are paid by the token");
    verdict_.reasons.push_back("licence: " + (model_.license.empty() ? "not stated" : model_.license));
  }

  const LLMProductSpec& spec_;
  const ModelFacts& model_;
  ModelVerdict verdict_;
};

}  // namespace

std::string LLMProductSpec::model_tier_recommendation() const {
  if (hallucination_risk == RiskLevel::kHigh || hallucination_risk == RiskLevel::kCritical) return "Frontier model (GPT-4o, Claude 3.5 Sonnet) with guardrails";
  if (context_window_needs == "long") return "Long-context model (Gemini 1.5 Pro, Claude 3.5)";
  if (daily_requests_estimate > 10000) return "Fine-tuned small model (Llama 3.1 8B) for cost efficiency";
  return "Mid-tier model (GPT-4o-mini, Claude 3.5 Haiku)";
}

Status check_residency(const LLMProductSpec& spec, const ModelFacts& model) {
  if (!spec.data_residency || !model.remote || ascii_lower(model.residency) == ascii_lower(*spec.data_residency)) return {};
  std::string tag = model.residency.empty() ? "has no residency tag" : "is tagged " + model.residency;
  return Error{Code::kPermissionDenied,
               "data must stay in " + *spec.data_residency + ", but the provider of '" + model.id + "' " + tag +
                   ": choose a model of this machine, or say the provider's residency where it is set up",
               "model", "data_residency"};
}

std::vector<ModelVerdict> pick_models(const LLMProductSpec& spec, const std::vector<ModelFacts>& models) {
  std::vector<ModelVerdict> out;
  for (auto& model : models) out.push_back(Judge(spec, model).judge());
  std::stable_sort(out.begin(), out.end(), [](const ModelVerdict& a, const ModelVerdict& b) { return a.allowed != b.allowed ? a.allowed : a.score > b.score; });
  return out;
}

}  // namespace strata::spec
