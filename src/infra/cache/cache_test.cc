#include "infra/cache/cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"

namespace strata::cache {
namespace {

constexpr int64_t kMinute = 60'000;

class CacheTest : public testing::Test {
 protected:
  CacheTest() : folder_(std::filesystem::temp_directory_path() / make_id("cache-test")) {
    std::filesystem::create_directories(folder_);
    open();
  }
  ~CacheTest() override {
    cache_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open(Options options = Options()) {
    cache_.reset();
    auto opened = Cache::open(folder_ + "/cache.db", clock_, options);
    ASSERT_TRUE(opened) << opened.error().message;
    cache_ = std::move(*opened);
  }
  void keep(const std::string& key, const Json& value, int64_t ttl_ms = kMinute, const std::string& tenant = "local") {
    cache_->keep(context_, tenant, key, {value, 0.5, ttl_ms});
    clock_.advance_ms(1);
  }
  Json find(const std::string& key) {
    auto hit = cache_->find(context_, key);
    clock_.advance_ms(1);
    return hit ? hit->value : Json();
  }

  ManualClock clock_;
  const std::string folder_;
  Context context_ = Context::background(clock_);
  std::unique_ptr<Cache> cache_;
};

TEST_F(CacheTest, WhatWasKeptIsFoundUntilItsTimeIsOverAlsoAfterARestart) {
  keep("a", Json::object({{"text", "yes"}}));
  EXPECT_EQ(find("a")["text"], Json("yes"));
  EXPECT_TRUE(find("b").is_null());
  open();
  EXPECT_EQ(find("a")["text"], Json("yes"));
  EXPECT_EQ(cache_->stats().entries, 1);
  clock_.advance_ms(kMinute);
  EXPECT_TRUE(find("a").is_null());
  keep("c", Json(1));
  EXPECT_EQ(cache_->stats().entries, 1) << "what is over is removed by the next write";
}

TEST_F(CacheTest, TheLeastRecentlyUsedGoFirstAndTheBoundHolds) {
  open({.bytes_most = 1'000, .entries_most = 100});
  const std::string text(298, 'x');   // 300 bytes as JSON
  for (auto key : {"a", "b", "c"}) keep(key, Json(text));
  EXPECT_FALSE(find("a").is_null());   // now b is the oldest
  keep("d", Json(text));
  EXPECT_TRUE(find("b").is_null());
  EXPECT_FALSE(find("a").is_null());
  EXPECT_LE(cache_->stats().bytes, 1'000);
  EXPECT_EQ(cache_->stats().evicted, 1u);
  keep("large", Json(std::string(2'000, 'x')));
  EXPECT_TRUE(find("large").is_null());
  EXPECT_FALSE(find("a").is_null()) << "what can never fit drives nothing out";
  keep("a", Json(1));
  EXPECT_EQ(cache_->stats().entries, 3) << "replaced, not added";
  open({.bytes_most = 1'000'000, .entries_most = 2});
  keep("e", Json(1));
  EXPECT_EQ(cache_->stats().entries, 2);
}

TEST_F(CacheTest, ManyEntriesStayWithinTheBound) {
  open({.bytes_most = 1 << 20, .entries_most = 150});
  for (int i = 0; i < 400; ++i) keep(std::to_string(i), Json(i));
  EXPECT_EQ(cache_->stats().entries, 150);
  EXPECT_EQ(find("399"), Json(399));
  EXPECT_EQ(find("250"), Json(250));
  EXPECT_TRUE(find("249").is_null());
}

TEST_F(CacheTest, NoKeyIsSharedAcrossTenantsPermissionsOrBoundariesOfItsParts) {
  Principal one, other = one, guest = one, reordered = one;
  one.roles = {"a", "b"};
  reordered.roles = {"b", "a"};
  other.roles = one.roles, other.tenant = "other";
  guest.roles = {"a"};
  auto key = [](const Principal& principal, std::string_view a, std::string_view b) { return Key("chat", principal).add("x", a).add("y", b).hex(); };
  EXPECT_EQ(key(one, "1", "2"), key(reordered, "1", "2"));
  EXPECT_NE(key(one, "1", "2"), key(other, "1", "2"));
  EXPECT_NE(key(one, "1", "2"), key(guest, "1", "2"));
  EXPECT_NE(key(one, "12", ""), key(one, "1", "2"));
  EXPECT_NE(Key("chat", one).hex(), Key("tool", one).hex());
}

TEST_F(CacheTest, ATenantEmptiesItsOwnPartOnly) {
  keep("a", Json(1));
  keep("b", Json(2), kMinute, "other");
  EXPECT_EQ(*cache_->clear(context_, "local"), 1);
  EXPECT_TRUE(find("a").is_null());
  EXPECT_EQ(find("b"), Json(2));
  EXPECT_EQ(cache_->stats().entries, 1);
}

TEST_F(CacheTest, WhatItSavesIsCounted) {
  keep("a", Json(1));
  find("a");
  find("a");
  find("b");
  const Stats stats = cache_->stats();
  EXPECT_EQ(stats.hits, 2u);
  EXPECT_EQ(stats.misses, 1u);
  EXPECT_DOUBLE_EQ(stats.saved, 1.0);
}

TEST_F(CacheTest, ADamagedFileIsBegunAnew) {
  keep("a", Json(1));
  cache_.reset();
  std::filesystem::resize_file(folder_ + "/cache.db", 100);
  for (auto suffix : {"-wal", "-shm"}) std::filesystem::remove(folder_ + "/cache.db" + suffix);
  open();
  EXPECT_TRUE(find("a").is_null());
  keep("a", Json(2));
  EXPECT_EQ(find("a"), Json(2));
}

}  // namespace
}  // namespace strata::cache
