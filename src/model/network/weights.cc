#include "model/network/weights.h"

#include "base/bytes.h"
#include "base/text.h"

namespace strata::network {
namespace {

std::string shape_text(const std::vector<uint64_t>& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

}  // namespace

Result<const format::Tensor*> WeightReader::tensor(const std::string& name, const std::vector<uint64_t>& shape) {
  TRY_ASSIGN(const format::Tensor* tensor, directory_.require(name));
  if (tensor->shape != shape) {
    return invalid_argument("tensor " + name + ": expected shape " + shape_text(shape) + " from the file's own metadata, got " + shape_text(tensor->shape) +
                            "; the file is damaged or of another model family");
  }
  used_.insert(name);
  return tensor;
}

Status WeightReader::count(uint64_t bytes, uint64_t values) {
  if (bytes_ + bytes > bytes_max_) {
    return resource_exhausted("the weights need more than the " + human_bytes(bytes_max_) +
                              " of memory that they may take; use a smaller or more quantized model, or raise the memory limit");
  }
  bytes_ += bytes;
  parameters_ += values;
  return {};
}

Result<std::vector<float>> WeightReader::vector(const std::string& name, uint64_t length) {
  TRY_ASSIGN(const format::Tensor* raw, tensor(name, {length}));
  TRY_ASSIGN(const compute::Format format, raw->runnable_format());
  TRY(count(length * sizeof(float), length));
  if (format != compute::Format::kF32 && format != compute::Format::kF16 && format != compute::Format::kBF16) {
    return unimplemented("tensor " + name + ": expected F32, F16 or BF16, got " + raw->type);
  }
  std::vector<float> out(length);
  compute::dequantize(format, raw->data.data(), length, out.data());
  return out;
}

Result<compute::Matrix> WeightReader::matrix(const std::string& name, uint64_t rows, uint64_t cols) {
  TRY_ASSIGN(const format::Tensor* raw, tensor(name, {rows, cols}));
  TRY_ASSIGN(const compute::Format format, raw->runnable_format());
  TRY_ASSIGN(const uint64_t bytes, compute::Matrix::packed_bytes(format, rows, cols));
  TRY(count(bytes, rows * cols));
  if (packed_ != nullptr) {
    if (auto found = packed_->find(*raw)) return std::move(*found);
  }
  auto packed = compute::Matrix::pack(format, rows, cols, raw->data);
  if (!packed) return annotate(packed.error(), "tensor " + name);
  directory_.forget(*raw);  // so that loading needs the packed weights and one tensor, not the whole file beside them
  if (packed_ != nullptr) return packed_->keep(name, std::move(*packed));
  return packed;
}

Result<compute::Matrix> WeightReader::matrix_int8(const std::string& name, uint64_t rows, uint64_t cols) {
  constexpr compute::Format kTo = compute::Format::kQ8_0;
  TRY_ASSIGN(const format::Tensor* raw, tensor(name, {rows, cols}));
  TRY_ASSIGN(const compute::Format from, raw->runnable_format());
  const size_t block = compute::format_block_values(kTo);
  if (cols % block != 0)
    return unimplemented("tensor " + name + ": int8 needs rows of a multiple of " + std::to_string(block) + " values, got " + std::to_string(cols) +
                         "; use f32");
  const size_t values = rows * cols, bytes = values / block * compute::format_block_bytes(kTo);
  TRY(count(bytes, values));
  std::vector<float> wide(values);
  std::vector<std::byte> rounded(bytes);
  compute::dequantize(from, raw->data.data(), values, wide.data());
  compute::quantize(kTo, wide.data(), values, rounded.data());
  auto packed = compute::Matrix::pack(kTo, rows, cols, rounded);
  if (!packed) return annotate(packed.error(), "tensor " + name);
  directory_.forget(*raw);
  return packed;
}

const format::Tensor* WeightReader::first_unused() const {
  for (const format::Tensor& tensor : directory_.tensors()) {
    if (!used_.contains(tensor.name)) return &tensor;
  }
  return nullptr;
}

}  // namespace strata::network
