// The formats against their reference in Python (tools/fixtures/compute_formats.py).
#include "infra/compute/formats.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "base/json.h"

namespace strata::compute {
namespace {

std::vector<std::byte> bytes_of(const std::string& hex) {
  std::vector<std::byte> out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

TEST(FormatsTest, EveryQuantizedFormatReadsAsItsReferenceDoes) {
  std::ifstream in(std::string(STRATA_SOURCE_DIR) + "/src/infra/compute/testdata/formats.json");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Json fixture = Json::parse(text).value();
  const std::map<std::string, Format> formats = {{"Q8_0", Format::kQ8_0}, {"Q4_0", Format::kQ4_0}, {"Q4_1", Format::kQ4_1}, {"Q5_0", Format::kQ5_0},
                                                 {"Q5_1", Format::kQ5_1}, {"Q4_K", Format::kQ4_K}, {"Q5_K", Format::kQ5_K}, {"Q6_K", Format::kQ6_K}};
  for (const auto& [name, format] : formats) {
    const Json& reference = fixture["formats"][name];
    const std::vector<std::byte> raw = bytes_of(*reference["raw"].as_string());
    const Json::Array& values = *reference["values"].as_array();
    ASSERT_EQ(values.size(), raw.size() / format_block_bytes(format) * format_block_values(format)) << name;
    std::vector<float> out(values.size());
    dequantize(format, raw.data(), out.size(), out.data());
    // The reference may add in another order: a few roundings of what the block's numbers can come to.
    for (size_t i = 0; i < out.size(); ++i) {
      const double expected = values[i].to_double("value").value();
      ASSERT_NEAR(out[i], expected, 1e-6 * (std::abs(expected) + 1)) << name << " value " << i;
    }
  }
}

TEST(FormatsTest, QuantizingKeepsWhatTheFormatCanHold) {
  std::vector<float> x(96), back(96);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<int>(i * 37 % 255) - 127) * (i < 32 ? 0.5f : i < 64 ? 0.0f : 1e-3f);
  std::vector<std::byte> raw(x.size() * 4);
  quantize(Format::kF32, x.data(), x.size(), raw.data());
  dequantize(Format::kF32, raw.data(), x.size(), back.data());
  EXPECT_EQ(x, back);
  quantize(Format::kF16, x.data(), x.size(), raw.data());
  dequantize(Format::kF16, raw.data(), x.size(), back.data());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], back[i], std::abs(x[i]) * 0x1p-11f) << i;
  quantize(Format::kQ8_0, x.data(), x.size(), raw.data());
  dequantize(Format::kQ8_0, raw.data(), x.size(), back.data());
  for (size_t b = 0; b < x.size(); b += kBlockValues) {
    float greatest = 0;
    for (size_t i = b; i < b + kBlockValues; ++i) greatest = std::max(greatest, std::abs(x[i]));
    // Half a step, and 127 times what the scale loses as F16 (11 bits).
    for (size_t i = b; i < b + kBlockValues; ++i) EXPECT_NEAR(x[i], back[i], greatest / 127 * (0.5f + 127 * 0x1p-11f)) << i;
  }
}

}  // namespace
}  // namespace strata::compute
