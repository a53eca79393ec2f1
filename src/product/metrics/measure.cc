// The nine metrics of a week, the nine against target, and the edit-rate rule. Definitions are in the header.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "product/metrics/parts.h"

namespace strata::product_metrics {

Source source_of(const Events& events, std::string list, std::string kind, int64_t rows) {
  return {std::move(list), std::move(kind), rows, events.week.begin_ms(), events.week.end_ms()};
}

Source source_of(const outcome::Fact& fact) { return {"facts", fact.name, 1, fact.week.begin_ms(), fact.week.end_ms()}; }

const outcome::Fact* find_fact(const Events& events, std::string_view name) {
  for (auto& fact : events.facts)
    if (fact.name == name) return &fact;
  return nullptr;
}

Number number(std::string key, std::string label, std::string unit) { return {std::move(key), std::move(label), std::move(unit), {}, "", {}}; }

Number fact_number(const Events& events, std::string_view fact_name, std::string key, std::string label, std::string unit) {
  Number out = number(std::move(key), std::move(label), std::move(unit));
  if (auto* fact = find_fact(events, fact_name)) {
    out.value = fact->value;
    out.note = fact->source == "entered" ? "entered by hand" : "imported";
    out.sources.push_back(source_of(*fact));
  } else {
    out.note = "no '" + std::string(fact_name) + "' was imported or entered";
  }
  return out;
}

Number ratio(Number out, int64_t part, int64_t whole, const std::string& missing) {
  if (whole > 0) out.value = static_cast<double>(part) / static_cast<double>(whole);
  else out.note = missing;
  return out;
}

Judged judged_outputs(const Events& events) {
  struct Votes {
    int64_t all = 0, correct = 0, fabricated = 0, unsafe = 0;
  };
  std::map<std::string, Votes> by_output;
  for (auto& judgement : events.judgements) {
    Votes& votes = by_output[judgement.answer_id];
    ++votes.all;
    votes.correct += judgement.correct;
    votes.fabricated += judgement.fabricated;
    votes.unsafe += judgement.unsafe;
  }
  Judged judged;
  for (auto& [id, votes] : by_output) {
    ++judged.outputs;
    judged.correct += 2 * votes.correct > votes.all;
    judged.fabricated += 2 * votes.fabricated >= votes.all;
    judged.unsafe += 2 * votes.unsafe >= votes.all;
  }
  return judged;
}

Endings endings(const Events& events) {
  Endings counts;
  for (auto& conversation : events.ended) {
    ++counts.all;
    counts.resolved += conversation.end == outcome::End::kResolved;
    counts.deflected += conversation.end == outcome::End::kDeflected;
    counts.abandoned += conversation.end == outcome::End::kAbandoned;
  }
  return counts;
}

Sent sent_drafts(const Events& events) {
  Sent counts;
  for (auto& draft : events.decided) {
    if (draft.state != "sent") continue;
    ++counts.all;
    counts.edited += draft.edited;
    counts.distance += draft.edit_distance;
    counts.handling_ms += draft.decided_ms - draft.created_ms;
  }
  return counts;
}

std::optional<double> percentile(std::vector<double> values, double fraction) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  auto rank = static_cast<size_t>(std::ceil(fraction * static_cast<double>(values.size()) - 1e-9));
  return values[std::max<size_t>(rank, 1) - 1];
}

std::set<std::string> active_users(const Events& events) {
  std::set<std::string> users;
  for (auto& conversation : events.opened) users.insert(conversation.channel == "customer" ? conversation.end_user : conversation.user);
  for (auto& output : events.outputs) users.insert(output.user);
  for (auto& draft : events.decided) users.insert(draft.user);
  users.erase("");
  return users;
}

namespace {

Number accuracy(const Events& events, const Judged& judged) {
  Number out = ratio(number("accuracy", "Accuracy", "fraction"), judged.correct, judged.outputs, "no output of the week was judged");
  out.sources = {source_of(events, "judgements", "", static_cast<int64_t>(events.judgements.size()))};
  return out;
}

Number hallucination(const Events& events, const Judged& judged) {
  Number out = ratio(number("hallucination_rate", "Hallucination Rate", "fraction"), judged.fabricated, judged.outputs, "no output of the week was judged");
  out.sources = {source_of(events, "judgements", "", static_cast<int64_t>(events.judgements.size()))};
  return out;
}

Number latency(const Events& events) {
  std::vector<double> seconds;
  int64_t answered = 0;
  for (auto& output : events.outputs) {
    answered += output.status == "ok";
    if (output.status == "ok" && output.total_ms > 0) seconds.push_back(output.total_ms / 1000);
  }
  Number out = number("latency_p95", "Latency (P95)", "seconds");
  out.sources = {source_of(events, "outputs", "ok", answered)};
  out.value = percentile(std::move(seconds), 0.95);
  if (!out.value) out.note = "no answer of the week was timed";
  return out;
}

Number csat(const Events& events) {
  if (events.satisfaction.empty()) {
    Number imported = fact_number(events, "csat", "csat", "CSAT", "score");
    if (!imported.value) imported.note = "nobody answered a satisfaction survey, and none was imported";
    return imported;
  }
  int64_t sum = 0;
  for (auto& response : events.satisfaction) sum += response.score;
  auto count = static_cast<int64_t>(events.satisfaction.size());
  Number out = ratio(number("csat", "CSAT", "score"), sum, count, "");
  out.sources = {source_of(events, "satisfaction", "", count)};
  return out;
}

Number adoption(const Events& events) {
  Number out = number("adoption_rate", "Adoption Rate", "fraction");
  auto* eligible = find_fact(events, "eligible_users");
  if (!eligible || eligible->value <= 0) {
    out.note = "no 'eligible_users' was imported or entered";
    return out;
  }
  out.value = static_cast<double>(active_users(events).size()) / eligible->value;
  if (*out.value > 1) out.note = "more active users than eligible ones: 'eligible_users' is out of date";
  out.sources = {source_of(events, "conversations", "", static_cast<int64_t>(events.opened.size())),
                 source_of(events, "outputs", "", static_cast<int64_t>(events.outputs.size())),
                 source_of(events, "drafts", "decided", static_cast<int64_t>(events.decided.size())), source_of(*eligible)};
  return out;
}

Number edit_rate(const Events& events, const Sent& sent) {
  Number out = ratio(number("edit_rate", "Edit Rate", "fraction"), sent.edited, sent.all, "no draft was sent in the week");
  out.sources = {source_of(events, "drafts", "sent", sent.all), source_of(events, "drafts", "edited", sent.edited)};
  return out;
}

Number resolution(const Events& events, const Endings& ended) {
  Number out =
      ratio(number("resolution_rate", "Resolution Rate", "fraction"), ended.resolved + ended.deflected, ended.all, "no conversation ended in the week");
  out.sources = {source_of(events, "conversations", "ended", ended.all)};
  return out;
}

Number deflection(const Events& events, const Endings& ended) {
  Number out = ratio(number("deflection_rate", "Deflection Rate", "fraction"), ended.deflected, ended.all, "no conversation ended in the week");
  out.sources = {source_of(events, "conversations", "ended", ended.all), source_of(events, "conversations", "deflected", ended.deflected)};
  return out;
}

Number cost_per_resolution(const Events& events, const Endings& ended, const Settings& settings) {
  Number out = number("cost_per_resolution", "Cost per Resolution", "usd");
  std::optional<double> tokens = token_cost(events.outputs, settings);
  auto* human = find_fact(events, "human_cost");
  int64_t resolved = ended.resolved + ended.deflected;
  out.sources = {source_of(events, "outputs", "", static_cast<int64_t>(events.outputs.size())), source_of(events, "conversations", "ended", ended.all)};
  if (human) out.sources.push_back(source_of(*human));
  if (resolved == 0) out.note = "nothing was resolved in the week";
  else if (!tokens && !human) out.note = "neither prices per token nor 'human_cost' are stated";
  else out.value = (tokens.value_or(0) + (human ? human->value : 0)) / static_cast<double>(resolved);
  if (out.value && !human) out.note = "without human cost: none was imported";
  if (out.value && !tokens) out.note = "without the model's cost: no prices are stated";
  return out;
}

// Whether a value is on target. Empty where either is missing.
std::optional<bool> on_target(const Target& target, const std::optional<double>& value) {
  if (!value || !target.target) return std::nullopt;
  if (target.comparison == ">=") return *value >= *target.target;
  if (target.comparison == ">") return *value > *target.target;
  if (target.comparison == "<") return *value < *target.target;
  return *value <= *target.target;
}

std::vector<Target> targets_of(const std::vector<Number>& nine, const Events& events, const Settings& s) {
  constexpr std::string_view kModel = "Model Quality", kUsage = "Product Usage", kBusiness = "Business Impact";
  std::optional<double> cost;
  if (auto* baseline = find_fact(events, "baseline_cost_per_resolution")) cost = baseline->value * (1 - s.cost_reduction);
  std::vector<Target> targets = {
      {"accuracy", kModel, "Accuracy", "Fraction of outputs rated correct by evaluators", ">=", s.accuracy},
      {"hallucination_rate", kModel, "Hallucination Rate", "Fraction of outputs containing fabricated facts", "<", s.hallucination_rate},
      {"latency_p95", kModel, "Latency (P95)", "95th percentile response time in seconds", "<", s.latency_p95},
      {"csat", kUsage, "CSAT", "Customer satisfaction score (1 to 5 scale)", ">=", s.csat},
      {"adoption_rate", kUsage, "Adoption Rate", "Fraction of eligible users actively using", ">=", s.adoption_rate},
      {"edit_rate", kUsage, "Edit Rate", "Fraction of AI outputs modified by users before sending", "<", s.edit_rate},
      {"resolution_rate", kBusiness, "Resolution Rate", "Fraction resolved without escalation", ">", s.resolution_rate},
      {"deflection_rate", kBusiness, "Deflection Rate", "Fraction handled without human agent", ">=", s.deflection_rate},
      {"cost_per_resolution", kBusiness, "Cost per Resolution", "Total cost divided by resolved issues", "<=", cost},
  };
  for (size_t i = 0; i < targets.size(); ++i)
    if (auto good = on_target(targets[i], nine[i].value)) targets[i].health = *good ? Health::kPass : i < 2 ? Health::kFail : Health::kWarn;
  return targets;
}

// 9d's five; what has no data says so instead of failing.
std::array<Check, 5> health_of(const std::vector<Number>& nine, const Settings& settings) {
  LLMProductMetrics metrics;
  for (size_t i = 0; i < kNine.size(); ++i) member(metrics, i) = nine[i].value.value_or(0);
  std::array<Check, 5> checks = health_check(metrics, settings);
  constexpr size_t kOf[] = {0, 1, 3, 4, 7};
  for (size_t i = 0; i < checks.size(); ++i)
    if (!nine[kOf[i]].value) checks[i].health = Health::kNoData;
  return checks;
}

template <class T>
bool any_simulated(const std::vector<T>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const T& row) { return row.simulated; });
}

}  // namespace

Report measure(const Events& events, const Settings& settings) {
  Judged judged = judged_outputs(events);
  Endings ended = endings(events);
  Sent sent = sent_drafts(events);
  Report report;
  report.week = events.week;
  report.nine = {accuracy(events, judged),
                 hallucination(events, judged),
                 latency(events),
                 csat(events),
                 adoption(events),
                 edit_rate(events, sent),
                 resolution(events, ended),
                 deflection(events, ended),
                 cost_per_resolution(events, ended, settings)};
  report.edit_distance = ratio(number("edit_distance", "Edit distance", "characters"), sent.distance, sent.all, "no draft was sent in the week");
  report.edit_distance.sources = {source_of(events, "drafts", "sent", sent.all)};
  report.targets = targets_of(report.nine, events, settings);
  report.health = health_of(report.nine, settings);
  report.impact = impact_numbers(events, judged, ended, sent);
  report.technical = technical_numbers(events, judged, settings);
  report.developer = developer_numbers(events, settings);
  report.alerts = edit_alerts({report.nine[5].value}, settings);
  report.simulated = any_simulated(events.opened) || any_simulated(events.ended) || any_simulated(events.outputs) || any_simulated(events.decided) ||
                     any_simulated(events.satisfaction) || any_simulated(events.judgements) || any_simulated(events.facts) ||
                     any_simulated(events.developer_events);
  return report;
}

std::vector<std::string> edit_alerts(const std::vector<std::optional<double>>& rates, const Settings& settings) {
  std::vector<std::string> alerts;
  if (rates.empty() || !rates.back()) return alerts;
  double now = *rates.back();
  if (now >= settings.edit_rate)
    alerts.push_back(python_format(now, ".0%") + " of drafts are changed before sending, so only " + python_format(1 - now, ".0%") +
                     " are accepted as they are (more than " + python_format(1 - settings.edit_rate, ".0%") +
                     " means time is genuinely saved). Past that, reviewing and editing is slower than manual work.");
  size_t n = rates.size();
  if (n >= 3 && rates[n - 2] && rates[n - 3] && now > *rates[n - 2] && *rates[n - 2] > *rates[n - 3])
    alerts.push_back("The edit rate has risen two weeks in a row (" + python_format(*rates[n - 3], ".0%") + ", " + python_format(*rates[n - 2], ".0%") + ", " +
                     python_format(now, ".0%") + "): look into which topics are edited most.");
  return alerts;
}

}  // namespace strata::product_metrics
