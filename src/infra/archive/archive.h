// infra/archive: tar files (POSIX ustar), as far as a backup needs them: plain files with short names, written by us and readable by any
// tar; read back bounded and strictly, because the file may come from anywhere. Not offered: links, devices, long names, sparse files.
//
//   archive = (header of 512 bytes, body padded with zeros to 512)…, two blocks of zeros
//   header:  name 0–99, mode 100 (8), uid 108 (8), gid 116 (8), size 124 (12), mtime 136 (12), checksum 148 (8), type 156 ('0' or NUL: a file),
//            magic 257 "ustar" NUL "00"; numbers in octal, or (size) in 8 bytes big-endian after 0x80 where octal is too short
// SOURCE: POSIX.1-2017, pax, "ustar Interchange Format"; the long size is GNU tar's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::archive {

inline constexpr size_t kBlock = 512;
inline constexpr size_t kNameBytesMax = 99;

struct Entry {
  std::string name;
  uint64_t bytes = 0;
  std::string sha256;   // of the body; set once it was read or written
};

class Writer {
 public:
  // A new file, 0600. kAlreadyExists where there is one.
  static Result<std::unique_ptr<Writer>> create(const std::string& path);
  virtual ~Writer() = default;                   // without finish(): the file is cut short, and reading it says so
  virtual Status add_bytes(const std::string& name, std::string_view bytes) = 0;
  // kNotFound where the file is gone (before anything was written of it); kAborted where its length changes meanwhile.
  virtual Status add_file(const std::string& name, const std::string& path) = 0;
  virtual Status finish() = 0;                   // the end, and fsync
  virtual const std::vector<Entry>& entries() const = 0;
};

// The bytes of an archive: fills the buffer as far as it can; 0 at the end.
using Source = std::function<Result<size_t>(char* buffer, size_t size)>;
Result<Source> file_source(const std::string& path);

// Calls `begin` with each file's name and size, then what it gave with the body piece by piece. kDataLoss where it is no such archive,
// or one that was cut short. The entries come with their hashes.
using Take = std::function<Status(std::string_view piece)>;
Result<std::vector<Entry>> read(const Source& source, const std::function<Result<Take>(const Entry&)>& begin);

}  // namespace strata::archive
