// Names from outside that become paths or URLs.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::hub {

// One path component of letters, digits, '.', '_', '-', not beginning with '.' or '-', at most 128 bytes: harmless in a path, a URL and a shell.
bool plain_name(std::string_view text);
// Plain names joined by '/': relative, and it stays inside.
bool plain_path(std::string_view text);
// A model's id: a plain name in lower case.
bool valid_id(std::string_view text);
std::string id_of_file(std::string_view file);      // "Llama-3.2-1B-Q8_0.gguf" → "llama-3.2-1b-q8_0"
std::string format_of_file(std::string_view file);  // "Q8_0" of the same; empty where the name does not say
bool is_sha256(std::string_view text);

}  // namespace strata::hub
