// The GGUF reader: header, metadata, directory, data. The layout is drawn in format.h.
#include <bit>
#include <cmath>

#include "base/text.h"
#include "model/format/format.h"

namespace strata::format {
namespace {

static_assert(std::endian::native == std::endian::little, "the readers copy little-endian numbers as they are");

// Smallest possible entries: what a count may claim at most is what is left divided by these. UNITS: bytes.
constexpr uint64_t kMetadataBytesMin = 8 + 4 + 1;       // empty key, type, one byte
constexpr uint64_t kTensorBytesMin = 8 + 4 + 4 + 8;     // empty name, rank 0, type, offset
constexpr uint32_t kRankMax = 8;                        // ggml writes at most 4
constexpr int kArrayDepthMax = 4;                       // arrays of arrays; none is known that nests deeper than 2
constexpr uint64_t kAlignmentMax = 1 << 20;
constexpr uint64_t kNameBytesMax = 1 << 16;

// Bytes of one element; 0 for strings and arrays.
uint64_t fixed_size(ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kI8:
    case ValueType::kBool: return 1;
    case ValueType::kU16:
    case ValueType::kI16: return 2;
    case ValueType::kU32:
    case ValueType::kI32:
    case ValueType::kF32: return 4;
    case ValueType::kU64:
    case ValueType::kI64:
    case ValueType::kF64: return 8;
    case ValueType::kString:
    case ValueType::kArray: return 0;
  }
  return 0;
}

Result<std::string_view> read_string(ByteReader& reader) {
  TRY_ASSIGN(uint64_t length, reader.read<uint64_t>());
  return reader.take(length);
}

Result<ValueType> read_type(ByteReader& reader) {
  TRY_ASSIGN(uint32_t type, reader.read<uint32_t>());
  if (type > static_cast<uint32_t>(ValueType::kF64))
    return data_loss("value type " + std::to_string(type) + " is unknown (0 to 12 are); the file is damaged or newer than this version");
  return static_cast<ValueType>(type);
}

// Passes over `count` elements, so that their view can be taken.
Status skip_elements(ByteReader& reader, ValueType type, uint64_t count, int depth) {
  if (uint64_t size = fixed_size(type); size > 0) {
    auto bytes = checked_multiply(count, size);
    if (!bytes) return data_loss("an array claims " + std::to_string(count) + " elements");
    return reader.skip(*bytes);
  }
  for (uint64_t i = 0; i < count; ++i) {  // each pass takes 8 bytes or more, or fails
    if (type == ValueType::kString) {
      TRY(read_string(reader));
      continue;
    }
    if (depth >= kArrayDepthMax) return data_loss("arrays nest deeper than " + std::to_string(kArrayDepthMax));
    TRY_ASSIGN(ValueType element, read_type(reader));
    TRY_ASSIGN(uint64_t inner, reader.read<uint64_t>());
    TRY(skip_elements(reader, element, inner, depth + 1));
  }
  return {};
}

template <class Stored, class Kept>
Result<Value> read_scalar(ByteReader& reader) {
  TRY_ASSIGN(Stored value, reader.template read<Stored>());
  return Value(static_cast<Kept>(value));
}

Result<Value> read_array(ByteReader& reader, std::string_view bytes) {
  ArrayView array;
  TRY_ASSIGN(array.element, read_type(reader));
  TRY_ASSIGN(array.count, reader.read<uint64_t>());
  uint64_t begin = reader.offset();
  TRY(skip_elements(reader, array.element, array.count, 1));
  array.raw = bytes.substr(begin, reader.offset() - begin);
  return Value(array);
}

// A value of `type` at the reader's place in `bytes`.
Result<Value> read_value(ByteReader& reader, ValueType type, std::string_view bytes) {
  switch (type) {
    case ValueType::kU8: return read_scalar<uint8_t, uint64_t>(reader);
    case ValueType::kI8: return read_scalar<int8_t, int64_t>(reader);
    case ValueType::kU16: return read_scalar<uint16_t, uint64_t>(reader);
    case ValueType::kI16: return read_scalar<int16_t, int64_t>(reader);
    case ValueType::kU32: return read_scalar<uint32_t, uint64_t>(reader);
    case ValueType::kI32: return read_scalar<int32_t, int64_t>(reader);
    case ValueType::kU64: return read_scalar<uint64_t, uint64_t>(reader);
    case ValueType::kI64: return read_scalar<int64_t, int64_t>(reader);
    case ValueType::kF32: return read_scalar<float, double>(reader);
    case ValueType::kF64: return read_scalar<double, double>(reader);
    case ValueType::kString: {
      TRY_ASSIGN(std::string_view text, read_string(reader));
      return Value(text);
    }
    case ValueType::kArray: return read_array(reader, bytes);
    case ValueType::kBool: {
      TRY_ASSIGN(uint8_t byte, reader.read<uint8_t>());
      if (byte > 1) return data_loss("a bool holds " + std::to_string(byte) + ", expected 0 or 1");
      return Value(byte == 1);
    }
  }
  return internal_error("unreachable value type");
}

std::string name_of_type(const Value& value) {
  if (std::holds_alternative<bool>(value)) return "a bool";
  if (std::holds_alternative<double>(value)) return "a float";
  if (std::holds_alternative<std::string_view>(value)) return "a string";
  if (const auto* array = std::get_if<ArrayView>(&value)) return "an array of " + std::string(value_type_name(array->element));
  return "an integer";
}

std::optional<int64_t> as_integer(const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* number = std::get_if<uint64_t>(&value))
    if (*number <= static_cast<uint64_t>(INT64_MAX)) return static_cast<int64_t>(*number);
  return std::nullopt;
}

std::optional<double> as_number(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* number = std::get_if<int64_t>(&value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<uint64_t>(&value)) return static_cast<double>(*number);
  return std::nullopt;
}

// Rank, dimensions, type and offset of one tensor, as they stand in the file.
struct Entry {
  Tensor tensor;
  const GgmlType* type = nullptr;
  uint64_t offset = 0;
};

Result<Entry> read_entry(ByteReader& reader, const std::string& what) {
  Entry entry;
  TRY_ASSIGN(std::string_view name, read_string(reader));
  if (name.empty() || name.size() > kNameBytesMax || !utf8_valid(name)) return data_loss(what + ": a tensor name is empty, too long or not UTF-8");
  entry.tensor.name = std::string(name);
  const std::string where = what + ": tensor " + entry.tensor.name;
  TRY_ASSIGN(uint32_t rank, reader.read<uint32_t>());
  if (rank == 0 || rank > kRankMax) return data_loss(where + " has " + std::to_string(rank) + " dimensions, expected 1 to " + std::to_string(kRankMax));
  entry.tensor.shape.resize(rank);
  for (uint32_t i = 0; i < rank; ++i) {
    TRY_ASSIGN(entry.tensor.shape[rank - 1 - i], reader.read<uint64_t>());
  }
  TRY_ASSIGN(uint32_t type, reader.read<uint32_t>());
  entry.type = find_ggml_type(type);
  if (entry.type == nullptr)
    return unimplemented(where + " has the tensor type " + std::to_string(type) + ", which this version does not know; use another quantization");
  entry.tensor.type = std::string(entry.type->name);
  entry.tensor.format = entry.type->format;
  TRY_ASSIGN(entry.offset, reader.read<uint64_t>());
  return entry;
}

// The bytes that the entry's shape and type take.
Result<uint64_t> entry_bytes(const Entry& entry, const std::string& where) {
  uint64_t values = 1;
  for (uint64_t dimension : entry.tensor.shape) {
    auto product = checked_multiply(values, dimension);
    if (!product || dimension == 0) return data_loss(where + " has an impossible shape");
    values = *product;
  }
  uint64_t cols = entry.tensor.shape.back();
  if (cols % entry.type->block_values != 0)
    return data_loss(where + ": rows of " + std::to_string(cols) + " values are no multiple of " + entry.tensor.type + "'s block of " +
                     std::to_string(entry.type->block_values));
  auto bytes = checked_multiply(values / entry.type->block_values, entry.type->block_bytes);
  if (!bytes) return data_loss(where + " has an impossible shape");
  return *bytes;
}

}  // namespace

std::string_view value_type_name(ValueType type) {
  constexpr std::string_view names[] = {"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
  return names[static_cast<uint32_t>(type)];
}

Result<Gguf> Gguf::open(const std::string& path) {
  Gguf gguf;
  gguf.what_ = path;
  TRY_ASSIGN(gguf.file_, MappedFile::open(path));
  TRY(gguf.read(gguf.file_.bytes()));
  return gguf;
}

Result<Gguf> Gguf::parse(std::string_view bytes, std::string what) {
  Gguf gguf;
  gguf.what_ = std::move(what);
  TRY(gguf.read(bytes));
  return gguf;
}

Status Gguf::read(std::string_view bytes) {
  ByteReader reader(bytes, what_);
  TRY_ASSIGN(std::string_view magic, reader.take(4));
  if (magic != "GGUF") return invalid_argument(what_ + ": expected a GGUF file (its first bytes are \"GGUF\"); this is another format");
  TRY_ASSIGN(version_, reader.read<uint32_t>());
  if (version_ == 0x02000000u || version_ == 0x03000000u) return unimplemented(what_ + ": a big-endian GGUF file; convert it to little-endian");
  if (version_ != 2 && version_ != 3)
    return unimplemented(what_ + ": GGUF version " + std::to_string(version_) + ", expected 2 or 3; convert the file with a current tool");
  TRY_ASSIGN(uint64_t tensor_count, reader.read<uint64_t>());
  TRY_ASSIGN(uint64_t metadata_count, reader.read<uint64_t>());
  TRY(read_metadata(reader, metadata_count, bytes));
  TRY_ASSIGN(int64_t alignment, integer_or("general.alignment", 32));
  alignment_ = static_cast<uint64_t>(alignment);
  if (alignment < 8 || alignment_ > kAlignmentMax || !std::has_single_bit(alignment_))
    return data_loss(what_ + ": general.alignment is " + std::to_string(alignment) + ", expected a power of two from 8 to " + std::to_string(kAlignmentMax));
  TRY(read_directory(reader, tensor_count, bytes));
  return check_overlap(what_);
}

Status Gguf::read_metadata(ByteReader& reader, uint64_t count, std::string_view bytes) {
  if (count > reader.remaining() / kMetadataBytesMin)
    return data_loss(what_ + ": claims " + std::to_string(count) + " metadata keys, more than the file could hold");
  for (uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(std::string_view key, read_string(reader));
    if (key.empty() || key.size() > kNameBytesMax || !utf8_valid(key))
      return data_loss(what_ + ": metadata key " + std::to_string(i) + " is empty, too long or not UTF-8");
    auto type = read_type(reader);
    if (!type) return annotate(type.error(), what_ + ": key " + std::string(key));
    auto value = read_value(reader, *type, bytes);
    if (!value) return annotate(value.error(), what_ + ": key " + std::string(key));
    if (!keys_.emplace(key, metadata_.size()).second) return data_loss(what_ + ": key " + std::string(key) + " appears twice; convert the file again");
    metadata_.emplace_back(key, *value);
  }
  return {};
}

Status Gguf::read_directory(ByteReader& reader, uint64_t count, std::string_view bytes) {
  if (count > reader.remaining() / kTensorBytesMin) return data_loss(what_ + ": claims " + std::to_string(count) + " tensors, more than the file could hold");
  std::vector<Entry> entries;
  for (uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(Entry entry, read_entry(reader, what_));
    entries.push_back(std::move(entry));
  }
  const uint64_t data_begin = (reader.offset() + alignment_ - 1) / alignment_ * alignment_;
  for (Entry& entry : entries) {
    const std::string where = what_ + ": tensor " + entry.tensor.name;
    TRY_ASSIGN(uint64_t size, entry_bytes(entry, where));
    if (entry.offset % alignment_ != 0)
      return data_loss(where + " begins at " + std::to_string(entry.offset) + ", no multiple of the alignment " + std::to_string(alignment_));
    auto begin = checked_add(data_begin, entry.offset);
    auto end = begin ? checked_add(*begin, size) : std::nullopt;
    if (!end || *end > bytes.size())
      return data_loss(where + " needs " + std::to_string(size) + " bytes at data offset " + std::to_string(entry.offset) + ", past the end of the file (" +
                       std::to_string(bytes.size()) + " bytes): it is cut short, fetch it again");
    entry.tensor.data = std::as_bytes(std::span(bytes.data() + *begin, size));
    TRY(add(std::move(entry.tensor), what_));
  }
  return {};
}

const Value* Gguf::find_key(std::string_view key) const {
  auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &metadata_[found->second].second;
}

Result<const Value*> Gguf::need(std::string_view key) const {
  if (const Value* value = find_key(key)) return value;
  return invalid_argument(what_ + ": metadata key " + std::string(key) + " is missing; convert the file with a current tool");
}

Error Gguf::wrong_type(std::string_view key, std::string_view expected, const Value& value) const {
  return invalid_argument(what_ + ": metadata key " + std::string(key) + " should be " + std::string(expected) + ", but is " + name_of_type(value));
}

Result<int64_t> Gguf::integer(std::string_view key) const {
  TRY_ASSIGN(const Value* value, need(key));
  if (auto number = as_integer(*value)) return *number;
  return wrong_type(key, "an integer below 2^63", *value);
}

Result<double> Gguf::number(std::string_view key) const {
  TRY_ASSIGN(const Value* value, need(key));
  auto number = as_number(*value);
  if (!number) return wrong_type(key, "a number", *value);
  if (!std::isfinite(*number)) return data_loss(what_ + ": metadata key " + std::string(key) + " is not a finite number");
  return *number;
}

Result<bool> Gguf::boolean(std::string_view key) const {
  TRY_ASSIGN(const Value* value, need(key));
  if (const bool* flag = std::get_if<bool>(value)) return *flag;
  return wrong_type(key, "a bool", *value);
}

Result<std::string_view> Gguf::string(std::string_view key) const {
  TRY_ASSIGN(const Value* value, need(key));
  if (const auto* text = std::get_if<std::string_view>(value)) return *text;
  return wrong_type(key, "a string", *value);
}

Result<std::vector<std::string_view>> Gguf::strings(std::string_view key) const {
  TRY_ASSIGN(const Value* value, need(key));
  const auto* array = std::get_if<ArrayView>(value);
  if (array == nullptr || (array->element != ValueType::kString && array->count > 0)) return wrong_type(key, "an array of string", *value);
  std::vector<std::string_view> items;
  items.reserve(array->count);
  ByteReader reader(array->raw, what_);
  for (uint64_t i = 0; i < array->count; ++i) {
    TRY_ASSIGN(std::string_view text, read_string(reader));
    items.push_back(text);
  }
  return items;
}

Result<std::vector<int64_t>> Gguf::integers(std::string_view key) const {
  TRY_ASSIGN(const Value* value, need(key));
  const auto* array = std::get_if<ArrayView>(value);
  if (array == nullptr) return wrong_type(key, "an array of integers", *value);
  std::vector<int64_t> items;
  if (fixed_size(array->element) > 0) items.reserve(array->count);
  ByteReader reader(array->raw, what_);
  for (uint64_t i = 0; i < array->count; ++i) {
    TRY_ASSIGN(Value item, read_value(reader, array->element, array->raw));
    auto number = as_integer(item);
    if (!number) return wrong_type(key, "an array of integers", *value);
    items.push_back(*number);
  }
  return items;
}

Result<std::vector<double>> Gguf::numbers(std::string_view key) const {
  TRY_ASSIGN(const Value* value, need(key));
  const auto* array = std::get_if<ArrayView>(value);
  if (array == nullptr) return wrong_type(key, "an array of numbers", *value);
  std::vector<double> items;
  if (fixed_size(array->element) > 0) items.reserve(array->count);
  ByteReader reader(array->raw, what_);
  for (uint64_t i = 0; i < array->count; ++i) {
    TRY_ASSIGN(Value item, read_value(reader, array->element, array->raw));
    auto number = as_number(item);
    if (!number) return wrong_type(key, "an array of numbers", *value);
    items.push_back(*number);
  }
  return items;
}

Result<int64_t> Gguf::integer_or(std::string_view key, int64_t otherwise) const {
  if (!has(key)) return otherwise;
  return integer(key);
}
Result<double> Gguf::number_or(std::string_view key, double otherwise) const {
  if (!has(key)) return otherwise;
  return number(key);
}
Result<bool> Gguf::boolean_or(std::string_view key, bool otherwise) const {
  if (!has(key)) return otherwise;
  return boolean(key);
}
Result<std::string_view> Gguf::string_or(std::string_view key, std::string_view otherwise) const {
  if (!has(key)) return otherwise;
  return string(key);
}

}  // namespace strata::format
