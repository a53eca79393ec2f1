#include "model/format/gguf_writer.h"

#include "base/check.h"
#include "model/format/format.h"

namespace strata::format {
namespace {

constexpr uint64_t kAlignment = 32;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_string(std::string& out, std::string_view text) {
  put<uint64_t>(out, text.size());
  out += text;
}

void pad(std::string& out) { out.append((kAlignment - out.size() % kAlignment) % kAlignment, '\0'); }

uint32_t code(ValueType type) { return static_cast<uint32_t>(type); }

}  // namespace

GgufWriter& GgufWriter::begin(std::string_view key, uint32_t type) {
  put_string(metadata_, key);
  put(metadata_, type);
  ++metadata_count_;
  return *this;
}

GgufWriter& GgufWriter::add(std::string_view key, bool value) {
  begin(key, code(ValueType::kBool));
  put<uint8_t>(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, uint32_t value) {
  begin(key, code(ValueType::kU32));
  put(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, int32_t value) {
  begin(key, code(ValueType::kI32));
  put(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, uint64_t value) {
  begin(key, code(ValueType::kU64));
  put(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, int64_t value) {
  begin(key, code(ValueType::kI64));
  put(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, float value) {
  begin(key, code(ValueType::kF32));
  put(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, double value) {
  begin(key, code(ValueType::kF64));
  put(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, std::string_view value) {
  begin(key, code(ValueType::kString));
  put_string(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, const std::vector<std::string>& values) {
  begin(key, code(ValueType::kArray));
  put(metadata_, code(ValueType::kString));
  put<uint64_t>(metadata_, values.size());
  for (const std::string& value : values) put_string(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, const std::vector<int32_t>& values) {
  begin(key, code(ValueType::kArray));
  put(metadata_, code(ValueType::kI32));
  put<uint64_t>(metadata_, values.size());
  for (int32_t value : values) put(metadata_, value);
  return *this;
}
GgufWriter& GgufWriter::add(std::string_view key, const std::vector<float>& values) {
  begin(key, code(ValueType::kArray));
  put(metadata_, code(ValueType::kF32));
  put<uint64_t>(metadata_, values.size());
  for (float value : values) put(metadata_, value);
  return *this;
}

GgufWriter& GgufWriter::add_tensor(std::string_view name, const std::vector<uint64_t>& shape, compute::Format format, std::string data) {
  const GgmlType& type = *find_ggml_type(format);
  uint64_t values = 1;
  for (uint64_t dimension : shape) values *= dimension;
  CHECK(!shape.empty() && shape.back() % type.block_values == 0);
  CHECK(data.size() == values / type.block_values * type.block_bytes);
  tensors_.push_back({std::string(name), std::move(data), shape, type.id});
  return *this;
}

std::string GgufWriter::bytes() const {
  std::string out = "GGUF";
  put<uint32_t>(out, 3);
  put<uint64_t>(out, tensors_.size());
  put(out, metadata_count_);
  out += metadata_;
  uint64_t offset = 0;
  for (const Pending& tensor : tensors_) {
    put_string(out, tensor.name);
    put<uint32_t>(out, static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) put<uint64_t>(out, tensor.shape[i]);
    put(out, tensor.type);
    put(out, offset);
    offset += (tensor.data.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  pad(out);
  for (const Pending& tensor : tensors_) {
    out += tensor.data;
    pad(out);
  }
  return out;
}

}  // namespace strata::format
