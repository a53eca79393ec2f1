// product/metrics: how well a product does, per ISO week, computed from the rows of product/outcome and from nothing else.
//
//   rows of a week ──measure()──▶ numbers, each with the rows behind it ──▶ nine against target, health check, alerts
//
// A number without data is no number: `value` is empty and `note` says what is missing; it is never 0. Averages are over exact integer
// sums, so the order of rows never changes a result.
//
// Definitions (per product and week; the metric's definition in requirements 9c first):
//   accuracy            fraction of outputs rated correct by evaluators: judged outputs made in the week that more than half of their judges
//                       call correct
//   hallucination_rate  fraction of outputs containing fabricated facts: judged outputs of which at least half of their judges say so
//   latency_p95         95th percentile response time in seconds: nearest rank (the ceil(0.95 n)-th smallest) of outputs with status ok and a
//                       measured time (above 0)
//   csat                mean score of the week's responses; where there is none, the week's imported `csat`
//   adoption_rate       active users / `eligible_users`. Active: opened a conversation (its end user, in the customer channel), got an
//                       output, or sent or discarded a draft in the week
//   edit_rate           fraction of AI outputs modified before sending: edited / all drafts sent in the week
//   resolution_rate     resolved without escalation: (resolved + deflected) / all conversations ended in the week
//   deflection_rate     handled without human agent: deflected / all conversations ended in the week
//   cost_per_resolution (tokens at the product's prices + imported `human_cost`) / (resolved + deflected)
// A tie among judges goes against us.
//
// THREADS: safe. Errors: kNotFound names the product; kInvalidArgument names the field.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/store/store.h"
#include "product/outcome/outcome.h"

namespace strata::product_metrics {

// "Weekly metrics dashboard for an LLM product." Requirements 9d, to the letter.
struct LLMProductMetrics {
  double accuracy = 0, hallucination_rate = 0, latency_p95 = 0, csat = 0, adoption_rate = 0, edit_rate = 0, resolution_rate = 0, deflection_rate = 0,
         cost_per_resolution = 0;
};
inline constexpr std::array<std::string_view, 9> kNine = {"accuracy",        "hallucination_rate", "latency_p95",        "csat", "adoption_rate", "edit_rate",
                                                          "resolution_rate", "deflection_rate",    "cost_per_resolution"};
double& member(LLMProductMetrics& metrics, size_t nine);           // in the order of kNine
// An object with exactly these nine numbers. Errors name the field; an unknown one gets the nearest.
Result<LLMProductMetrics> metrics_from(const Json& json);

// Defaults: 9d's for the five of the health check, 9c's for the others.
struct Settings {
  double accuracy = 0.85;              // >=
  double hallucination_rate = 0.05;    // <
  double latency_p95 = 5.0;            // <, seconds
  double csat = 4.0;                   // >=
  double adoption_rate = 0.60;         // >=
  double edit_rate = 0.30;             // <
  double resolution_rate = 0.70;       // >
  double deflection_rate = 0.40;       // >=
  double cost_reduction = 0.50;        // cost per resolution is at most (1 - this) of `baseline_cost_per_resolution`
  std::optional<double> prompt_price, completion_price;  // USD per million tokens; empty: not stated, and no cost is made up
};

enum class Health { kPass, kFail, kWarn, kNoData };
std::string_view health_name(Health health);                       // "PASS", "FAIL", "WARN", "NO DATA"
struct Check {
  std::string_view metric;
  Health health = Health::kNoData;
};
// Five, in this order: accuracy and hallucination (else FAIL), csat, adoption and deflection (else WARN).
std::array<Check, 5> health_check(const LLMProductMetrics& metrics, const Settings& settings = {});

// Where the rows behind a number are: a list of product/outcome with its Filter::kind, for the product and [begin_ms, end_ms).
struct Source {
  std::string list;                    // "conversations", "outputs", "drafts", "judgements", "satisfaction", "facts", "developer_events", "developer_days",
                                       // "calls"
  std::string kind;
  int64_t rows = 0;
  int64_t begin_ms = 0, end_ms = 0;
};

struct Number {
  std::string key, label;
  std::string unit;                    // "fraction", "seconds", "score", "usd", "count", "characters", "minutes", "per_second"
  std::optional<double> value;
  std::string note;                    // what is missing, or what a reader should know ("imported")
  std::vector<Source> sources;
};

struct Target {                        // one of the nine against its target
  std::string_view metric, layer;      // layer: "Model Quality", "Product Usage", "Business Impact"
  std::string_view label, definition;
  std::string_view comparison;         // ">=", "<", ">", "<="
  std::optional<double> target;        // empty: cost per resolution without a stated baseline
  Health health = Health::kNoData;     // kPass or (off target) kFail or kWarn
};
inline constexpr std::string_view kLayerWarning =
    "No layer alone tells the truth: a model with 95% accuracy is useless if users do not trust it, and high user satisfaction means nothing if "
    "the product does not reduce costs.";

// The rows of one product and week.
struct Events {
  outcome::Week week;
  std::vector<outcome::Conversation> opened, ended;
  std::vector<outcome::Output> outputs;
  std::vector<outcome::Draft> decided;           // sent or discarded in the week
  std::vector<outcome::Judgement> judgements;    // of the week's outputs
  std::vector<outcome::Satisfaction> satisfaction;
  std::vector<outcome::Fact> facts;              // that hold in the week
  std::set<std::string> active_before;           // users active in the week before
  std::vector<outcome::DeveloperEvent> developer_events;   // until the week's end
  std::vector<outcome::DeveloperDay> developer_days;       // of the 28 days until the week's end
  std::vector<outcome::Call> calls;                        // of the week, by programs
};
std::set<std::string> active_users(const Events& events);

struct Report {
  outcome::Week week;
  std::vector<Number> nine;            // in the order of kNine
  Number edit_distance;                // mean of sent drafts, in characters; of 9c's nine none
  std::vector<Target> targets;         // the nine
  std::array<Check, 5> health{};
  std::vector<Number> impact;          // U06: usage, retention, time saved, manual effort, completion, quality, revenue
  std::vector<Number> technical;       // I23: time to first token, tokens a second, errors, cost per 1K tokens, …
  std::vector<Number> developer;       // U09
  std::vector<std::string> alerts;     // the edit-rate rule and its trend
  bool simulated = false;              // some of the rows are the simulator's
  // All nine, where each has data.
  std::optional<LLMProductMetrics> complete() const;
};
Report measure(const Events& events, const Settings& settings);
// The edit-rate rule over weeks, oldest first, the last being the one looked at: below 70 % accepted unmodified, or rising twice.
std::vector<std::string> edit_alerts(const std::vector<std::optional<double>>& edit_rates, const Settings& settings);

std::vector<store::Migration> migrations();

inline constexpr int kWeeksMax = 52;

class Metrics {
 public:
  Metrics(store::Store& store, outcome::Outcomes& outcomes) : store_(store), outcomes_(outcomes) {}
  // Settings are the defaults until they are set; of a product that exists.
  Result<Settings> settings(const Context&, const std::string& product);
  // kInvalidArgument names the field: rates in [0, 1], csat in [1, 5], the rest at least 0.
  Status set_settings(const Context&, const std::string& product, const Settings& settings);
  // The settings of a product that is gone; kFailedPrecondition while it exists.
  Status forget(const Context&, const std::string& product);
  Result<Report> week(const Context&, const std::string& product, outcome::Week week);
  // `count` weeks (1 to kWeeksMax) up to and with `last`, oldest first. COST: reads every row of these weeks.
  Result<std::vector<Report>> weeks(const Context&, const std::string& product, outcome::Week last, int count);

 private:
  Result<Events> load(const Context&, const std::string& product, outcome::Week week);
  store::Store& store_;
  outcome::Outcomes& outcomes_;
};

Json settings_json(const Settings& settings);                      // names as in Settings
Result<Settings> settings_from(const Json& json);                  // what is left out keeps its default

}  // namespace strata::product_metrics
