// WordPiece with BERT's normalizer: clean, space out CJK, strip accents, lower; split at spaces and punctuation; then the longest
// pieces first. Every token keeps the range of the ORIGINAL text that it came from.
// SOURCE: Devlin et al. 2018, arXiv:1810.04805; google-research/bert tokenization.py.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/tokenizer/special.h"
#include "model/tokenizer/tokenizer.h"

namespace strata::tokenizer {

struct WordPieceVocabulary {
  std::vector<std::string> tokens;                 // by id
  std::vector<SpecialToken> special;
  std::string continuing_prefix = "##";
  int32_t unknown = -1;
  int word_chars_max = 100;                        // a longer word is one [UNK]
  bool clean_text = true, chinese_chars = true, strip_accents = true, lowercase = true;
  std::vector<int32_t> prefix, suffix;             // [CLS], [SEP]
};

class WordPiece : public Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> make(WordPieceVocabulary vocabulary);
  Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions& options) const override;
  // A word-starting token has a space in front, so that pieces joined read as words.
  std::string piece(int32_t id, bool special) const override;
  int32_t vocabulary_size() const override { return static_cast<int32_t>(vocabulary_.tokens.size()); }
  bool is_special(int32_t id) const override;
  int32_t find(std::string_view token_text) const override;
  int32_t bos() const override { return vocabulary_.prefix.empty() ? -1 : vocabulary_.prefix.front(); }
  int32_t eos() const override { return vocabulary_.suffix.empty() ? -1 : vocabulary_.suffix.back(); }
  std::vector<int32_t> end_of_generation() const override { return {}; }

 private:
  // One normalized code point: its bytes in `text`, and the original range.
  struct Char {
    uint32_t code, begin, end;
  };
  void normalize(std::string_view text, uint32_t begin, uint32_t end, std::vector<Char>& out) const;
  void encode_plain(std::string_view text, uint32_t begin, uint32_t end, std::vector<Token>& out) const;
  void encode_word(const Char* word, size_t count, std::vector<Token>& out) const;

  WordPieceVocabulary vocabulary_;
  std::unordered_map<std::string_view, int32_t> ids_;       // whole tokens as in the file
  std::unordered_map<std::string_view, int32_t> continuing_; // without their prefix
  size_t token_bytes_max_ = 0;
  std::vector<uint8_t> special_;
  SpecialFinder finder_;
};

}  // namespace strata::tokenizer
