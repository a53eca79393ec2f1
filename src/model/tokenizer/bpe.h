// Byte-level BPE: bytes of a piece become symbols, and neighbours merge in the order in which the merges were learned.
// SOURCE: Sennrich, Haddow, Birch 2016, arXiv:1508.07909; byte alphabet: openai/gpt-2 src/encoder.py.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/tokenizer/pretokenizer.h"
#include "model/tokenizer/special.h"
#include "model/tokenizer/tokenizer.h"

namespace strata::tokenizer {

// What a vocabulary file says; strings are in the byte alphabet ("Ġthe").
struct BpeVocabulary {
  std::vector<std::string> tokens;                            // by id; empty where an id is unused
  std::vector<std::pair<std::string, std::string>> merges;    // first learned first
  std::vector<SpecialToken> special;                          // also in `tokens`, as plain text
  Pattern pattern = Pattern::kGpt2;
  bool whole_pieces_first = false;                            // a piece that is a token is that token (Llama 3's ignore_merges)
  int32_t bos = -1, eos = -1, unknown = -1;
  std::vector<int32_t> prefix, suffix;                        // added by add_special
  std::vector<int32_t> end_of_generation;
};

class Bpe : public Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> make(BpeVocabulary vocabulary);
  Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string piece(int32_t id, bool special) const override;
  int32_t vocabulary_size() const override { return static_cast<int32_t>(pieces_.size()); }
  bool is_special(int32_t id) const override;
  int32_t find(std::string_view token_text) const override;
  int32_t bos() const override { return vocabulary_.bos; }
  int32_t eos() const override { return vocabulary_.eos; }
  std::vector<int32_t> end_of_generation() const override { return vocabulary_.end_of_generation; }

 private:
  struct Merge {
    int32_t rank, result;
  };
  struct Workspace;
  Status index();
  const Merge* merge_of(int32_t left, int32_t right) const;
  void encode_plain(std::string_view text, uint32_t begin, uint32_t end, Workspace& work, std::vector<Token>& out) const;
  void encode_piece(std::string_view text, Piece piece, Workspace& work, std::vector<Token>& out) const;

  BpeVocabulary vocabulary_;
  std::vector<std::string> pieces_;                           // the bytes of each token
  std::unordered_map<std::string_view, int32_t> ids_;         // by text as in the file; views into vocabulary_.tokens
  std::unordered_map<std::string_view, int32_t> piece_ids_;   // by bytes, special tokens left out; views into pieces_
  std::array<int32_t, 256> byte_ids_{};                       // -1 where the vocabulary has no such byte
  std::unordered_map<uint64_t, Merge> merges_;                // by left << 32 | right
  std::vector<uint8_t> special_;                              // by id
  SpecialFinder finder_;
};

// The byte alphabet: the printable stand-in of each byte, and back (-1 where the code point stands for none).
uint32_t byte_to_code_point(uint8_t byte);
int code_point_to_byte(uint32_t code_point);

}  // namespace strata::tokenizer
