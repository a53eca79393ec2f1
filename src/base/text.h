// Text is UTF-8 bytes; positions are byte offsets. Small, dependency-free helpers that everyone needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

// Length (1..4) of the valid UTF-8 sequence at the start of `text`; 0 where it is invalid, overlong, a surrogate, or cut short.
size_t utf8_sequence_length(std::string_view text);
bool utf8_valid(std::string_view text);
// Each invalid byte becomes U+FFFD.
std::string utf8_repaired(std::string_view text);
// Longest prefix of `text` that does not end inside a sequence: what may be sent now while bytes still arrive.
// An invalid sequence counts as complete (utf8_repaired will mend it).
size_t utf8_complete_prefix(std::string_view text);
// Code point at the start of a valid `text`; sets `length` to its bytes. For an invalid byte: 0xFFFD and 1.
uint32_t utf8_decode(std::string_view text, size_t* length);
void utf8_append(std::string& out, uint32_t code_point);

std::string_view trim(std::string_view text);  // ASCII white space off both ends
std::string ascii_lower(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
std::string hex(std::string_view bytes);

// "1.5 GiB", "640 KiB"
std::string human_bytes(uint64_t bytes);

// What Python's format(value, spec) prints: spec "" (as str and repr: "4.2", "4.0", "1e-05"), ".Nf" or ".N%" with N one digit. The exact
// binary value is rounded, ties to even; "%" multiplies by 100 in floating point first, as Python does (0.285 is "28%").
// REQUIRES: such a spec; it CHECKs.
std::string python_format(double value, std::string_view spec = "");

// The name in `names` nearest to `wrong` (edit distance at most a third of its length), or empty: for "did you mean".
std::string_view nearest_name(std::string_view wrong, const std::vector<std::string_view>& names);

}  // namespace strata
