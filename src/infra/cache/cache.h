// infra/cache: results that are asked for again and again, kept exactly. An entry is found by a key that is a hash of everything that decides
// the result, so two requests share one only where nothing that matters differs: the same tenant, the same permissions, the same model or
// tool in the same version, the same input. For prompts and responses, read-only tools and retrieval alike: one room, one place to see what
// it saves, one way to empty it.
//
//   Key("chat", principal).add("model", …).add("messages", …) ──find──▶ hit: value, what it cost then
//                                                              └─keep──▶ a row, for as long as its time to live; the least recently used go first
//
// Entries lie in a database beside the authoritative one (store::SideDatabase): they outlive the process, cost no fsync, are in no backup, and may be
// lost. A cache that fails is a miss, said in the log, and never an error of whoever asks.
// The table behind it is reached by find() and keep() alone: another store (a shared one, for several machines) would stand behind the same two.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/context.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::cache {

inline constexpr double kTtlSecondsMost = 30 * 86'400;       // a month: what is older was asked of a world that has changed
inline constexpr size_t kEntryBytesMost = 1u << 20;          // of one value as JSON; larger ones are not kept

// Puts a key together. Each part is hashed with its name and length, so that no two lists of parts are the same bytes.
class Key {
 public:
  // `what` is computed: "chat", "flow.tool", … Two of them never share. Of the principal: tenant and roles.
  Key(std::string_view what, const Principal& principal);
  Key& add(std::string_view name, std::string_view value);
  Key& add_json(std::string_view name, const Json& value) { return add(name, value.dump()); }
  std::string hex() { return hash_.finish_hex(); }           // once
  const std::string& tenant() const { return tenant_; }

 private:
  std::string tenant_;
  Sha256 hash_;
};

struct Hit {
  Json value;
  double cost = 0;                  // UNITS: US dollars; what was paid when it was made, and is saved now
  int64_t made_ms = 0;
};

struct Stats {
  int64_t entries = 0, bytes = 0;                            // now
  uint64_t hits = 0, misses = 0, kept = 0, evicted = 0;      // since the start
  double saved = 0;                 // UNITS: US dollars
};

struct Options {
  int64_t bytes_most = 256ll << 20;                          // of all values
  int64_t entries_most = 100'000;
};

// THREADS: safe. COST: a find is one read by its primary key; a keep one transaction that waits for no disk.
class Cache {
 public:
  static Result<std::unique_ptr<Cache>> open(const std::string& path, const Clock& clock, Options options = Options());

  std::optional<Hit> find(const Context& context, const std::string& key);
  struct Made {
    Json value;
    double cost = 0;
    int64_t ttl_ms = 0;
  };
  // Replaces what was there. Expired entries go, then the least recently used, until it fits.
  void keep(const Context& context, const std::string& tenant, const std::string& key, const Made& made);
  Result<int64_t> clear(const Context& context, const std::string& tenant);   // how many entries went
  Stats stats() const;

 private:
  Cache(std::unique_ptr<store::SideDatabase> database, const Clock& clock, Options options)
      : database_(std::move(database)), clock_(clock), options_(options) {}
  Status count(store::Reader& reader);
  Status write(const Context& context, const std::string& tenant, const std::string& key, const std::string& text, const Made& made);
  Status make_room(store::Transaction& transaction, int64_t bytes, int64_t now_ms);
  void touch(const std::string& key, int64_t now_ms);
  std::map<std::string, int64_t> take_touched();

  const std::unique_ptr<store::SideDatabase> database_;
  const Clock& clock_;
  const Options options_;
  std::mutex writing_;              // guards what follows, also against the database's own order of writers
  int64_t entries_ = 0, bytes_ = 0, evicted_ = 0;
  std::atomic<int64_t> entries_seen_{0}, bytes_seen_{0};
  std::atomic<uint64_t> hits_{0}, misses_{0}, kept_{0}, evicted_seen_{0};
  std::atomic<double> saved_{0};
  std::mutex touching_;             // guards what follows
  std::map<std::string, int64_t> touched_;   // hits since the last write, by key: written with it
};

}  // namespace strata::cache
