// A journal on a folder of its own, with a table that jobs have effects in.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "infra/durable/clock_for_test.h"
#include "infra/durable/durable.h"

namespace strata::durable {

inline void until(const std::function<bool()>& true_now) {
  while (!true_now()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

inline std::vector<store::Migration> all_migrations() {
  auto migrations = Journal::migrations();
  migrations.push_back({"test", 1, "CREATE TABLE effect(id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL)"});
  return migrations;
}

class DurableTest : public testing::Test {
 protected:
  DurableTest() : folder_(std::filesystem::temp_directory_path() / make_id("durable-test")) {}
  ~DurableTest() override {
    journal_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open_store() {
    auto store = store::Store::open(folder_, all_migrations());
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }
  std::unique_ptr<Journal> make(Options options = {}) { return std::move(*Journal::open(*store_, clock_, options)); }
  // A journal that runs jobs of kind "work" by `worker`.
  void start(Worker worker, Options options = {}) {
    if (!store_) open_store();
    journal_ = make(options);
    journal_->register_kind("work", std::move(worker));
    journal_->start();
  }
  Job submit(const std::string& key = "") { return *journal_->submit(context_, "work", Json::object({{"n", 1}}), key); }
  Job wait(const std::string& id) {
    auto job = journal_->wait(context_, id);
    EXPECT_TRUE(job) << job.error().message;
    return job.value_or(Job{});
  }
  Job get(const std::string& id) { return *journal_->get(context_, id); }
  std::vector<int64_t> effects() {
    std::vector<int64_t> found;
    EXPECT_TRUE(store_->read(context_, [&](store::Reader& reader) {
      return reader.query("SELECT n FROM effect ORDER BY id", {}, [&](const store::Row& row) { return found.push_back(row.integer(0)), true; });
    }));
    return found;
  }

  int64_t number(const std::string& sql) {
    int64_t found = -1;
    EXPECT_TRUE(store_->read(
        context_, [&](store::Reader& reader) { return reader.query(sql, {}, [&](const store::Row& row) { return found = row.integer(0), false; }); }));
    return found;
  }

  std::string folder_;
  SharedClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace strata::durable
