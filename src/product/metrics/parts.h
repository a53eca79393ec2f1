// What the computations of a week share. Only this folder includes it.
#pragma once

#include <string>
#include <vector>

#include "product/metrics/metrics.h"

namespace strata::product_metrics {

struct Judged {
  int64_t outputs = 0, correct = 0, fabricated = 0, unsafe = 0;
};
struct Endings {
  int64_t all = 0, resolved = 0, deflected = 0, abandoned = 0;
};
struct Sent {
  int64_t all = 0, edited = 0, distance = 0, handling_ms = 0;
};
Judged judged_outputs(const Events& events);
Endings endings(const Events& events);
Sent sent_drafts(const Events& events);

const outcome::Fact* find_fact(const Events& events, std::string_view name);
Source source_of(const Events& events, std::string list, std::string kind, int64_t rows);
Source source_of(const outcome::Fact& fact);
Number number(std::string key, std::string label, std::string unit);
Number fact_number(const Events& events, std::string_view fact_name, std::string key, std::string label, std::string unit);
Number ratio(Number out, int64_t part, int64_t whole, const std::string& missing);  // empty, with `missing`, where whole is 0
std::optional<double> percentile(std::vector<double> values, double fraction);      // nearest rank
// What the tokens of outputs or calls cost. UNITS: USD; empty without prices.
template <class Row>
std::optional<double> token_cost(const std::vector<Row>& rows, const Settings& settings) {
  if (!settings.prompt_price && !settings.completion_price) return std::nullopt;
  int64_t prompt = 0, completion = 0;
  for (auto& row : rows) prompt += row.prompt_tokens, completion += row.completion_tokens;
  return static_cast<double>(prompt) * settings.prompt_price.value_or(0) / 1e6 + static_cast<double>(completion) * settings.completion_price.value_or(0) / 1e6;
}

std::vector<Number> impact_numbers(const Events& events, const Judged& judged, const Endings& ended, const Sent& sent);
std::vector<Number> technical_numbers(const Events& events, const Judged& judged, const Settings& settings);
std::vector<Number> developer_numbers(const Events& events, const Settings& settings);

}  // namespace strata::product_metrics
