#include "infra/store/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/check.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/random.h"
#include "infra/store/store.h"

namespace strata::store {
namespace {

namespace fs = std::filesystem;

Status sync(const std::string& folder) {
  if (!sync_folder(folder)) return file_error(errno, "syncing the folder", folder);
  return {};
}

Status make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return file_error(errno, "making the folder", path);
  return {};
}

Descriptor make_file(const std::string& path) { return Descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)); }

Status write_all(const Descriptor& file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t wrote = write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return file_error(wrote < 0 ? errno : ENOSPC, "writing the file", path);
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

Status sync_file(const Descriptor& file, const std::string& path) {
  if (fsync(file.get()) != 0) return file_error(errno, "syncing the file", path);
  return {};
}

Status write_synced(const std::string& path, std::string_view bytes) {
  const Descriptor file = make_file(path);
  if (file.get() < 0) return file_error(errno, "making the file", path);
  TRY(write_all(file, path, bytes));
  return sync_file(file, path);
}

Result<std::string> read_whole(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) return file_error(errno, "reading the file", path);
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t got = read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(errno, "reading the file", path);
    if (got == 0) return data_loss("the stored file " + path + " is cut short");
    done += static_cast<size_t>(got);
  }
  return bytes;
}

bool is_sha256(std::string_view name) {
  return name.size() == 64 && std::all_of(name.begin(), name.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool is_disk_full(int number) { return number == ENOSPC || number == EDQUOT || number == EFBIG; }

Error disk_full(std::string_view doing) {
  return resource_exhausted("the disk is full (" + std::string(doing) + "): free some space and try again", kDiskFull);
}

Error file_error(int number, const std::string& doing, const std::string& path) {
  if (is_disk_full(number)) return disk_full(doing + " " + path);
  std::string message = doing + " " + path + ": " + std::strerror(number);
  if (number == ENOENT) return not_found(message);
  if (number == EACCES || number == EPERM || number == EROFS) return failed_precondition(message + "; check the owner and the permissions");
  return internal_error(message);
}

Status prepare_folder(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(fs::path(folder).parent_path(), failed);  // what fails here shows below
  if (mkdir(folder.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return file_error(errno, "making the data folder", folder);
  struct stat info{};
  if (stat(folder.c_str(), &info) != 0) return file_error(errno, "looking at the data folder", folder);
  if (!S_ISDIR(info.st_mode)) return failed_precondition("the data folder " + folder + " is not a folder: choose another");
  if (geteuid() != 0 && info.st_uid != geteuid())
    return failed_precondition("the data folder " + folder + " belongs to another user: choose another, or change its owner");
  if ((info.st_mode & 077) == 0) return {};
  if (info.st_mode & S_ISVTX) return failed_precondition("the data folder " + folder + " is shared between users: choose a folder of its own");
  if (chmod(folder.c_str(), 0700) != 0) return file_error(errno, "closing the data folder to others", folder);
  return {};
}

Result<std::unique_ptr<FolderLock>> FolderLock::take(const std::string& folder) {
  std::string path = folder + "/lock";
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return file_error(errno, "making the lock", path);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    char text[32] = {};
    ssize_t size = pread(file.get(), text, sizeof text - 1, 0);
    std::string pid(text, size > 0 ? static_cast<size_t>(size) : 0);
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return failed_precondition("the data folder " + folder + " is in use by process " + (pid.empty() ? "(unknown)" : pid) +
                               ": stop it, or start this one with another --data folder");
  }
  std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file.get(), 0) != 0 || pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return file_error(errno, "writing the lock", path);
  return std::unique_ptr<FolderLock>(new FolderLock(file.release()));
}

FolderLock::~FolderLock() { close(fd_); }

Result<std::unique_ptr<Files>> Files::open(const std::string& folder) {
  auto files = std::unique_ptr<Files>(new Files(folder + "/files"));
  TRY(make_folder(files->root_));
  std::error_code failed;
  fs::remove_all(files->root_ + "/tmp", failed);  // what a killed process left
  TRY(make_folder(files->root_ + "/tmp"));
  TRY(sync(folder));
  return files;
}

std::string Files::path(const std::string& sha256) const { return root_ + "/" + sha256.substr(0, 2) + "/" + sha256; }

bool Files::has(const std::string& sha256) const { return is_sha256(sha256) && access(path(sha256).c_str(), F_OK) == 0; }

Result<std::string> Files::put(std::string_view bytes) const {
  const std::string name = sha256_hex(bytes), temporary = root_ + "/tmp/" + make_id("put");
  if (!has(name)) {
    if (auto written = write_synced(temporary, bytes); !written) {
      unlink(temporary.c_str());
      return std::move(written.error());
    }
  }
  return place(temporary, name);
}

Result<std::string> Files::place(const std::string& temporary, const std::string& name) const {
  const std::string shelf = root_ + "/" + name.substr(0, 2);
  Status status;
  if (!has(name)) {
    status = make_folder(shelf);
    if (status && rename(temporary.c_str(), path(name).c_str()) != 0) status = file_error(errno, "placing the file", path(name));
  }
  unlink(temporary.c_str());   // where it was there already, or could not be placed
  TRY(status);
  // An existing file may have been renamed by another thread that has not synced the folder yet: sync in any case.
  TRY(sync(shelf));
  TRY(sync(root_));
  return name;
}

class Files::Growing : public NewFile {
 public:
  Growing(const Files& files, std::string path, Descriptor file) : files_(files), path_(std::move(path)), file_(std::move(file)) {}
  ~Growing() override {
    if (!kept_) unlink(path_.c_str());
  }
  Status write(std::string_view bytes) override {
    TRY(write_all(file_, path_, bytes));
    hash_.update(bytes);
    size_ += static_cast<int64_t>(bytes.size());
    return {};
  }
  Result<std::string> keep() override {
    CHECK(!kept_);
    TRY(sync_file(file_, path_));
    kept_ = true;
    return files_.place(path_, hash_.finish_hex());
  }
  int64_t size() const override { return size_; }

 private:
  const Files& files_;
  const std::string path_;
  const Descriptor file_;
  Sha256 hash_;
  int64_t size_ = 0;
  bool kept_ = false;
};

Result<std::unique_ptr<NewFile>> Files::begin() const {
  std::string path = root_ + "/tmp/" + make_id("put");
  Descriptor file = make_file(path);
  if (file.get() < 0) return file_error(errno, "making the file", path);
  return std::make_unique<Growing>(*this, std::move(path), std::move(file));
}

Result<std::string> Files::get(const std::string& sha256) const {
  if (!is_sha256(sha256)) return not_found("no stored file has the name " + sha256.substr(0, 80) + ": expected a SHA-256");
  TRY_ASSIGN(std::string bytes, read_whole(path(sha256)));
  if (sha256_hex(bytes) != sha256) return data_loss("the stored file " + sha256 + " has other bytes than when it was written");
  return bytes;
}

Status Files::remove(const std::string& sha256) const {
  CHECK(is_sha256(sha256));
  if (unlink(path(sha256).c_str()) != 0 && errno != ENOENT) return file_error(errno, "removing the file", path(sha256));
  return {};
}

Result<std::vector<std::string>> Files::list() const {
  std::vector<std::string> names;
  std::error_code failed;
  for (auto it = fs::recursive_directory_iterator(root_, failed); !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
    std::string name = it->path().filename().string();
    if (is_sha256(name)) names.push_back(std::move(name));
  }
  if (failed) return file_error(failed.value(), "listing the files in", root_);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace strata::store
