// The parts of JSON text as pieces. Inside model/grammar only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/grammar/builder.h"

namespace strata::grammar {

class JsonText {
 public:
  explicit JsonText(Builder& builder) : b_(builder) {}

  Piece comma();                                       // "," and perhaps a blank
  Piece colon();
  uint32_t character();                                // rule: one character of a string, as itself or escaped
  Piece code_point(const CodePoints& ranges);          // one of these characters, escaped where JSON wants it
  Piece string(int least, int most);                   // with quotes; most -1: any length. UNITS: code points
  Piece literal(const Json& value);                    // exactly this value, compact
  // A string that is none of these, without escapes.
  Piece other_string(const std::vector<std::string>& names);

  struct Bounds {                                      // of a number
    std::optional<double> least, most;
    bool least_excluded = false, most_excluded = false;
  };
  Piece integer(const Bounds& bounds);
  Piece number(const Bounds& bounds);

  Piece value();                                       // any JSON value
  Piece any_object();
  Piece array_of(uint32_t item, int least, int most);

 private:
  Piece digits(uint64_t low, uint64_t high);           // decimal, no leading zeros
  Piece same_length(const std::string& low, const std::string& high);
  Piece any_digits(int least, int most);
  Piece fraction(bool not_zero);
  Piece signed_integers(std::optional<double> least, std::optional<double> most);
  uint32_t digit();
  uint32_t value_rule();

  Builder& b_;
  std::optional<uint32_t> character_, digit_, value_, object_;
};

}  // namespace strata::grammar
