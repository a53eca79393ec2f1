// The safetensors reader. The layout is drawn in format.h.
#include "base/json.h"
#include "base/text.h"
#include "model/format/format.h"

namespace strata::format {
namespace {

constexpr uint64_t kHeaderBytesMax = 100'000'000;  // SOURCE: the limit of the reference implementation
constexpr size_t kRankMax = 8;

struct Dtype {
  std::string_view name;
  uint64_t bytes;
  std::optional<compute::Format> format;
};

constexpr Dtype kDtypes[] = {
    {"F32", 4, compute::Format::kF32}, {"F16", 2, compute::Format::kF16}, {"BF16", 2, compute::Format::kBF16},
    {"F64", 8, std::nullopt},          {"I64", 8, std::nullopt},          {"U64", 8, std::nullopt},
    {"I32", 4, std::nullopt},          {"U32", 4, std::nullopt},          {"I16", 2, std::nullopt},
    {"U16", 2, std::nullopt},          {"I8", 1, std::nullopt},           {"U8", 1, std::nullopt},
    {"BOOL", 1, std::nullopt},         {"F8_E4M3", 1, std::nullopt},      {"F8_E5M2", 1, std::nullopt},
    {"F8_E8M0", 1, std::nullopt},      {"C64", 8, std::nullopt},
};

const Dtype* find_dtype(std::string_view name) {
  for (const Dtype& dtype : kDtypes)
    if (dtype.name == name) return &dtype;
  return nullptr;
}

// A non-negative integer of the header.
Result<uint64_t> count_of(const Json& value, const std::string& where) {
  TRY_ASSIGN(int64_t number, value.to_int(where));
  if (number < 0) return data_loss(where + " is negative");
  return static_cast<uint64_t>(number);
}

// One member of the header, checked against the data behind it.
Result<Tensor> read_tensor(const std::string& name, const Json& entry, std::string_view data, const std::string& what) {
  const std::string where = what + ": tensor " + name;
  Tensor tensor;
  tensor.name = name;
  TRY_ASSIGN(tensor.type, entry["dtype"].to_string(where + ": dtype"));
  const Dtype* dtype = find_dtype(tensor.type);
  if (dtype == nullptr) return unimplemented(where + " is " + tensor.type + ", which this version does not know");
  tensor.format = dtype->format;
  const Json::Array* shape = entry["shape"].as_array();
  const Json::Array* offsets = entry["data_offsets"].as_array();
  if (shape == nullptr || shape->size() > kRankMax) return data_loss(where + ": shape should be an array of at most 8 integers");
  if (offsets == nullptr || offsets->size() != 2) return data_loss(where + ": data_offsets should be [begin, end]");
  uint64_t size = dtype->bytes;
  for (const Json& dimension : *shape) {
    TRY_ASSIGN(uint64_t length, count_of(dimension, where + ": shape"));
    auto product = checked_multiply(size, length);
    if (!product) return data_loss(where + " has an impossible shape");
    size = *product;
    tensor.shape.push_back(length);
  }
  TRY_ASSIGN(uint64_t begin, count_of((*offsets)[0], where + ": data_offsets"));
  TRY_ASSIGN(uint64_t end, count_of((*offsets)[1], where + ": data_offsets"));
  if (begin > end || end > data.size())
    return data_loss(where + " lies at [" + std::to_string(begin) + ", " + std::to_string(end) + ") of " + std::to_string(data.size()) +
                     " data bytes: the file is cut short, fetch it again");
  if (end - begin != size) return data_loss(where + " takes " + std::to_string(size) + " bytes by its shape, but has " + std::to_string(end - begin));
  tensor.data = std::as_bytes(std::span(data.data() + begin, size));
  return tensor;
}

}  // namespace

Result<Safetensors> Safetensors::open(const std::string& path) {
  Safetensors file;
  file.what_ = path;
  TRY_ASSIGN(file.file_, MappedFile::open(path));
  TRY(file.read(file.file_.bytes()));
  return file;
}

Result<Safetensors> Safetensors::parse(std::string_view bytes, std::string what) {
  Safetensors file;
  file.what_ = std::move(what);
  TRY(file.read(bytes));
  return file;
}

Status Safetensors::read(std::string_view bytes) {
  ByteReader reader(bytes, what_);
  TRY_ASSIGN(uint64_t header_bytes, reader.read<uint64_t>());
  if (header_bytes > kHeaderBytesMax) return data_loss(what_ + ": claims a header of " + std::to_string(header_bytes) + " bytes; this is no safetensors file");
  TRY_ASSIGN(std::string_view text, reader.take(header_bytes));
  auto header = Json::parse(text, {.bytes = kHeaderBytesMax, .depth = 8});
  if (!header) return annotate(header.error(), what_ + ": header");
  if (!header->is_object()) return data_loss(what_ + ": expected the header to be a JSON object");
  std::string_view data = bytes.substr(reader.offset());
  uint64_t covered = 0;
  for (const auto& [name, entry] : *header->as_object()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) return data_loss(what_ + ": __metadata__ should be an object of strings");
      for (const auto& [key, value] : *entry.as_object()) {
        TRY_ASSIGN(metadata_[key], value.to_string(what_ + ": __metadata__." + key));
      }
      continue;
    }
    TRY_ASSIGN(Tensor tensor, read_tensor(name, entry, data, what_));
    covered += tensor.data.size();
    TRY(add(std::move(tensor), what_));
  }
  TRY(check_overlap(what_));
  // Without overlap, full cover means no gap. A repeated name, of which the JSON keeps one, also shows up here.
  if (covered != data.size())
    return data_loss(what_ + ": tensors cover " + std::to_string(covered) + " of " + std::to_string(data.size()) +
                     " data bytes; the file is damaged or names a tensor twice");
  return {};
}

}  // namespace strata::format
