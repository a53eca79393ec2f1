#include "infra/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/crypto.h"
#include "base/random.h"
#include "infra/store/crash_for_test.h"
#include "infra/store/database.h"

namespace strata::store {
namespace {

using testing::HasSubstr;

const std::vector<Migration> kMigrations = {{"test", 1,
                                             "CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, body BLOB);"
                                             "CREATE TABLE part(item_id INTEGER NOT NULL REFERENCES item(id) ON DELETE CASCADE, n INTEGER NOT NULL);"}};

class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(std::filesystem::temp_directory_path() / make_id("store-test")) {}
  ~StoreTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Store> open(const std::vector<Migration>& migrations = kMigrations) {
    auto store = Store::open(folder_, migrations);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  Status add(Store& store, const std::string& name) {
    return store.write(context_, [&](Transaction& transaction) -> Status {
      TRY(transaction.execute("INSERT INTO item(name) VALUES(?)", {name}));
      return {};
    });
  }
  int64_t count(Store& store) {
    int64_t rows = -1;
    auto status = store.read(context_, [&](Reader& reader) {
      return reader.query("SELECT count(*) FROM item", {}, [&](const Row& row) {
        rows = row.integer(0);
        return true;
      });
    });
    EXPECT_TRUE(status) << status.error().message;
    return rows;
  }
  std::string folder_;
  Context context_ = Context::background();
};

TEST_F(StoreTest, WorksThatShareACommitSucceedAndFailEachForItself) {
  auto store = open();
  constexpr int kThreads = 8, kEach = 25;
  std::atomic<int> good{0}, refused{0}, after{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        auto status = store->write_together(context_, [&](Transaction& transaction) -> Status {
          TRY(transaction.execute("INSERT INTO item(name) VALUES(?)", {std::to_string(t) + "-" + std::to_string(i)}));
          transaction.after_commit([&] { ++after; });
          if (i % 5 == 0) return failed_precondition("not this one");
          return {};
        });
        if (status) ++good;
        else if (status.error().message == "not this one") ++refused;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach * 4 / 5);
  EXPECT_EQ(refused, kThreads * kEach / 5);
  EXPECT_EQ(after, good);
  EXPECT_EQ(count(*store), good);
}

// Moves on at each look, so that a deadline passes in the middle of whatever looks often.
class TickingClock : public Clock {
 public:
  int64_t unix_ms() const override { return 1'700'000'000'000; }
  int64_t monotonic_ns() const override { return ++looks_ * 1'000'000; }

 private:
  mutable std::atomic<int64_t> looks_{0};
};

TEST_F(StoreTest, ACallerWhoLeavesInTheMiddleOfItsWriteUndoesNobodyElses) {
  open();
  auto database = std::move(*Database::attach(folder_ + "/strata.db"));
  TickingClock clock;
  Context leaving = Context::make(clock, {}, "", std::make_shared<CancelFlag>()).with_timeout_ms(20);
  const std::function<Status(Transaction&)> one = [](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO item(name) VALUES('mine')"));
    return {};
  };
  const std::function<Status(Transaction&)> many = [](Transaction& transaction) -> Status {
    TRY(transaction.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO item(name) SELECT 'theirs ' || i FROM n"));
    return {};
  };
  Committer::Request mine{context_, one}, theirs{leaving, many};
  database->write_batch({&mine, &theirs});
  EXPECT_TRUE(mine.status) << mine.status.error().message;
  EXPECT_TRUE(theirs.status) << theirs.status.error().message;   // it had begun
  bool there = false;
  ASSERT_TRUE(database->read(
      context_, [&](Reader& reader) { return reader.query("SELECT 1 FROM item WHERE name = 'mine'", {}, [&](const Row&) { return there = true, false; }); }));
  EXPECT_TRUE(there);
}

TEST_F(StoreTest, WhereOneWorkUndoesTheSharedCommitTheOthersMayTryAgain) {
  open();
  auto database = std::move(*Database::attach(folder_ + "/strata.db"));
  const std::function<Status(Transaction&)> one = [](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO item(name) VALUES('mine')"));
    return {};
  };
  const std::function<Status(Transaction&)> undo = [](Transaction& transaction) -> Status {
    TRY(transaction.execute("ROLLBACK"));   // as SQLite does by itself on some errors
    return resource_exhausted("out of memory in the database");
  };
  Committer::Request before{context_, one}, culprit{context_, undo}, after{context_, one};
  database->write_batch({&before, &culprit, &after});
  EXPECT_EQ(before.status.error().code, Code::kAborted);
  EXPECT_EQ(culprit.status.error().code, Code::kResourceExhausted);
  EXPECT_EQ(after.status.error().code, Code::kAborted);
}

TEST_F(StoreTest, WhatWasAcknowledgedSurvivesADiskThatForgetsWhatWasNotSynced) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CrashDisk disk;
    std::string folder = folder_ + std::to_string(seed);
    auto store = std::move(*Store::open(folder, kMigrations, disk.name()));
    disk.crash_after(static_cast<int64_t>(seed % 7) + 1);
    int64_t acknowledged = 0;
    for (int i = 0; i < 12; ++i) {
      std::string name = std::to_string(i);
      if (store->write_together(context_, [&](Transaction& transaction) -> Status {
            TRY(transaction.execute("INSERT INTO item(name) VALUES(?)", {name}));
            return {};
          }))
        ++acknowledged;
    }
    EXPECT_TRUE(disk.crashed());
    EXPECT_LT(acknowledged, 12);
    store.reset();
    disk.forget(seed, 0.5);
    store = std::move(*Store::open(folder, kMigrations, disk.name()));
    EXPECT_GE(count(*store), acknowledged);
    EXPECT_LE(count(*store), acknowledged + 1);   // the one whose answer the crash cut off may be there
    EXPECT_TRUE(store->check_integrity(context_));
    store.reset();
    std::filesystem::remove_all(folder);
  }
}

TEST_F(StoreTest, EveryValueComesBackAsItWasBound) {
  auto store = open();
  std::string bytes("\0\xff\x01", 3);
  ASSERT_TRUE(store->write(context_, [&](Transaction& transaction) -> Status {
    TRY(transaction.query("SELECT ?, ?, ?, ?, ?, ?", {int64_t{INT64_MIN}, 0.1, std::string("a\0b", 3), Blob{bytes}, std::monostate{}, Blob{}},
                          [&](const Row& row) {
                            EXPECT_EQ(row.integer(0), INT64_MIN);
                            EXPECT_EQ(row.real(1), 0.1);
                            EXPECT_EQ(row.text(2), std::string("a\0b", 3));
                            EXPECT_EQ(row.blob(3), bytes);
                            EXPECT_TRUE(row.is_null(4));
                            EXPECT_EQ(row.blob(5), "");
                            return true;
                          }));
    return {};
  }));
}

TEST_F(StoreTest, AFailedTransactionLeavesNothing) {
  auto store = open();
  bool ran = false;
  auto status = store->write(context_, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO item(name) VALUES('a')"));
    transaction.after_commit([&] { ran = true; });
    return invalid_argument("no");
  });
  EXPECT_EQ(status.error().code, Code::kInvalidArgument);
  EXPECT_FALSE(ran);
  EXPECT_EQ(count(*store), 0);
  ASSERT_TRUE(add(*store, "a"));
  EXPECT_EQ(add(*store, "a").error().code, Code::kAlreadyExists);
  EXPECT_EQ(count(*store), 1);
}

TEST_F(StoreTest, AfterCommitRunsOnceTheRowsAreVisible) {
  auto store = open();
  int64_t seen = -1;
  ASSERT_TRUE(store->write(context_, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO item(name) VALUES('a')"));
    transaction.after_commit([&] { seen = count(*store); });
    return {};
  }));
  EXPECT_EQ(seen, 1);
}

TEST_F(StoreTest, ForeignKeysHold) {
  auto store = open();
  auto status = store->write(context_, [](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO part VALUES(99, 1)"));
    return {};
  });
  EXPECT_EQ(status.error().code, Code::kFailedPrecondition);
}

TEST_F(StoreTest, AReaderSeesOneSnapshotAndMayNotWrite) {
  auto store = open();
  ASSERT_TRUE(add(*store, "a"));
  ASSERT_TRUE(store->read(context_, [&](Reader& reader) -> Status {
    auto rows = [&] {
      int64_t found = 0;
      EXPECT_TRUE(reader.query("SELECT count(*) FROM item", {}, [&](const Row& row) { return found = row.integer(0), true; }));
      return found;
    };
    EXPECT_EQ(rows(), 1);
    EXPECT_TRUE(add(*store, "b"));
    EXPECT_EQ(rows(), 1);
    EXPECT_FALSE(reader.query("DELETE FROM item", {}, nullptr));
    return {};
  }));
  EXPECT_EQ(count(*store), 2);
}

TEST_F(StoreTest, MoreReadersAtOnceThanAreSharedAlsoInsideEachOtherAllEnd) {
  auto store = open();
  ASSERT_TRUE(add(*store, "x"));
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i)
    threads.emplace_back([&] {
      auto status = store->read(context_, [&](Reader&) {
        return store->read(context_, [&](Reader& inner) {
          return inner.query("SELECT count(*) FROM item", {}, [&](const Row& row) { return done += row.integer(0) == 1, false; });
        });
      });
      EXPECT_TRUE(status);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 24);
}

TEST_F(StoreTest, TheSameQueryMayRunInsideItself) {
  auto store = open();
  for (auto name : {"a", "b", "c"}) ASSERT_TRUE(add(*store, name));
  std::string pairs;
  ASSERT_TRUE(store->read(context_, [&](Reader& reader) {
    auto sql = "SELECT name FROM item ORDER BY name";
    return reader.query(sql, {}, [&](const Row& outer) {
      EXPECT_TRUE(reader.query(sql, {}, [&](const Row& inner) { return pairs += outer.text(0) + inner.text(0) + " ", true; }));
      return outer.text(0) != "b";
    });
  }));
  EXPECT_EQ(pairs, "aa ab ac ba bb bc ");
}

TEST_F(StoreTest, ManyStatementTextsStayWithinTheCache) {
  auto store = open();
  ASSERT_TRUE(store->read(context_, [&](Reader& reader) -> Status {
    for (int64_t i = 0; i < 1'000; ++i) {
      int64_t got = -1;
      TRY(reader.query("SELECT " + std::to_string(i), {}, [&](const Row& row) { return got = row.integer(0), true; }));
      EXPECT_EQ(got, i);
    }
    return {};
  }));
}

TEST_F(StoreTest, CancelAndDeadlineStopALongQuery) {
  auto store = open();
  auto endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
  auto run = [&](const Context& context) { return store->read(context, [&](Reader& reader) { return reader.query(endless, {}, nullptr); }); };
  EXPECT_EQ(run(context_.with_timeout_ms(30)).error().code, Code::kDeadlineExceeded);
  Context other = Context::background();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    other.cancel();
  });
  EXPECT_EQ(run(other).error().code, Code::kCancelled);
  canceller.join();
  auto status = store->write(context_.with_timeout_ms(30), [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO item(name) VALUES('a')"));
    return transaction.query(endless, {}, nullptr);
  });
  EXPECT_EQ(status.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(count(*store), 0);
}

TEST_F(StoreTest, WhoWaitsForTheWriterGivesUpAtItsDeadline) {
  auto store = open();
  ASSERT_TRUE(store->write(context_, [&](Transaction&) -> Status {
    std::thread other(
        [&] { EXPECT_EQ(store->write(context_.with_timeout_ms(50), [](Transaction&) { return Status(); }).error().code, Code::kDeadlineExceeded); });
    other.join();
    return {};
  }));
  EXPECT_TRUE(add(*store, "a"));
}

TEST_F(StoreTest, ConcurrentWritersAndReadersSeeWholeTransactions) {
  auto store = open();
  constexpr int kWriters = 4, kEach = 25;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) {
        auto status = store->write(Context::background(), [&](Transaction& transaction) -> Status {
          TRY(transaction.execute("INSERT INTO item(name) VALUES(?)", {std::to_string(writer) + "-" + std::to_string(i)}));
          int64_t id = transaction.last_row_id();
          TRY(transaction.execute("INSERT INTO part VALUES(?, 1)", {id}));
          TRY(transaction.execute("INSERT INTO part VALUES(?, 2)", {id}));
          return {};
        });
        EXPECT_TRUE(status) << status.error().message;
      }
    });
  }
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        EXPECT_TRUE(store->read(Context::background(), [](Reader& reader) {
          return reader.query("SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM item)", {}, [](const Row& row) {
            EXPECT_EQ(row.integer(0), 2 * row.integer(1));
            return true;
          });
        }));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  done = true;
  for (auto& thread : readers) thread.join();
  EXPECT_EQ(count(*store), kWriters * kEach);
  EXPECT_TRUE(store->check_integrity(context_));
}

TEST_F(StoreTest, MigrationsRunOnceAndANewerDatabaseIsRefused) {
  auto more = kMigrations;
  more.push_back({"test", 2, "ALTER TABLE item ADD COLUMN colour TEXT"});
  {
    auto store = open();
    ASSERT_TRUE(add(*store, "a"));
  }
  {
    auto store = open(more);
    EXPECT_EQ(count(*store), 1);
  }
  {
    auto store = open(more);
    EXPECT_EQ(count(*store), 1);
  }
  auto refused = Store::open(folder_, kMigrations);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("newer version of Strata"));
  EXPECT_FALSE(Store::open(folder_, {}));
  EXPECT_NE(open(more), nullptr);
}

TEST_F(StoreTest, AFailedMigrationIsUndoneAndSaysWhich) {
  auto broken = kMigrations;
  broken.push_back({"test", 2, "CREATE TABLE half(x); CREATE TABLE item(y)"});
  auto store = Store::open(folder_, broken);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("migration test 2"));
  broken.back().sql = "CREATE TABLE half(x)";
  EXPECT_NE(open(broken), nullptr);
}

TEST_F(StoreTest, TheFolderIsClosedToOthersAndLockedWhileInUse) {
  std::filesystem::create_directory(folder_);
  ::chmod(folder_.c_str(), 0755);
  auto store = open();
  struct stat info{};
  ASSERT_EQ(stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  auto second = Store::open(folder_, kMigrations);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("in use by process " + std::to_string(getpid()) + ":"));
  store.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_F(StoreTest, ASharedFolderOrAFileIsRefused) {
  EXPECT_EQ(Store::open("/tmp", {}).error().code, Code::kFailedPrecondition);
  std::ofstream(folder_) << "x";
  EXPECT_EQ(Store::open(folder_, {}).error().code, Code::kFailedPrecondition);
}

TEST_F(StoreTest, FilesAreNamedByTheirBytes) {
  auto store = open();
  std::string bytes = "hello\0world";
  auto name = store->put_file(bytes);
  ASSERT_TRUE(name) << name.error().message;
  EXPECT_EQ(*name, sha256_hex(bytes));
  EXPECT_EQ(*store->put_file(bytes), *name);
  EXPECT_EQ(*store->get_file(*name), bytes);
  EXPECT_TRUE(store->has_file(*name));
  EXPECT_EQ(store->list_files()->size(), 1u);
  ASSERT_TRUE(store->remove_file(*name));
  ASSERT_TRUE(store->remove_file(*name));
  EXPECT_EQ(store->get_file(*name).error().code, Code::kNotFound);
  EXPECT_EQ(store->get_file("../../etc/passwd").error().code, Code::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/files/tmp"));
}

TEST_F(StoreTest, AFileWrittenInPiecesIsTheOneOfItsBytesAndOneThatIsNotKeptLeavesNothing) {
  auto store = open();
  const std::string whole = std::string(100'000, 'a') + "end";
  {
    auto file = store->new_file();
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write(whole));
  }
  EXPECT_EQ(store->list_files()->size(), 0u);
  for (int times = 0; times < 2; ++times) {   // the second finds it there
    auto file = store->new_file();
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write(std::string_view(whole).substr(0, 70'000)));
    ASSERT_TRUE((*file)->write(std::string_view(whole).substr(70'000)));
    EXPECT_EQ((*file)->size(), 100'003);
    const auto name = (*file)->keep();
    ASSERT_TRUE(name);
    EXPECT_EQ(*name, store->put_file(whole).value());
  }
  EXPECT_EQ(store->list_files()->size(), 1u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/files/tmp"));
}

TEST_F(StoreTest, AFileWhoseBytesChangedIsDataLoss) {
  auto store = open();
  auto name = *store->put_file("hello");
  std::ofstream(store->file_path(name)) << "jello";
  EXPECT_EQ(store->get_file(name).error().code, Code::kDataLoss);
}

TEST_F(StoreTest, AFullDatabaseIsAnErrorAndTheStoreLivesOn) {
  auto store = open();
  auto limit = [&](int pages) {
    return store->write(context_, [&](Transaction& transaction) { return transaction.query("PRAGMA max_page_count=" + std::to_string(pages), {}, nullptr); });
  };
  ASSERT_TRUE(limit(20));
  auto status = store->write(context_, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO item(name) VALUES('first')"));
    auto full = transaction.execute("INSERT INTO item(name, body) VALUES('big', ?)", {Blob{std::string(1 << 20, 'x')}});
    EXPECT_EQ(full.error().code, Code::kResourceExhausted);
    EXPECT_THAT(full.error().message, HasSubstr("disk is full"));
    return full ? Status() : Status(tl::unexpect, full.error());
  });
  EXPECT_FALSE(status);
  EXPECT_EQ(count(*store), 0);
  ASSERT_TRUE(limit(1 << 20));
  EXPECT_TRUE(add(*store, "a"));
}

// Runs `work` in a child process and returns its exit status. REQUIRES: no other threads run.
int in_child(const std::function<int()>& work) {
  pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST_F(StoreTest, AFullDiskForAFileIsAnErrorAndLeavesNoFile) {
  { open(); }
  int status = in_child([&] {
    auto store = Store::open(folder_, kMigrations);
    if (!store) return 1;
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    auto name = (*store)->put_file(std::string(2 << 20, 'x'));
    return !name && name.error().code == Code::kResourceExhausted ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
  auto store = open();
  EXPECT_EQ(store->list_files()->size(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/files/tmp"));
}

// The child writes numbered rows and files, says each number on a pipe once it is acknowledged, and is killed at a random instant,
// sometimes in the middle of a transaction. Every acknowledged row and file is there; a row names only a file that is there.
TEST_F(StoreTest, KilledWritersLoseNothingAcknowledgedAndKeepNothingElse) {
  { open(); }
  Random random(7);
  int64_t acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
      auto store = Store::open(folder_, kMigrations);
      if (!store) _exit(1);
      for (int64_t i = acknowledged;; ++i) {
        auto file = (*store)->put_file("file " + std::to_string(i));
        if (!file) _exit(2);
        auto status = (*store)->write(Context::background(), [&](Transaction& transaction) -> Status {
          TRY(transaction.execute("INSERT INTO item(name, body) VALUES(?, ?)", {*file, Blob{std::string(50'000, 'b')}}));
          int64_t id = transaction.last_row_id();
          for (int64_t n = 0; n < 3; ++n) TRY(transaction.execute("INSERT INTO part VALUES(?, ?)", {id, n}));
          return {};
        });
        if (!status && status.error().code != Code::kAlreadyExists) _exit(3);
        if (write(pipe_ends[1], "x", 1) != 1) _exit(4);
      }
    }
    close(pipe_ends[1]);
    char byte;
    for (uint64_t wanted = random.below(20) + 1; wanted > 0 && read(pipe_ends[0], &byte, 1) == 1; --wanted) ++acknowledged;
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(3'000)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    while (read(pipe_ends[0], &byte, 1) == 1) ++acknowledged;
    close(pipe_ends[0]);

    auto store = open();
    ASSERT_NE(store, nullptr);
    EXPECT_TRUE(store->check_integrity(context_));
    EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/files/tmp"));
    int64_t rows = count(*store);
    EXPECT_GE(rows, acknowledged);
    EXPECT_LE(rows, acknowledged + 1);  // committed, killed before it was said
    ASSERT_TRUE(store->read(context_, [&](Reader& reader) {
      return reader.query("SELECT name, (SELECT count(*) FROM part WHERE item_id = item.id) FROM item", {}, [&](const Row& row) {
        EXPECT_TRUE(store->get_file(row.text(0)));
        EXPECT_EQ(row.integer(1), 3);
        return true;
      });
    }));
  }
}

}  // namespace
}  // namespace strata::store
