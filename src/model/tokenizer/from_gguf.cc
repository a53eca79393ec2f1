// tokenizer.ggml.* of a GGUF file → a tokenizer.
#include <algorithm>

#include "base/text.h"
#include "model/tokenizer/bpe.h"

namespace strata::tokenizer {
namespace {

// Values of tokenizer.ggml.token_type. SOURCE: ggml-org/ggml docs/gguf.md.
constexpr int64_t kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5;

struct Named {
  std::string_view name;
  Pattern pattern;
  bool whole_pieces_first;
};
constexpr Named kPatterns[] = {
    {"gpt-2", Pattern::kGpt2, false},   {"smollm", Pattern::kSmollm, false},  {"llama-bpe", Pattern::kLlama3, true},
    {"llama3", Pattern::kLlama3, true}, {"llama-v3", Pattern::kLlama3, true}, {"qwen2", Pattern::kQwen2, false},
};

// Texts of tokens that end an answer, in the families that we read.
constexpr std::string_view kEnds[] = {"<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>"};

Result<int32_t> token_id(const format::Gguf& file, std::string_view key, size_t vocabulary) {
  TRY_ASSIGN(int64_t id, file.integer_or(key, -1));
  if (id >= static_cast<int64_t>(vocabulary))
    return data_loss(file.what() + ": " + std::string(key) + " is " + std::to_string(id) + ", outside the vocabulary of " + std::to_string(vocabulary));
  return static_cast<int32_t>(std::max<int64_t>(id, -1));
}

Status read_tokens(const format::Gguf& file, BpeVocabulary& out) {
  TRY_ASSIGN(std::vector<std::string_view> tokens, file.strings("tokenizer.ggml.tokens"));
  if (tokens.empty() || tokens.size() > INT32_MAX) return data_loss(file.what() + ": tokenizer.ggml.tokens is empty or too long");
  out.tokens.assign(tokens.begin(), tokens.end());
  if (!file.has("tokenizer.ggml.token_type")) return {};
  TRY_ASSIGN(std::vector<int64_t> types, file.integers("tokenizer.ggml.token_type"));
  if (types.size() != tokens.size())
    return data_loss(file.what() + ": tokenizer.ggml.token_type has " + std::to_string(types.size()) + " entries for " + std::to_string(tokens.size()) +
                     " tokens");
  for (size_t id = 0; id < types.size(); ++id) {
    if (types[id] == kUnused) out.tokens[id].clear();
    if (types[id] == kControl || types[id] == kUserDefined || types[id] == kUnknown)
      out.special.push_back({static_cast<int32_t>(id), out.tokens[id], types[id] != kUserDefined});
  }
  return {};
}

Status read_merges(const format::Gguf& file, BpeVocabulary& out) {
  TRY_ASSIGN(std::vector<std::string_view> merges, file.strings("tokenizer.ggml.merges"));
  out.merges.reserve(merges.size());
  for (std::string_view merge : merges) {
    size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos) return data_loss(file.what() + ": tokenizer.ggml.merges has an entry without a space: " + std::string(merge));
    out.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return {};
}

Status read_ends(const format::Gguf& file, BpeVocabulary& out) {
  const size_t size = out.tokens.size();
  TRY_ASSIGN(out.bos, token_id(file, "tokenizer.ggml.bos_token_id", size));
  TRY_ASSIGN(out.eos, token_id(file, "tokenizer.ggml.eos_token_id", size));
  TRY_ASSIGN(int32_t eot, token_id(file, "tokenizer.ggml.eot_token_id", size));
  TRY_ASSIGN(int32_t eom, token_id(file, "tokenizer.ggml.eom_token_id", size));
  for (int32_t id : {out.eos, eot, eom})
    if (id >= 0) out.end_of_generation.push_back(id);
  for (const SpecialToken& token : out.special)
    if (token.special && std::find(std::begin(kEnds), std::end(kEnds), token.text) != std::end(kEnds)) out.end_of_generation.push_back(token.id);
  std::sort(out.end_of_generation.begin(), out.end_of_generation.end());
  out.end_of_generation.erase(std::unique(out.end_of_generation.begin(), out.end_of_generation.end()), out.end_of_generation.end());
  TRY_ASSIGN(bool add_bos, file.boolean_or("tokenizer.ggml.add_bos_token", false));
  TRY_ASSIGN(bool add_eos, file.boolean_or("tokenizer.ggml.add_eos_token", false));
  if (add_bos && out.bos >= 0) out.prefix.push_back(out.bos);
  if (add_eos && out.eos >= 0) out.suffix.push_back(out.eos);
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> from_gguf(const format::Gguf& file) {
  TRY_ASSIGN(std::string_view model, file.string("tokenizer.ggml.model"));
  if (model != "gpt2") return unimplemented(file.what() + ": the tokenizer model " + std::string(model) + " is not supported yet (gpt2, byte-level BPE, is)");
  TRY_ASSIGN(std::string_view pre, file.string_or("tokenizer.ggml.pre", ""));
  const Named* named = std::find_if(std::begin(kPatterns), std::end(kPatterns), [&](const Named& known) { return known.name == pre; });
  if (named == std::end(kPatterns))
    return unimplemented(file.what() + ": tokenizer.ggml.pre is \"" + std::string(pre) +
                         "\"; this version knows gpt-2, smollm, llama-bpe and qwen2. Where it is empty, convert the file with a current tool");
  BpeVocabulary vocabulary;
  vocabulary.pattern = named->pattern;
  vocabulary.whole_pieces_first = named->whole_pieces_first;
  TRY(read_tokens(file, vocabulary));
  TRY(read_merges(file, vocabulary));
  TRY(read_ends(file, vocabulary));
  if (named->whole_pieces_first && !file.has("tokenizer.ggml.add_bos_token") && vocabulary.bos >= 0) vocabulary.prefix = {vocabulary.bos};
  auto made = Bpe::make(std::move(vocabulary));
  if (!made) return annotate(made.error(), file.what());
  return made;
}

}  // namespace strata::tokenizer
