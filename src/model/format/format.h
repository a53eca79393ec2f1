// model/format: reads the two weight formats, GGUF (v2, v3) and safetensors, from a read-only memory mapping.
//
// What it is: parsing and checking. A file that opens has a directory in which every tensor lies inside the file, at an aligned
// offset, on bytes of its own, under a name of its own. What it is not: it knows no model; what a tensor means is the network's.
// Views (Tensor::data, strings) point into the mapping and live as long as the Gguf or Safetensors object, wherever it is moved.
// THREADS: immutable after open; any thread may read.
// WHY a mapping: weights are read once, packed, and dropped; the page cache serves the next start. The size is taken when the file is
// opened; a file that another process cuts shorter afterwards ends this process with SIGBUS, as for every mapping, so the model
// folder is written only by the hub, which renames whole files into place.
//
// GGUF, little-endian (SOURCE: ggml-org/ggml docs/gguf.md). string := u64 length, bytes.
//   offset  bytes
//   0       4      "GGUF"
//   4       4      u32 version: 2 or 3
//   8       8      u64 tensor count T
//   16      8      u64 metadata count M
//   24      …      M × { string key, u32 value type, value }
//                    value types: 0 u8  1 i8  2 u16  3 i16  4 u32  5 i32  6 f32  7 bool (1 byte)  8 string
//                                 9 array { u32 element type, u64 count, elements }  10 u64  11 i64  12 f64
//   …       …      T × { string name, u32 rank, rank × u64 dimension (innermost first), u32 tensor type, u64 offset in the data }
//   …       …      zeros up to a multiple of the alignment A (metadata general.alignment, else 32): here the data begins
//   …       …      tensors, each at a multiple of A from there
//
// safetensors, little-endian (SOURCE: huggingface/safetensors README):
//   0       8      u64 header length H
//   8       H      JSON { "name": { "dtype": "F32", "shape": [rows, cols], "data_offsets": [begin, end) }, …,
//                         "__metadata__": { string: string } }, padded with spaces
//   8+H     …      tensors, without gaps; offsets count from here
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "infra/compute/compute.h"
#include "model/format/gguf_writer.h"

namespace strata::format {

// ---- Files -------------------------------------------------------------------------------------------------------------------

// A whole file, mapped read-only. An empty file is an empty view.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  // Of a descriptor, which may be closed afterwards; `path` names it in errors.
  static Result<MappedFile> of(int descriptor, const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::string_view bytes() const { return {data_, size_}; }
  // What the file was when it was opened.
  struct Stamp {
    uint64_t bytes = 0, inode = 0;
    int64_t modified_ns = 0, changed_ns = 0;   // since 1970; "changed" cannot be set by a program
  };
  const Stamp& stamp() const { return stamp_; }
  // Gives back the memory of the pages that lie wholly in `part`, which are read from the file again when they are touched. Nothing
  // happens where `part` is not of this file.
  void forget(std::span<const std::byte> part) const;

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
  Stamp stamp_;
};

// ---- Tensors -----------------------------------------------------------------------------------------------------------------

struct Tensor {
  std::string name;
  std::vector<uint64_t> shape;               // outermost first, for both formats: a matrix is [rows, cols], row-major
  std::string type;                          // the file's own word: "Q4_1", "I64"
  std::optional<compute::Format> format;     // nullopt where this version cannot compute with it
  std::span<const std::byte> data;           // checked to be exactly the bytes that shape and type take

  uint64_t values() const;                   // product of the shape
  // The format, or an error that names the tensor and its type and says what to do.
  Result<compute::Format> runnable_format() const;
};

// A ggml tensor type, known by name even where we cannot run it.
struct GgmlType {
  uint32_t id;
  std::string_view name;
  uint64_t block_values, block_bytes;        // the innermost dimension is a multiple of block_values
  std::optional<compute::Format> format;
};
const GgmlType* find_ggml_type(uint32_t id);            // nullptr where unknown
const GgmlType* find_ggml_type(compute::Format format); // never nullptr

// Tensors by name, in file order.
class TensorDirectory {
 public:
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* find(std::string_view name) const;       // nullptr where absent
  // The tensor; the error for a missing one names it and the nearest name that there is.
  Result<const Tensor*> require(std::string_view name) const;
  // The tensor was read and is not needed again soon: its bytes need not stay in memory.
  void forget(const Tensor& tensor) const { file_.forget(tensor.data); }
  const MappedFile& file() const { return file_; }       // empty where the bytes came from memory

 protected:
  // Error where the name is taken.
  Status add(Tensor tensor, const std::string& what);
  // Error where two tensors share bytes.
  Status check_overlap(const std::string& what) const;
  MappedFile file_;                                      // empty where the bytes came from memory
  std::vector<Tensor> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

// ---- GGUF --------------------------------------------------------------------------------------------------------------------

enum class ValueType : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64 };
std::string_view value_type_name(ValueType type);        // "u32", "string", …

// An array kept as bytes of the file: 49,152 token strings cost nothing until someone asks.
struct ArrayView {
  ValueType element = ValueType::kU8;
  uint64_t count = 0;
  std::string_view raw;                                  // checked: exactly `count` elements
};
using Value = std::variant<bool, int64_t, uint64_t, double, std::string_view, ArrayView>;

class Gguf : public TensorDirectory {
 public:
  static Result<Gguf> open(const std::string& path);
  // From memory that outlives the object; `what` names it in errors.
  static Result<Gguf> parse(std::string_view bytes, std::string what);

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  const std::string& what() const { return what_; }      // the path, for errors further up

  // Keys in file order.
  const std::vector<std::pair<std::string_view, Value>>& metadata() const { return metadata_; }
  const Value* find_key(std::string_view key) const;
  bool has(std::string_view key) const { return find_key(key) != nullptr; }

  // A required key, converted where that loses nothing (any integer type that fits; an integer or float as double).
  // Errors: kInvalidArgument, naming file and key, where it is missing or of another type.
  Result<int64_t> integer(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<std::string_view> string(std::string_view key) const;
  Result<std::vector<std::string_view>> strings(std::string_view key) const;
  Result<std::vector<int64_t>> integers(std::string_view key) const;
  Result<std::vector<double>> numbers(std::string_view key) const;
  // The same, with a value for the key's absence. A key of the wrong type is still an error.
  Result<int64_t> integer_or(std::string_view key, int64_t otherwise) const;
  Result<double> number_or(std::string_view key, double otherwise) const;
  Result<bool> boolean_or(std::string_view key, bool otherwise) const;
  Result<std::string_view> string_or(std::string_view key, std::string_view otherwise) const;

 private:
  Status read(std::string_view bytes);
  Status read_metadata(ByteReader& reader, uint64_t count, std::string_view bytes);
  Status read_directory(ByteReader& reader, uint64_t count, std::string_view bytes);
  Result<const Value*> need(std::string_view key) const;
  Error wrong_type(std::string_view key, std::string_view expected, const Value& value) const;

  std::string what_;
  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  std::vector<std::pair<std::string_view, Value>> metadata_;
  std::unordered_map<std::string_view, size_t> keys_;
};

// ---- safetensors -------------------------------------------------------------------------------------------------------------

class Safetensors : public TensorDirectory {
 public:
  static Result<Safetensors> open(const std::string& path);
  // From memory that outlives the object.
  static Result<Safetensors> parse(std::string_view bytes, std::string what);
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  // "__metadata__"
  const std::string& what() const { return what_; }

 private:
  Status read(std::string_view bytes);
  std::string what_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace strata::format
