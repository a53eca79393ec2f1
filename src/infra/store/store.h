// infra/store: the data folder. SQLite (WAL) holds the authoritative state in strata.db; files/ holds content-addressed blobs.
// Nothing outside this folder knows SQLite; queries keep to a subset that PostgreSQL shares.
//
// One writer connection (serialized, first come first served), a pool of readers. write() runs a function inside one transaction and
// commits it, durably (synchronous=FULL), before it returns: what must not be lost is acknowledged after it.
//
// write_together() promises the same and shares the commit: one committer thread runs all that wait, each inside a savepoint of its own,
// and makes them durable with one fsync. Many small transactions at once (steps of flows) so cost one disk wait together:
//
//   callers ──▶ waiting ──▶ committer: BEGIN; SAVEPOINT a … RELEASE; SAVEPOINT b … ROLLBACK TO; …; COMMIT (fsync) ──▶ all wake
//
// Errors of every call: kResourceExhausted with the reason kDiskFull, kUnavailable (another process holds the database), kAlreadyExists
// (a unique key), kFailedPrecondition (another constraint, or a folder that cannot be written), kDataLoss (damaged bytes), kCancelled
// and kDeadlineExceeded from the Context, also in the middle of a long query (not of a write_together). Whatever fails leaves the transaction
// undone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/context.h"
#include "base/status.h"

namespace strata::store {

inline constexpr char kDiskFull[] = "disk_full";

struct Blob {
  std::string bytes;
};
using Value = std::variant<std::monostate, int64_t, double, std::string, Blob>;  // NULL, INTEGER, REAL, TEXT, BLOB

// One row of a result. Columns are counted from 0. A wrong type is our own bug and CHECKs (real() takes an integer too); NULL is
// asked for with is_null.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool is_null(int column) const = 0;
  virtual int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string text(int column) const = 0;
  virtual std::string_view blob(int column) const = 0;  // until the next row
};

class Reader {
 public:
  virtual ~Reader() = default;
  // Calls `each` per row; stop early by returning false. Placeholders are `?`, bound in order; their count is CHECKed. `each` may
  // query again. Keep `sql` constant (values bound, not pasted): prepared statements are cached by it.
  virtual Status query(std::string_view sql, const std::vector<Value>& values, const std::function<bool(const Row&)>& each) = 0;
};

// What `from` (of a Row, to a Result) makes of each row, in order; its first error ends the query and is the outcome.
template <class From>
auto query_all(Reader& reader, std::string_view sql, const std::vector<Value>& values, From from)
    -> Result<std::vector<typename std::invoke_result_t<From, const Row&>::value_type>> {
  std::vector<typename std::invoke_result_t<From, const Row&>::value_type> all;
  Status broken;
  TRY(reader.query(sql, values, [&](const Row& row) {
    auto one = from(row);
    if (!one) return broken = Status(tl::unexpect, std::move(one.error())), false;
    all.push_back(std::move(*one));
    return true;
  }));
  TRY(broken);
  return all;
}

class Transaction : public Reader {
 public:
  virtual Result<int64_t> execute(std::string_view sql, const std::vector<Value>& values = {}) = 0;  // rows changed
  virtual int64_t last_row_id() = 0;
  // Runs after the commit is durable and before the next writer begins; not at all where the transaction is undone or the process dies.
  // For what only makes sense once the rows are there (removing a file that no row names). REQUIRES: does not write() to the store.
  virtual void after_commit(std::function<void()> action) = 0;
};

struct Migration {
  std::string room;     // "durable": each room numbers its own migrations from 1, forward only
  int version = 0;
  std::string sql;      // one or more statements
};

// A content-addressed file in the making, for what does not fit in memory. One that is not kept leaves nothing. THREADS: one at a time.
class NewFile {
 public:
  virtual ~NewFile() = default;
  virtual Status write(std::string_view bytes) = 0;
  // Once: fsynced (file and folder) under its SHA-256, which it returns.
  virtual Result<std::string> keep() = 0;
  virtual int64_t size() const = 0;                 // UNITS: bytes written so far
};

class Store {
 public:
  // Makes the folder (0700) where absent, and locks it: a second process is refused with the pid of the first. Runs the migrations
  // that the database lacks, in the order given. A database with a newer migration, or of a room unknown here, is refused.
  // `disk`: the name of a registered SQLite VFS, for tests of crashes (crash_for_test.h); empty: the system's.
  static Result<std::unique_ptr<Store>> open(const std::string& folder, const std::vector<Migration>& migrations, const std::string& disk = "");
  virtual ~Store() = default;
  // Runs `work` in one transaction; commits where it returns ok, else rolls back and returns its error. THREADS: safe, one at a time.
  // REQUIRES: not called from within `work` (it CHECKs); read() may be, and sees the last commit.
  virtual Status write(const Context& context, const std::function<Status(Transaction&)>& work) = 0;
  // As write(), but `work` runs on the committer's thread and shares its commit with others. An error of `work` undoes only its own
  // part, and its context is looked at once, before it begins; a failed commit is everybody's error, kAborted where it was one work's
  // doing. Its after_commit actions run after the shared commit, in the order of the works, so other works of the same commit may lie in
  // between. COST: waits at most kGatherUs for company where there was some last time.
  virtual Status write_together(const Context& context, const std::function<Status(Transaction&)>& work) = 0;
  // A consistent snapshot on a reader connection. THREADS: safe, in parallel.
  virtual Status read(const Context& context, const std::function<Status(Reader&)>& work) = 0;

  // Content-addressed files: fsynced (file and folder) before put_file returns the SHA-256, so that a row that names it may commit.
  virtual Result<std::string> put_file(std::string_view bytes) = 0;
  virtual Result<std::unique_ptr<NewFile>> new_file() = 0;   // the same, written piece by piece
  // Checked against its name: kDataLoss where the bytes changed, kNotFound where it is absent.
  virtual Result<std::string> get_file(const std::string& sha256) = 0;
  virtual std::string file_path(const std::string& sha256) const = 0;
  virtual bool has_file(const std::string& sha256) const = 0;
  virtual Status remove_file(const std::string& sha256) = 0;  // REQUIRES: no committed row names it. Absent is ok
  virtual Result<std::vector<std::string>> list_files() const = 0;
  // SQLite's quick_check: ok, or kDataLoss with what it found. COST: reads the whole database.
  virtual Status check_integrity(const Context& context) = 0;
  virtual const std::string& folder() const = 0;
};

// A database beside the authoritative one, for what may be lost: telemetry. Commits survive a crash of the process, not always one of
// the machine (synchronous=NORMAL), and no commit waits for the disk. What cannot be opened (damaged, or of a newer version) is set
// aside as PATH.damaged, with a word in the log, and begun anew: it never keeps the program from starting.
class SideDatabase {
 public:
  // COST: reads the whole database once, to find damage.
  static Result<std::unique_ptr<SideDatabase>> open(const std::string& path, const std::vector<Migration>& migrations);
  virtual ~SideDatabase() = default;
  virtual Status write(const Context& context, const std::function<Status(Transaction&)>& work) = 0;
  virtual Status read(const Context& context, const std::function<Status(Reader&)>& work) = 0;
};

// For backups. A consistent copy of a database as one file, also while a server reads and writes it. REQUIRES: nothing at `to`.
Status copy_database(const Context& context, const std::string& from, const std::string& to);
// Reads such a copy.
Status inspect_database(const Context& context, const std::string& path, const std::function<Status(Reader&)>& work);
// kFailedPrecondition, with the process that has it, where the data folder is in use.
Status check_folder_free(const std::string& folder);
// Migrates a database that nobody uses and checks it: what Store::open would find. Errors as there.
Status migrate_database(const Context& context, const std::string& path, const std::vector<Migration>& migrations);

}  // namespace strata::store
