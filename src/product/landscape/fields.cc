// The fields of a model, declared once, and how a fact reads.
#include <cmath>
#include <cstdio>

#include "product/landscape/landscape.h"

namespace strata::landscape {

const std::array<FieldInfo, kFields>& fields() {
  using F = Field;
  using K = FieldKind;
  static const std::array<FieldInfo, kFields> kAll = {{
      {F::kStatus, "status", K::kChoice, "", "current, legacy, deprecated (an end is announced) or retired", true},
      {F::kContextTokens, "context_tokens", K::kCount, "context length", "tokens that prompt and answer may have together", true},
      {F::kOutputTokensMax, "output_tokens_max", K::kCount, "context length", "tokens that one answer may have", true},
      {F::kParameters, "parameters", K::kCount, "", "size, in parameters", false},
      {F::kTrainingCutoff, "training_cutoff", K::kMonth, "", "the month after which its training data ends", true},
      {F::kPriceIn, "price_in", K::kNumber, "cost vs latency", "US dollars for a million tokens read", true},
      {F::kPriceOut, "price_out", K::kNumber, "cost vs latency", "US dollars for a million tokens written", true},
      {F::kLicense, "license", K::kText, "", "licence of the weights, or terms of the service", true},
      {F::kTrainingDataStyle, "training_data_style", K::kText, "training data style", "what it was trained on", false},
      {F::kSafetyTuning, "safety_tuning", K::kText, "safety tuning", "how it was aligned", false},
      {F::kReasoning, "reasoning", K::kGrade, "reasoning vs creativity", "works through problems of several steps", true},
      {F::kCreativity, "creativity", K::kGrade, "reasoning vs creativity", "writes freely and with variety", true},
      {F::kSpeed, "speed", K::kGrade, "cost vs latency", "how soon an answer is there", true},
      {F::kChat, "chat", K::kGrade, "suitability", "conversation with people", true},
      {F::kAnalytics, "analytics", K::kGrade, "suitability", "figures, tables, documents, SQL", true},
      {F::kCoding, "coding", K::kGrade, "suitability", "writing and mending programs", true},
      {F::kAgents, "agents", K::kGrade, "suitability", "tools, plans, work of many steps", true},
      {F::kHelpfulness, "helpfulness", K::kGrade, "alignment", "does what was asked", true},
      {F::kSafety, "safety", K::kGrade, "alignment", "declines what would do harm", true},
      {F::kCodingSkill, "coding_skill", K::kGrade, "alignment", "correct programs, as told by its maker where a figure is given", true},
      {F::kToxicity, "toxicity", K::kGrade, "alignment", "freedom from toxic text: 5 is the least toxic", true},
  }};
  return kAll;
}

const FieldInfo& info(Field field) { return fields()[static_cast<size_t>(field)]; }

std::optional<double> Fact::number() const {
  if (auto* whole = std::get_if<int64_t>(&value)) return static_cast<double>(*whole);
  if (auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

std::string Fact::text() const {
  if (auto* words = std::get_if<std::string>(&value)) return *words;
  auto number_value = number();
  if (!number_value) return "unknown";
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, std::holds_alternative<int64_t>(value) ? "%.0f" : "%.10g", *number_value);
  return buffer;
}

std::string_view origin_name(Origin origin) {
  switch (origin) {
    case Origin::kBuiltIn: return "built in";
    case Origin::kChanged: return "changed by you";
    case Origin::kOwn: return "yours";
  }
  return "";
}

}  // namespace strata::landscape
