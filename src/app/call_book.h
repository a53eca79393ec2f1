// Calls of products on their way to the store. add() never waits for a disk: the background thread writes what has gathered in one
// transaction, so that many calls cost one commit. A call is in the book before its answer's last byte is sent. What the store cannot take
// now (a full disk) is kept and written with the next call, and for the last time when the book goes; what no call can be is left out by
// itself, with a line in the log. A process that is killed loses what had not been written.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "product/outcome/outcome.h"

namespace strata::app {

class CallBook {
 public:
  using Post = std::function<void(std::function<void()>)>;
  CallBook(outcome::Outcomes& outcomes, Post post) : outcomes_(outcomes), post_(std::move(post)) {}
  // Writes what is left. REQUIRES: what was posted has been run, and nobody adds any more.
  ~CallBook();
  CallBook(const CallBook&) = delete;
  CallBook& operator=(const CallBook&) = delete;

  // THREADS: any.
  void add(outcome::Call call);

 private:
  using Calls = std::vector<outcome::Call>;
  void write();
  Calls take();
  // What could not be written now, of a batch that was not written as a whole.
  Calls write_one_by_one(Calls batch);
  void keep(Calls batch);

  outcome::Outcomes& outcomes_;
  const Post post_;
  std::mutex mutex_;
  Calls waiting_;
  bool posted_ = false;
};

}  // namespace strata::app
