// orchestration/guard: looks at text before it is stored or shown to a model. Pure functions over bytes; no state. THREADS: safe.
//
// Personal data: e-mail addresses, phone numbers, payment cards (Luhn checksum) and IBANs (mod 97 and the country's length). Patterns
// with checksums find few things that are none; what has no checksum (phones) must look written as one. Names and addresses are not
// looked for: that needs a model, and no promise can be made of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::guard {

enum class PiiKind { kEmail, kPhone, kCard, kIban };
std::string_view pii_name(PiiKind kind);  // "email", "phone", "card", "iban"

struct Pii {
  PiiKind kind = PiiKind::kEmail;
  uint32_t begin = 0, end = 0;            // UNITS: bytes of the text
};

// In order, without overlap; where two kinds claim the same bytes: IBAN, card, e-mail, phone. Ranges begin and end at ASCII characters,
// so never inside a UTF-8 sequence. COST: linear in the text.
std::vector<Pii> find_pii(std::string_view text);

struct Masked {
  std::string text;                       // "[email]", "[phone]", "[card]", "[iban]" in their places
  std::vector<Pii> found;                 // in the text that was given
};
// ENSURES: find_pii(masked.text) is empty; a text without findings is unchanged.
Masked mask_pii(std::string_view text);

// Masks a text that comes in pieces. What may still turn out to be the beginning of something personal is held back: kHeldBytes, and on
// to the next place where nothing personal can go on. ENSURES: what was given out, together, holds none; text without any is unchanged.
class MaskStream {
 public:
  // As long as an IBAN with a separator behind each of its characters; e-mail addresses may be longer, but hold no white space.
  static constexpr size_t kHeldBytes = 72;
  std::string feed(std::string_view text);            // what may be given out now
  std::string rest();                                 // at the end: what was held back
  const std::map<PiiKind, int>& found() const { return found_; }

 private:
  std::string give(size_t bytes);
  std::string held_;
  std::map<PiiKind, int> found_;
};

bool luhn_holds(std::string_view digits);  // REQUIRES: ASCII digits. SOURCE: ISO/IEC 7812-1, annex B
// Upper-case letters and digits without spaces. SOURCE: ISO 13616-1; lengths from the SWIFT IBAN registry.
bool iban_holds(std::string_view iban);

}  // namespace strata::guard
