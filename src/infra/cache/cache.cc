#include "infra/cache/cache.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"

namespace strata::cache {
namespace {

using store::Row;
using store::Transaction;

// Hits that are remembered until the next write; past it the oldest uses are a little too old, and no more.
constexpr size_t kTouchedMost = 4'096;
constexpr int64_t kEvictedAtOnce = 64;

std::vector<store::Migration> migrations() {
  return {{"cache", 1, R"(
    CREATE TABLE cache_entries(
      key TEXT PRIMARY KEY,
      tenant TEXT NOT NULL,
      value TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      cost REAL NOT NULL,
      made_ms INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL,
      used_ms INTEGER NOT NULL);
    CREATE INDEX cache_entries_by_use ON cache_entries(used_ms);
    CREATE INDEX cache_entries_by_end ON cache_entries(expires_ms);
  )"}};
}

struct Found {
  Hit hit;
  int64_t expires_ms = 0;
};

Result<Found> found_in(const Row& row) {
  Found found;
  TRY_ASSIGN(found.hit.value, Json::parse(row.text(0)));
  found.hit.cost = row.real(1);
  found.hit.made_ms = row.integer(2);
  found.expires_ms = row.integer(3);
  return found;
}

}  // namespace

Key::Key(std::string_view what, const Principal& principal) : tenant_(principal.tenant) {
  add("what", what);
  add("tenant", principal.tenant);
  std::vector<std::string> roles = principal.roles;
  std::sort(roles.begin(), roles.end());
  for (const std::string& role : roles) add("role", role);
}

Key& Key::add(std::string_view name, std::string_view value) {
  hash_.update(std::to_string(name.size()) + ':' + std::to_string(value.size()) + ':');
  hash_.update(name);
  hash_.update(value);
  return *this;
}

Result<std::unique_ptr<Cache>> Cache::open(const std::string& path, const Clock& clock, Options options) {
  TRY_ASSIGN(auto database, store::SideDatabase::open(path, migrations()));
  std::unique_ptr<Cache> cache(new Cache(std::move(database), clock, options));
  TRY(cache->database_->read(Context::background(clock), [&](store::Reader& reader) { return cache->count(reader); }));
  return cache;
}

Status Cache::count(store::Reader& reader) {
  TRY(reader.query("SELECT count(*), coalesce(sum(bytes), 0) FROM cache_entries", {}, [&](const Row& row) {
    entries_ = row.integer(0);
    bytes_ = row.integer(1);
    return false;
  }));
  entries_seen_ = entries_;
  bytes_seen_ = bytes_;
  return {};
}

std::optional<Hit> Cache::find(const Context& context, const std::string& key) {
  const int64_t now = clock_.unix_ms();
  std::vector<Found> found;
  auto status = database_->read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(found, store::query_all(reader, "SELECT value, cost, made_ms, expires_ms FROM cache_entries WHERE key = ?", {key}, found_in));
    return {};
  });
  if (!status) log::warning("cache.not_read", {{"message", status.error().message}});
  if (found.empty() || found[0].expires_ms <= now) {
    ++misses_;
    return std::nullopt;
  }
  ++hits_;
  saved_ += found[0].hit.cost;
  touch(key, now);
  return std::move(found[0].hit);
}

void Cache::touch(const std::string& key, int64_t now_ms) {
  const std::lock_guard lock(touching_);
  if (touched_.size() < kTouchedMost || touched_.count(key)) touched_[key] = now_ms;
}

std::map<std::string, int64_t> Cache::take_touched() {
  const std::lock_guard lock(touching_);
  return std::exchange(touched_, {});
}

void Cache::keep(const Context& context, const std::string& tenant, const std::string& key, const Made& made) {
  const std::string text = made.value.dump();
  const int64_t bytes = static_cast<int64_t>(text.size());
  if (text.size() > kEntryBytesMost || bytes > options_.bytes_most || made.ttl_ms <= 0) return;
  const std::lock_guard lock(writing_);
  if (auto written = write(context, tenant, key, text, made); !written) return log::warning("cache.not_written", {{"message", written.error().message}});
  ++kept_;
}

// REQUIRES: writing_ is held. The counts are those of the rows again where it fails.
Status Cache::write(const Context& context, const std::string& tenant, const std::string& key, const std::string& text, const Made& made) {
  const int64_t now = clock_.unix_ms(), bytes = static_cast<int64_t>(text.size()), entries_before = entries_, bytes_before = bytes_, evicted_before = evicted_;
  const auto touched = take_touched();
  auto written = database_->write(context, [&](Transaction& transaction) -> Status {
    for (auto& [used, at] : touched) TRY(transaction.execute("UPDATE cache_entries SET used_ms = max(used_ms, ?) WHERE key = ?", {at, used}));
    TRY(transaction.query("SELECT bytes FROM cache_entries WHERE key = ?", {key}, [&](const Row& row) {
      --entries_;
      bytes_ -= row.integer(0);
      return false;
    }));
    TRY(transaction.execute("DELETE FROM cache_entries WHERE key = ?", {key}));
    TRY(make_room(transaction, bytes, now));
    TRY(transaction.execute("INSERT INTO cache_entries(key, tenant, value, bytes, cost, made_ms, expires_ms, used_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                            {key, tenant, text, bytes, made.cost, now, now + made.ttl_ms, now}));
    ++entries_;
    bytes_ += bytes;
    return {};
  });
  if (!written) entries_ = entries_before, bytes_ = bytes_before, evicted_ = evicted_before;
  entries_seen_ = entries_, bytes_seen_ = bytes_, evicted_seen_ = static_cast<uint64_t>(evicted_);
  return written;
}

Status Cache::make_room(Transaction& transaction, int64_t bytes, int64_t now_ms) {
  auto remove = [&](const char* which, const std::vector<store::Value>& values, bool evicts) -> Result<size_t> {
    std::vector<std::string> keys;
    TRY(transaction.query(which, values, [&](const Row& row) {
      const bool fits = evicts && entries_ < options_.entries_most && bytes_ + bytes <= options_.bytes_most;
      if (fits) return false;
      keys.push_back(row.text(0));
      --entries_;
      bytes_ -= row.integer(1);
      return true;
    }));
    for (const std::string& key : keys) TRY(transaction.execute("DELETE FROM cache_entries WHERE key = ?", {key}));
    if (evicts) evicted_ += static_cast<int64_t>(keys.size());
    return keys.size();
  };
  TRY(remove("SELECT key, bytes FROM cache_entries WHERE expires_ms <= ? LIMIT ?", {now_ms, kEvictedAtOnce}, false));
  for (;;) {
    TRY_ASSIGN(const size_t gone, remove("SELECT key, bytes FROM cache_entries ORDER BY used_ms, key LIMIT ?", {kEvictedAtOnce}, true));
    if (gone < static_cast<size_t>(kEvictedAtOnce)) return {};
  }
}

Result<int64_t> Cache::clear(const Context& context, const std::string& tenant) {
  const std::lock_guard lock(writing_);
  int64_t gone = 0;
  TRY(database_->write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(gone, transaction.execute("DELETE FROM cache_entries WHERE tenant = ?", {tenant}));
    return count(transaction);
  }));
  return gone;
}

Stats Cache::stats() const { return {entries_seen_, bytes_seen_, hits_, misses_, kept_, evicted_seen_, saved_}; }

}  // namespace strata::cache
