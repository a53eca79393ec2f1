#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace strata {
namespace {

bool write_whole(const std::string& path, std::string_view bytes, unsigned mode) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.open()) return false;
  while (!bytes.empty()) {
    const ssize_t wrote = write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return fsync(file.get()) == 0;
}

// What root replaces stays its owner's: the server of a data folder, which is not root, reads it afterwards.
bool keep_owner(const std::string& path, const std::string& folder, const std::string& fresh) {
  struct stat owner{};
  if (geteuid() != 0 || (stat(path.c_str(), &owner) != 0 && stat(folder.c_str(), &owner) != 0)) return true;
  return chown(fresh.c_str(), owner.st_uid, owner.st_gid) == 0;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

bool sync_folder(const std::string& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.open() && fsync(opened.get()) == 0;
}

Status replace_file(const std::string& path, std::string_view bytes, unsigned mode) {
  const std::string fresh = path + ".new";
  const size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  unlink(fresh.c_str());   // what a crash left
  if (write_whole(fresh, bytes, mode) && keep_owner(path, folder, fresh) && rename(fresh.c_str(), path.c_str()) == 0 && sync_folder(folder)) return {};
  const int why = errno;
  unlink(fresh.c_str());
  const std::string message = path + " cannot be written: " + std::strerror(why);
  return why == ENOSPC || why == EDQUOT ? resource_exhausted(message + ": make room and try again") : failed_precondition(message);
}

}  // namespace strata
