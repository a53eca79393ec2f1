#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "model/format/format.h"

namespace strata::format {
namespace {

Error system_error(const std::string& path, const char* doing) {
  std::string message = path + ": cannot " + doing + ": " + std::strerror(errno);
  return errno == ENOENT ? not_found(message + "; check the path, or fetch the model first") : failed_precondition(message);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));  // the mapping keeps the file alive
  if (!file.open()) return system_error(path, "open");
  return of(file.get(), path);
}

Result<MappedFile> MappedFile::of(int descriptor, const std::string& path) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0) return system_error(path, "read the size");
  if (!S_ISREG(info.st_mode)) return invalid_argument(path + ": expected a regular file");
  MappedFile mapped;
  auto ns = [](const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  mapped.stamp_ = {static_cast<uint64_t>(info.st_size), info.st_ino, ns(info.st_mtim), ns(info.st_ctim)};
  if (info.st_size == 0) return mapped;
  void* data = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return system_error(path, "map into memory");
  mapped.data_ = static_cast<const char*>(data);
  mapped.size_ = static_cast<size_t>(info.st_size);
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), stamp_(other.stamp_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(stamp_, other.stamp_);
  return *this;
}

void MappedFile::forget(std::span<const std::byte> part) const {
  const auto* begin = reinterpret_cast<const char*>(part.data());
  if (data_ == nullptr || begin < data_ || begin + part.size() > data_ + size_) return;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t from = (static_cast<size_t>(begin - data_) + page - 1) / page * page,
               to = static_cast<size_t>(begin - data_ + static_cast<ptrdiff_t>(part.size())) / page * page;
  if (from < to) ::madvise(const_cast<char*>(data_) + from, to - from, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace strata::format
