// One SQLite connection: prepared statements, bound values, errors as Results. Only this folder includes it.
//
// THREADS: one thread at a time per connection (SQLite is opened without its own mutexes).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "infra/store/store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace strata::store {

class Connection {
 public:
  // Opens (and makes) the database in WAL mode, with a busy time-out and foreign keys. Readers refuse every write.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, bool reader, const std::string& disk = "");
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Statements without values or rows; several may be separated by semicolons. Not cached.
  Status run(const std::string& sql);
  // One statement. `each` may be empty where no rows are expected.
  Status query(std::string_view sql, const std::vector<Value>& values, const std::function<bool(const Row&)>& each);

  // A consistent copy of the whole database as a file of its own, in steps that let writers through; checked by reading it back.
  Status copy_to(const Context& context, const std::string& path);

  int64_t changes() const;      // of the last statement
  int64_t last_row_id() const;
  bool in_transaction() const;  // SQLite undoes a transaction by itself on some errors (a full disk)

  // From now on statements stop where the context is cancelled or its deadline passes. nullptr: not watched.
  void watch(const Context* context);

 private:
  explicit Connection(sqlite3* db) : db_(db) {}
  struct Statement {
    sqlite3_stmt* handle = nullptr;
    bool busy = false;  // being stepped: the same text inside `each` gets a statement of its own
  };
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  Status step_all(sqlite3_stmt* statement, const std::function<bool(const Row&)>& each);
  Error error(int code, std::string_view sql) const;

  sqlite3* db_;
  const Context* watched_ = nullptr;
  std::unordered_map<std::string, Statement> cache_;
};

}  // namespace strata::store
