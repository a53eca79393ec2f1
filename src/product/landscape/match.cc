// Which catalogue model an installed one is, by its name.
#include <algorithm>

#include "base/text.h"
#include "product/landscape/landscape.h"

namespace strata::landscape {
namespace {

// "meta-llama/Llama-3.1-8B-Instruct:Q4_0" → "llama-3.1-8b-instruct-q4-0"
std::string plain(std::string_view name) {
  size_t slash = name.rfind('/');
  std::string out = ascii_lower(trim(slash == std::string_view::npos ? name : name.substr(slash + 1)));
  for (char& c : out)
    if (c == ' ' || c == '_' || c == ':' || c == '@') c = '-';
  return out;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What may follow a model's name without making it another model.
bool harmless_word(std::string_view word) {
  static const std::vector<std::string_view> kWords = {"latest", "instruct", "chat", "it",   "gguf", "preview", "hf",   "k",   "m",   "s",
                                                       "l",      "fp16",     "f16",  "bf16", "f32",  "int8",    "int4", "awq", "gptq"};
  if (std::find(kWords.begin(), kWords.end(), word) != kWords.end()) return true;
  if (word.size() >= 2 && (word[0] == 'v' || word[0] == 'q'))
    return std::all_of(word.begin() + 1, word.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == 'k'; });
  return is_number(word);   // a date's parts, or a quantization's
}

// How many bytes of `name` the known name explains; 0 where the rest says that it is another model.
size_t explained(const std::string& name, const std::string& known) {
  if (known.empty() || !name.starts_with(known)) return 0;
  if (name.size() == known.size()) return known.size();
  if (name[known.size()] != '-' && name[known.size()] != '.') return 0;
  for (auto word : split(std::string_view(name).substr(known.size() + 1), '-'))
    if (!harmless_word(word)) return 0;
  return known.size();
}

}  // namespace

const Model* match(const Catalogue& catalogue, std::string_view name) {
  std::string wanted = plain(name);
  const Model* best = nullptr;
  size_t most = 0;
  for (auto& model : catalogue.models) {
    std::vector<std::string> names = {model.id, plain(model.name)};
    names.insert(names.end(), model.aliases.begin(), model.aliases.end());
    names.insert(names.end(), model.installed_as.begin(), model.installed_as.end());
    names.insert(names.end(), model.hub.begin(), model.hub.end());
    for (auto& known : names)
      if (size_t bytes = explained(wanted, plain(known)); bytes > most) best = &model, most = bytes;
  }
  return best;
}

const Model* match(const Catalogue& catalogue, const Installed& installed) {
  if (!installed.model.empty()) return match(catalogue, installed.model);   // a provider's name says more than what we call it
  return match(catalogue, installed.id);
}

}  // namespace strata::landscape
