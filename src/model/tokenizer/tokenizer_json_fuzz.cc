// Any bytes as tokenizer.json give a tokenizer or an error; a tokenizer encodes any text into ranges inside it.
#include <cstdint>

#include "model/tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::tokenizer;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Two small tokenizers of our own read every input as text, too.
  static const auto bpe = from_tokenizer_json(
      R"({"added_tokens":[{"id":5,"content":"<x>","special":true,"lstrip":true,"rstrip":true}],"normalizer":null,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false}]},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"aba":3,"ba":4},"merges":["b a","a b","ab a"]}})");
  static const auto wordpiece = from_tokenizer_json(
      R"({"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"a":1,"##b":2,"ab":3}}})");
  auto given = from_tokenizer_json(text);
  for (const auto* made : {&bpe, &wordpiece, static_cast<decltype(&bpe)>(&given)}) {
    if (!*made) continue;
    auto tokens = (**made)->encode(text, {.parse_special = true});
    if (!tokens) continue;
    for (const Token& token : *tokens)
      if (token.begin > token.end || token.end > size) __builtin_trap();
  }
  return 0;
}
