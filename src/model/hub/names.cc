#include "model/hub/names.h"

#include <algorithm>

#include "base/text.h"

namespace strata::hub {

bool plain_name(std::string_view text) {
  if (text.empty() || text.size() > 128 || text[0] == '.' || text[0] == '-') return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
  });
}

bool plain_path(std::string_view text) {
  if (text.size() > 512) return false;
  auto parts = split(text, '/');
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), plain_name);
}

bool valid_id(std::string_view text) { return plain_name(text) && ascii_lower(text) == text; }

std::string id_of_file(std::string_view file) {
  std::string name = ascii_lower(file.substr(file.rfind('/') + 1));
  for (std::string_view ending : {".gguf", ".safetensors"})
    if (name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0) name.resize(name.size() - ending.size());
  return name;
}

std::string format_of_file(std::string_view file) {
  std::string name = ascii_lower(file);
  for (std::string_view format : {"q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "bf16", "f16", "f32"})
    if (name.find(format) != std::string::npos) {
      std::string out(format);
      for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      return out;
    }
  return "";
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace strata::hub
