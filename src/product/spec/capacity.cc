// Can this machine carry the product? Daily requests and peak users against what was measured (I08, I09).
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "product/spec/spec.h"

namespace strata::spec {
namespace {

constexpr double kSecondsPerDay = 86'400;
// A session asks once in ten minutes, a click-driven feature three times a minute; both are said on the page, so that a team can judge.
constexpr double kSecondsPerSessionCall = 600;
constexpr double kSecondsPerClickCall = 20;
// Requests gather in working hours: the busiest hour has three times the day's average.
constexpr double kBusyHourFactor = 3;
// Past this load waiting times grow fast. SOURCE: M/M/1, waiting time is proportional to load / (1 - load).
constexpr double kLoadMax = 0.7;

std::string shown(double number) { return python_format(number, number >= 100 ? ".0f" : number >= 1 ? ".1f" : ".3f"); }

std::string latency_class_of(const LLMProductSpec& spec) {
  if (!spec.operation.latency_class.empty()) return spec.operation.latency_class;
  if (spec.max_latency_seconds < 1) return "sub_second";
  return spec.max_latency_seconds < 10 ? "2_3_seconds" : "10_plus_seconds";
}

// What the class promises, where it is stricter than the spec's own figure.
double promised_seconds(const LLMProductSpec& spec, const std::string& latency_class) {
  double most = latency_class == "sub_second" ? 1 : latency_class == "2_3_seconds" ? 3 : spec.max_latency_seconds;
  return spec.operation.latency_class.empty() ? spec.max_latency_seconds : std::min(spec.max_latency_seconds, most);
}

void reckon_demand(const LLMProductSpec& spec, Capacity& out) {
  double users = static_cast<double>(spec.concurrent_users_peak);
  out.average_per_s = static_cast<double>(spec.daily_requests_estimate) / kSecondsPerDay;
  out.lines.push_back(std::to_string(spec.daily_requests_estimate) + " requests a day are " + shown(out.average_per_s) + " a second on average");
  if (out.call_frequency == "background") {
    out.peak_per_s = out.average_per_s;
    out.lines.push_back("calls in the background are spread over the day: the peak is the average");
    return;
  }
  double pause = out.call_frequency == "per_click" ? kSecondsPerClickCall : kSecondsPerSessionCall;
  double by_users = users / pause, by_hour = out.average_per_s * kBusyHourFactor;
  out.lines.push_back(std::to_string(spec.concurrent_users_peak) + " users at once, one call in " + shown(pause) + " s each (" + out.call_frequency +
                      "), are " + shown(by_users) + " a second; the busiest hour has " + shown(kBusyHourFactor) + " times the average, " + shown(by_hour) +
                      " a second");
  out.peak_per_s = std::max(by_users, by_hour);
}

void reckon_supply(const LLMProductSpec& spec, const Throughput& measured, Capacity& out) {
  double prompt = spec.operation.prompt_tokens, answer = spec.operation.answer_tokens;
  double busy_s = prompt / measured.prefill_tokens_per_s + answer / measured.decode_tokens_per_s;
  out.capacity_per_s = 1 / busy_s;
  out.lines.push_back("measured here: " + shown(measured.prefill_tokens_per_s) + " tokens/s read, " + shown(measured.decode_tokens_per_s) +
                      " tokens/s written. A call of " + shown(prompt) + " and " + shown(answer) + " tokens keeps the machine busy for " + shown(busy_s) +
                      " s: " + shown(out.capacity_per_s) + " calls a second");
  out.used = out.peak_per_s / out.capacity_per_s;
  out.machines = static_cast<int>(std::clamp(std::ceil(out.used / kLoadMax), 1.0, 1e6));
  // The calls that are under way at the peak share the machine, at most one batch of them.
  double together = std::clamp(out.peak_per_s * busy_s, 1.0, static_cast<double>(std::max(1, measured.parallel)));
  out.expected_seconds = busy_s * together;
  out.lines.push_back("at the peak an answer is expected in " + shown(out.expected_seconds) + " s; " + shown(out.promised_seconds) + " s are promised");
}

}  // namespace

int context_tokens_max(const LLMProductSpec& spec) {
  if (spec.context_window_needs == "short") return 4 * 1'024 - 1;
  return spec.context_window_needs == "medium" ? 32 * 1'024 : 1'024 * 1'024;
}

std::string_view verdict_name(Capacity::Verdict verdict) {
  static constexpr std::string_view kNames[] = {"unknown", "fits", "tight", "too_much"};
  return kNames[static_cast<size_t>(verdict)];
}

Capacity reckon_capacity(const LLMProductSpec& spec, const Throughput& measured) {
  Capacity out;
  out.latency_class = latency_class_of(spec);
  out.call_frequency = spec.operation.call_frequency.empty() ? "per_session" : spec.operation.call_frequency;
  out.promised_seconds = promised_seconds(spec, out.latency_class);
  reckon_demand(spec, out);
  if (measured.decode_tokens_per_s <= 0 || measured.prefill_tokens_per_s <= 0) {
    out.lines.push_back("nothing is measured yet: let the model answer something, then look again");
    return out;
  }
  reckon_supply(spec, measured, out);
  if (measured.answers > 0)
    out.lines.push_back("its own " + std::to_string(measured.answers) + " answers: 95 of 100 were there within " + shown(measured.answer_seconds_p95) + " s");
  bool slow = out.call_frequency != "background" && out.expected_seconds > out.promised_seconds;
  if (out.used > 1) out.verdict = Capacity::Verdict::kTooMuch;
  else if (out.used > kLoadMax || slow) out.verdict = Capacity::Verdict::kTight;
  else out.verdict = Capacity::Verdict::kFits;
  if (out.machines > 1)
    out.lines.push_back(std::to_string(out.machines) + " machines like this one would carry it at " + python_format(kLoadMax, ".0%") + " load");
  return out;
}

}  // namespace strata::spec
