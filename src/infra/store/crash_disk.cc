#include "infra/store/crash_for_test.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "base/check.h"
#include "base/random.h"

namespace strata::store {
namespace {

struct Change {
  int64_t offset = 0;
  std::string before, after;      // `before` is what was there, which may be shorter
  int64_t size_before = 0;
  int64_t truncate_to = -1;       // a truncation instead of a write
};

}  // namespace

struct CrashDisk::State {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::string name = make_id("disk");
  std::mutex mutex;               // guards unsynced
  std::map<std::string, std::vector<Change>> unsynced;
  std::atomic<bool> crashed{false};
  std::atomic<int64_t> syncs{0}, crash_at{INT64_MAX};
};

namespace {

struct File {
  sqlite3_file base;
  CrashDisk::State* disk;
  bool watched;                   // databases and logs; the shared-memory index is rebuilt from them
  char path[512];
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File* file_of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }

int64_t size_of(File* file) {
  sqlite3_int64 size = 0;
  CHECK(file->real()->pMethods->xFileSize(file->real(), &size) == SQLITE_OK);
  return size;
}

std::string bytes_at(File* file, int64_t offset, int64_t length) {
  int64_t size = size_of(file);
  std::string bytes(static_cast<size_t>(std::max<int64_t>(0, std::min(length, size - offset))), 0);
  if (!bytes.empty()) CHECK(file->real()->pMethods->xRead(file->real(), bytes.data(), static_cast<int>(bytes.size()), offset) == SQLITE_OK);
  return bytes;
}

void remember(File* file, Change change) {
  if (!file->watched) return;
  std::lock_guard lock(file->disk->mutex);
  file->disk->unsynced[file->path].push_back(std::move(change));
}

int on_close(sqlite3_file* f) { return file_of(f)->real()->pMethods->xClose(file_of(f)->real()); }
int on_read(sqlite3_file* f, void* to, int count, sqlite3_int64 at) { return file_of(f)->real()->pMethods->xRead(file_of(f)->real(), to, count, at); }
int on_write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  File* file = file_of(f);
  if (file->disk->crashed) return SQLITE_IOERR_WRITE;
  if (file->watched)
    remember(file, {.offset = at,
                    .before = bytes_at(file, at, count),
                    .after = std::string(static_cast<const char*>(from), static_cast<size_t>(count)),
                    .size_before = size_of(file)});
  return file->real()->pMethods->xWrite(file->real(), from, count, at);
}
int on_truncate(sqlite3_file* f, sqlite3_int64 size) {
  File* file = file_of(f);
  if (file->disk->crashed) return SQLITE_IOERR_TRUNCATE;
  int64_t before = size_of(file);
  if (file->watched) remember(file, {.offset = size, .before = bytes_at(file, size, before - size), .after = "", .size_before = before, .truncate_to = size});
  return file->real()->pMethods->xTruncate(file->real(), size);
}
int on_sync(sqlite3_file* f, int) {
  File* file = file_of(f);
  if (++file->disk->syncs >= file->disk->crash_at) file->disk->crashed = true;
  if (file->disk->crashed) return SQLITE_IOERR_FSYNC;
  std::lock_guard lock(file->disk->mutex);
  file->disk->unsynced.erase(file->path);   // the machine itself stays up, so the real fsync is left out
  return SQLITE_OK;
}
int on_size(sqlite3_file* f, sqlite3_int64* size) { return file_of(f)->real()->pMethods->xFileSize(file_of(f)->real(), size); }
int on_lock(sqlite3_file* f, int level) { return file_of(f)->real()->pMethods->xLock(file_of(f)->real(), level); }
int on_unlock(sqlite3_file* f, int level) { return file_of(f)->real()->pMethods->xUnlock(file_of(f)->real(), level); }
int on_check(sqlite3_file* f, int* out) { return file_of(f)->real()->pMethods->xCheckReservedLock(file_of(f)->real(), out); }
int on_control(sqlite3_file* f, int op, void* arg) {
  if (op == SQLITE_FCNTL_MMAP_SIZE || op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_NOTFOUND;  // every write passes on_write
  return file_of(f)->real()->pMethods->xFileControl(file_of(f)->real(), op, arg);
}
int on_sector(sqlite3_file* f) { return file_of(f)->real()->pMethods->xSectorSize(file_of(f)->real()); }
int on_device(sqlite3_file*) { return 0; }   // no promises of the disk about atomic or ordered writes
int on_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return file_of(f)->real()->pMethods->xShmMap(file_of(f)->real(), page, size, extend, out);
}
int on_shm_lock(sqlite3_file* f, int offset, int n, int flags) { return file_of(f)->real()->pMethods->xShmLock(file_of(f)->real(), offset, n, flags); }
void on_barrier(sqlite3_file* f) { file_of(f)->real()->pMethods->xShmBarrier(file_of(f)->real()); }
int on_unmap(sqlite3_file* f, int remove) { return file_of(f)->real()->pMethods->xShmUnmap(file_of(f)->real(), remove); }

const sqlite3_io_methods kMethods = {2,          on_close,  on_read,   on_write, on_truncate, on_sync,    on_size,  on_lock, on_unlock, on_check,
                                     on_control, on_sector, on_device, on_map,   on_shm_lock, on_barrier, on_unmap, nullptr, nullptr};

int on_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* f, int flags, int* out) {
  auto* disk = static_cast<CrashDisk::State*>(vfs->pAppData);
  File* file = file_of(f);
  file->base.pMethods = nullptr;
  int code = disk->real->xOpen(disk->real, path, file->real(), flags, out);
  if (code != SQLITE_OK) return code;
  file->disk = disk;
  file->watched = path != nullptr && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
  CHECK(path == nullptr || std::strlen(path) < sizeof(file->path));
  std::strcpy(file->path, path ? path : "");
  file->base.pMethods = &kMethods;
  return SQLITE_OK;
}
int on_delete(sqlite3_vfs* vfs, const char* path, int sync) {
  auto* disk = static_cast<CrashDisk::State*>(vfs->pAppData);
  if (disk->crashed) return SQLITE_IOERR_DELETE;
  {
    std::lock_guard lock(disk->mutex);
    disk->unsynced.erase(path);
  }
  return disk->real->xDelete(disk->real, path, sync);
}

void put_back(const std::string& path, const std::vector<Change>& changes, Random& random, double survive) {
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  auto put = [&](const std::string& bytes, int64_t offset) {
    if (!bytes.empty()) CHECK(::pwrite(fd, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size()));
  };
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    put(change->before, change->offset);
    CHECK(::ftruncate(fd, change->size_before) == 0);
  }
  for (const Change& change : changes) {
    if (random.uniform() >= survive) continue;
    if (change.truncate_to >= 0) CHECK(::ftruncate(fd, change.truncate_to) == 0);
    else put(change.after, change.offset);
  }
  ::close(fd);
}

}  // namespace

CrashDisk::CrashDisk() : state_(std::make_unique<State>()) {
  state_->real = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->real;
  state_->vfs.iVersion = 1;
  state_->vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->real->szOsFile;
  state_->vfs.pNext = nullptr;
  state_->vfs.zName = state_->name.c_str();
  state_->vfs.pAppData = state_.get();
  state_->vfs.xOpen = on_open;
  state_->vfs.xDelete = on_delete;
  // The other calls take their own vfs' pAppData (the system's finder of I/O methods), so they must see the system's.
  state_->vfs.xAccess = [](sqlite3_vfs* vfs, const char* path, int flags, int* out) {
    auto* real = static_cast<State*>(vfs->pAppData)->real;
    return real->xAccess(real, path, flags, out);
  };
  state_->vfs.xFullPathname = [](sqlite3_vfs* vfs, const char* path, int size, char* out) {
    auto* real = static_cast<State*>(vfs->pAppData)->real;
    return real->xFullPathname(real, path, size, out);
  };
  CHECK(sqlite3_vfs_register(&state_->vfs, 0) == SQLITE_OK);
}

CrashDisk::~CrashDisk() { sqlite3_vfs_unregister(&state_->vfs); }

const std::string& CrashDisk::name() const { return state_->name; }
void CrashDisk::crash_after(int64_t syncs) { state_->crash_at = state_->syncs + syncs; }
void CrashDisk::crash() { state_->crashed = true; }
bool CrashDisk::crashed() const { return state_->crashed; }
int64_t CrashDisk::syncs() const { return state_->syncs; }

void CrashDisk::forget(uint64_t seed, double survive) {
  Random random(seed);
  std::lock_guard lock(state_->mutex);
  for (const auto& [path, changes] : state_->unsynced) put_back(path, changes, random, survive);
  state_->unsynced.clear();
  state_->crash_at = INT64_MAX;
  state_->crashed = false;
}

}  // namespace strata::store
