// The store: the folder's lock, its files, and strata.db; and the databases beside it.
#include "infra/store/store.h"

#include <unistd.h>

#include <filesystem>

#include "base/log.h"
#include "infra/store/committer.h"
#include "infra/store/database.h"
#include "infra/store/files.h"

namespace strata::store {
namespace {

class SqliteStore : public Store {
 public:
  SqliteStore(std::string folder, std::unique_ptr<FolderLock> lock, std::unique_ptr<Files> files, std::unique_ptr<Database> database)
      : folder_(std::move(folder)), lock_(std::move(lock)), files_(std::move(files)), database_(std::move(database)) {}

  Status write(const Context& context, const std::function<Status(Transaction&)>& work) override { return database_->write(context, work); }
  Status write_together(const Context& context, const std::function<Status(Transaction&)>& work) override { return committer_.commit(context, work); }
  Status read(const Context& context, const std::function<Status(Reader&)>& work) override { return database_->read(context, work); }
  Result<std::string> put_file(std::string_view bytes) override { return files_->put(bytes); }
  Result<std::unique_ptr<NewFile>> new_file() override { return files_->begin(); }
  Result<std::string> get_file(const std::string& sha256) override { return files_->get(sha256); }
  std::string file_path(const std::string& sha256) const override { return files_->path(sha256); }
  bool has_file(const std::string& sha256) const override { return files_->has(sha256); }
  Status remove_file(const std::string& sha256) override { return files_->remove(sha256); }
  Result<std::vector<std::string>> list_files() const override { return files_->list(); }
  Status check_integrity(const Context& context) override { return database_->check_integrity(context); }
  const std::string& folder() const override { return folder_; }

 private:
  const std::string folder_;
  std::unique_ptr<FolderLock> lock_;  // released last
  std::unique_ptr<Files> files_;
  std::unique_ptr<Database> database_;
  Committer committer_{[this](const std::vector<Committer::Request*>& batch) { database_->write_batch(batch); }};  // last: its thread uses the rest
};

class SqliteSide : public SideDatabase {
 public:
  explicit SqliteSide(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Status write(const Context& context, const std::function<Status(Transaction&)>& work) override { return database_->write(context, work); }
  Status read(const Context& context, const std::function<Status(Reader&)>& work) override { return database_->read(context, work); }

 private:
  std::unique_ptr<Database> database_;
};

// Under one name: the latest that was set aside is kept, for whoever wants to look at it.
void set_aside(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code error;
    std::filesystem::remove(path + ".damaged" + suffix, error);
    std::filesystem::rename(path + suffix, path + ".damaged" + suffix, error);
  }
}

Result<std::unique_ptr<Database>> open_checked(const std::string& path, const std::vector<Migration>& migrations) {
  TRY_ASSIGN(auto database, Database::open(path, migrations, false));
  TRY(database->check_integrity(Context::background()));
  return database;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& folder, const std::vector<Migration>& migrations, const std::string& disk) {
  TRY(prepare_folder(folder));
  TRY_ASSIGN(auto lock, FolderLock::take(folder));
  TRY_ASSIGN(auto files, Files::open(folder));
  TRY_ASSIGN(auto database, Database::open(folder + "/strata.db", migrations, true, disk));
  return std::make_unique<SqliteStore>(folder, std::move(lock), std::move(files), std::move(database));
}

Result<std::unique_ptr<SideDatabase>> SideDatabase::open(const std::string& path, const std::vector<Migration>& migrations) {
  auto database = open_checked(path, migrations);
  if (!database) {
    log::warning("store.set_aside", {{"file", path}, {"as", path + ".damaged"}, {"message", database.error().message}});
    set_aside(path);
    database = open_checked(path, migrations);
  }
  if (!database) return std::move(database.error());
  return std::make_unique<SqliteSide>(std::move(*database));
}

Status copy_database(const Context& context, const std::string& from, const std::string& to) {
  // Opening makes a database where there is none: that would be a backup of nothing.
  if (access(from.c_str(), R_OK) != 0) return not_found("there is no database at " + from);
  TRY_ASSIGN(auto connection, Connection::open(from, true));
  return connection->copy_to(context, to);
}

Status inspect_database(const Context& context, const std::string& path, const std::function<Status(Reader&)>& work) {
  TRY_ASSIGN(auto database, Database::attach(path));
  return database->read(context, work);
}

Status check_folder_free(const std::string& folder) {
  TRY(FolderLock::take(folder));   // given up at once
  return {};
}

Status migrate_database(const Context& context, const std::string& path, const std::vector<Migration>& migrations) {
  TRY_ASSIGN(auto database, Database::open(path, migrations, true));
  return database->check_integrity(context);
}

}  // namespace strata::store
