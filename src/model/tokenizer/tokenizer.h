// model/tokenizer: text ↔ token ids, equal id for id to the Hugging Face tokenizers of the same vocabulary.
//
// Two families: byte-level BPE (GPT-2, SmolLM, Llama 3, Qwen 2), from a GGUF's metadata or a tokenizer.json, and WordPiece with
// BERT's normalizer, from a tokenizer.json. A tokenizer that asks for anything else is an error that names it: never a near miss.
// Texts may hold invalid UTF-8: BPE keeps such bytes where the vocabulary has them (SmolLM2 lacks a
// few that no valid text holds, and drops those), WordPiece drops them. Encoding takes O(n log n) at worst.
// THREADS: a tokenizer is immutable; any thread may use it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/format/format.h"

namespace strata::tokenizer {

struct Token {
  int32_t id = 0;
  uint32_t begin = 0, end = 0;   // byte range in the text that it came from; empty for BOS/EOS, [CLS]/[SEP] that were added
};

struct EncodeOptions {
  bool add_special = true;       // BOS/EOS or [CLS]/[SEP] as the vocabulary says
  bool parse_special = false;    // "<|im_end|>" in the text becomes that token: only for templates, never for a user's words
  // Byte ranges [begin, end) of the text in which, and across whose edges, no special token is seen, though parse_special is on:
  // Rendered::content of model/template. Ascending, apart. Everything else is as if they were not there: ids of harmless text are equal.
  std::vector<std::pair<uint32_t, uint32_t>> literal = {};
};

inline constexpr size_t kTextBytesMax = size_t{1} << 28;  // per encode(): ranges are 32-bit, and no context holds more

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Error: kInvalidArgument where the text is longer than kTextBytesMax.
  virtual Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions& options) const = 0;
  // The token's bytes; may be a part of a UTF-8 sequence. Special tokens give their text only where `special` is true.
  virtual std::string piece(int32_t id, bool special = false) const = 0;
  virtual int32_t vocabulary_size() const = 0;
  virtual bool is_special(int32_t id) const = 0;
  // The id of the token with exactly this text in the vocabulary ("<|im_end|>", "[PAD]", "Ġthe"), or -1.
  virtual int32_t find(std::string_view token_text) const = 0;
  virtual int32_t bos() const = 0;   // -1 where there is none
  virtual int32_t eos() const = 0;
  virtual std::vector<int32_t> end_of_generation() const = 0;  // eos, eot, <|im_end|> …
  std::string decode(const std::vector<int32_t>& ids, bool special = false) const;  // bytes, not repaired
};

// From tokenizer.ggml.* (model "gpt2"; pre "gpt-2", "smollm", "llama-bpe", "qwen2" and their aliases). Copies what it needs.
Result<std::unique_ptr<Tokenizer>> from_gguf(const format::Gguf& file);
// From the text of a Hugging Face tokenizer.json.
Result<std::unique_ptr<Tokenizer>> from_tokenizer_json(std::string_view json);

}  // namespace strata::tokenizer
