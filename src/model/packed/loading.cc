// One load: reading from the packed file, or writing it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "model/packed/packed.h"
#include "model/packed/places.h"
#include "model/packed/table.h"

namespace strata::packed {
namespace {

namespace fs = std::filesystem;

// A mapping of a part of a file, read-only and shared with every process that maps it.
class Mapping {
 public:
  static std::shared_ptr<const Mapping> make(int fd, uint64_t offset, uint64_t bytes) {
    const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    const uint64_t from = offset / page * page, size = offset - from + bytes;
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(from));
    if (data == MAP_FAILED) return nullptr;
    return std::shared_ptr<const Mapping>(new Mapping(data, size, offset - from));
  }
  ~Mapping() { ::munmap(data_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_) + skip_, size_ - skip_}; }
  void will_need() const { (void)::madvise(data_, size_, MADV_WILLNEED); }

 private:
  Mapping(void* data, uint64_t size, uint64_t skip) : data_(data), size_(size), skip_(skip) {}
  void* data_;
  uint64_t size_, skip_;
};

bool write_at(int fd, std::span<const std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return true;
}
bool write_at(int fd, std::string_view text, uint64_t offset) { return write_at(fd, std::as_bytes(std::span(text.data(), text.size())), offset); }

// Of the whole mapped file, giving its memory back on the way.
std::string hash_of(const format::MappedFile& file, const std::atomic<bool>& abandoned) {
  constexpr size_t kPiece = 4u << 20;
  Sha256 hash;
  const std::string_view bytes = file.bytes();
  for (size_t at = 0; at < bytes.size() && !abandoned.load(); at += kPiece) {
    const std::string_view piece = bytes.substr(at, kPiece);
    hash.update(piece);
    file.forget(std::as_bytes(std::span(piece.data(), piece.size())));
  }
  return hash.finish_hex();
}

// A new file in `folder` that nobody else writes, or why not.
Result<Descriptor> create_part(const std::string& folder, const std::string& path, uint64_t needed, uint64_t spare) {
  std::error_code error;
  const auto space = fs::space(folder, error);
  if (error) return failed_precondition(folder + " cannot be written: " + error.message());
  if (space.available < needed || space.available - needed < spare) {
    return resource_exhausted("the packed weights need " + human_bytes(needed) + " of disk and " + human_bytes(spare) + " to spare, but " + folder + " has " +
                              human_bytes(space.available));
  }
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file.open()) return failed_precondition(folder + " cannot be written: " + std::strerror(errno));
  return Result<Descriptor>(std::move(file));
}

// Other packed files of this model file: it was another file then.
void remove_earlier(const std::string& folder, const std::string& kept, const std::string& source) {
  std::error_code error;
  const std::string begins = fs::path(source).filename().string() + ".";
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string path = entry.path().string();
    if (path == kept || entry.path().extension() != kPackedSuffix || !entry.path().filename().string().starts_with(begins)) continue;
    const Kept other = describe(path);
    if (other.source == source && !other.stale.empty()) ::unlink(path.c_str());
  }
}

}  // namespace

struct Loading::Reading {
  std::shared_ptr<const Mapping> mapping;
  std::map<std::string_view, const Entry*> entries;
};

struct Loading::Writing {
  Descriptor file{-1};
  std::string folder, part, path;
  Table table;
  uint64_t end = kHeaderBytes;
  bool failed = false;
  std::atomic<bool> abandoned{false};
  std::thread hasher;   // sets table.model_sha256

  ~Writing() {
    abandoned.store(true);
    if (hasher.joinable()) hasher.join();
    if (!part.empty()) ::unlink(part.c_str());
  }
};

uint64_t packed_file_bytes(const format::TensorDirectory& model) {
  uint64_t bytes = aligned(kHeaderBytes);
  for (const format::Tensor& tensor : model.tensors()) {
    if (tensor.shape.size() != 2 || !tensor.format) continue;
    const auto packed = compute::Matrix::packed_bytes(*tensor.format, tensor.shape[0], tensor.shape[1]);
    if (packed) bytes += aligned(*packed) + tensor.name.size() + 64;
  }
  return bytes;
}

Loading::Loading(Store& store) : store_(store) {}
Loading::~Loading() = default;

std::unique_ptr<Loading> Store::begin(const std::string& known_sha256) {
  std::unique_ptr<Loading> loading(new Loading(*this));
  if (!options_.keep || identity_.empty()) return loading;
  if (found()) {
    auto reading = std::make_unique<Loading::Reading>();
    struct stat info{};
    if (::fstat(file_.get(), &info) == 0 && static_cast<uint64_t>(info.st_size) == file_bytes_) reading->mapping = Mapping::make(file_.get(), 0, file_bytes_);
    if (!reading->mapping) return loading;
    reading->mapping->will_need();
    for (const Entry& entry : table_.entries) reading->entries[entry.name] = &entry;
    loading->reading_ = std::move(reading);
    return loading;
  }
  auto writing = std::make_unique<Loading::Writing>();
  std::string why;
  for (const std::string& folder : folders_of(options_, path_)) {
    if (folder == options_.cache_folder) {
      std::error_code error;
      if (fs::create_directories(folder, error)) fs::permissions(folder, fs::perms::owner_all, error);
    }
    writing->path = folder + "/" + packed_name(path_, identity_);
    const std::string part = writing->path + "." + random_token(6) + kPartSuffix;
    auto file = create_part(folder, part, packed_file_bytes(model_), options_.disk_spare_bytes);
    if (!file) {
      why += (why.empty() ? "" : "; ") + file.error().message;
      continue;
    }
    writing->file = std::move(*file);
    writing->folder = folder;
    writing->part = part;
    break;
  }
  if (!writing->file.open()) {
    log::warning("model.packed_not_kept", {{"model", path_}, {"message", why + "; the weights are repacked in memory at each start"}});
    return loading;
  }
  writing->table.identity = identity_;
  writing->table.source = fs::absolute(path_).lexically_normal().string();
  writing->table.model_sha256 = known_sha256;
  if (known_sha256.empty()) writing->hasher = std::thread([this, to = writing.get()] { to->table.model_sha256 = hash_of(model_.file(), to->abandoned); });
  loading->writing_ = std::move(writing);
  return loading;
}

std::optional<compute::Matrix> Loading::find(const format::Tensor& tensor) {
  if (!reading_) return std::nullopt;
  const auto found = reading_->entries.find(tensor.name);
  if (found == reading_->entries.end()) return std::nullopt;
  const Entry& entry = *found->second;
  auto matrix =
      compute::Matrix::of_packed(entry.format, entry.rows, entry.cols, reading_->mapping->bytes().subspan(entry.offset, entry.bytes), reading_->mapping);
  if (!matrix) return std::nullopt;
  return std::move(*matrix);
}

compute::Matrix Loading::keep(const std::string& name, compute::Matrix matrix) {
  if (!writing_ || writing_->failed) return matrix;
  const uint64_t offset = aligned(writing_->end);
  const std::span<const std::byte> bytes = matrix.packed_data();
  std::shared_ptr<const Mapping> mapping;
  if (write_at(writing_->file.get(), bytes, offset)) mapping = Mapping::make(writing_->file.get(), offset, bytes.size());
  auto mapped = mapping ? compute::Matrix::of_packed(matrix.format(), matrix.rows(), matrix.cols(), mapping->bytes(), mapping)
                        : Result<compute::Matrix>(failed_precondition(writing_->part + " cannot be written: " + std::strerror(errno)));
  if (!mapped) {
    writing_->failed = true;
    log::warning("model.packed_not_kept", {{"model", store_.path_}, {"message", mapped.error().message}});
    return matrix;
  }
  writing_->table.entries.push_back({name, matrix.format(), matrix.rows(), matrix.cols(), offset, bytes.size()});
  writing_->end = offset + bytes.size();
  return std::move(*mapped);
}

Status Loading::finish() {
  if (!writing_) return {};
  Writing& w = *writing_;
  if (w.hasher.joinable()) w.hasher.join();
  store_.sha256_ = w.table.model_sha256;
  // What was written and mapped so far is held by the matrices; it is whole only once it has reached the disk without an error.
  const std::string table = table_bytes(w.table);
  const bool whole = !w.failed && write_at(w.file.get(), table, w.end) && write_at(w.file.get(), header_bytes(w.table, w.end, table), 0);
  if (::fsync(w.file.get()) != 0) return data_loss(w.part + " cannot be written to disk: " + std::strerror(errno));
  if (!whole) return {};
  if (::rename(w.part.c_str(), w.path.c_str()) != 0) {
    log::warning("model.packed_not_kept", {{"model", store_.path_}, {"message", w.path + ": " + std::strerror(errno)}});
    return {};
  }
  w.part.clear();
  (void)sync_folder(w.folder);
  log::info("model.packed_kept", {{"model", store_.path_}, {"file", w.path}, {"bytes", w.end + table.size()}});
  remove_earlier(w.folder, w.path, w.table.source);
  store_.adopt(w.path);
  return {};
}

}  // namespace strata::packed
