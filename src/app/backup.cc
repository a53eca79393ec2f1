#include "app/backup.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "app/wire.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "infra/archive/archive.h"
#include "infra/store/store.h"

namespace strata::app {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kVersion = 1;
constexpr uint64_t kManifestBytesMax = 1u << 30;
constexpr char kManifest[] = "manifest.json";

constexpr char kLock[] = "lock";         // of a data folder: infra/store makes and holds it while the folder is open
constexpr int kTries = 3;                // of a backup during which files went

// Removes a file or a folder of ours when it goes, unless it was kept.
class Leftover {
 public:
  explicit Leftover(std::string path) : path_(std::move(path)) {}
  ~Leftover() {
    std::error_code error;
    if (!kept_) fs::remove_all(path_, error);
  }
  Leftover(const Leftover&) = delete;
  Leftover& operator=(const Leftover&) = delete;
  const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  const std::string path_;
  bool kept_ = false;
};

// Without a slash at its end, so that a name can be made beside it.
std::string plain(const std::string& path) {
  std::string out = fs::absolute(path).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

// A rename that replaces nothing: EEXIST where `to` is there. Some file systems know no such rename: there a moment is left open.
int rename_to_new(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (access(to.c_str(), F_OK) == 0) return errno = EEXIST, -1;
  return rename(from.c_str(), to.c_str());
}

// A folder's own entries, and those of all folders in it, survive a crash.
Status sync_folders(const std::string& folder) {
  if (!sync_folder(folder)) return resource_exhausted("syncing " + folder + ": " + std::strerror(errno));
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::recursive_directory_iterator(); it.increment(error))
    if (it->is_directory() && !sync_folder(it->path().string())) return resource_exhausted("syncing " + it->path().string() + ": " + std::strerror(errno));
  return {};
}

bool is_sha256(std::string_view name) { return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos; }

// "files/ab/abcd…"
std::string name_of_file(const std::string& sha256) { return "files/" + sha256.substr(0, 2) + "/" + sha256; }
bool is_stored_file(std::string_view name) {
  return name.starts_with("files/") && name.size() == 73 && is_sha256(name.substr(9)) && name.substr(6, 2) == name.substr(9, 2) && name[8] == '/';
}

std::set<std::string> stored_files(const std::string& folder) {
  std::set<std::string> out;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder + "/files", error); !error && it != fs::recursive_directory_iterator(); it.increment(error))
    if (std::string name = it->path().filename().string(); is_sha256(name)) out.insert(std::move(name));
  return out;
}

Status write_bytes(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return resource_exhausted("writing " + path + ": " + std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

class Backup {
 public:
  Backup(const Context& context, const BackupOptions& options)
      : context_(context), options_(options), file_(plain(options.file)), partial_(file_ + "." + make_id("partial")) {}

  Result<BackupReport> operator()() {
    if (access(file_.c_str(), F_OK) == 0) return exists();
    TRY_ASSIGN(writer_, archive::Writer::create(partial_.path()));
    TRY(add_files());      // before the database …
    TRY(add_database("strata.db", true));
    if (options_.copied) options_.copied();
    TRY(add_files());      // … and after it: what came meanwhile
    TRY(check_named());
    if (access((options_.data_folder + "/telemetry.db").c_str(), R_OK) == 0) TRY(add_database("telemetry.db", false));
    for (const char* name : {"prices.toml", "strata.toml"}) TRY(add_where_there(name));
    if (options_.with_key) TRY(add_where_there("secret.key"));
    TRY(writer_->add_bytes(kManifest, manifest().dump()));
    TRY(writer_->finish());
    TRY(read_back());
    if (rename_to_new(partial_.path(), file_) != 0) {
      if (errno == EEXIST) return exists();
      return failed_precondition("placing " + options_.file + ": " + std::strerror(errno));
    }
    partial_.keep();
    sync_folder(fs::path(file_).parent_path().string());
    std::error_code error;
    report_.bytes = fs::file_size(file_, error);
    report_.files = added_.size();
    return report_;
  }
  // A file that the copied rows name and that is not there; empty: all are.
  const std::string& missing() const { return missing_; }

 private:
  Error exists() const { return {Code::kAlreadyExists, options_.file + " exists already: name another file, or remove it", "file", ""}; }

  Status add_files() {
    for (const std::string& sha256 : stored_files(options_.data_folder)) {
      if (added_.count(sha256)) continue;
      TRY(context_.check());
      auto added = writer_->add_file(name_of_file(sha256), options_.data_folder + "/" + name_of_file(sha256));
      if (!added && added.error().code == Code::kNotFound) continue;   // removed meanwhile: no row of the copy names it
      TRY(added);
      if (writer_->entries().back().sha256 != sha256)
        return data_loss("the stored file " + sha256 + " has other bytes than when it was written: the data folder is damaged");
      added_.insert(sha256);
    }
    return {};
  }

  Status add_database(const std::string& name, bool authoritative) {
    const Leftover copy(partial_.path() + "." + name);
    TRY(store::copy_database(context_, options_.data_folder + "/" + name, copy.path()));
    if (authoritative) {
      TRY(store::inspect_database(context_, copy.path(), [&](store::Reader& reader) {
        return reader.query("SELECT DISTINCT sha256 FROM files", {}, [&](const store::Row& row) { return named_.insert(row.text(0)), true; });
      }));
    }
    return writer_->add_file(name, copy.path());
  }

  Status check_named() {
    for (const std::string& sha256 : named_) {
      if (added_.count(sha256)) continue;
      missing_ = sha256;
      return data_loss("the stored file " + sha256 + ", which the database names, is missing from the data folder");
    }
    return {};
  }

  Status add_where_there(const std::string& name) {
    const std::string path = options_.data_folder + "/" + name;
    if (access(path.c_str(), F_OK) != 0) return {};
    TRY(writer_->add_file(name, path));
    report_.has_key |= name == "secret.key";
    return {};
  }

  Json manifest() const {
    Json files = Json::array();
    for (auto& entry : writer_->entries()) files.push(Json::object({{"name", entry.name}, {"bytes", entry.bytes}, {"sha256", entry.sha256}}));
    return Json::object({{"version", kVersion}, {"strata", options_.version}, {"created_ms", system_clock().unix_ms()}, {"files", std::move(files)}});
  }

  // What a disk gave back is what was meant.
  Status read_back() const {
    TRY_ASSIGN(auto source, archive::file_source(partial_.path()));
    TRY_ASSIGN(auto entries, archive::read(source, [](const archive::Entry&) -> Result<archive::Take> {
                 return archive::Take([](std::string_view) -> Status { return {}; });
               }));
    auto& wrote = writer_->entries();
    bool same = entries.size() == wrote.size();
    for (size_t i = 0; same && i < wrote.size(); ++i) same = entries[i].name == wrote[i].name && entries[i].sha256 == wrote[i].sha256;
    if (!same) return data_loss("reading the backup back gave other bytes than were written: the disk is not to be trusted");
    return {};
  }

  const Context& context_;
  const BackupOptions& options_;
  const std::string file_;
  Leftover partial_;
  std::unique_ptr<archive::Writer> writer_;
  std::set<std::string> added_, named_;
  std::string missing_;
  BackupReport report_;
};

class Restore {
 public:
  Restore(const Context& context, const RestoreOptions& options)
      : context_(context), options_(options), folder_(plain(options.data_folder)), making_(folder_ + "." + make_id("restoring")) {}

  Result<RestoreReport> operator()() {
    TRY(check_target());
    std::error_code failed;
    fs::create_directories(fs::path(folder_).parent_path(), failed);   // what fails here shows below
    if (mkdir(making_.path().c_str(), 0700) != 0) return failed_precondition("making " + making_.path() + ": " + std::strerror(errno));
    TRY_ASSIGN(auto source, archive::file_source(options_.file));
    TRY_ASSIGN(auto entries, archive::read(source, [this](const archive::Entry& entry) { return place(entry); }));
    TRY(close_current());
    TRY(compare(entries));
    TRY(store::migrate_database(context_, making_.path() + "/strata.db", all_migrations()));
    TRY(sync_folders(making_.path()));
    TRY(move_in());
    return report_;
  }

 private:
  // Asked before the folder is held: its lock is a file in it.
  bool target_is_empty() const {
    std::error_code error;
    for (auto it = fs::directory_iterator(folder_, error); !error && it != fs::directory_iterator(); it.increment(error))
      if (it->path().filename() != kLock) return false;
    return !error;
  }

  Status check_target() {
    there_ = access(folder_.c_str(), F_OK) == 0;
    if (!there_) return {};
    empty_ = target_is_empty();
    TRY(store::check_folder_free(folder_));   // says who has it
    held_ = Descriptor(::open((folder_ + "/" + kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!held_.open() || flock(held_.get(), LOCK_EX | LOCK_NB) != 0) return failed_precondition("the data folder " + options_.data_folder + " is in use");
    if (options_.replace || empty_) return {};
    return failed_precondition("the data folder " + options_.data_folder +
                               " is not empty: choose another with --data, or say --replace (it is moved aside, not removed)");
  }

  Status close_current() {
    if (current_ && fsync(current_->get()) != 0) return resource_exhausted("syncing the restored files: " + std::string(std::strerror(errno)));
    current_.reset();
    return {};
  }

  // Only the names that a backup has: nothing else is written, and nothing outside the folder.
  Result<archive::Take> place(const archive::Entry& entry) {
    static const std::set<std::string> kNames = {"strata.db", "telemetry.db", "secret.key", "prices.toml", "strata.toml"};
    if (entry.name == kManifest) {
      if (entry.bytes > kManifestBytesMax) return data_loss("the backup's list of files is impossibly long");
      return archive::Take([this](std::string_view piece) -> Status { return manifest_ += piece, Status(); });
    }
    const bool file = is_stored_file(entry.name);
    if (!file && !kNames.count(entry.name)) return data_loss("'" + entry.name + "' does not belong into a backup of Strata");
    report_.files += file;
    report_.has_key |= entry.name == "secret.key";
    const std::string path = making_.path() + "/" + entry.name;
    std::error_code failed;
    fs::create_directories(fs::path(path).parent_path(), failed);
    TRY(close_current());
    current_ = std::make_shared<Descriptor>(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!current_->open()) return failed_precondition("making " + path + ": " + std::strerror(errno));
    return archive::Take([file = current_, path](std::string_view piece) { return write_bytes(file->get(), path, piece); });
  }

  Status compare(const std::vector<archive::Entry>& entries) const {
    auto json = Json::parse(manifest_, {.bytes = kManifestBytesMax});
    if (!json) return data_loss("the backup's list of files is damaged: " + json.error().message);
    if ((*json)["version"] != Json(kVersion)) return failed_precondition("this backup was made by a newer program: restore it with that one");
    std::map<std::string, std::string> wanted;
    if (auto* files = (*json)["files"].as_array())
      for (auto& file : *files) {
        TRY_ASSIGN(std::string name, file["name"].to_string("name"));
        TRY_ASSIGN(wanted[name], file["sha256"].to_string("sha256"));
      }
    for (auto& entry : entries) {
      if (entry.name == kManifest) continue;
      auto found = wanted.find(entry.name);
      if (found == wanted.end() || found->second != entry.sha256)
        return data_loss("the backup is damaged: " + entry.name + " has other bytes than when it was made");
      wanted.erase(found);
    }
    if (!wanted.empty()) return data_loss("the backup is damaged: " + wanted.begin()->first + " is missing");
    return {};
  }

  // WHY the former folder is held until here: its server's next start finds either the former folder, in use, or the new one.
  Status move_in() {
    if (there_ && empty_) {
      unlink((folder_ + "/" + kLock).c_str());
      there_ = rmdir(folder_.c_str()) != 0;              // somebody put something into it: aside, then
    }
    const std::string aside = folder_ + ".before-" + std::to_string(system_clock().unix_ms());
    if (there_ && rename_to_new(folder_, aside) != 0) return failed_precondition("moving the former data folder aside: " + std::string(std::strerror(errno)));
    if (rename_to_new(making_.path(), folder_) != 0) {
      const std::string why = "placing the data folder: " + std::string(std::strerror(errno));
      if (there_ && rename_to_new(aside, folder_) != 0) return failed_precondition(why + "; the former one is now " + aside);
      return failed_precondition(why);
    }
    making_.keep();
    if (there_) report_.aside = aside;
    sync_folder(fs::path(folder_).parent_path().string());
    return {};
  }

  const Context& context_;
  const RestoreOptions& options_;
  const std::string folder_;
  Leftover making_;
  Descriptor held_{-1};                  // the former folder's lock
  bool there_ = false, empty_ = false;   // that one
  std::shared_ptr<Descriptor> current_;
  std::string manifest_;
  RestoreReport report_;
};

}  // namespace

Result<BackupReport> backup(const Context& context, const BackupOptions& options) {
  std::string missing;
  for (int i = 0; i < kTries; ++i) {
    Backup one(context, options);
    auto report = one();
    if (report || one.missing().empty() || one.missing() == missing) return report;   // named by two copies and never there: it is lost
    missing = one.missing();
  }
  return Error{Code::kAborted, "files come and go faster than they can be copied: try again", "", ""};
}
Result<RestoreReport> restore(const Context& context, const RestoreOptions& options) { return Restore(context, options)(); }

}  // namespace strata::app
