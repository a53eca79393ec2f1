#include "infra/store/database.h"

#include <chrono>

#include "base/check.h"
#include "base/log.h"
#include "infra/store/migrate.h"

namespace strata::store {
namespace {

// Readers: opening one costs as much as many reads, and each holds files and a cache, so threads that read at once share so many.
constexpr size_t kReadersMost = 8;
// A thread that finds none waits so long for one, and then gets one of its own, which is closed after it: others may be held by long reads, or by
// itself. Several times a usual read.
constexpr auto kReaderWait = std::chrono::milliseconds(20);
// How often one who waits for the writer looks at its context.
constexpr auto kGateCheck = std::chrono::milliseconds(20);

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
  // For a part that is undone: its actions are those after the first `kept`.
  size_t actions() const { return actions_.size(); }
  void forget_actions(size_t kept) { actions_.resize(kept); }

 private:
  Connection& connection_;
  std::vector<std::function<void()>> actions_;
};

// One work of a shared transaction. Its error undoes its own part only.
// WHY its context is looked at once and not watched: SQLite undoes the whole transaction where a writing statement is interrupted, a
// savepoint notwithstanding, so that one client who leaves would undo what all the others wrote.
Status write_part(SqliteTransaction& transaction, const Committer::Request& request) {
  TRY(request.context.check());
  TRY(transaction.execute("SAVEPOINT part", {}));
  size_t actions = transaction.actions();
  Status status = request.work(transaction);
  if (!transaction.alive()) return status ? transaction.alive() : status;
  if (!status) {
    transaction.forget_actions(actions);
    TRY(transaction.execute("ROLLBACK TO part", {}));
  }
  TRY(transaction.execute("RELEASE part", {}));
  return status;
}

// What the others hear where one work's error undid the transaction: a full disk is everybody's, anything else passes.
Error undone_with(const Status& cause) {
  if (!cause && cause.error().reason == kDiskFull) return cause.error();
  return Error{Code::kAborted, "another write of the same commit failed" + (cause ? "" : ": " + cause.error().message) + "; try again", "", ""};
}

}  // namespace

Status Gate::enter(const Context& context) {
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

void Gate::leave() {
  std::lock_guard lock(mutex_);
  held_ = false;
  holder_ = {};
  changed_.notify_all();
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const std::vector<Migration>& migrations, bool durable, const std::string& disk) {
  TRY_ASSIGN(auto writer, Connection::open(path, false, disk));
  // NORMAL: a crash of the process loses nothing; one of the machine may lose the last commits, but damages nothing (WAL).
  if (!durable) TRY(writer->run("PRAGMA synchronous=NORMAL;"));
  TRY(migrate(*writer, migrations));
  return std::unique_ptr<Database>(new Database(path, disk, std::move(writer)));
}

Result<std::unique_ptr<Database>> Database::attach(const std::string& path) {
  TRY_ASSIGN(auto writer, Connection::open(path, false));
  return std::unique_ptr<Database>(new Database(path, "", std::move(writer)));
}

Status Database::write(const Context& context, const std::function<Status(Transaction&)>& work) {
  TRY(gate_.enter(context));
  Status status = write_held(context, work);
  gate_.leave();
  return status;
}

void Database::write_batch(const std::vector<Committer::Request*>& batch) {
  const Context always = Context::background();
  const Committer::Request* culprit = nullptr;   // whose error undid the transaction
  Status shared = gate_.enter(always);
  if (shared) {
    shared = write_held(always, [&](Transaction& transaction) -> Status {
      auto& sqlite = static_cast<SqliteTransaction&>(transaction);
      for (auto* request : batch) {
        request->status = write_part(sqlite, *request);
        if (sqlite.alive()) continue;
        culprit = request;
        return undone_with(request->status);
      }
      return {};
    });
    gate_.leave();
  }
  if (shared) return;
  for (auto* request : batch)
    if (request != culprit) request->status = shared;
}

Status Database::write_held(const Context& context, const std::function<Status(Transaction&)>& work) {
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

Status Database::read(const Context& context, const std::function<Status(Reader&)>& work) {
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
    if (auto ended = connection->run("ROLLBACK"); !ended) return give_back(nullptr), status ? ended : status;
  }
  give_back(std::move(connection));
  return status;
}

Status Database::check_integrity(const Context& context) {
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

Status Database::copy_to(const Context& context, const std::string& path) {
  TRY_ASSIGN(auto connection, borrow());
  Status status = connection->copy_to(context, path);
  give_back(std::move(connection));
  return status;
}

Result<std::unique_ptr<Connection>> Database::borrow() {
  {
    std::unique_lock lock(readers_mutex_);
    if (readers_.empty() && lent_ >= kReadersMost) reader_back_.wait_for(lock, kReaderWait, [&] { return !readers_.empty(); });
    ++lent_;
    if (!readers_.empty()) {
      auto connection = std::move(readers_.back());
      readers_.pop_back();
      return connection;
    }
  }
  auto opened = Connection::open(path_, true, disk_);
  if (!opened) give_back(nullptr);
  return opened;
}

void Database::give_back(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(readers_mutex_);
  --lent_;
  if (!connection || lent_ + readers_.size() >= kReadersMost) return;
  readers_.push_back(std::move(connection));
  reader_back_.notify_one();
}

}  // namespace strata::store
