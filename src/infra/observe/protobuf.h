// The five ways in which protobuf writes a field, as far as OTLP needs them. Writing only: nothing here reads outside bytes.
// SOURCE: protobuf.dev/programming-guides/encoding
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata::observe {

class Protobuf {
 public:
  void varint(int field, uint64_t value) {
    key(field, 0);
    raw_varint(value);
  }
  void fixed64(int field, uint64_t value) {
    key(field, 1);
    for (int i = 0; i < 8; ++i) out_ += static_cast<char>(value >> (8 * i));
  }
  void real(int field, double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    fixed64(field, bits);
  }
  void bytes(int field, std::string_view value) {   // also texts and messages
    key(field, 2);
    raw_varint(value.size());
    out_ += value;
  }
  void message(int field, const Protobuf& value) { bytes(field, value.out_); }
  std::string take() { return std::move(out_); }

 private:
  void key(int field, uint64_t wire) { raw_varint(static_cast<uint64_t>(field) << 3 | wire); }
  void raw_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

}  // namespace strata::observe
