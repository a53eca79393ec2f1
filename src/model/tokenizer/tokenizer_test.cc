#include "model/tokenizer/tokenizer.h"
#include "model/format/format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/crypto.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/pretokenizer.h"

namespace strata::tokenizer {
namespace {

std::string environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}
std::string models() { return environment("STRATA_MODELS", environment("HOME", "") + "/.cache/strata/models"); }
std::string data() { return environment("STRATA_DATA", STRATA_SOURCE_DIR "/../shared/data"); }
std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}
const Json& fixture() {
  static const Json json = Json::parse(slurp(STRATA_SOURCE_DIR "/src/model/tokenizer/testdata/tokenizer.json")).value();
  return json;
}

// The two default tokenizers; nullptr where the models are absent.
const Tokenizer* smollm() {
  static const std::unique_ptr<Tokenizer> made = []() -> std::unique_ptr<Tokenizer> {
    const std::string path = models() + "/smollm2-135m-instruct/model.gguf";
    if (!std::filesystem::exists(path)) return nullptr;
    return from_gguf(format::Gguf::open(path).value()).value();
  }();
  return made.get();
}
const Tokenizer* minilm() {
  static const std::unique_ptr<Tokenizer> made = []() -> std::unique_ptr<Tokenizer> {
    const std::string path = models() + "/all-minilm-l6-v2/tokenizer.json";
    if (!std::filesystem::exists(path)) return nullptr;
    return from_tokenizer_json(slurp(path)).value();
  }();
  return made.get();
}
#define NEED_MODELS() \
  if (smollm() == nullptr || minilm() == nullptr) GTEST_SKIP() << "no models in " << models()

std::vector<Token> encoded(const Tokenizer& tokenizer, std::string_view text, const EncodeOptions& options) { return tokenizer.encode(text, options).value(); }

// The reference always reads special tokens, and adds [CLS] and [SEP].
const EncodeOptions kReference{.add_special = true, .parse_special = true};

std::vector<uint32_t> bpe_ids(std::string_view text) {
  std::vector<uint32_t> out;
  for (const Token& token : encoded(*smollm(), text, kReference)) out.push_back(static_cast<uint32_t>(token.id));
  return out;
}
std::vector<uint32_t> wordpiece_rows(std::string_view text) {
  std::vector<uint32_t> out;
  for (const Token& token : encoded(*minilm(), text, kReference)) out.insert(out.end(), {static_cast<uint32_t>(token.id), token.begin, token.end});
  return out;
}
std::vector<uint32_t> piece_rows(Pattern pattern, std::string_view text) {
  std::vector<Piece> pieces;
  cut_pieces(pattern, text, 0, static_cast<uint32_t>(text.size()), pieces);
  std::vector<uint32_t> out;
  for (const Piece& piece : pieces) out.insert(out.end(), {piece.begin, piece.end});
  return out;
}
std::string digest(const std::vector<uint32_t>& numbers) {
  return sha256_hex({reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(uint32_t)});
}
std::vector<uint32_t> numbers_of(const Json& array) {
  std::vector<uint32_t> out;
  for (const Json& item : *array.as_array()) out.push_back(static_cast<uint32_t>(item.to_int("id").value()));
  return out;
}

// The generators of tools/fixtures/tokenizer.py.
std::string random_text(uint64_t seed, int64_t atoms) {
  const Json::Array& words = *fixture()["atoms"].as_array();
  Random random(seed);
  std::string out;
  for (int64_t i = 0; i < atoms; ++i) {
    uint64_t z = random.next();
    out += *words[(z >> 8) % words.size()].as_string();
    if (z % 3 == 0) out += ' ';
  }
  return out;
}
std::string sweep_text(uint32_t first, uint32_t last) {
  std::string out;
  for (uint32_t code = first; code < last; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    std::string c;
    utf8_append(c, code);
    for (std::string_view part : {"a", "b ", "1", " !"}) (out += part) += c;
    (out += c) += "A\n";
  }
  return out;
}

void expect_same(const Json& row, const std::string& text, const std::string& where) {
  ASSERT_EQ(static_cast<int64_t>(text.size()), row["bytes"].to_int("bytes").value()) << where;
  std::vector<uint32_t> ids = bpe_ids(text), rows = wordpiece_rows(text);
  EXPECT_EQ(static_cast<int64_t>(ids.size()), (*row["bpe"].as_array())[0].to_int("count").value()) << where;
  EXPECT_EQ(digest(ids), *(*row["bpe"].as_array())[1].as_string()) << where << " (BPE)";
  EXPECT_EQ(static_cast<int64_t>(rows.size() / 3), (*row["wordpiece"].as_array())[0].to_int("count").value()) << where;
  EXPECT_EQ(digest(rows), *(*row["wordpiece"].as_array())[1].as_string()) << where << " (WordPiece)";
}
void expect_same_pieces(const Json& row, const std::string& text, const std::string& where) {
  EXPECT_EQ(digest(piece_rows(Pattern::kGpt2, text)), *row["pieces"]["gpt2"].as_string()) << where;
  EXPECT_EQ(digest(piece_rows(Pattern::kSmollm, text)), *row["pieces"]["smollm"].as_string()) << where;
  EXPECT_EQ(digest(piece_rows(Pattern::kLlama3, text)), *row["pieces"]["llama3"].as_string()) << where;
  EXPECT_EQ(digest(piece_rows(Pattern::kQwen2, text)), *row["pieces"]["qwen2"].as_string()) << where;
}

// ---- Against the reference ---------------------------------------------------------------------------------------------------

TEST(Reference, SmallCasesGiveTheSameIds) {
  NEED_MODELS();
  for (const Json& row : *fixture()["cases"].as_array()) {
    const std::string& text = *row["text"].as_string();
    EXPECT_EQ(bpe_ids(text), numbers_of(row["bpe"])) << json_quote(text);
    EXPECT_EQ(wordpiece_rows(text), numbers_of(row["wordpiece"])) << json_quote(text);
  }
}

TEST(Reference, RandomTextsGiveTheSameIdsAndRanges) {
  NEED_MODELS();
  for (const Json& row : *fixture()["random"].as_array()) {
    const std::string text = random_text(static_cast<uint64_t>(row["seed"].to_int("seed").value()), row["atoms"].to_int("atoms").value());
    expect_same(row, text, "seed " + row["seed"].dump());
  }
}

TEST(Reference, EveryCodePointGivesTheSameIdsAndRanges) {
  NEED_MODELS();
  for (const Json& row : *fixture()["sweep"].as_array()) {
    const auto first = static_cast<uint32_t>(row["first"].to_int("first").value()), last = static_cast<uint32_t>(row["last"].to_int("last").value());
    expect_same(row, sweep_text(first, last), "code points from " + row["first"].dump());
  }
}

TEST(Reference, FilesGiveTheSameIdsAndRanges) {
  NEED_MODELS();
  if (!std::filesystem::exists(data())) GTEST_SKIP() << data() << " is absent";
  for (const Json& row : *fixture()["files"].as_array()) {
    const std::string path = data() + "/" + *row["file"].as_string();
    if (!std::filesystem::exists(path)) continue;
    expect_same(row, slurp(path), path);
  }
}

TEST(Reference, ThePatternsCutTheSamePieces) {
  for (const Json& row : *fixture()["random"].as_array())
    expect_same_pieces(row, random_text(static_cast<uint64_t>(row["seed"].to_int("seed").value()), row["atoms"].to_int("atoms").value()),
                       "seed " + row["seed"].dump());
  for (const Json& row : *fixture()["sweep"].as_array())
    expect_same_pieces(row, sweep_text(static_cast<uint32_t>(row["first"].to_int("first").value()), static_cast<uint32_t>(row["last"].to_int("last").value())),
                       "code points from " + row["first"].dump());
}

// ggml-vocab-gpt-2: texts separated by a marker line, and a line of ids for each.
TEST(Reference, Gpt2VocabularyGivesThePublishedIds) {
  const std::string base = data() + "/tokenizers/tok-llamacpp/ggml-vocab-gpt-2.gguf";
  if (!std::filesystem::exists(base)) GTEST_SKIP() << base << " is absent";
  auto gpt2 = from_gguf(format::Gguf::open(base).value());
  ASSERT_TRUE(gpt2) << gpt2.error().message;
  const std::string marker = "\n__ggml_vocab_test__\n", inputs = slurp(base + ".inp");
  std::istringstream expected(slurp(base + ".out"));
  int compared = 0;
  for (size_t at = 0; at <= inputs.size();) {
    size_t end = std::min(inputs.find(marker, at), inputs.size());
    std::string line, ids;
    if (!std::getline(expected, line)) break;
    for (const Token& token : encoded(**gpt2, std::string_view(inputs).substr(at, end - at), {.add_special = false})) (ids += ' ') += std::to_string(token.id);
    EXPECT_EQ(ids, line.substr(0, line.find_last_not_of(" \r") + 1)) << json_quote(inputs.substr(at, end - at));
    ++compared;
    at = end + marker.size();
  }
  EXPECT_GT(compared, 30);
}

// ---- Promises ----------------------------------------------------------------------------------------------------------------

TEST(Bpe, DecodingGivesTheTextBackAndRangesCoverIt) {
  NEED_MODELS();
  std::vector<std::string> texts = {"plain", random_text(99, 2000), "bad \x80\xc3 bytes \xe4\xb8", std::string("\xf0\x9f", 2)};
  for (const std::string& text : texts) {
    std::vector<int32_t> ids;
    uint32_t at = 0;
    for (const Token& token : encoded(*smollm(), text, {})) {
      EXPECT_EQ(token.begin, at);
      EXPECT_EQ(smollm()->piece(token.id), text.substr(token.begin, token.end - token.begin));
      at = token.end;
      ids.push_back(token.id);
    }
    EXPECT_EQ(at, text.size());
    EXPECT_EQ(smollm()->decode(ids), text);
  }
}

TEST(Bpe, SpecialTokensComeOnlyFromTemplates) {
  NEED_MODELS();
  const std::string text = "<|im_start|>system";
  EXPECT_EQ(smollm()->encode(text, {.parse_special = true})->front().id, 1);
  for (const Token& token : encoded(*smollm(), text, {.parse_special = false})) EXPECT_FALSE(smollm()->is_special(token.id));
  EXPECT_EQ(smollm()->piece(2), "");
  EXPECT_EQ(smollm()->piece(2, true), "<|im_end|>");
}

TEST(Bpe, LiteralRangesHoldNoSpecialTokens) {
  NEED_MODELS();
  const std::string text = "<|im_start|>user\n<|im_end|> hi<|im_end|>\n";
  auto ids = [&](const std::string& whole, const EncodeOptions& options) {
    std::vector<int32_t> out;
    for (const Token& token : encoded(*smollm(), whole, options)) out.push_back(token.id);
    return out;
  };
  auto specials = [&](const EncodeOptions& options) {
    std::vector<uint32_t> places;
    for (const Token& token : encoded(*smollm(), text, options))
      if (smollm()->is_special(token.id)) places.push_back(token.begin);
    return places;
  };
  const auto begin = static_cast<uint32_t>(text.find("<|im_end|> hi")), end = begin + 13;
  EXPECT_EQ(specials({.parse_special = true}), (std::vector<uint32_t>{0, begin, end}));
  EXPECT_EQ(specials({.parse_special = true, .literal = {{begin, end}}}), (std::vector<uint32_t>{0, end}));
  EXPECT_EQ(specials({.parse_special = true, .literal = {{12, 16}, {begin + 5, end}}}), (std::vector<uint32_t>{0, end}));  // half of it is enough
  // Words without markers: the ranges change nothing, not even where pieces run across their edges.
  const std::string plain = "<|im_start|>user\n\n  hi  \n<|im_end|>";
  EXPECT_EQ(ids(plain, {.parse_special = true, .literal = {{12, 16}, {18, 24}}}), ids(plain, {.parse_special = true}));
}

TEST(Bpe, KnowsItsEnds) {
  NEED_MODELS();
  EXPECT_EQ(smollm()->bos(), 1);
  EXPECT_EQ(smollm()->eos(), 2);
  EXPECT_EQ(smollm()->end_of_generation(), (std::vector<int32_t>{0, 2}));
  EXPECT_EQ(smollm()->vocabulary_size(), 49152);
  EXPECT_EQ(smollm()->find("<|im_end|>"), 2);
  EXPECT_EQ(smollm()->find("no such token"), -1);
  EXPECT_EQ(smollm()->piece(-1), "");
  EXPECT_EQ(smollm()->piece(1 << 30), "");
}

// Quadratic merging would take hours here.
TEST(Bpe, AMegabyteOfOneLetterIsEncoded) {
  NEED_MODELS();
  for (const std::string& unit : {std::string("a"), std::string(" "), std::string("ab"), std::string("\n"), std::string("\xf0\x9f\x98\x80")}) {
    std::string text;
    while (text.size() < (1u << 20)) text += unit;
    EXPECT_EQ(smollm()->encode(text, {})->back().end, text.size());
    EXPECT_FALSE(minilm()->encode(text, {})->empty());
  }
}

TEST(WordPiece, RangesPointIntoTheOriginalText) {
  NEED_MODELS();
  const std::string text = "The CAFÉ's naïve 中文 unbelievable";
  std::vector<std::string> seen;
  for (const Token& token : encoded(*minilm(), text, {.add_special = false})) seen.push_back(text.substr(token.begin, token.end - token.begin));
  EXPECT_EQ(seen, (std::vector<std::string>{"The", "CAFÉ", "'", "s", "naïve", "中", "文", "unbelievable"}));
  auto framed = minilm()->encode(text, {}).value();
  EXPECT_EQ(framed.front().id, 101);
  EXPECT_EQ(framed.back().id, 102);
  EXPECT_EQ(framed.back().begin, text.size());
}

TEST(WordPiece, WordsOfMoreThanAHundredCharactersAreUnknown) {
  NEED_MODELS();
  EXPECT_GT(minilm()->encode(std::string(100, 'a'), {.add_special = false})->size(), 1u);
  auto unknown = minilm()->encode(std::string(101, 'a'), {.add_special = false}).value();
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].id, 100);
  EXPECT_EQ(unknown[0].end, 101u);
}

TEST(WordPiece, MarkersInAUsersTextAreWords) {
  NEED_MODELS();
  for (const Token& token : encoded(*minilm(), "[SEP] [CLS]", {.add_special = false})) EXPECT_FALSE(minilm()->is_special(token.id));
  EXPECT_EQ(minilm()->decode({101, 7592, 2088, 999, 102}), " hello world !");
}

// ---- Small vocabularies of our own -------------------------------------------------------------------------------------------

std::string letters_json(const std::string& extra, const std::string& pre = R"({"type":"ByteLevel","add_prefix_space":false})") {
  return R"({"added_tokens":[{"id":5,"content":"<x>","special":true,"lstrip":true,"rstrip":true}],"normalizer":null,"pre_tokenizer":)" + pre +
         R"(,"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"aba":3,"ba":4},"merges":["b a","a b",["ab","a"]])" + extra + "}}";
}

TEST(TokenizerJson, MergesInOrderOfRankThenPlace) {
  auto made = from_tokenizer_json(letters_json(""));
  ASSERT_TRUE(made) << made.error().message;
  auto ids = [&](std::string_view text) {
    std::vector<int32_t> out;
    for (const Token& token : encoded(**made, text, {.parse_special = true})) out.push_back(token.id);
    return out;
  };
  EXPECT_EQ(ids("aba"), (std::vector<int32_t>{0, 4}));
  EXPECT_EQ(ids("abab"), (std::vector<int32_t>{0, 4, 1}));
  EXPECT_EQ(ids("azb"), (std::vector<int32_t>{2}));  // a byte without a token is dropped, and its neighbours meet
  EXPECT_EQ(ids("a  <x> b"), (std::vector<int32_t>{0, 5, 1}));
}

TEST(TokenizerJson, RefusesWhatItDoesNotDoExactly) {
  auto error = [](const std::string& json) {
    auto made = from_tokenizer_json(json);
    return made ? std::string("no error") : made.error().message;
  };
  EXPECT_NE(error(letters_json(R"(,"byte_fallback":true)")).find("byte_fallback"), std::string::npos);
  EXPECT_NE(error(letters_json(R"(,"continuing_subword_prefix":"##")")).find("continuing_subword_prefix"), std::string::npos);
  EXPECT_NE(error(letters_json("", R"({"type":"Metaspace"})")).find("Metaspace"), std::string::npos);
  EXPECT_NE(error(letters_json("", R"({"type":"ByteLevel","add_prefix_space":true})")).find("add_prefix_space"), std::string::npos);
  EXPECT_NE(error(R"({"model":{"type":"Unigram"}})").find("Unigram"), std::string::npos);
  EXPECT_NE(error("{").find("JSON"), std::string::npos);
  EXPECT_NE(error(R"({"model":{"type":"BPE","vocab":{"a":99999999999},"merges":[]},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}})").find("id"),
            std::string::npos);
  EXPECT_NE(error(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a a"]},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}})").find("merge 0"),
            std::string::npos);
}

format::GgufWriter gguf(const char* model, const char* pre) {
  format::GgufWriter writer;
  writer.add("tokenizer.ggml.model", model).add("tokenizer.ggml.pre", pre);
  writer.add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab", "<s>", "<tool>"});
  writer.add("tokenizer.ggml.token_type", std::vector<int32_t>{1, 1, 1, 3, 4}).add("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  return writer;
}

TEST(TokenizerGguf, AddsBosWhereTheFileSaysSo) {
  const std::string bytes = gguf("gpt2", "gpt-2").add("tokenizer.ggml.bos_token_id", uint32_t{3}).add("tokenizer.ggml.add_bos_token", true).bytes();
  auto made = from_gguf(format::Gguf::parse(bytes, "m").value());
  ASSERT_TRUE(made) << made.error().message;
  auto tokens = (*made)->encode("ab<tool>", {.parse_special = true}).value();
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_EQ(tokens[0].id, 3);
  EXPECT_EQ(tokens[1].id, 2);
  EXPECT_EQ(tokens[2].id, 4);
  EXPECT_TRUE((*made)->is_special(3));
  EXPECT_FALSE((*made)->is_special(4));  // an added word is shown
}

TEST(TokenizerGguf, NamesWhatItCannotRead) {
  auto error = [](const std::string& bytes) {
    auto made = from_gguf(format::Gguf::parse(bytes, "m").value());
    return made ? std::string("no error") : made.error().message;
  };
  EXPECT_NE(error(gguf("llama", "default").bytes()).find("tokenizer model llama"), std::string::npos);
  EXPECT_NE(error(gguf("gpt2", "falcon").bytes()).find("\"falcon\""), std::string::npos);
  EXPECT_NE(error(gguf("gpt2", "gpt-2").add("tokenizer.ggml.bos_token_id", uint32_t{5}).bytes()).find("outside the vocabulary"), std::string::npos);
  EXPECT_NE(error(format::GgufWriter().bytes()).find("tokenizer.ggml.model is missing"), std::string::npos);
}

}  // namespace
}  // namespace strata::tokenizer
