// Calls of products on their way to the store. add() never waits for a disk: the background thread writes what has gathered in one
// transaction, so that many calls cost one commit. A call is in the book before its answer's last byte is sent, and the background thread
// ends its work before the program does; a process that is killed loses what had not been written.
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

  // THREADS: any.
  void add(outcome::Call call);

 private:
  void write();
  Status write_one_by_one(const std::vector<outcome::Call>& batch);
  void keep(std::vector<outcome::Call> batch);

  outcome::Outcomes& outcomes_;
  const Post post_;
  std::mutex mutex_;
  std::vector<outcome::Call> waiting_;
  bool posted_ = false;
};

}  // namespace strata::app
