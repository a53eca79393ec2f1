// Which packed file is a model's, and what lies in the folders.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/crypto.h"
#include "base/log.h"
#include "model/packed/packed.h"
#include "model/packed/places.h"

namespace strata::packed {
namespace {

namespace fs = std::filesystem;

constexpr int kSamples = 64;
constexpr uint64_t kSampleBytes = 4096;
constexpr std::chrono::milliseconds kTick(20);          // more than a tick of the clock that stamps files (at most 10 ms)
constexpr std::chrono::hours kPartLives(1);             // a load that takes longer writes its file anew

// The descriptor of a regular file: what is none is not waited for (a FIFO would wait for its writer).
enum class Links { kFollow, kRefuse };   // as the path's last part
Descriptor open_regular(const std::string& path, Links links) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | (links == Links::kRefuse ? O_NOFOLLOW : 0)));
  struct stat info{};
  if (file.open() && ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode)) return Descriptor(file.release());
  return Descriptor(-1);
}

Result<format::MappedFile> map_regular(const std::string& path) {
  const Descriptor file = open_regular(path, Links::kFollow);
  if (!file.open()) return not_found("there is no file " + path);
  return format::MappedFile::of(file.get(), path);
}

// Whether each entry is a tensor of the model, as the model file describes it.
bool describes(const Table& table, const format::TensorDirectory& model) {
  return std::all_of(table.entries.begin(), table.entries.end(), [&](const Entry& entry) {
    const format::Tensor* tensor = model.find(entry.name);
    return tensor != nullptr && tensor->format == entry.format && tensor->shape == std::vector<uint64_t>{entry.rows, entry.cols};
  });
}

std::string why_stale(const Table& table) {
  auto model = map_regular(table.source);
  if (!model) return "its model file " + table.source + " is gone";
  return identity_of(*model) == table.identity ? "" : "its model file " + table.source + " has changed";
}

bool old_part(const fs::path& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - written > kPartLives;
}

}  // namespace

std::string identity_of(const format::MappedFile& model) {
  const format::MappedFile::Stamp& stamp = model.stamp();
  const auto age = std::chrono::system_clock::now().time_since_epoch() - std::chrono::nanoseconds(stamp.changed_ns);
  if (age >= age.zero() && age < kTick) std::this_thread::sleep_for(kTick - age);
  Sha256 hash;
  hash.update("strata packed 1 " + std::to_string(stamp.bytes) + " " + std::to_string(stamp.modified_ns) + " " + std::to_string(stamp.changed_ns) + " " +
              std::to_string(stamp.inode) + "\n");
  const std::string_view bytes = model.bytes();
  const uint64_t last = bytes.size() - std::min<uint64_t>(bytes.size(), kSampleBytes);
  for (int i = 0; i < kSamples; ++i) hash.update(bytes.substr(last / (kSamples - 1) * static_cast<uint64_t>(i), kSampleBytes));
  hash.update(bytes.substr(last));
  return hash.finish_hex();
}

Kept describe(const std::string& path) {
  Kept kept;
  kept.path = path;
  std::error_code error;
  kept.bytes = fs::file_size(path, error);
  if (fs::path(path).extension() == kPartSuffix) {
    kept.stale = "it was never finished";
    return kept;
  }
  const auto mapped = map_regular(kept.path);
  const Result<Table> table = mapped ? read_table(mapped->bytes(), kept.path) : Result<Table>(mapped.error());
  if (!table) {
    kept.stale = table.error().message;
    return kept;
  }
  kept.source = table->source;
  kept.model_sha256 = table->model_sha256;
  kept.stale = why_stale(*table);
  return kept;
}

std::string packed_name(const std::string& model_path, const std::string& identity) {
  return fs::path(model_path).filename().string() + "." + identity.substr(0, 16) + kPackedSuffix;
}

std::vector<std::string> folders_of(const Options& options, const std::string& model_path) {
  std::vector<std::string> folders = {fs::absolute(model_path).parent_path().string()};
  if (!options.cache_folder.empty()) folders.push_back(options.cache_folder);
  return folders;
}

Store::Store(const Options& options, std::string path, const format::TensorDirectory& model) : options_(options), path_(std::move(path)), model_(model) {
  if (!options_.keep || model_.file().bytes().empty()) return;
  identity_ = identity_of(model_.file());
  for (const std::string& folder : folders_of(options_, path_)) {
    if (adopt(folder + "/" + packed_name(path_, identity_))) return;
  }
}

bool Store::adopt(const std::string& path) {
  Descriptor file = open_regular(path, Links::kRefuse);
  if (!file.open()) return false;
  const auto mapped = format::MappedFile::of(file.get(), path);
  const Result<Table> table = mapped ? read_table(mapped->bytes(), path) : Result<Table>(mapped.error());
  if (!table || table->identity != identity_ || !describes(*table, model_)) {
    log::warning("model.packed_ignored", {{"file", path}, {"message", table ? "it is of another model" : table.error().message}});
    return false;
  }
  table_ = *table;
  if (!table_.model_sha256.empty()) sha256_ = table_.model_sha256;
  file_bytes_ = mapped->bytes().size();
  file_ = std::move(file);
  return true;
}

std::vector<Kept> list(const std::vector<std::string>& folders) {
  std::vector<Kept> out;
  std::error_code error;
  auto look = [&](const fs::path& path) {
    const bool part = path.extension() == kPartSuffix && path.stem().extension() == kPackedSuffix && old_part(path);
    if (part || path.extension() == kPackedSuffix) out.push_back(describe(path.string()));
  };
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.is_regular_file(error)) look(entry.path());
      if (!entry.is_directory(error)) continue;
      for (const auto& inner : fs::directory_iterator(entry.path(), error))
        if (inner.is_regular_file(error)) look(inner.path());
    }
  }
  std::sort(out.begin(), out.end(), [](const Kept& a, const Kept& b) { return a.path < b.path; });
  out.erase(std::unique(out.begin(), out.end(), [](const Kept& a, const Kept& b) { return a.path == b.path; }), out.end());
  return out;
}

}  // namespace strata::packed
