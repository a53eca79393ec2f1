// Our side of bench/structured: reads one JSON schema a line on standard input, compiles it and, where it is accepted, draws outputs from the
// mask with random choices, as a model with random logits would. Prints one JSON object a line: {"ok", "error", "compile_ms", "outputs",
// "mask_us"}. argv[1]: the vocabulary, a GGUF; argv[2]: outputs a schema; argv[3]: tokens an output at most.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/random.h"
#include "model/format/format.h"
#include "model/grammar/grammar.h"
#include "model/tokenizer/tokenizer.h"

namespace strata {
namespace {

double now_us() { return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Every bit of a mask as an id.
std::vector<int32_t> ids_of(const std::vector<uint64_t>& mask) {
  std::vector<int32_t> out;
  for (size_t word = 0; word < mask.size(); ++word) {
    for (uint64_t bits = mask[word]; bits != 0; bits &= bits - 1) out.push_back(static_cast<int32_t>(word * 64 + static_cast<size_t>(__builtin_ctzll(bits))));
  }
  return out;
}

// Random tokens, but sooner or later those that close what is open: else most outputs would be one endless string.
Json draw(const std::shared_ptr<const grammar::Grammar>& compiled, const std::shared_ptr<const grammar::TokenTrie>& trie, const std::vector<int32_t>& closing,
          Random& random, int most, Json& times) {
  grammar::Matcher matcher(compiled, trie);
  std::string out;
  for (int i = 0; i < most; ++i) {
    const double begin = now_us();
    const std::vector<uint64_t>& mask = matcher.mask();
    times.push(now_us() - begin);
    if (matcher.may_end() && (matcher.must_end() || random.below(2) == 0)) return out;
    int32_t token = -1;
    if (random.below(2) == 0) {
      for (const int32_t id : closing) {
        if (mask[static_cast<size_t>(id) / 64] >> id % 64 & 1) token = id;
      }
    }
    if (token < 0) {
      const std::vector<int32_t> allowed = ids_of(mask);
      if (allowed.empty()) return Json::object({{"dead_end", out}});
      token = allowed[random.below(allowed.size())];
    }
    if (std::find(trie->ends().begin(), trie->ends().end(), token) != trie->ends().end()) return out;
    if (!matcher.accept(token)) return Json::object({{"mask_wrong", out}});
    out += trie->piece(token);
  }
  return Json();  // cut short
}

int run(int argc, char** argv) {
  if (argc < 4) return std::cerr << "usage: strata_structured_bench MODEL.gguf OUTPUTS TOKENS < schemas\n", 2;
  auto file = format::Gguf::open(argv[1]);
  if (!file) return std::cerr << file.error().message << "\n", 1;
  auto tokenizer = tokenizer::from_gguf(*file);
  if (!tokenizer) return std::cerr << tokenizer.error().message << "\n", 1;
  std::vector<std::string> pieces;
  for (int32_t id = 0; id < (*tokenizer)->vocabulary_size(); ++id) pieces.push_back((*tokenizer)->is_special(id) ? "" : (*tokenizer)->piece(id, false));
  const auto trie = std::make_shared<const grammar::TokenTrie>(pieces, (*tokenizer)->end_of_generation());
  std::vector<int32_t> closing;
  for (const char* text : {"]", "}", "\""}) {
    for (size_t id = 0; id < pieces.size(); ++id) {
      if (pieces[id] == text) closing.push_back(static_cast<int32_t>(id));
    }
  }
  Random random(1);
  for (std::string line; std::getline(std::cin, line);) {
    Json out = Json::object();
    const auto schema = Json::parse(line);
    const double begin = now_us();
    const auto compiled = schema ? grammar::compile_json_schema(*schema, "schema") : Result<std::shared_ptr<const grammar::Grammar>>(schema.error());
    out.set("compile_ms", (now_us() - begin) / 1e3);
    out.set("ok", compiled.has_value());
    if (!compiled) {
      out.set("error", compiled.error().message);
    } else {
      Json outputs = Json::array(), times = Json::array();
      for (int i = 0; i < std::atoi(argv[2]); ++i) outputs.push(draw(*compiled, trie, closing, random, std::atoi(argv[3]), times));
      out.set("outputs", std::move(outputs));
      out.set("mask_us", std::move(times));
    }
    std::cout << out.dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) { return strata::run(argc, argv); }
