// ISO 8601 weeks and dates in UTC.
// SOURCE: days_from_civil and civil_from_days as in H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013.
#include <charconv>
#include <cstdio>

#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

int64_t days_from_civil(int64_t year, int month, int day) {  // days since 1970-01-01
  year -= month <= 2;
  int64_t era = floor_div(year, 400), year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

int64_t year_of(int64_t days) {
  days += 719'468;
  int64_t era = floor_div(days, 146'097), day_of_era = days - era * 146'097;
  int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  return year_of_era + era * 400 + (day_of_year >= 306);  // the algorithm's year begins in March
}

// The Monday of week 1: of the week that has 4 January in it. 1970-01-01 was a Thursday, so day 4 was a Monday.
int64_t first_monday(int64_t year) {
  int64_t fourth = days_from_civil(year, 1, 4);
  return floor_div(fourth - 4, 7) * 7 + 4;
}

int weeks_in(int64_t year) { return static_cast<int>((first_monday(year + 1) - first_monday(year)) / 7); }

bool number_from(std::string_view text, int& out) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size();
}

int days_in(int year, int month) {
  return static_cast<int>((month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1)) - days_from_civil(year, month, 1));
}

// "T09:30[:00[.000]]Z" → ms of the day; -1 where it is anything else.
int64_t time_of_day(std::string_view text) {
  if (text.size() < 7 || text[0] != 'T' || text.back() != 'Z' || text[3] != ':') return -1;
  std::string_view rest = text.substr(6, text.size() - 7);
  int hours = 0, minutes = 0, seconds = 0, thousandths = 0;
  if (!number_from(text.substr(1, 2), hours) || !number_from(text.substr(4, 2), minutes)) return -1;
  if (!rest.empty() && (rest.size() < 3 || rest[0] != ':' || !number_from(rest.substr(1, 2), seconds))) return -1;
  if (rest.size() > 3 && (rest.size() != 7 || rest[3] != '.' || !number_from(rest.substr(4), thousandths))) return -1;
  if (hours > 23 || minutes > 59 || seconds > 59) return -1;
  return ((hours * 60LL + minutes) * 60 + seconds) * 1000 + thousandths;
}

}  // namespace

Week Week::of(int64_t unix_ms) {
  int64_t day = floor_div(unix_ms, kDayMs);
  int64_t monday = floor_div(day - 4, 7) * 7 + 4;
  int64_t year = year_of(monday + 3);  // a week belongs to the year of its Thursday
  return {static_cast<int>(year), static_cast<int>((monday - first_monday(year)) / 7 + 1)};
}

Result<Week> Week::parse(std::string_view text) {
  Week week;
  if (text.size() != 8 || text.substr(4, 2) != "-W" || !number_from(text.substr(0, 4), week.year) || !number_from(text.substr(6), week.number) ||
      week.year < 1970)
    return invalid_argument("week: expected an ISO week such as 2026-W47, got '" + std::string(text.substr(0, 40)) + "'", "week");
  if (week.number < 1 || week.number > weeks_in(week.year))
    return invalid_argument(
        "week: " + std::to_string(week.year) + " has the weeks W01 to W" + std::to_string(weeks_in(week.year)) + ", got '" + std::string(text) + "'", "week");
  return week;
}

std::string Week::text() const {
  char out[32];
  std::snprintf(out, sizeof out, "%04d-W%02d", year, number);
  return out;
}

int64_t Week::begin_ms() const { return (first_monday(year) + (number - 1) * 7LL) * kDayMs; }

Week Week::plus(int weeks) const { return of(begin_ms() + weeks * kMs); }

Result<int64_t> time_from(std::string_view text, const std::string& param) {
  int year = 0, month = 0, day = 0;
  bool date = text.size() >= 10 && text[4] == '-' && text[7] == '-' && number_from(text.substr(0, 4), year) && number_from(text.substr(5, 2), month) &&
              number_from(text.substr(8, 2), day) && year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month);
  int64_t rest = text.size() == 10 ? 0 : date ? time_of_day(text.substr(10)) : -1;
  if (!date || rest < 0)
    return invalid_argument(param + ": expected a date such as 2026-11-22 or 2026-11-22T09:30:00Z, got '" + std::string(text.substr(0, 40)) + "'", param);
  return days_from_civil(year, month, day) * kDayMs + rest;
}

}  // namespace strata::outcome
