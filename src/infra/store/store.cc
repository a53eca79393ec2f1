// The store over SQLite: one writer behind a first-come gate, readers lent from a pool.
//
// Invariants: (1) the writer connection is used only by the thread that holds the gate; (2) a reader is in the pool or lent to one
// thread; (3) after write() returns ok its rows are on the disk (WAL, synchronous=FULL).
#include "infra/store/store.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/log.h"
#include "infra/store/files.h"
#include "infra/store/migrate.h"
#include "infra/store/sqlite.h"

namespace strata::store {
namespace {

// Readers kept open while idle. More are opened when more threads read at once: the caller's bounded pool bounds them.
constexpr size_t kIdleReadersMax = 8;
// How often one who waits for the writer looks at its context.
constexpr auto kGateCheck = std::chrono::milliseconds(20);

// A lock that serves in order of arrival and gives up when the context does. (A std::mutex does neither.)
class Gate {
 public:
  Status enter(const Context& context) {
    std::unique_lock lock(mutex_);
    CHECK(holder_ != std::this_thread::get_id());  // write() inside write() would wait for itself
    TRY(context.check());
    uint64_t ticket = next_++;
    waiting_.push_back(ticket);
    while (held_ || waiting_.front() != ticket) {
      changed_.wait_for(lock, kGateCheck);
      if (auto status = context.check(); !status) {
        std::erase(waiting_, ticket);
        changed_.notify_all();
        return status;
      }
    }
    waiting_.erase(waiting_.begin());
    held_ = true;
    holder_ = std::this_thread::get_id();
    return {};
  }
  void leave() {
    std::lock_guard lock(mutex_);
    held_ = false;
    holder_ = {};
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> waiting_;  // tickets, oldest first
  uint64_t next_ = 0;
  bool held_ = false;
  std::thread::id holder_;
};

class SqliteReader : public Reader {
 public:
  explicit SqliteReader(Connection& connection) : connection_(connection) {}
  Status query(std::string_view sql, const std::vector<Value>& values, const std::function<bool(const Row&)>& each) override {
    return connection_.query(sql, values, each);
  }

 private:
  Connection& connection_;
};

class SqliteTransaction : public Transaction {
 public:
  explicit SqliteTransaction(Connection& connection) : connection_(connection) {}
  Status query(std::string_view sql, const std::vector<Value>& values, const std::function<bool(const Row&)>& each) override {
    TRY(alive());
    return connection_.query(sql, values, each);
  }
  Result<int64_t> execute(std::string_view sql, const std::vector<Value>& values) override {
    TRY(alive());
    TRY(connection_.query(sql, values, nullptr));
    return connection_.changes();
  }
  int64_t last_row_id() override { return connection_.last_row_id(); }
  void after_commit(std::function<void()> action) override { actions_.push_back(std::move(action)); }

  // A full disk makes SQLite undo the transaction by itself: what follows must not commit on its own.
  Status alive() const {
    if (!connection_.in_transaction()) return failed_precondition("the transaction was undone by an earlier error");
    return {};
  }
  void committed() {
    for (auto& action : actions_) action();
  }

 private:
  Connection& connection_;
  std::vector<std::function<void()>> actions_;
};

class SqliteStore : public Store {
 public:
  SqliteStore(std::string folder, std::unique_ptr<FolderLock> lock, std::unique_ptr<Files> files, std::unique_ptr<Connection> writer)
      : folder_(std::move(folder)), lock_(std::move(lock)), files_(std::move(files)), writer_(std::move(writer)) {}

  Status write(const Context& context, const std::function<Status(Transaction&)>& work) override {
    TRY(gate_.enter(context));
    Status status = write_held(context, work);
    gate_.leave();
    return status;
  }

  Status read(const Context& context, const std::function<Status(Reader&)>& work) override {
    TRY(context.check());
    TRY_ASSIGN(auto connection, borrow());
    connection->watch(&context);
    Status status = connection->run("BEGIN");
    if (status) {
      SqliteReader reader(*connection);
      status = work(reader);
    }
    connection->watch(nullptr);
    if (connection->in_transaction()) {
      if (auto ended = connection->run("ROLLBACK"); !ended) return status ? ended : status;  // the connection is dropped
    }
    give_back(std::move(connection));
    return status;
  }

  Result<std::string> put_file(std::string_view bytes) override { return files_->put(bytes); }
  Result<std::string> get_file(const std::string& sha256) override { return files_->get(sha256); }
  std::string file_path(const std::string& sha256) const override { return files_->path(sha256); }
  bool has_file(const std::string& sha256) const override { return files_->has(sha256); }
  Status remove_file(const std::string& sha256) override { return files_->remove(sha256); }
  Result<std::vector<std::string>> list_files() const override { return files_->list(); }
  const std::string& folder() const override { return folder_; }

  Status check_integrity(const Context& context) override {
    std::string found;
    TRY(read(context, [&](Reader& reader) {
      return reader.query("PRAGMA quick_check", {}, [&](const Row& row) {
        if (row.text(0) != "ok") found += (found.empty() ? "" : "; ") + row.text(0);
        return found.size() < 1'000;
      });
    }));
    if (!found.empty()) return data_loss("the database is damaged: " + found + "; restore it from a backup");
    return {};
  }

 private:
  Status write_held(const Context& context, const std::function<Status(Transaction&)>& work) {
    writer_->watch(&context);
    SqliteTransaction transaction(*writer_);
    Status status = writer_->run("BEGIN IMMEDIATE");
    if (status) status = work(transaction);
    writer_->watch(nullptr);  // a commit that has begun is not interrupted
    if (status) status = transaction.alive();
    if (status) status = writer_->run("COMMIT");
    if (status) {
      transaction.committed();
    } else if (writer_->in_transaction()) {
      if (auto undone = writer_->run("ROLLBACK"); !undone) log::error("store.rollback_failed", {{"error", undone.error().message}});
    }
    return status;
  }

  Result<std::unique_ptr<Connection>> borrow() {
    {
      std::lock_guard lock(readers_mutex_);
      if (!readers_.empty()) {
        auto connection = std::move(readers_.back());
        readers_.pop_back();
        return connection;
      }
    }
    return Connection::open(folder_ + "/strata.db", true);
  }
  void give_back(std::unique_ptr<Connection> connection) {
    std::lock_guard lock(readers_mutex_);
    if (readers_.size() < kIdleReadersMax) readers_.push_back(std::move(connection));
  }

  const std::string folder_;
  std::unique_ptr<FolderLock> lock_;  // released last
  std::unique_ptr<Files> files_;
  Gate gate_;
  std::unique_ptr<Connection> writer_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Connection>> readers_;
};

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& folder, const std::vector<Migration>& migrations) {
  TRY(prepare_folder(folder));
  TRY_ASSIGN(auto lock, FolderLock::take(folder));
  TRY_ASSIGN(auto files, Files::open(folder));
  TRY_ASSIGN(auto writer, Connection::open(folder + "/strata.db", false));
  TRY(migrate(*writer, migrations));
  return std::make_unique<SqliteStore>(folder, std::move(lock), std::move(files), std::move(writer));
}

}  // namespace strata::store
