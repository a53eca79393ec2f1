// Schemas, regular expressions and grammars from outside: any bytes give a grammar or an error, and a grammar never gives a dead end.
#include "model/grammar/grammar.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto trie = [] {
    std::vector<std::string> pieces;
    for (int b = 0; b < 256; ++b) pieces.push_back(std::string(1, static_cast<char>(b)));
    pieces.push_back("");
    return std::make_shared<const grammar::TokenTrie>(pieces, std::vector<int32_t>{256});
  }();
  auto run = [](const auto& compiled) {
    if (!compiled) return;
    grammar::Matcher matcher(*compiled, trie);
    for (int i = 0; i < 24 && !matcher.must_end(); ++i) {
      const std::vector<uint64_t> mask = matcher.mask();       // a copy: what follows may move it
      if (matcher.overflowed()) return;
      const std::vector<int32_t> forced = matcher.forced(1);   // a token that what must come begins with is allowed
      if (!forced.empty() && (mask[static_cast<size_t>(forced[0]) / 64] >> forced[0] % 64 & 1) == 0) __builtin_trap();
      int32_t first = -1;
      for (int32_t id = 0; id < 256 && first < 0; ++id) {
        if (mask[static_cast<size_t>(id) / 64] >> id % 64 & 1) first = id;
      }
      if (first < 0) {
        if (!matcher.may_end()) __builtin_trap();
        return;
      }
      if (!matcher.accept(first) && !matcher.overflowed()) __builtin_trap();
    }
  };
  run(grammar::compile_regex(text, "fuzz"));
  run(grammar::compile_gbnf(text, "fuzz"));
  if (auto json = Json::parse(text)) run(grammar::compile_json_schema(*json, "fuzz"));
  return 0;
}
