// One SQLite database: a writer connection behind a first-come gate, readers lent from a pool. Only this folder includes it.
//
// Invariants: (1) the writer connection is used only by the thread that holds the gate; (2) a reader is in the pool or lent to one
// thread; (3) after write() or write_batch() reports ok its rows are on the disk, where `durable` (WAL, synchronous=FULL).
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "infra/store/committer.h"
#include "infra/store/sqlite.h"

namespace strata::store {

// A lock that serves in order of arrival and gives up when the context does. (A std::mutex does neither.)
class Gate {
 public:
  Status enter(const Context& context);
  void leave();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> waiting_;  // tickets, oldest first
  uint64_t next_ = 0;
  bool held_ = false;
  std::thread::id holder_;
};

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& path, const std::vector<Migration>& migrations, bool durable, const std::string& disk = "");

  // One that is there, as it is.
  static Result<std::unique_ptr<Database>> attach(const std::string& path);

  // As Store's. THREADS: safe.
  Status write(const Context& context, const std::function<Status(Transaction&)>& work);
  // The committer's: everybody's work in one transaction, each inside a savepoint of its own; sets each status.
  void write_batch(const std::vector<Committer::Request*>& batch);
  Status read(const Context& context, const std::function<Status(Reader&)>& work);
  Status check_integrity(const Context& context);
  // A consistent copy as a file of its own, while others read and write. REQUIRES: no file at `path`.
  Status copy_to(const Context& context, const std::string& path);
  const std::string& path() const { return path_; }

 private:
  Database(std::string path, std::string disk, std::unique_ptr<Connection> writer)
      : path_(std::move(path)), disk_(std::move(disk)), writer_(std::move(writer)) {}
  Status write_held(const Context& context, const std::function<Status(Transaction&)>& work);
  Result<std::unique_ptr<Connection>> borrow();
  void give_back(std::unique_ptr<Connection> connection);   // null: it was dropped

  const std::string path_, disk_;
  Gate gate_;
  std::unique_ptr<Connection> writer_;
  std::mutex readers_mutex_;                        // guards what follows
  std::condition_variable reader_back_;
  std::vector<std::unique_ptr<Connection>> readers_;   // idle
  size_t lent_ = 0;
};

}  // namespace strata::store
