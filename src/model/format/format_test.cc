#include "model/format/format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/format/gguf_writer.h"

namespace strata::format {
namespace {

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
std::string raw_string(std::string_view text) { return raw<uint64_t>(text.size()) + std::string(text); }
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string tiny_gguf() {
  GgufWriter writer;
  writer.add("general.architecture", "llama").add("a.u32", uint32_t{7}).add("a.i64", int64_t{-5}).add("a.f32", 0.5f).add("a.flag", true);
  writer.add("a.strings", std::vector<std::string>{"x", "", "yz"}).add("a.ints", std::vector<int32_t>{3, -4});
  writer.add_tensor("w", {2, 32}, compute::Format::kQ4_1, std::string(40, 'q'));
  writer.add_tensor("norm", {3}, compute::Format::kF32, std::string(12, 'n'));
  return writer.bytes();
}

// A file with one metadata entry or one tensor given byte by byte.
std::string hand_made(uint32_t version, uint64_t tensors, uint64_t keys, const std::string& body) {
  return "GGUF" + raw(version) + raw(tensors) + raw(keys) + body;
}
std::string entry(std::string_view name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
  std::string out = raw_string(name) + raw<uint32_t>(dims.size());
  for (uint64_t dim : dims) out += raw(dim);
  return out + raw(type) + raw(offset);
}
std::string error_of(const std::string& bytes) {
  auto file = Gguf::parse(bytes, "m.gguf");
  return file ? "no error" : file.error().message;
}

std::string models() {
  if (const char* set = std::getenv("STRATA_MODELS")) return set;
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "") + "/.cache/strata/models";
}

TEST(Gguf, ReadsBackWhatTheWriterWrote) {
  const std::string bytes = tiny_gguf();
  auto file = Gguf::parse(bytes, "tiny");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->version(), 3u);
  EXPECT_EQ(file->metadata().size(), 7u);
  EXPECT_EQ(file->string("general.architecture").value(), "llama");
  EXPECT_EQ(file->integer("a.u32").value(), 7);
  EXPECT_EQ(file->integer("a.i64").value(), -5);
  EXPECT_EQ(file->number("a.f32").value(), 0.5);
  EXPECT_EQ(file->number("a.u32").value(), 7.0);
  EXPECT_TRUE(file->boolean("a.flag").value());
  EXPECT_EQ(file->strings("a.strings").value(), (std::vector<std::string_view>{"x", "", "yz"}));
  EXPECT_EQ(file->integers("a.ints").value(), (std::vector<int64_t>{3, -4}));
  EXPECT_EQ(file->numbers("a.ints").value(), (std::vector<double>{3, -4}));
  const Tensor* w = file->find("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->shape, (std::vector<uint64_t>{2, 32}));
  EXPECT_EQ(w->type, "Q4_1");
  EXPECT_EQ(w->runnable_format().value(), compute::Format::kQ4_1);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(w->data.data()), w->data.size()), std::string(40, 'q'));
  EXPECT_EQ(file->find("norm")->data.size(), 12u);
}

TEST(Gguf, EveryTruncationIsAnErrorAndNoCrash) {
  const std::string whole = tiny_gguf();
  const size_t needed = whole.size() - 20;  // the last tensor's padding may be missing
  for (size_t length = 0; length < needed; ++length) {
    std::string cut(whole.data(), length);
    EXPECT_FALSE(Gguf::parse(cut, "cut")) << length;
  }
  EXPECT_TRUE(Gguf::parse(std::string_view(whole).substr(0, needed), "cut"));
}

TEST(Gguf, ReadsEveryScalarTypeAndVersionTwo) {
  std::string body;
  auto key = [&](std::string_view name, uint32_t type, const std::string& value) { body += raw_string(name) + raw(type) + value; };
  key("u8", 0, raw<uint8_t>(200));
  key("i8", 1, raw<int8_t>(-100));
  key("u16", 2, raw<uint16_t>(60000));
  key("i16", 3, raw<int16_t>(-30000));
  key("u64", 10, raw<uint64_t>(UINT64_MAX));
  key("i64", 11, raw<int64_t>(INT64_MIN));
  key("f64", 12, raw<double>(1.25));
  key("nested", 9, raw<uint32_t>(9) + raw<uint64_t>(2) + raw<uint32_t>(4) + raw<uint64_t>(1) + raw<uint32_t>(9) + raw<uint32_t>(8) + raw<uint64_t>(0));
  const std::string bytes = hand_made(2, 0, 8, body);
  auto file = Gguf::parse(bytes, "v2");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->integer("u8").value(), 200);
  EXPECT_EQ(file->integer("i8").value(), -100);
  EXPECT_EQ(file->integer("u16").value(), 60000);
  EXPECT_EQ(file->integer("i16").value(), -30000);
  EXPECT_EQ(file->integer("i64").value(), INT64_MIN);
  EXPECT_EQ(file->number("f64").value(), 1.25);
  EXPECT_FALSE(file->integer("u64"));  // does not fit
  EXPECT_EQ(std::get<ArrayView>(*file->find_key("nested")).count, 2u);
}

TEST(Gguf, ErrorsNameTheKeyOrTensor) {
  const std::string bytes = tiny_gguf();
  auto file = Gguf::parse(bytes, "m.gguf");
  EXPECT_EQ(file->integer("a.flag").error().message, "m.gguf: metadata key a.flag should be an integer below 2^63, but is a bool");
  EXPECT_NE(file->string("none").error().message.find("metadata key none is missing"), std::string::npos);
  EXPECT_FALSE(file->integer_or("a.flag", 1));
  EXPECT_EQ(file->integer_or("none", 9).value(), 9);
  EXPECT_NE(file->require("nurm").error().message.find("there is norm"), std::string::npos);
}

TEST(Gguf, RefusesWhatIsNoGguf) {
  EXPECT_NE(error_of("PK\x03\x04 some zip").find("expected a GGUF file"), std::string::npos);
  EXPECT_NE(error_of(hand_made(1, 0, 0, "")).find("version 1"), std::string::npos);
  EXPECT_NE(error_of(hand_made(0x03000000u, 0, 0, "")).find("big-endian"), std::string::npos);
}

TEST(Gguf, RefusesCountsThatTheFileCannotHold) {
  EXPECT_NE(error_of(hand_made(3, UINT64_MAX, 0, "")).find("tensors, more than"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 0, UINT64_MAX, "")).find("metadata keys, more than"), std::string::npos);
  for (uint32_t element : {0u, 6u, 8u, 9u, 10u}) {
    for (uint64_t count : {UINT64_MAX, UINT64_MAX / 8 + 1, uint64_t{1} << 40}) {
      std::string body = raw_string("k") + raw<uint32_t>(9) + raw(element) + raw(count);
      EXPECT_NE(error_of(hand_made(3, 0, 1, body)).find("key k"), std::string::npos) << element;
    }
  }
}

TEST(Gguf, RefusesArraysThatNestWithoutEnd) {
  std::string body = raw_string("k") + raw<uint32_t>(9);
  for (int i = 0; i < 100; ++i) body += raw<uint32_t>(9) + raw<uint64_t>(1);
  EXPECT_NE(error_of(hand_made(3, 0, 1, body)).find("nest deeper"), std::string::npos);
}

TEST(Gguf, RefusesRepeatedNames) {
  std::string twice = raw_string("k") + raw<uint32_t>(0) + "1" + raw_string("k") + raw<uint32_t>(0) + "2";
  EXPECT_NE(error_of(hand_made(3, 0, 2, twice)).find("key k appears twice"), std::string::npos);
  std::string tensors = entry("t", {1}, 0, 0) + entry("t", {1}, 0, 32) + std::string(200, 0);
  EXPECT_NE(error_of(hand_made(3, 2, 0, tensors)).find("tensor t appears twice"), std::string::npos);
}

TEST(Gguf, RefusesTensorsOutsideOverlappingOrMisplaced) {
  const std::string data(200, 0);
  EXPECT_NE(error_of(hand_made(3, 2, 0, entry("a", {16}, 0, 0) + entry("b", {1}, 0, 32) + data)).find("a and b overlap"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 1, 0, entry("a", {1}, 0, 3) + data)).find("alignment"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 1, 0, entry("a", {1}, 0, UINT64_MAX - 31) + data)).find("past the end"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 1, 0, entry("a", {1000}, 0, 0) + data)).find("past the end"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 1, 0, entry("a", {UINT64_MAX, 16}, 0, 0) + data)).find("impossible shape"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 1, 0, entry("a", {0, 16}, 0, 0) + data)).find("impossible shape"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 1, 0, entry("a", {33}, 3, 0) + data)).find("no multiple of Q4_1's block"), std::string::npos);
  EXPECT_NE(error_of(hand_made(3, 1, 0, entry("a", {1}, 777, 0) + data)).find("tensor type 777"), std::string::npos);
  std::string alignment = raw_string("general.alignment") + raw<uint32_t>(4) + raw<uint32_t>(0);
  EXPECT_NE(error_of(hand_made(3, 0, 1, alignment)).find("general.alignment"), std::string::npos);
}

TEST(Gguf, ATypeThatWeDoNotRunIsNamedOnUse) {
  const std::string bytes = hand_made(3, 1, 0, entry("blk.0.attn_q.weight", {256}, 10, 0) + std::string(200, 0));
  auto file = Gguf::parse(bytes, "m.gguf");
  ASSERT_TRUE(file) << file.error().message;
  auto format = file->find("blk.0.attn_q.weight")->runnable_format();
  ASSERT_FALSE(format);
  EXPECT_NE(format.error().message.find("tensor blk.0.attn_q.weight is Q2_K, which this version does not run yet"), std::string::npos);
}

TEST(Gguf, ViewsStayValidWhenTheFileMoves) {
  auto path = std::filesystem::temp_directory_path() / ("format_test_" + std::to_string(::getpid()) + ".gguf");
  std::ofstream(path, std::ios::binary) << tiny_gguf();
  auto opened = Gguf::open(path.string());
  ASSERT_TRUE(opened) << opened.error().message;
  std::span<const std::byte> before = opened->find("w")->data;
  Gguf moved = std::move(*opened);
  std::filesystem::remove(path);
  EXPECT_EQ(moved.find("w")->data.data(), before.data());
  EXPECT_EQ(static_cast<char>(before[39]), 'q');
  EXPECT_EQ(moved.string("general.architecture").value(), "llama");
}

TEST(Gguf, AMissingFileSaysSo) {
  auto file = Gguf::open("/nonexistent/model.gguf");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kNotFound);
  EXPECT_FALSE(Gguf::open("/tmp"));
}

TEST(Gguf, OpensTheDefaultModel) {
  const std::string path = models() + "/smollm2-135m-instruct/model.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  auto file = Gguf::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->string("general.architecture").value(), "llama");
  EXPECT_EQ(file->tensors().size(), 272u);
  EXPECT_EQ(file->find("token_embd.weight")->shape, (std::vector<uint64_t>{49152, 576}));
  EXPECT_EQ(file->find("blk.0.ffn_down.weight")->shape, (std::vector<uint64_t>{576, 1536}));
  EXPECT_EQ(file->strings("tokenizer.ggml.tokens")->size(), 49152u);
  uint64_t parameters = 0;
  for (const Tensor& tensor : file->tensors()) {
    EXPECT_TRUE(tensor.runnable_format()) << tensor.name;
    parameters += tensor.values();
  }
  EXPECT_EQ(parameters, 134515008u);  // the figure that the model card gives as 135M
}

// ---- safetensors -------------------------------------------------------------------------------------------------------------

std::string safetensors(const std::string& header, size_t data_bytes) { return raw<uint64_t>(header.size()) + header + std::string(data_bytes, 'd'); }
const char kTiny[] =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"i":{"dtype":"I64","shape":[],"data_offsets":[24,32]}} )";
std::string safetensors_error(const std::string& bytes) {
  auto file = Safetensors::parse(bytes, "m.safetensors");
  return file ? "no error" : file.error().message;
}

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const std::string bytes = safetensors(kTiny, 32);
  auto file = Safetensors::parse(bytes, "tiny");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(file->find("a")->shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(file->find("a")->runnable_format().value(), compute::Format::kF32);
  EXPECT_EQ(file->find("i")->type, "I64");
  EXPECT_FALSE(file->find("i")->runnable_format());
  EXPECT_EQ(file->find("i")->values(), 1u);
}

TEST(Safetensors, EveryTruncationIsAnErrorAndNoCrash) {
  const std::string whole = safetensors(kTiny, 32);
  for (size_t length = 0; length < whole.size(); ++length) {
    std::string cut(whole.data(), length);
    EXPECT_FALSE(Safetensors::parse(cut, "cut")) << length;
  }
}

TEST(Safetensors, RefusesWrongHeaders) {
  const std::string tiny = kTiny;
  EXPECT_NE(safetensors_error(raw<uint64_t>(UINT64_MAX) + "{}").find("claims a header"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors("[]", 0)).find("JSON object"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors("{\"a\":1}", 0)).find("tensor a"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(tiny, 33)).find("cover 32 of 33"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(replaced(tiny, "[24,32]", "[20,28]"), 28)).find("overlap"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(replaced(tiny, "[24,32]", "[24,99]"), 32)).find("tensor i lies at"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(replaced(tiny, "[24,32]", "[-8,0]"), 24)).find("negative"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(replaced(tiny, "[2,3]", "[2,4]"), 32)).find("takes 32 bytes"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(replaced(tiny, "[2,3]", "[9223372036854775807,9]"), 32)).find("impossible"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(replaced(tiny, "I64", "Q9"), 32)).find("tensor i is Q9"), std::string::npos);
  EXPECT_NE(safetensors_error(safetensors(replaced(tiny, "\"i\"", "\"a\""), 32)).find("names a tensor twice"), std::string::npos);
}

TEST(Safetensors, OpensTheDefaultEmbedder) {
  const std::string path = models() + "/all-minilm-l6-v2/model.safetensors";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  auto file = Safetensors::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->find("embeddings.word_embeddings.weight")->shape, (std::vector<uint64_t>{30522, 384}));
}

}  // namespace
}  // namespace strata::format
