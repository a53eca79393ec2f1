// A disk for tests of crashes: a SQLite VFS over the system's that remembers what was written since the last sync, and forgets it on
// demand, as a machine does that loses power.
//
// crash() stops all writing: from then on every write, sync and truncation fails, so that nothing more is acknowledged. forget() then,
// once the store is closed, puts each file back to its last sync and lets some of the unsynced writes through (a real disk may have
// written any of them). Content-addressed files do not pass here: they are fsynced before put_file returns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace strata::store {

class CrashDisk {
 public:
  CrashDisk();          // registers a VFS under name(), and takes it off when it goes: REQUIRES no store open on it then
  ~CrashDisk();
  const std::string& name() const;
  void crash_after(int64_t syncs);        // crashes by itself at the so-manieth sync from now, before it is done
  void crash();
  bool crashed() const;
  int64_t syncs() const;                  // so far
  // REQUIRES: all stores closed. Undoes what was not synced; each such write survives with the given probability. Writing works again.
  void forget(uint64_t seed, double survive);
  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace strata::store
