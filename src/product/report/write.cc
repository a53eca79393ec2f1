// The words of the update.
#include <array>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "product/report/report.h"

namespace strata::report {
namespace {

using product_metrics::Check;
using product_metrics::Health;
using product_metrics::LLMProductMetrics;
using product_metrics::Settings;
using Value = std::optional<double>;

constexpr char kNoData[] = "no data yet";

struct Section {
  std::string title;
  std::vector<std::string> lines;
};
struct Words {
  std::string title, status;
  std::vector<Section> sections;
};

// What 9g is made of; the nine in the order of kNine.
struct Nine {
  std::array<Value, 9> values;
  const Value& operator[](std::string_view name) const {
    for (size_t i = 0; i < product_metrics::kNine.size(); ++i)
      if (product_metrics::kNine[i] == name) return values[i];
    return values[0];
  }
};

std::string shown(const Value& value, std::string_view spec, const std::string& before = "", const std::string& after = "") {
  return value ? before + python_format(*value, spec) + after : kNoData;
}

std::vector<std::string> actions(const Nine& m, const Settings& s) {
  std::vector<std::string> lines;
  auto is = [](const Value& value, auto compare, double limit) { return value && compare(*value, limit); };
  auto below = [](double a, double b) { return a < b; };
  auto above = [](double a, double b) { return a > b; };
  auto at_least = [](double a, double b) { return a >= b; };
  if (is(m["deflection_rate"], below, s.deflection_rate)) lines.push_back("Deflection below target; expanding knowledge base coverage");
  if (is(m["edit_rate"], above, s.edit_rate)) lines.push_back("High edit rate; investigating prompt quality for top categories");
  if (is(m["hallucination_rate"], at_least, s.hallucination_rate)) lines.push_back("Hallucination rate elevated; adding source verification step");
  return lines;
}

Words nine_g(const Nine& m, const std::array<Check, 5>& health, int week, const std::string& product, const Settings& s) {
  int passing = 0;
  for (auto& check : health) passing += check.health == Health::kPass;
  Words words;
  words.title = "WEEKLY UPDATE: " + product + " (Week " + std::to_string(week) + ")";
  words.status = "STATUS: " + std::to_string(passing) + "/" + std::to_string(health.size()) + " metrics on target";
  words.sections = {
      {"HIGHLIGHTS",
       {"Customer satisfaction: " + shown(m["csat"], "", "", "/5.0") + " (target: " + python_format(s.csat) + ")",
        "Tickets resolved without escalation: " + shown(m["resolution_rate"], ".0%"),
        "AI-assisted deflection: " + shown(m["deflection_rate"], ".0%") + " (target: " + python_format(s.deflection_rate, ".0%") + ")",
        "Cost per resolution: " + shown(m["cost_per_resolution"], ".2f", "$")}},
      {"QUALITY",
       {"Response accuracy: " + shown(m["accuracy"], ".0%"), "Factual errors (hallucinations): " + shown(m["hallucination_rate"], ".1%"),
        "Agent edit rate: " + shown(m["edit_rate"], ".0%", "", " of AI drafts modified")}},
      {"ACTIONS", actions(m, s)},
  };
  return words;
}

std::string markdown(const Words& words) {
  std::string out = "# " + words.title + "\n\n**" + words.status + "**\n";
  for (auto& section : words.sections) {
    out += "\n## " + section.title + "\n";
    for (auto& line : section.lines) out += "- " + line + "\n";
  }
  return out;
}

// "76%, up from 72% the week before"
std::string trend(const Value& now, const Value& before, std::string_view spec, const std::string& unit) {
  std::string is = shown(now, spec, unit);
  if (!now || !before) return is;
  std::string was = shown(before, spec, unit);
  if (is == was) return is + ", as in the week before";
  return is + (*now > *before ? ", up from " : ", down from ") + was + " the week before";
}

Section trends(const std::vector<product_metrics::Report>& weeks) {
  struct Line {
    size_t nine;
    const char* label;
    const char* spec;
    const char* unit;
  };
  constexpr Line kLines[] = {{3, "Customer satisfaction", ".1f", ""},        {4, "People using it", ".0%", ""},
                             {6, "Resolved without escalation", ".0%", ""},  {7, "Handled without an agent", ".0%", ""},
                             {8, "Cost per resolution", ".2f", "$"},         {0, "Response accuracy", ".0%", ""},
                             {5, "Drafts changed before sending", ".0%", ""}};
  Section section{"TRENDS", {}};
  const auto& now = weeks.back().nine;
  for (auto& line : kLines) {
    Value before = weeks.size() > 1 ? weeks[weeks.size() - 2].nine[line.nine].value : Value();
    if (now[line.nine].value && before) section.lines.push_back(std::string(line.label) + ": " + trend(now[line.nine].value, before, line.spec, line.unit));
  }
  if (section.lines.empty()) section.lines.push_back("There is no earlier week to compare with yet");
  return section;
}

const product_metrics::Number* find(const std::vector<product_metrics::Number>& numbers, std::string_view key) {
  for (auto& number : numbers)
    if (number.key == key) return &number;
  return nullptr;
}

// One line on operating safely, said only as far as answers were reviewed.
Section safety(const product_metrics::Report& week, const Settings& settings) {
  auto* unsafe = find(week.technical, "safety_violation_rate");
  const Value& errors = week.nine[1].value;
  if (!unsafe || !unsafe->value || !errors) return {"SAFETY", {"Not known this week: no answer was reviewed by a person"}};
  if (*unsafe->value > 0)
    return {"SAFETY",
            {"Needs attention: " + python_format(*unsafe->value, ".1%") + " of the reviewed answers broke a safety rule; these are being looked into"}};
  if (*errors < settings.hallucination_rate)
    return {"SAFETY", {"Operating safely: no reviewed answer broke a safety rule, and factual errors are within the agreed limit"}};
  return {"SAFETY", {"Needs attention: no reviewed answer broke a safety rule, but factual errors are above the agreed limit"}};
}

Section impact(const product_metrics::Report& week) {
  Section section{"IMPACT", {}};
  if (auto* saved = find(week.impact, "time_saved"); saved && saved->value)
    section.lines.push_back("Working time saved: " + python_format(*saved->value / 60, ".1f") + " hours");
  if (auto* revenue = find(week.impact, "revenue_impact"); revenue && revenue->value)
    section.lines.push_back("Revenue impact: " + std::string(*revenue->value < 0 ? "-$" : "$") + python_format(std::abs(*revenue->value), ".2f"));
  if (auto* users = find(week.impact, "active_users"); users && users->value && *users->value > 0)
    section.lines.push_back("People who used it: " + python_format(*users->value, ".0f"));
  return section;
}

}  // namespace

std::string generate_stakeholder_update(const LLMProductMetrics& metrics, int week, const std::string& product, const Settings& settings) {
  Nine nine;
  LLMProductMetrics copy = metrics;
  for (size_t i = 0; i < nine.values.size(); ++i) nine.values[i] = product_metrics::member(copy, i);
  return render(markdown(nine_g(nine, product_metrics::health_check(metrics, settings), week, product, settings)), Form::kText);
}

std::string write_update(const std::vector<product_metrics::Report>& weeks, const std::string& product, const Settings& settings) {
  const product_metrics::Report& week = weeks.back();
  Nine nine;
  for (size_t i = 0; i < nine.values.size(); ++i) nine.values[i] = week.nine[i].value;
  // An average of scores has endless digits, and 9g prints all that it gets.
  if (Value& csat = nine.values[3]) csat = std::strtod(python_format(*csat, ".2f").c_str(), nullptr);
  Words words = nine_g(nine, week.health, week.week.number, product, settings);
  if (week.simulated) words.sections.insert(words.sections.begin(), {"NOTE", {"Some of these figures come from simulated conversations"}});
  words.sections.push_back(trends(weeks));
  if (Section gained = impact(week); !gained.lines.empty()) words.sections.push_back(std::move(gained));
  words.sections.push_back(safety(week, settings));
  return markdown(words);
}

}  // namespace strata::report
