// Backup and restore where the world interferes: what is synced, locked and
// renamed is watched and disturbed here.
#include "app/backup.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "app/wire.h"
#include "base/random.h"
#include "infra/store/store.h"

namespace {

// Both see what the program asks of the kernel before the kernel does.
std::function<void(const std::string&)> on_sync;
std::function<int(const std::string& to)> on_rename; // an errno instead of the rename; 0: as it would be

} // namespace

extern "C" int fsync(int fd) {
  char path[4096];
  const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  if (on_sync && size > 0) on_sync(std::string(path, static_cast<size_t>(size)));
  return static_cast<int>(syscall(SYS_fsync, fd));
}

extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (const int error = on_rename ? on_rename(to) : 0) return errno = error, -1;
  return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

namespace strata::app {
namespace {

namespace fs = std::filesystem;

class BackupTest : public testing::Test {
 protected:
  BackupTest() : folder_((fs::temp_directory_path() / make_id("backup-test")).string()) {
    fs::create_directory(folder_);
    auto opened = store::Store::open(data(), all_migrations());
    EXPECT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    kept_ = add("what is kept");
  }
  ~BackupTest() override {
    on_sync = nullptr;
    on_rename = nullptr;
    store_.reset();
    fs::remove_all(folder_);
  }
  std::string data() const { return folder_ + "/data"; }
  std::string file() const { return folder_ + "/one.tar"; }
  std::string add(const std::string& text) {
    const std::string sha256 = store_->put_file(text).value();
    sql("INSERT INTO files(id, filename, bytes, sha256, created_ms, purpose) "
        "VALUES('" +
        make_id("file") + "', 'a', 1, '" + sha256 + "', 1, 'user_data')");
    return sha256;
  }
  void sql(const std::string& text) {
    auto done = store_->write(context_, [&](store::Transaction& transaction) -> Status {
      TRY(transaction.execute(text, {}));
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  Result<BackupReport> back_up(std::function<void()> copied = nullptr) {
    return backup(context_, {.data_folder = data(), .file = file(), .version = "test", .copied = std::move(copied)});
  }
  Result<RestoreReport> bring_back(const std::string& to, bool replace = false) {
    return restore(context_, {.file = file(), .data_folder = to, .replace = replace});
  }
  std::set<std::string> names() const {
    std::set<std::string> out;
    for (auto& entry : fs::directory_iterator(folder_)) out.insert(entry.path().filename().string());
    return out;
  }
  static std::string read(const std::string& path) {
    std::stringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }

  const std::string folder_;
  const Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::string kept_;
};

TEST_F(BackupTest, AFileThatCameAndWentWhileItWasMadeIsNotMissing) {
  add("what stays");
  EXPECT_TRUE(store_->remove_file(kept_));   // as if it came after the first look, and …
  int copies = 0;
  auto report = back_up([&] {
    if (++copies == 1) sql("DELETE FROM files WHERE sha256 = '" + kept_ + "'");   // … went before the second, with the copied row still naming it
  });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(copies, 2);
  EXPECT_EQ(report->files, 1u);
  EXPECT_EQ(names(), (std::set<std::string>{"data", "one.tar"}));
}

TEST_F(BackupTest, AFileThatTheDatabaseGoesOnNamingIsMissing) {
  EXPECT_TRUE(store_->remove_file(kept_));
  auto report = back_up();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kDataLoss);
  EXPECT_EQ(names(), (std::set<std::string>{"data"}));
}

TEST_F(BackupTest, NothingOfSomebodyElsesIsRemovedOrReplaced) {
  for (const char* name : {"one.tar.partial", "one.tar.strata.db", "new.restoring"}) std::ofstream(folder_ + "/" + name) << "mine";
  auto report = back_up([&] { std::ofstream(file()) << "made meanwhile"; });
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kAlreadyExists);
  EXPECT_EQ(read(file()), "made meanwhile");
  fs::remove(file());
  ASSERT_TRUE(back_up());
  ASSERT_TRUE(bring_back(folder_ + "/new/")); // a slash at the end names the same folder
  EXPECT_TRUE(fs::exists(folder_ + "/new/strata.db"));
  EXPECT_EQ(names(), (std::set<std::string>{"data", "one.tar", "one.tar.partial", "one.tar.strata.db", "new.restoring", "new"}));
  EXPECT_EQ(read(folder_ + "/new.restoring"), "mine");
}

TEST_F(BackupTest, AnEmptyFolderIsFilledAndNothingIsMovedAside) {
  ASSERT_TRUE(back_up());
  fs::create_directory(folder_ + "/new");
  auto report = bring_back(folder_ + "/new");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->aside, "");
  EXPECT_EQ(names(), (std::set<std::string>{"data", "one.tar", "new"}));
  EXPECT_FALSE(bring_back(folder_ + "/new"));
}

TEST_F(BackupTest, EveryRestoredFileAndFolderIsSyncedBeforeItIsThere) {
  ASSERT_TRUE(back_up());
  std::set<std::string> synced;
  on_sync = [&](const std::string& path) {
    const size_t at = path.find(".restoring");
    if (at != path.npos) synced.insert(path.find('/', at) == path.npos ? "" : path.substr(path.find('/', at) + 1));
  };
  ASSERT_TRUE(bring_back(folder_ + "/new"));
  EXPECT_TRUE(synced.count("")) << "the folder";
  for (auto& entry : fs::recursive_directory_iterator(folder_ + "/new")) {
    const std::string name = fs::relative(entry.path(), folder_ + "/new").string();
    EXPECT_TRUE(synced.count(name)) << name;
  }
}

TEST_F(BackupTest, AFolderThatIsReplacedCannotBeUsedUntilItIs) {
  ASSERT_TRUE(back_up());
  store_.reset();
  int looks = 0;
  on_sync = [&](const std::string& path) {
    if (path.find(".restoring") == path.npos) return;
    ++looks;
    EXPECT_FALSE(store::check_folder_free(data()));
  };
  ASSERT_TRUE(bring_back(data(), true));
  EXPECT_GT(looks, 2);
  EXPECT_TRUE(store::check_folder_free(data()));
}

TEST_F(BackupTest, WhereTheNewFolderCannotBePlacedTheFormerOneIsBack) {
  ASSERT_TRUE(back_up());
  store_.reset();
  std::ofstream(data() + "/mark") << "former";
  int tries = 0;
  on_rename = [&](const std::string& to) { return to == data() && ++tries == 1 ? EIO : 0; };
  auto report = bring_back(data(), true);
  ASSERT_FALSE(report);
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(read(data() + "/mark"), "former");
  EXPECT_EQ(names(), (std::set<std::string>{"data", "one.tar"}));
}

} // namespace
} // namespace strata::app
