// Which tickets come in.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/random.h"
#include "product/simulator/simulator.h"

namespace strata::simulator {
namespace {

constexpr int kAgents = 24, kCustomers = 30;
constexpr int kPagesAtFirst = 8;            // the rest follows, one a week
constexpr double kSelfService = 0.5;        // of all questions go to the help centre
// An agent joins at a uniform moment of this many times the period: in the last week about three in four have.
constexpr double kJoining = 1.3;
constexpr int64_t kDayMs = 24LL * 3600 * 1000, kWeekMs = 7 * kDayMs;
constexpr int64_t kOpensMs = 8LL * 3600 * 1000, kOpenMs = 10LL * 3600 * 1000;   // 08:00 to 18:00

std::string numbered(const char* format, int a, int b = 0) {
  char text[40];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

const Question& draw(Random& random, const std::vector<Question>& questions, int64_t weights) {
  int64_t left = static_cast<int64_t>(random.below(static_cast<uint64_t>(weights)));
  for (auto& question : questions) {
    left -= question.weight;
    if (left < 0) return question;
  }
  return questions.back();
}

// The agents who work with the product in a week, in a new order each week, so that the work is shared.
std::vector<int> on_duty(Random& random, const std::vector<double>& joins, int week) {
  std::vector<int> out;
  for (int i = 0; i < kAgents; ++i)
    if (joins[static_cast<size_t>(i)] <= week) out.push_back(i);
  if (out.empty()) out.push_back(0);
  for (size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[random.below(i)]);
  return out;
}

std::vector<std::vector<std::string>> pages_by_week(int weeks) {
  std::vector<std::vector<std::string>> out(static_cast<size_t>(weeks));
  int published = 0;
  for (auto& file : sample_files()) {
    if (!file.path.starts_with("policies/")) continue;
    int week = std::max(0, published - kPagesAtFirst + 1);
    if (week < weeks) out[static_cast<size_t>(week)].push_back(std::string(file.path));
    ++published;
  }
  return out;
}

}  // namespace

Plan plan(const Options& options, const std::vector<Question>& questions) {
  Random random(options.seed);
  Plan out;
  out.agents = kAgents, out.customers = kCustomers;
  out.pages = pages_by_week(options.weeks);
  std::vector<double> joins;
  for (int i = 0; i < kAgents; ++i) joins.push_back(random.uniform() * kJoining * options.weeks);
  std::vector<int> seen(kAgents, 0);
  int64_t weights = 0;
  for (auto& question : questions) weights += question.weight;
  for (int week = 0; week < options.weeks; ++week) {
    int count = std::max(1, static_cast<int>(std::lround(options.tickets * (0.5 + 0.5 * (week + 1) / options.weeks))));
    std::vector<int> duty = on_duty(random, joins, week);
    std::vector<Ticket> tickets;
    std::vector<int64_t> times;
    for (int i = 0; i < count; ++i)
      times.push_back(static_cast<int64_t>(random.below(5)) * kDayMs + kOpensMs + static_cast<int64_t>(random.below(static_cast<uint64_t>(kOpenMs))));
    std::sort(times.begin(), times.end());
    for (int i = 0; i < count; ++i) {
      Ticket ticket;
      ticket.key = numbered("w%d-%03d", week + 1, i + 1);
      ticket.week = week;
      ticket.at_ms = options.first_week_ms + week * kWeekMs + times[static_cast<size_t>(i)];
      ticket.self_service = random.uniform() < kSelfService;
      ticket.customer = numbered("customer %02d (simulated)", 1 + static_cast<int>(random.below(kCustomers)));
      int agent = duty[static_cast<size_t>(i) % duty.size()];
      ticket.agent = numbered("agent %02d (simulated)", agent + 1);
      ticket.question = draw(random, questions, weights);
      ticket.drafts_seen = seen[static_cast<size_t>(agent)];
      if (!ticket.self_service) ++seen[static_cast<size_t>(agent)];
      tickets.push_back(std::move(ticket));
    }
    out.weeks.push_back(std::move(tickets));
  }
  return out;
}

}  // namespace strata::simulator
