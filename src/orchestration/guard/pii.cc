#include <algorithm>
#include <array>

#include "orchestration/guard/guard.h"

namespace strata::guard {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(char c) { return is_digit(c) || is_letter(c) || c == '_' || (static_cast<unsigned char>(c) & 0x80); }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char at(std::string_view text, size_t i) { return i < text.size() ? text[i] : '\0'; }
bool starts_word(std::string_view text, size_t i) { return i == 0 || !is_word(text[i - 1]); }

// ---- IBAN ----

struct Country {
  char code[3];
  uint8_t length;
};
constexpr Country kCountries[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21},
    {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18},
    {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26},
    {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24},
    {"ME", 22}, {"MK", 19}, {"MN", 20}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24}, {"PL", 28}, {"PS", 29},
    {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23},
    {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30}};

size_t iban_length(char a, char b) {
  for (auto& country : kCountries)
    if (country.code[0] == a && country.code[1] == b) return country.length;
  return 0;
}

// The end of an IBAN that begins at `begin`, with single spaces (or '-') between its groups; 0 where there is none.
size_t iban_end(std::string_view text, size_t begin) {
  if (!starts_word(text, begin) || !is_letter(text[begin]) || !is_letter(at(text, begin + 1))) return 0;
  size_t length = iban_length(upper(text[begin]), upper(text[begin + 1]));
  if (length == 0) return 0;
  std::string iban;
  size_t i = begin;
  for (; i < text.size() && iban.size() < length; ++i) {
    if (is_digit(text[i]) || is_letter(text[i])) iban += upper(text[i]);
    else if ((text[i] != ' ' && text[i] != '-') || text[i - 1] == ' ' || text[i - 1] == '-') break;
  }
  return iban.size() == length && !is_word(at(text, i)) && iban_holds(iban) ? i : 0;
}

// ---- Digits with separators: cards and phones ----

// Payment cards: 13 to 19 digits, single spaces or '-' between, a leading digit that an issuer uses, Luhn. SOURCE: ISO/IEC 7812-1.
size_t card_end(std::string_view text, size_t begin) {
  if (!is_digit(text[begin]) || text[begin] < '2' || text[begin] > '6' || !starts_word(text, begin)) return 0;
  std::string digits;
  size_t end = begin, best = 0;
  for (size_t i = begin; i < text.size() && digits.size() < 19; ++i) {
    if (is_digit(text[i])) {
      digits += text[i];
      end = i + 1;
      if (digits.size() >= 13 && !is_word(at(text, end)) && luhn_holds(digits) && digits.find_first_not_of(digits[0]) != digits.npos) best = end;
    } else if ((text[i] != ' ' && text[i] != '-') || !is_digit(at(text, i + 1))) {
      break;
    }
  }
  return best;
}

struct Run {
  size_t end = 0;                 // after the last digit
  std::string digits;
  std::vector<size_t> groups;     // digits per group
  std::string separators;         // between the groups
  bool parentheses = false;
};

// Digits in groups: what lies between two groups is one of " ", "-", ".", "/", or a parenthesis with at most one space.
Run read_run(std::string_view text, size_t i) {
  Run run;
  bool open = false;
  while (i < text.size() && run.digits.size() <= 20) {
    if (is_digit(text[i])) {
      size_t begin = i;
      while (i < text.size() && is_digit(text[i])) run.digits += text[i++];
      run.groups.push_back(i - begin);
      run.end = i;
      continue;
    }
    if (text[i] == '(' && !open && !run.parentheses) {
      open = run.parentheses = true;
      ++i;
    } else if (text[i] == ')' && open) {
      open = false;
      ++i;
      if (at(text, i) == ' ' || at(text, i) == '-') ++i;
    } else if (!run.groups.empty() && (text[i] == ' ' || text[i] == '-' || text[i] == '.' || text[i] == '/') &&
               (is_digit(at(text, i + 1)) || at(text, i + 1) == '(')) {
      run.separators += text[i++];
    } else {
      break;
    }
  }
  if (open) run.digits.clear();
  return run;
}

bool looks_like_date(const Run& run) {
  auto& g = run.groups;
  if (g.size() < 3 || run.separators.size() < 2 || run.separators[0] != run.separators[1]) return false;
  return (g[0] == 4 && g[1] <= 2 && g[2] <= 2) || (g[0] <= 2 && g[1] <= 2 && (g[2] == 4 || g[2] == 2));
}

bool looks_like_address_or_version(const Run& run) {
  return run.groups.size() >= 4 && run.separators.find_first_not_of('.') == run.separators.npos && *std::max_element(run.groups.begin(), run.groups.end()) <= 3;
}

// "555-123-4567", "(555) 123-4567", "555.123.4567": North America's way.
bool is_north_american(const Run& run) {
  size_t first = run.groups.size() == 4 && run.groups[0] == 1 && run.digits[0] == '1' ? 1 : 0;
  if (run.groups.size() != first + 3) return false;
  return run.groups[first] == 3 && run.groups[first + 1] == 3 && run.groups[first + 2] == 4 && run.digits[first] >= '2';
}

// Phones: "+" and 8 to 15 digits (E.164); "00" and as many; a trunk "0" with 7 to 12 digits in groups, or 10 to 11 without; or North
// America's three groups.
size_t phone_end(std::string_view text, size_t begin) {
  char c = text[begin];
  if (c != '+' && c != '(' && !is_digit(c)) return 0;
  if (begin > 0 && (is_word(text[begin - 1]) || text[begin - 1] == '+')) return 0;
  // The rest of a longer number, a date or an amount is no phone.
  bool goes_on = begin > 1 && is_digit(text[begin - 2]) && std::string_view(".-/,").find(text[begin - 1]) != std::string_view::npos;
  bool grouped_before = begin > 1 && is_digit(text[begin - 2]) && text[begin - 1] == ' ' && c != '+';
  if (goes_on || grouped_before) return 0;
  Run run = read_run(text, c == '+' ? begin + 1 : begin);
  size_t n = run.digits.size();
  if (n < 7 || run.groups.size() > 8 || is_word(at(text, run.end))) return 0;
  if (c == '+') return n >= 8 && n <= 15 ? run.end : 0;
  if (looks_like_date(run) || looks_like_address_or_version(run)) return 0;
  if (run.digits.starts_with("00") && run.digits[2] != '0') return n >= 10 && n <= 17 ? run.end : 0;
  if (run.digits[0] == '0' && run.digits[1] != '0') {
    bool grouped = run.groups.size() > 1 && run.groups[0] >= 2;
    return (grouped && n >= 7 && n <= 12) || n == 10 || n == 11 ? run.end : 0;
  }
  return is_north_american(run) ? run.end : 0;
}

// ---- E-mail ----

bool is_local(char c) { return is_digit(c) || is_letter(c) || std::string_view(".!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos; }

// The address around the '@' at `sign`. SOURCE: RFC 5322's dot-atom and RFC 1035's labels, without comments and quoted parts.
bool email_around(std::string_view text, size_t sign, size_t floor, Pii* found) {
  size_t begin = sign, end = sign + 1;
  while (begin > floor && sign - begin < 64 && is_local(text[begin - 1])) --begin;
  while (begin < sign && (text[begin] == '.' || text[begin] == '\'')) ++begin;
  if (begin == sign || text[sign - 1] == '.') return false;
  size_t label = end, labels = 0, last = 0;
  for (; end < text.size() && end - sign < 254; ++end) {
    char c = text[end];
    if (c == '.') {
      if (end == label || text[end - 1] == '-') break;
      ++labels, last = end, label = end + 1;
    } else if (!is_digit(c) && !is_letter(c) && c != '-') {
      break;
    }
  }
  if (end == label && last > 0) end = last, --labels;        // the dot ends a sentence
  while (end > sign + 1 && text[end - 1] == '-') --end;
  size_t top = text.substr(0, end).rfind('.');
  if (labels == 0 || top == text.npos || top <= sign || end - top < 3) return false;
  for (size_t i = top + 1; i < end; ++i)
    if (!is_letter(text[i]) && !text.substr(top + 1).starts_with("xn--")) return false;
  *found = {PiiKind::kEmail, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
  return true;
}

std::vector<Pii> find_emails(std::string_view text) {
  std::vector<Pii> out;
  size_t floor = 0;
  for (size_t sign = text.find('@'); sign != text.npos; sign = text.find('@', sign + 1)) {
    Pii found;
    if (sign >= floor && email_around(text, sign, floor, &found)) out.push_back(found), floor = found.end;
  }
  return out;
}

}  // namespace

std::string_view pii_name(PiiKind kind) {
  static constexpr std::string_view kNames[] = {"email", "phone", "card", "iban"};
  return kNames[static_cast<size_t>(kind)];
}

bool luhn_holds(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return sum % 10 == 0;
}

bool iban_holds(std::string_view iban) {
  if (iban.size() < 5 || iban.size() != iban_length(iban[0], iban[1]) || !is_digit(iban[2]) || !is_digit(iban[3])) return false;
  int remainder = 0;
  for (size_t i = 0; i < iban.size(); ++i) {
    char c = iban[(i + 4) % iban.size()];
    if (is_digit(c)) remainder = (remainder * 10 + (c - '0')) % 97;
    else if (c >= 'A' && c <= 'Z') remainder = (remainder * 100 + (c - 'A' + 10)) % 97;
    else return false;
  }
  return remainder == 1;
}

std::vector<Pii> find_pii(std::string_view text) {
  std::vector<Pii> emails = find_emails(text), out;
  size_t email = 0;
  for (size_t i = 0; i < text.size();) {
    while (email < emails.size() && emails[email].end <= i) ++email;
    Pii found{PiiKind::kIban, static_cast<uint32_t>(i), 0};
    size_t end = 0;
    if ((end = iban_end(text, i))) found.kind = PiiKind::kIban;
    else if ((end = card_end(text, i))) found.kind = PiiKind::kCard;
    else if (email < emails.size() && emails[email].begin <= i) found.kind = PiiKind::kEmail, end = emails[email].end;
    else if ((end = phone_end(text, i))) found.kind = PiiKind::kPhone;
    if (end == 0) {
      ++i;
      continue;
    }
    found.end = static_cast<uint32_t>(end);
    out.push_back(found);
    i = end;
  }
  return out;
}

Masked mask_pii(std::string_view text) {
  Masked out;
  out.found = find_pii(text);
  size_t at = 0;
  for (auto& pii : out.found) {
    out.text.append(text.substr(at, pii.begin - at)).append("[").append(pii_name(pii.kind)).append("]");
    at = pii.end;
  }
  out.text.append(text.substr(at));
  // What a mask has parted may look like personal data of its own now ("1 [email]…" never does, but a promise is checked, not hoped).
  if (!out.found.empty() && !find_pii(out.text).empty()) out.text = mask_pii(out.text).text;
  return out;
}

}  // namespace strata::guard
