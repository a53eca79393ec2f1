// Five fields → the next minute that matches. SOURCE: crontab(5).
#include <array>
#include <bitset>
#include <ctime>

#include "base/text.h"
#include "orchestration/flow/flow.h"

namespace strata::flow {
namespace {

// A date that never comes (30 February) is found out after this long. UNITS: days.
constexpr int kDaysMost = 366 * 9;

struct Field {
  std::string_view name;
  int least, most;
  std::vector<std::string_view> names;   // of least, least + 1, …
};
const std::array<Field, 5>& fields() {
  static const std::array<Field, 5> all = {{{"minute", 0, 59, {}},
                                            {"hour", 0, 23, {}},
                                            {"day", 1, 31, {}},
                                            {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
                                            {"weekday", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}}}};
  return all;
}
using Set = std::bitset<60>;

Error wrong(const Field& field, std::string_view text, const std::string& expected) {
  return invalid_argument("cron: " + std::string(field.name) + ": expected " + expected + ", got '" + std::string(text) + "'", "cron");
}

Result<int> number(const Field& field, std::string_view text) {
  std::string lower = ascii_lower(text);
  for (size_t i = 0; i < field.names.size(); ++i)
    if (lower == field.names[i]) return field.least + static_cast<int>(i);
  int value = text.empty() || text.size() > 2 ? -1 : 0;
  for (char c : text) value = value >= 0 && c >= '0' && c <= '9' ? value * 10 + (c - '0') : -1;
  if (value < 0 || value < field.least || value > field.most) return wrong(field, text, std::to_string(field.least) + " to " + std::to_string(field.most));
  return value;
}

Result<Set> parse_field(const Field& field, std::string_view text) {
  Set set;
  for (std::string_view part : split(text, ',')) {
    int step = 1;
    bool stepped = false;
    if (size_t slash = part.find('/'); slash != part.npos) {
      std::string_view by = part.substr(slash + 1);
      step = 0;
      for (char c : by) step = c >= '0' && c <= '9' && by.size() <= 2 ? step * 10 + (c - '0') : -1;
      if (step < 1) return wrong(field, part, "a step of 1 or more after '/'");
      part = part.substr(0, slash);
      stepped = true;
    }
    int first = field.least, last = field.name == "weekday" ? 6 : field.most;
    if (part != "*") {
      size_t dash = part.find('-');
      TRY_ASSIGN(first, number(field, part.substr(0, dash)));
      if (dash != part.npos) {
        TRY_ASSIGN(last, number(field, part.substr(dash + 1)));
      } else if (!stepped) {
        last = first;
      }
    }
    if (last < first) return wrong(field, part, "a range that goes up");
    for (int i = first; i <= last; i += step) set.set(static_cast<size_t>(i));
  }
  if (field.name == "weekday" && set[7]) set.set(0);
  return set;
}

}  // namespace

Result<int64_t> next_time(std::string_view cron, int64_t after_ms) {
  std::vector<std::string_view> texts;
  for (std::string_view part : split(cron, ' '))
    if (!part.empty()) texts.push_back(part);
  if (texts.size() != 5) return invalid_argument("cron: expected five fields (minute hour day month weekday), got " + std::to_string(texts.size()), "cron");
  std::array<Set, 5> sets;
  for (size_t i = 0; i < 5; ++i) {
    TRY_ASSIGN(sets[i], parse_field(fields()[i], texts[i]));
  }
  bool any_day = texts[2] == "*", any_weekday = texts[4] == "*";
  std::time_t at = (after_ms / 60'000 + 1) * 60;   // the next whole minute
  for (int day = 0; day < kDaysMost; ++day) {
    std::tm when{};
    gmtime_r(&at, &when);
    bool on_day = sets[2][static_cast<size_t>(when.tm_mday)], on_weekday = sets[4][static_cast<size_t>(when.tm_wday)];
    bool matches = any_day ? on_weekday : any_weekday ? on_day : on_day || on_weekday;
    if (matches && sets[3][static_cast<size_t>(when.tm_mon) + 1])
      for (int minute = when.tm_hour * 60 + when.tm_min; minute < 24 * 60; ++minute)
        if (sets[1][static_cast<size_t>(minute / 60)] && sets[0][static_cast<size_t>(minute % 60)])
          return (static_cast<int64_t>(at) + (minute - when.tm_hour * 60 - when.tm_min) * 60) * 1000;
    at += (24 * 60 - when.tm_hour * 60 - when.tm_min) * 60;   // the next midnight
  }
  return invalid_argument("cron: '" + std::string(cron) + "' never comes", "cron");
}

}  // namespace strata::flow
