#include "model/grammar/json_text.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace strata::grammar {
namespace {

constexpr int kDigitsMost = 15;                        // on either side of the point: what a double keeps exactly
constexpr double kMagnitudeMost = 999'999'999'999'999.0;

}  // namespace

Piece JsonText::comma() { return b_.sequence({b_.text(","), b_.optional(b_.text(" "))}); }
Piece JsonText::colon() { return b_.sequence({b_.text(":"), b_.optional(b_.text(" "))}); }

// ---- Strings ------------------------------------------------------------------------------------------------------------------

uint32_t JsonText::character() {
  if (character_) return *character_;
  const Piece hex = b_.any_of({b_.bytes('0', '9'), b_.bytes('a', 'f')});
  const Piece escape = b_.any_of({b_.text("\""), b_.text("\\"), b_.text("/"), b_.text("b"), b_.text("f"), b_.text("n"), b_.text("r"), b_.text("t"),
                                  b_.sequence({b_.text("u00"), b_.bytes('0', '1'), hex})});
  const Piece plain = b_.code_points(complement({{0, 0x1f}, {'"', '"'}, {'\\', '\\'}}));
  b_.mark_plain(plain.from);
  character_ = b_.rule(b_.any_of({plain, b_.sequence({b_.text("\\"), escape})}));
  return *character_;
}

Piece JsonText::code_point(const CodePoints& ranges) {
  CodePoints plain;
  std::vector<Piece> ways;
  for (const auto& [low, high] : ranges) {
    for (const auto& [first, last] : complement({{0, 0x1f}, {'"', '"'}, {'\\', '\\'}})) {
      if (low <= last && high >= first) plain.emplace_back(std::max(low, first), std::min(high, last));
    }
    for (uint32_t c = low; c <= std::min<uint32_t>(high, '\\'); ++c) {
      if (c > 0x1f && c != '"' && c != '\\') continue;
      const std::string quoted = json_quote(std::string(1, static_cast<char>(c)));
      ways.push_back(b_.text(quoted.substr(1, quoted.size() - 2)));
    }
  }
  ways.push_back(b_.code_points(plain));
  return b_.any_of(ways);
}

Piece JsonText::string(int least, int most) { return b_.sequence({b_.text("\""), b_.repeat(character(), least, most, true), b_.text("\"")}); }

Piece JsonText::literal(const Json& value) { return b_.text(value.dump()); }

// Follows the names' tree; wherever the text leaves it, or ends where no name does, it is another string.
Piece JsonText::other_string(const std::vector<std::string>& names) {
  struct Place {
    std::vector<std::string_view> rest;                // of the names that begin like the text so far
    uint32_t node;
  };
  const uint32_t rest_rule = [&] {
    const Piece plain = b_.code_points(complement({{0, 0x1f}, {'"', '"'}, {'\\', '\\'}}));
    b_.mark_plain(plain.from);
    return b_.rule(plain);
  }();
  const Piece out = b_.nothing();
  const Piece quote = b_.text("\""), last_quote = b_.text("\""), rest = b_.repeat(rest_rule, 0, -1, true);
  b_.link(out.from, quote.from);
  b_.link(rest.to, last_quote.from);
  b_.link(last_quote.to, out.to);
  std::vector<Place> work = {{{names.begin(), names.end()}, quote.to}};
  while (!work.empty() && !b_.full()) {
    Place place = std::move(work.back());
    work.pop_back();
    if (std::find(place.rest.begin(), place.rest.end(), "") == place.rest.end()) b_.link(place.node, last_quote.from);
    CodePoints onward = {{0, 0x1f}, {'"', '"'}, {'\\', '\\'}};
    std::map<uint32_t, std::vector<std::string_view>> by_next;
    for (const std::string_view name : place.rest) {
      if (name.empty()) continue;
      size_t length = 0;
      const uint32_t c = utf8_decode(name, &length);
      by_next[c].push_back(name.substr(length));
    }
    for (auto& [c, names_on] : by_next) {
      onward.emplace_back(c, c);
      if (c <= 0x1f || c == '"' || c == '\\') continue;  // such names are written with escapes, which are not written here
      const Piece step = b_.code_points({{c, c}});
      b_.link(place.node, step.from);
      work.push_back({std::move(names_on), step.to});
    }
    const Piece off = b_.code_points(complement(onward));
    b_.link(place.node, off.from);
    b_.link(off.to, rest.from);
  }
  return out;
}

// ---- Numbers ------------------------------------------------------------------------------------------------------------------

uint32_t JsonText::digit() {
  if (!digit_) digit_ = b_.rule(b_.bytes('0', '9'));
  return *digit_;
}

Piece JsonText::any_digits(int least, int most) { return b_.repeat(digit(), least, most); }

Piece JsonText::same_length(const std::string& low, const std::string& high) {
  if (low.empty()) return b_.empty();
  const auto count = static_cast<int>(low.size());
  if (low == std::string(low.size(), '0') && high == std::string(high.size(), '9')) return any_digits(count, count);
  const std::string low_rest = low.substr(1), high_rest = high.substr(1);
  auto digit_piece = [&](char from, char to) { return b_.bytes(static_cast<uint8_t>(from), static_cast<uint8_t>(to)); };
  if (low[0] == high[0]) return b_.sequence({digit_piece(low[0], low[0]), same_length(low_rest, high_rest)});
  std::vector<Piece> ways = {b_.sequence({digit_piece(low[0], low[0]), same_length(low_rest, std::string(low_rest.size(), '9'))}),
                             b_.sequence({digit_piece(high[0], high[0]), same_length(std::string(high_rest.size(), '0'), high_rest)})};
  if (high[0] - low[0] > 1) {
    const int rest = static_cast<int>(low_rest.size());
    ways.push_back(b_.sequence({digit_piece(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)), any_digits(rest, rest)}));
  }
  return b_.any_of(ways);
}

Piece JsonText::digits(uint64_t low, uint64_t high) {
  std::vector<Piece> ways;
  while (low <= high) {
    const std::string first = std::to_string(low);
    const uint64_t longest = std::stoull(std::string(first.size(), '9'));  // of as many digits
    ways.push_back(same_length(first, std::to_string(std::min(high, longest))));
    low = longest + 1;
  }
  return b_.any_of(ways);
}

// Whole numbers in [least, most], 15 digits at most.
Piece JsonText::signed_integers(std::optional<double> least, std::optional<double> most) {
  const double low = std::max(std::ceil(least.value_or(-kMagnitudeMost)), -kMagnitudeMost);
  const double high = std::min(std::floor(most.value_or(kMagnitudeMost)), kMagnitudeMost);
  std::vector<Piece> ways;
  if (high >= 0 && high >= low) ways.push_back(digits(static_cast<uint64_t>(std::max(low, 0.0)), static_cast<uint64_t>(high)));
  if (low < 0 && low <= std::min(high, -1.0)) {
    ways.push_back(b_.sequence({b_.text("-"), digits(static_cast<uint64_t>(-std::min(high, -1.0)), static_cast<uint64_t>(-low))}));
  }
  return b_.any_of(ways);
}

Piece JsonText::integer(const Bounds& bounds) {
  std::optional<double> least = bounds.least, most = bounds.most;
  if (least && bounds.least_excluded) least = std::floor(*least) + 1;
  if (most && bounds.most_excluded) most = std::ceil(*most) - 1;
  return signed_integers(least, most);
}

// ".25"; not_zero: with a digit that is not 0.
Piece JsonText::fraction(bool not_zero) {
  if (!not_zero) return b_.sequence({b_.text("."), any_digits(1, kDigitsMost)});
  const uint32_t zero = b_.rule(b_.text("0"));
  return b_.sequence({b_.text("."), b_.repeat(zero, 0, 5), b_.bytes('1', '9'), any_digits(0, kDigitsMost - 6)});
}

Piece JsonText::number(const Bounds& bounds) {
  if (!bounds.least && !bounds.most) {
    const Piece exponent = b_.sequence({b_.any_of({b_.text("e"), b_.text("E")}), b_.optional(b_.any_of({b_.text("+"), b_.text("-")})), any_digits(1, 2)});
    return b_.sequence({b_.optional(b_.text("-")), digits(0, static_cast<uint64_t>(kMagnitudeMost)), b_.optional(fraction(false)), b_.optional(exponent)});
  }
  std::vector<Piece> ways = {integer(bounds)};
  // i.f with i >= 0 lies strictly between i and i + 1 where f is not 0; -i.f between -(i + 1) and -i. Whole numbers are above, so here f is not 0.
  const double low = bounds.least.value_or(-kMagnitudeMost), high = bounds.most.value_or(kMagnitudeMost);
  if (const double from = std::max(0.0, std::ceil(low)), to = std::floor(high) - 1; from <= to) {
    ways.push_back(b_.sequence({signed_integers(from, to), fraction(true)}));
  }
  if (const double from = std::max(0.0, std::ceil(-high)), to = std::floor(-low) - 1; from <= to) {
    ways.push_back(b_.sequence({b_.text("-"), signed_integers(from, to), fraction(true)}));
  }
  // Inside one unit: thousandths.
  if (low >= 0 && high < std::floor(low) + 1) {
    double from = std::ceil(low * 1000), to = std::floor(high * 1000);
    const double whole = std::floor(low) * 1000;
    while (from <= to && (from / 1000 < low || (bounds.least_excluded && from / 1000 <= low))) ++from;
    while (from <= to && (to / 1000 > high || (bounds.most_excluded && to / 1000 >= high))) --to;
    if (from <= to) {
      auto padded = [](double value) {
        std::string text = std::to_string(static_cast<int>(value));
        return std::string(3 - text.size(), '0') + text;
      };
      ways.push_back(b_.sequence({signed_integers(std::floor(low), std::floor(low)), b_.text("."), same_length(padded(from - whole), padded(to - whole))}));
    }
  }
  return b_.any_of(ways);
}

// ---- Values -------------------------------------------------------------------------------------------------------------------

Piece JsonText::array_of(uint32_t item, int least, int most) {
  if (most == 0) return b_.text("[]");
  const uint32_t more = b_.rule(b_.sequence({comma(), b_.call(item)}));
  Piece items = b_.sequence({b_.call(item), b_.repeat(more, std::max(0, least - 1), most < 0 ? -1 : most - 1)});
  if (least <= 0) items = b_.optional(items);
  return b_.sequence({b_.text("["), items, b_.text("]")});
}

uint32_t JsonText::value_rule() {
  if (value_) return *value_;
  value_ = b_.declare();
  object_ = b_.declare();
  const uint32_t member = b_.rule(b_.sequence({string(0, -1), colon(), b_.call(*value_)}));
  const uint32_t more = b_.rule(b_.sequence({comma(), b_.call(member)}));
  b_.define(*object_, b_.sequence({b_.text("{"), b_.optional(b_.sequence({b_.call(member), b_.repeat(more, 0, -1)})), b_.text("}")}));
  b_.define(*value_, b_.any_of({b_.call(*object_), array_of(*value_, 0, -1), string(0, -1), number({}), b_.text("true"), b_.text("false"), b_.text("null")}));
  return *value_;
}

Piece JsonText::value() { return b_.call(value_rule()); }

Piece JsonText::any_object() {
  value_rule();
  return b_.call(*object_);
}

}  // namespace strata::grammar
