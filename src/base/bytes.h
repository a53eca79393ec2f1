// ByteReader: the one bounded reader for binary formats from outside. Little-endian; nothing is read past the end, and no size
// that a file claims is trusted before it is compared with what is left.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.h"

namespace strata {

// a * b, or nullopt where that does not fit.
inline std::optional<uint64_t> checked_multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}
inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

class ByteReader {
 public:
  // `what` names the source in errors ("model.gguf"). The bytes must outlive the reader.
  ByteReader(std::string_view bytes, std::string what) : bytes_(bytes), what_(std::move(what)) {}

  uint64_t offset() const { return offset_; }
  uint64_t remaining() const { return bytes_.size() - offset_; }

  template <class T>
  Result<T> read() {
    static_assert(std::is_arithmetic_v<T>);
    TRY(need(sizeof(T)));
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }
  // A view of the next `count` bytes.
  Result<std::string_view> take(uint64_t count) {
    TRY(need(count));
    std::string_view view = bytes_.substr(offset_, count);
    offset_ += count;
    return view;
  }
  Status skip(uint64_t count) {
    TRY(need(count));
    offset_ += count;
    return {};
  }

 private:
  Status need(uint64_t count) {
    if (count <= remaining()) return {};
    return data_loss(what_ + ": expected " + std::to_string(count) + " more bytes at offset " + std::to_string(offset_) + ", but only " +
                     std::to_string(remaining()) + " are left: the file is cut short or damaged");
  }
  std::string_view bytes_;
  uint64_t offset_ = 0;
  std::string what_;
};

}  // namespace strata
