// Backup and restore of a data folder: one tar file, made while a server serves or not, checked by reading it back.
//
//   strata.db       a consistent copy (SQLite's online backup), integrity checked
//   telemetry.db    the same of the traces, where there are any
//   files/ab/…      every stored file; each is checked against its name, which is its SHA-256
//   secret.key      the key of the sealed secrets, unless left out; prices.toml, strata.toml where there are any
//   manifest.json   {"version": 1, "strata", "created_ms", "files": [{"name", "bytes", "sha256"}]}, last
//
// Files are copied before and after the database: one that a row names was there when the row was read, whatever is written or removed
// meanwhile; that all of them are in the archive is checked against the copied rows. (A file that came and went in between begins the
// backup anew.)
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/context.h"
#include "base/status.h"

namespace strata::app {

struct BackupOptions {
  std::string data_folder, file;
  bool with_key = true;
  std::string version;                 // of this program
  std::function<void()> copied;        // called each time the database was copied; for tests of what happens meanwhile
};
struct BackupReport {
  uint64_t bytes = 0;
  size_t files = 0;                    // stored files in it
  bool has_key = false;
};
// kAlreadyExists where `file` is there, also where it came meanwhile; kAborted where files come and go too fast; kDataLoss where one that
// the database names is missing or has other bytes. It is made beside it, under FILE.partial-… (removed where it fails).
Result<BackupReport> backup(const Context& context, const BackupOptions& options);

struct RestoreOptions {
  std::string file, data_folder;
  bool replace = false;                // what is in the folder is moved aside
};
struct RestoreReport {
  size_t files = 0;
  std::string aside;                   // where the former folder went; empty: there was none
  bool has_key = false;
};
// All or nothing: the folder appears whole, after every hash, the database's integrity and its schema were checked (migrated where it is
// older; a newer one is refused), under DATA.restoring-… until then. Nobody can use a former folder meanwhile, and it stays what it was
// where anything fails. kFailedPrecondition: the folder is in use, or not empty without `replace`; kDataLoss: a damaged archive.
Result<RestoreReport> restore(const Context& context, const RestoreOptions& options);

}  // namespace strata::app
