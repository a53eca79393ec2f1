#include "infra/archive/archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/crypto.h"
#include "base/file.h"

namespace strata::archive {
namespace {

constexpr size_t kBuffer = 256u << 10;
constexpr size_t kSizeAt = 124, kSizeBytes = 12, kSumAt = 148, kSumBytes = 8, kTypeAt = 156, kMagicAt = 257;
constexpr uint64_t kOctalMost = 077777777777;                     // 8 GiB - 1: what eleven octal digits hold
constexpr uint64_t kBytesMax = uint64_t{1} << 50;                 // of one file: more is a forgery
constexpr size_t kEntriesMax = 10'000'000;

using Block = std::array<unsigned char, kBlock>;

Error os_error(const std::string& doing, const std::string& path) {
  const int number = errno;
  std::string message = doing + " " + path + ": " + std::strerror(number);
  if (number == ENOSPC || number == EDQUOT) return resource_exhausted(message + ": free some space and try again", "disk_full");
  if (number == ENOENT) return not_found(message);
  if (number == EEXIST) return Error{Code::kAlreadyExists, message, "", ""};
  return failed_precondition(message);
}

void put_octal(Block& block, size_t at, size_t bytes, uint64_t value) {
  for (size_t i = bytes - 1; i-- > 0; value >>= 3) block[at + i] = static_cast<unsigned char>('0' + (value & 7));
}

unsigned checksum(const Block& block) {
  unsigned sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += i >= kSumAt && i < kSumAt + kSumBytes ? ' ' : block[i];
  return sum;
}

Block header(const std::string& name, uint64_t bytes) {
  Block block{};
  std::copy(name.begin(), name.end(), block.begin());
  put_octal(block, 100, 8, 0600);
  put_octal(block, 108, 8, 0);
  put_octal(block, 116, 8, 0);
  put_octal(block, 136, 12, 0);
  if (bytes <= kOctalMost) {
    put_octal(block, kSizeAt, kSizeBytes, bytes);
  } else {
    block[kSizeAt] = 0x80;
    for (size_t i = 0; i < 8; ++i) block[kSizeAt + kSizeBytes - 1 - i] = static_cast<unsigned char>(bytes >> (8 * i));
  }
  block[kTypeAt] = '0';
  std::memcpy(block.data() + kMagicAt, "ustar\00000", 8);
  put_octal(block, kSumAt, 7, checksum(block));
  block[kSumAt + 7] = ' ';
  return block;
}

Result<uint64_t> read_octal(const Block& block, size_t at, size_t bytes) {
  uint64_t value = 0;
  size_t i = at;
  const size_t end = at + bytes;
  while (i < end && block[i] == ' ') ++i;
  const size_t first = i;
  for (; i < end && block[i] >= '0' && block[i] <= '7'; ++i) value = value << 3 | static_cast<uint64_t>(block[i] - '0');
  if (i == first) return data_loss("a number in the archive's header is none");
  for (; i < end; ++i)
    if (block[i] != 0 && block[i] != ' ') return data_loss("a number in the archive's header is none");
  return value;
}

Result<uint64_t> read_size(const Block& block) {
  if (block[kSizeAt] != 0x80) return read_octal(block, kSizeAt, kSizeBytes);
  uint64_t value = 0;
  for (size_t i = 1; i < kSizeBytes; ++i) {
    if (value >> 56) return data_loss("a file in the archive claims an impossible size");
    value = value << 8 | block[kSizeAt + i];
  }
  return value;
}

Result<Entry> read_header(const Block& block) {
  TRY_ASSIGN(const uint64_t sum, read_octal(block, kSumAt, kSumBytes));
  if (sum != checksum(block)) return data_loss("a header of the archive is damaged: its checksum does not match");
  if (std::memcmp(block.data() + kMagicAt, "ustar", 5) != 0) return data_loss("this is no tar archive of the kind that a backup is");
  if (block[kTypeAt] != '0' && block[kTypeAt] != 0) return data_loss("the archive holds something that is no plain file");
  Entry entry;
  entry.name.assign(block.begin(), std::find(block.begin(), block.begin() + kNameBytesMax + 1, 0));
  if (entry.name.empty() || entry.name.size() > kNameBytesMax) return data_loss("a file in the archive has no name, or too long a one");
  TRY_ASSIGN(entry.bytes, read_size(block));
  if (entry.bytes > kBytesMax) return data_loss("a file in the archive claims an impossible size");
  return entry;
}

Status write_all(int fd, const std::string& path, const void* data, size_t size) {
  auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t wrote = ::write(fd, at, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return os_error("writing", path);
    at += wrote;
    size -= static_cast<size_t>(wrote);
  }
  return {};
}

class FileWriter : public Writer {
 public:
  FileWriter(int fd, std::string path) : file_(fd), path_(std::move(path)) {}

  Status add_bytes(const std::string& name, std::string_view bytes) override {
    TRY(begin(name, bytes.size()));
    TRY(write_all(file_.get(), path_, bytes.data(), bytes.size()));
    TRY(pad(bytes.size()));
    entries_.push_back({name, bytes.size(), sha256_hex(bytes)});
    return {};
  }

  Status add_file(const std::string& name, const std::string& path) override {
    Descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info{};
    if (!in.open() || ::fstat(in.get(), &info) != 0) return os_error("reading", path);
    const auto size = static_cast<uint64_t>(info.st_size);
    TRY(begin(name, size));
    Sha256 hash;
    std::string buffer(kBuffer, '\0');
    uint64_t left = size;
    while (left > 0) {
      const ssize_t got = ::read(in.get(), buffer.data(), static_cast<size_t>(std::min<uint64_t>(buffer.size(), left)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os_error("reading", path);
      if (got == 0) return Error{Code::kAborted, path + " became shorter while it was copied: try again", "", ""};
      hash.update({buffer.data(), static_cast<size_t>(got)});
      TRY(write_all(file_.get(), path_, buffer.data(), static_cast<size_t>(got)));
      left -= static_cast<uint64_t>(got);
    }
    TRY(pad(size));
    entries_.push_back({name, size, hash.finish_hex()});
    return {};
  }

  Status finish() override {
    const std::array<char, 2 * kBlock> zeros{};
    TRY(write_all(file_.get(), path_, zeros.data(), zeros.size()));
    if (::fsync(file_.get()) != 0) return os_error("syncing", path_);
    return {};
  }
  const std::vector<Entry>& entries() const override { return entries_; }

 private:
  Status begin(const std::string& name, uint64_t bytes) {
    if (name.empty() || name.size() > kNameBytesMax) return invalid_argument("an archive's names have 1 to 99 bytes, got '" + name + "'");
    const Block block = header(name, bytes);
    return write_all(file_.get(), path_, block.data(), block.size());
  }
  Status pad(uint64_t bytes) {
    const Block zeros{};
    return write_all(file_.get(), path_, zeros.data(), (kBlock - bytes % kBlock) % kBlock);
  }
  Descriptor file_;
  const std::string path_;
  std::vector<Entry> entries_;
};

// Exactly `size` bytes; false where the source ended before the first of them.
Result<bool> fill(const Source& source, void* into, size_t size) {
  size_t done = 0;
  while (done < size) {
    TRY_ASSIGN(const size_t got, source(static_cast<char*>(into) + done, size - done));
    if (got == 0 && done == 0) return false;
    if (got == 0) return data_loss("the archive is cut short");
    done += got;
  }
  return true;
}

Status read_body(const Source& source, Entry& entry, const Take& take) {
  std::string buffer(static_cast<size_t>(std::min<uint64_t>(kBuffer, entry.bytes)), '\0');
  Sha256 hash;
  for (uint64_t left = entry.bytes; left > 0;) {
    const auto piece = static_cast<size_t>(std::min<uint64_t>(buffer.size(), left));
    TRY_ASSIGN(const bool there, fill(source, buffer.data(), piece));
    if (!there) return data_loss("the archive is cut short in " + entry.name);
    hash.update({buffer.data(), piece});
    TRY(take({buffer.data(), piece}));
    left -= piece;
  }
  entry.sha256 = hash.finish_hex();
  Block padding;
  const size_t rest = (kBlock - entry.bytes % kBlock) % kBlock;
  TRY_ASSIGN(const bool there, fill(source, padding.data(), rest));
  if (rest > 0 && !there) return data_loss("the archive is cut short after " + entry.name);
  return {};
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return os_error("making", path);
  return std::unique_ptr<Writer>(new FileWriter(fd, path));
}

Result<Source> file_source(const std::string& path) {
  auto file = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file->open()) return os_error("reading", path);
  return Source([file, path](char* buffer, size_t size) -> Result<size_t> {
    for (;;) {
      const ssize_t got = ::read(file->get(), buffer, size);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return os_error("reading", path);
    }
  });
}

Result<std::vector<Entry>> read(const Source& source, const std::function<Result<Take>(const Entry&)>& begin) {
  std::vector<Entry> entries;
  for (;;) {
    Block block;
    TRY_ASSIGN(const bool there, fill(source, block.data(), block.size()));
    if (!there) return data_loss("the archive is cut short: its end is missing");
    if (std::all_of(block.begin(), block.end(), [](unsigned char byte) { return byte == 0; })) return entries;
    if (entries.size() >= kEntriesMax) return data_loss("the archive holds more files than any backup");
    TRY_ASSIGN(Entry entry, read_header(block));
    TRY_ASSIGN(const Take take, begin(entry));
    TRY(read_body(source, entry, take));
    entries.push_back(std::move(entry));
  }
}

}  // namespace strata::archive
