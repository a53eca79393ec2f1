// The metrics' own words: 9d's record and health check, targets, settings.
#include <algorithm>

#include "base/text.h"
#include "product/metrics/metrics.h"

namespace strata::product_metrics {
namespace {

struct SettingField {
  std::string_view name;
  double Settings::* member;
  double least, most;
};
constexpr double kMany = 1e12;
constexpr SettingField kFields[] = {
    {"accuracy", &Settings::accuracy, 0, 1},
    {"hallucination_rate", &Settings::hallucination_rate, 0, 1},
    {"latency_p95", &Settings::latency_p95, 0, kMany},
    {"csat", &Settings::csat, 1, 5},
    {"adoption_rate", &Settings::adoption_rate, 0, 1},
    {"edit_rate", &Settings::edit_rate, 0, 1},
    {"resolution_rate", &Settings::resolution_rate, 0, 1},
    {"deflection_rate", &Settings::deflection_rate, 0, 1},
    {"cost_reduction", &Settings::cost_reduction, 0, 1},
};
struct PriceField {
  std::string_view name;
  std::optional<double> Settings::* member;
};
constexpr PriceField kPrices[] = {{"prompt_price", &Settings::prompt_price}, {"completion_price", &Settings::completion_price}};

Error unknown(std::string_view key, const std::vector<std::string_view>& names) {
  std::string_view nearest = nearest_name(key, names);
  return invalid_argument("unknown field '" + std::string(key) + "'" + (nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?"),
                          std::string(key), "unknown_parameter");
}

Result<double> number_in(const Json& value, std::string_view name, double least, double most) {
  TRY_ASSIGN(double number, value.to_double(name));
  if (number >= least && number <= most) return number;
  std::string range = most >= kMany ? "at least " + python_format(least) : "from " + python_format(least) + " to " + python_format(most);
  return invalid_argument(std::string(name) + ": expected a number " + range + ", got " + python_format(number), std::string(name), "invalid_value");
}

}  // namespace

double& member(LLMProductMetrics& m, size_t nine) {
  double LLMProductMetrics::* const kMembers[] = {
      &LLMProductMetrics::accuracy,           &LLMProductMetrics::hallucination_rate, &LLMProductMetrics::latency_p95,     &LLMProductMetrics::csat,
      &LLMProductMetrics::adoption_rate,      &LLMProductMetrics::edit_rate,          &LLMProductMetrics::resolution_rate, &LLMProductMetrics::deflection_rate,
      &LLMProductMetrics::cost_per_resolution};
  return m.*kMembers[nine];
}

Result<LLMProductMetrics> metrics_from(const Json& json) {
  if (!json.is_object()) return invalid_argument("expected an object with the nine metrics, got " + std::string(json.type_name()));
  LLMProductMetrics metrics;
  for (auto& [key, value] : *json.as_object())
    if (std::find(kNine.begin(), kNine.end(), key) == kNine.end()) return unknown(key, {kNine.begin(), kNine.end()});
  for (size_t i = 0; i < kNine.size(); ++i) {
    const Json* value = json.find(kNine[i]);
    if (!value)
      return invalid_argument("the field '" + std::string(kNine[i]) + "' is missing: a number is expected", std::string(kNine[i]),
                              "missing_required_parameter");
    TRY_ASSIGN(member(metrics, i), value->to_double(kNine[i]));
  }
  return metrics;
}

std::string_view health_name(Health health) {
  switch (health) {
    case Health::kPass: return "PASS";
    case Health::kFail: return "FAIL";
    case Health::kWarn: return "WARN";
    case Health::kNoData: return "NO DATA";
  }
  return "NO DATA";
}

std::array<Check, 5> health_check(const LLMProductMetrics& m, const Settings& s) {
  auto judge = [](bool good, Health otherwise) { return good ? Health::kPass : otherwise; };
  return {Check{"accuracy", judge(m.accuracy >= s.accuracy, Health::kFail)},
          Check{"hallucination", judge(m.hallucination_rate < s.hallucination_rate, Health::kFail)}, Check{"csat", judge(m.csat >= s.csat, Health::kWarn)},
          Check{"adoption", judge(m.adoption_rate >= s.adoption_rate, Health::kWarn)},
          Check{"deflection", judge(m.deflection_rate >= s.deflection_rate, Health::kWarn)}};
}

Json settings_json(const Settings& settings) {
  Json out = Json::object();
  for (auto& field : kFields) out.set(std::string(field.name), settings.*field.member);
  for (auto& price : kPrices) out.set(std::string(price.name), settings.*price.member ? Json(*(settings.*price.member)) : Json());
  return out;
}

Result<Settings> settings_from(const Json& json) {
  if (!json.is_object()) return invalid_argument("expected an object of settings, got " + std::string(json.type_name()));
  Settings settings;
  std::vector<std::string_view> names;
  for (auto& field : kFields) names.push_back(field.name);
  for (auto& price : kPrices) names.push_back(price.name);
  for (auto& [key, value] : *json.as_object())
    if (std::find(names.begin(), names.end(), key) == names.end()) return unknown(key, names);
  for (auto& field : kFields)
    if (const Json* value = json.find(field.name); value && !value->is_null()) {
      TRY_ASSIGN(settings.*field.member, number_in(*value, field.name, field.least, field.most));
    }
  for (auto& price : kPrices)
    if (const Json* value = json.find(price.name); value && !value->is_null()) {
      TRY_ASSIGN(double number, number_in(*value, price.name, 0, kMany));
      settings.*price.member = number;
    }
  return settings;
}

std::optional<LLMProductMetrics> Report::complete() const {
  LLMProductMetrics metrics;
  for (size_t i = 0; i < kNine.size(); ++i) {
    if (!nine[i].value) return std::nullopt;
    member(metrics, i) = *nine[i].value;
  }
  return metrics;
}

}  // namespace strata::product_metrics
