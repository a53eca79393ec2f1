// model/tokenizer: text ↔ token ids, equal id for id to the Hugging Face tokenizers of the same vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::tokenizer {

struct Token {
  int32_t id = 0;
  uint32_t begin = 0, end = 0;   // byte range in the text that it came from; empty for added special tokens
};

struct EncodeOptions {
  bool add_special = true;       // BOS/EOS or [CLS]/[SEP] as the vocabulary says
  bool parse_special = false;    // "<|im_end|>" in the text becomes that token: only for templates, never for a user's words
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions& options) const = 0;
  // The token's bytes; may be a part of a UTF-8 sequence. Special tokens give their text only where `special` is true.
  virtual std::string piece(int32_t id, bool special = false) const = 0;
  virtual int32_t vocabulary_size() const = 0;
  virtual bool is_special(int32_t id) const = 0;
  virtual int32_t bos() const = 0;   // -1 where there is none
  virtual int32_t eos() const = 0;
  virtual std::vector<int32_t> end_of_generation() const = 0;  // eos, eot, <|im_end|> …
  std::string decode(const std::vector<int32_t>& ids, bool special = false) const;  // bytes, not repaired
};

}  // namespace strata::tokenizer
