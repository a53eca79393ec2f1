#include "infra/compute/pack.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "base/check.h"
#include "infra/compute/formats.h"
#include "infra/compute/kernels.h"
#include "infra/compute/packed.h"

namespace strata::compute {
namespace {

constexpr uint64_t kPackedValuesMax = uint64_t{1} << 48;   // no machine holds more

constexpr size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

PackedView layout_of(Format format, size_t rows, size_t cols) {
  PackedView view{.format = format, .rows = rows, .cols = cols, .panels = (rows + kPanelRows - 1) / kPanelRows};
  if (format_is_quantized(format)) {
    view.blocks = cols / kBlockValues;
    view.info_bytes = round_up(view.blocks * info_bytes_of(format), 64);
    view.panel_bytes = view.info_bytes + view.blocks * value_bytes_of(format);
  } else {
    view.panel_bytes = round_up(cols * kPanelRows * format_block_bytes(format), 64);
  }
  return view;
}

// Where a panel's parts are for one block of 32 columns.
template <class Byte>
struct BlockPlace {
  Byte* info;
  Byte* values;
};

template <class Byte>
BlockPlace<Byte> place(const PackedView& view, Byte* panel, size_t block) {
  return {panel + block * info_bytes_of(view.format), panel + view.info_bytes + block * value_bytes_of(view.format)};
}

// The 32 numbers of one row's block: low four bits as nibbles, and the fifth where the format has one.
void put_small(unsigned char* values, size_t lane, const uint8_t* q, bool five) {
  for (size_t c = 0; c < kBlockValues / 2; ++c) {
    const size_t j = c / 4, bit = lane * 4 + c % 4;
    values[j * 64 + bit] = static_cast<unsigned char>((q[c] & 15) | (q[c + 16] & 15) << 4);
    if (!five) continue;
    for (size_t half = 0; half < 2; ++half) {
      unsigned char& fifths = values[256 + j * 16 + half * 8 + bit / 8];
      fifths = static_cast<unsigned char>(fifths | (q[c + 16 * half] >> 4) << bit % 8);
    }
  }
}

// 32 int8 of one row: four into each of the eight registers.
void put_bytes(unsigned char* values, size_t lane, const void* bytes) {
  for (size_t j = 0; j < 8; ++j) std::memcpy(values + j * 64 + lane * 4, static_cast<const char*>(bytes) + j * 4, 4);
}

void pack_row_q6(const PackedView& view, unsigned char* panel, size_t lane, const std::byte* row) {
  int8_t q[kQ6Values];
  for (size_t super = 0; super < view.cols / kQ6Values; ++super, row += kQ6Bytes) {
    unpack_q6(row, q);
    for (size_t part = 0; part < kQ6Values / kBlockValues; ++part) {
      const auto to = place(view, panel, super * (kQ6Values / kBlockValues) + part);
      std::memcpy(to.info + lane * 2, row + 208, 2);
      std::memcpy(to.info + 32 + lane, row + 192 + part * 2, 1);
      std::memcpy(to.info + 48 + lane, row + 192 + part * 2 + 1, 1);
      put_bytes(to.values, lane, q + part * kBlockValues);
    }
  }
}

void pack_row(const PackedView& view, unsigned char* panel, size_t lane, const std::byte* row) {
  if (view.format == Format::kQ6_K) return pack_row_q6(view, panel, lane, row);
  if (view.blocks == 0) {
    const size_t size = format_block_bytes(view.format);
    for (size_t c = 0; c < view.cols; ++c) std::memcpy(panel + (c * kPanelRows + lane) * size, row + c * size, size);
    return;
  }
  for (size_t block = 0; block < view.blocks; ++block) {
    const auto to = place(view, panel, block);
    if (values_of(view.format) == Values::kBytes) {
      std::memcpy(to.info + lane * 2, row + block * kQ8Bytes, 2);
      put_bytes(to.values, lane, row + block * kQ8Bytes + 2);
      continue;
    }
    const SmallBlock small = unpack_small(view.format, row, block);
    put_small(to.values, lane, small.q, values_of(view.format) == Values::kFives);
    std::memcpy(to.info + lane * 2, &small.d, 2);
    if (scales_of(view.format) == Scales::kPlain) continue;
    std::memcpy(to.info + 32 + lane * 2, &small.m, 2);
    if (scales_of(view.format) != Scales::kSuper) continue;
    to.info[64 + lane] = small.scale;
    to.info[80 + lane] = small.minimum;
  }
}

template <class T>
T read_as(const unsigned char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// The number of a lane's column (with a minimum: before it).
int weight_at(Format format, const unsigned char* values, size_t lane, size_t column) {
  if (values_of(format) == Values::kBytes) return static_cast<int8_t>(values[column / 4 * 64 + lane * 4 + column % 4]);
  const size_t j = column % 16 / 4, bit = lane * 4 + column % 4;
  const unsigned char both = values[j * 64 + bit];
  int number = column < 16 ? both & 15 : both >> 4;
  if (values_of(format) == Values::kFives) number |= (values[256 + j * 16 + column / 16 * 8 + bit / 8] >> bit % 8 & 1) << 4;
  return number - shift_of(format);
}

void read_block(Format format, const BlockPlace<const unsigned char>& from, size_t lane, float* out) {
  const float d = f16_to_f32(read_as<uint16_t>(from.info + lane * 2));
  const float second = scales_of(format) == Scales::kPlain ? 0 : f16_to_f32(read_as<uint16_t>(from.info + 32 + lane * 2));
  for (size_t c = 0; c < kBlockValues; ++c) {
    const auto q = static_cast<float>(weight_at(format, from.values, lane, c));
    switch (scales_of(format)) {
      case Scales::kPlain: out[c] = d * q; break;
      case Scales::kMinimum: out[c] = d * q + second; break;
      case Scales::kSuper: out[c] = d * static_cast<float>(from.info[64 + lane]) * q - second * static_cast<float>(from.info[80 + lane]); break;
      case Scales::kHalves: out[c] = d * static_cast<float>(static_cast<int8_t>(from.info[32 + c / 16 * 16 + lane])) * q; break;
    }
  }
}

}  // namespace

Matrix::Matrix() : packed_(std::make_unique<Packed>()) {}
Matrix::Matrix(Matrix&&) noexcept = default;
Matrix& Matrix::operator=(Matrix&&) noexcept = default;
Matrix::~Matrix() = default;

Result<Matrix> Matrix::pack(Format format, size_t rows, size_t cols, std::span<const std::byte> raw, Isa isa) {
  TRY_ASSIGN(const uint64_t row_bytes, format_row_bytes(format, cols));
  uint64_t expected = 0;
  if (rows == 0 || __builtin_mul_overflow(row_bytes, static_cast<uint64_t>(rows), &expected) || raw.size() != expected) {
    return invalid_argument("a " + std::string(format_name(format)) + " matrix of " + std::to_string(rows) + " x " + std::to_string(cols) + " needs " +
                            std::to_string(expected) + " bytes (and at least one row), got " + std::to_string(raw.size()));
  }
  const PackedView view = layout_of(format, rows, cols);
  // At most twice the raw bytes and one panel more (pack.h), so this cannot overflow for bytes that exist.
  const size_t bytes = view.panels * view.panel_bytes;
  auto* data = static_cast<unsigned char*>(std::aligned_alloc(64, bytes));
  if (data == nullptr) return resource_exhausted("no memory for a weight matrix of " + std::to_string(bytes) + " bytes");
  Matrix matrix;
  matrix.packed_->owner = std::shared_ptr<const void>(data, [](const void* held) { std::free(const_cast<void*>(held)); });
  matrix.packed_->size = bytes;
  matrix.packed_->view = view;
  matrix.packed_->view.data = data;
  matrix.packed_->kernels = &kernels(isa);
  for (size_t panel = 0; panel < view.panels; ++panel) {
    unsigned char* to = data + panel * view.panel_bytes;
    std::memset(to, 0, view.panel_bytes);
    const size_t lanes = std::min(kPanelRows, rows - panel * kPanelRows);
    for (size_t lane = 0; lane < lanes; ++lane) pack_row(view, to, lane, raw.data() + (panel * kPanelRows + lane) * row_bytes);
  }
  return matrix;
}

Result<uint64_t> Matrix::packed_bytes(Format format, uint64_t rows, uint64_t cols) {
  TRY(format_row_bytes(format, cols));
  // The widest format takes 64 bytes a column of a panel; far below what could overflow the layout's arithmetic.
  if (rows == 0 || rows > kPackedValuesMax / kPanelRows || cols > kPackedValuesMax / (rows + kPanelRows)) {
    return invalid_argument("a matrix of " + std::to_string(rows) + " x " + std::to_string(cols) + " is empty or too large");
  }
  const PackedView view = layout_of(format, rows, cols);
  return uint64_t{view.panels} * view.panel_bytes;
}

Result<Matrix> Matrix::of_packed(Format format, size_t rows, size_t cols, std::span<const std::byte> bytes, std::shared_ptr<const void> owner, Isa isa) {
  TRY_ASSIGN(const uint64_t expected, packed_bytes(format, rows, cols));
  if (bytes.size() != expected || reinterpret_cast<uintptr_t>(bytes.data()) % 64 != 0) {
    return invalid_argument("a packed " + std::string(format_name(format)) + " matrix of " + std::to_string(rows) + " x " + std::to_string(cols) + " has " +
                            std::to_string(expected) + " bytes, aligned to 64; got " + std::to_string(bytes.size()));
  }
  Matrix matrix;
  matrix.packed_->owner = std::move(owner);
  matrix.packed_->size = bytes.size();
  matrix.packed_->view = layout_of(format, rows, cols);
  matrix.packed_->view.data = reinterpret_cast<const unsigned char*>(bytes.data());
  matrix.packed_->kernels = &kernels(isa);
  return matrix;
}

std::span<const std::byte> Matrix::packed_data() const { return {reinterpret_cast<const std::byte*>(packed_->view.data), packed_->size}; }
size_t Matrix::rows() const { return packed_->view.rows; }
size_t Matrix::cols() const { return packed_->view.cols; }
Format Matrix::format() const { return packed_->view.format; }
size_t Matrix::bytes() const { return packed_->size; }

void Matrix::read_row(size_t row, float* out) const {
  const PackedView& view = packed_->view;
  CHECK(row < view.rows);
  const unsigned char* panel = view.data + row / kPanelRows * view.panel_bytes;
  const size_t lane = row % kPanelRows;
  if (view.blocks != 0) {
    for (size_t block = 0; block < view.blocks; ++block) {
      read_block(view.format, place(view, panel, block), lane, out + block * kBlockValues);
    }
    return;
  }
  const size_t size = format_block_bytes(view.format);
  for (size_t c = 0; c < view.cols; ++c) {
    dequantize(view.format, reinterpret_cast<const std::byte*>(panel + (c * kPanelRows + lane) * size), 1, out + c);
  }
}

}  // namespace strata::compute
