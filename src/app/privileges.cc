#include "app/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/log.h"

namespace strata::app {
namespace {

namespace fs = std::filesystem;

const passwd* find_user(const std::string& user) {
  if (!user.empty()) return getpwnam(user.c_str());
  const passwd* found = getpwnam("strata");
  return found ? found : getpwnam("nobody");
}

Error system_error(const std::string& what) { return failed_precondition(what + ": " + std::strerror(errno)); }

// Files that root made in the data folder (by an earlier command) become the user's; symbolic links are not followed.
Status give_folder(const std::string& folder, uid_t uid, gid_t gid) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return failed_precondition("the data folder " + folder + " cannot be made: " + error.message());
  if (lchown(folder.c_str(), uid, gid) != 0 || chmod(folder.c_str(), 0700) != 0) return system_error("the data folder " + folder);
  for (auto& entry : fs::recursive_directory_iterator(folder, error))
    if (lchown(entry.path().c_str(), uid, gid) != 0) return system_error(entry.path().string());
  return {};
}

Status copy_workers(const std::string& from, const std::string& into) {
  std::error_code error;
  fs::create_directories(into, error);
  for (const char* name : {"strata-parse", "strata-parse-pdf", "strata-sql", "strata-postgres", "strata-sandbox"}) {
    // Without its worker a tool says so when it is called.
    if (std::string_view(name).find("parse") == std::string_view::npos && !fs::exists(from + "/" + name, error)) continue;
    fs::copy_file(from + "/" + name, into + "/" + name, fs::copy_options::overwrite_existing, error);
    if (error) return failed_precondition("the worker " + std::string(name) + " cannot be copied to " + into + ": " + error.message());
  }
  return {};
}

// Whether `user` can walk to `folder`: every folder above must let others (or its group) search.
bool reachable(const std::string& folder, uid_t uid, gid_t gid) {
  for (fs::path at = fs::absolute(folder);; at = at.parent_path()) {
    struct stat info{};
    if (stat(at.c_str(), &info) != 0) return false;
    mode_t needed = info.st_uid == uid ? S_IXUSR : info.st_gid == gid ? S_IXGRP : S_IXOTH;
    if (!(info.st_mode & needed)) return false;
    if (at == at.root_path()) return true;
  }
}

}  // namespace

Status drop_privileges(const std::string& user, const std::string& data_folder, std::string& workers) {
  if (geteuid() != 0) return {};
  const passwd* target = find_user(user);
  if (!target || target->pw_uid == 0)
    return failed_precondition("server.user: expected an unprivileged user that exists, got '" + (user.empty() ? "nobody" : user) + "'");
  uid_t uid = target->pw_uid;
  gid_t gid = target->pw_gid;
  std::string name = target->pw_name;
  TRY(give_folder(data_folder, uid, gid));
  if (!reachable(data_folder, uid, gid))
    return failed_precondition("the data folder " + data_folder + " lies where the user '" + name + "' cannot reach it: choose another with --data");
  if (!reachable(workers, uid, gid)) {
    std::string copy = data_folder + "/bin";
    TRY(copy_workers(workers, copy));
    workers = copy;
  }
  if (setgroups(0, nullptr) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) return system_error("becoming the user '" + name + "'");
  if (setresuid(0, 0, 0) == 0) return internal_error("root could be regained after it was given up");
  log::info("privileges.dropped", {{"user", name}});
  return {};
}

}  // namespace strata::app
