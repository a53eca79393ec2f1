// Content-addressed files, and the data folder itself (permissions, lock). Only this folder includes it.
//
//   files/ab/abcdef…   the bytes whose SHA-256 is abcdef…; never changed once there
//   files/tmp/…        being written; emptied at start
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "infra/store/store.h"

namespace strata::store {

// Whether an errno means that there is no room (the disk, a quota, a size limit).
bool is_disk_full(int number);
Error disk_full(std::string_view doing);
// The errno as an Error: disk full, not found, permissions, or internal.
Error file_error(int number, const std::string& doing, const std::string& path);

// Makes the folder where absent and takes group's and others' rights off it. Refused: a folder of another user, a shared (sticky) one.
Status prepare_folder(const std::string& folder);

// Held while it lives: no second process (or store) uses the folder. The kernel drops it when the process dies, however it dies.
class FolderLock {
 public:
  static Result<std::unique_ptr<FolderLock>> take(const std::string& folder);
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

class Files {
 public:
  static Result<std::unique_ptr<Files>> open(const std::string& folder);
  // THREADS: safe.
  Result<std::string> put(std::string_view bytes) const;
  Result<std::unique_ptr<NewFile>> begin() const;   // while the Files live
  Result<std::string> get(const std::string& sha256) const;
  bool has(const std::string& sha256) const;
  Status remove(const std::string& sha256) const;
  Result<std::vector<std::string>> list() const;
  std::string path(const std::string& sha256) const;

 private:
  class Growing;
  // A synced file of the folder tmp becomes the one of this name, or goes away.
  Result<std::string> place(const std::string& temporary, const std::string& name) const;
  explicit Files(std::string root) : root_(std::move(root)) {}
  std::string root_;  // folder/files
};

}  // namespace strata::store
