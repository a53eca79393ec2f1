// Bytes of a text file → UTF-8, whatever they were written in.
#pragma once

#include <string>
#include <string_view>

namespace strata::worker {

struct Decoded {
  std::string text;      // valid UTF-8 without a byte order mark
  std::string encoding;  // "utf-8", "utf-16le", "windows-1252", "shift_jis", …
};

// In this order: a byte order mark; UTF-16 seen by its zero bytes; valid UTF-8; `declared` (a charset's name, may be empty); Windows-1252,
// which holds Latin-1 and reads any byte. Never fails; what cannot be read becomes U+FFFD.
Decoded decode_text(std::string_view bytes, std::string_view declared);

// The C library loads its tables for most character sets from files. Call once before files are out of reach.
void preload_encodings();

}  // namespace strata::worker
