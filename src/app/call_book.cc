#include "app/call_book.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace strata::app {
namespace {

// Kept for the next try while the store refuses them (a full disk); a few megabytes.
constexpr size_t kKeptMax = 10'000;

// Whether the same call may be taken another time. Everything else is about the call itself.
bool may_pass(Code code) {
  return code == Code::kUnavailable || code == Code::kResourceExhausted || code == Code::kInternal || code == Code::kDataLoss || code == Code::kAborted ||
         code == Code::kCancelled || code == Code::kDeadlineExceeded || code == Code::kFailedPrecondition;
}

// Whether it concerns the store as a whole: then nothing else is taken either.
bool is_the_stores(Code code) { return may_pass(code) && code != Code::kInternal; }

}  // namespace

CallBook::~CallBook() {
  write();
  if (!waiting_.empty()) log::error("calls.lost", {{"calls", waiting_.size()}});
}

void CallBook::add(outcome::Call call) {
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(call));
    if (posted_) return;
    posted_ = true;
  }
  post_([this] { write(); });
}

CallBook::Calls CallBook::take() {
  std::lock_guard lock(mutex_);
  posted_ = false;
  return std::exchange(waiting_, {});
}

void CallBook::write() {
  Calls batch = take();
  if (batch.empty()) return;
  const auto taken = outcomes_.record_calls(Context::background(), batch);
  if (taken) return;
  if (!is_the_stores(taken.error().code)) batch = write_one_by_one(std::move(batch));
  if (batch.empty()) return;
  log::error("calls.not_recorded", {{"calls", batch.size()}, {"message", taken.error().message}});
  keep(std::move(batch));
}

// One that is no call, or that the store has already, must not take the others with it.
CallBook::Calls CallBook::write_one_by_one(Calls batch) {
  Calls left;
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto taken = outcomes_.record_calls(Context::background(), {batch[i]});
    if (taken) continue;
    if (!may_pass(taken.error().code)) {
      log::error("call.not_recorded", {{"product", batch[i].product}, {"route", batch[i].route}, {"message", taken.error().message}});
      continue;
    }
    const size_t end = is_the_stores(taken.error().code) ? batch.size() : i + 1;
    left.insert(left.end(), std::make_move_iterator(batch.begin() + static_cast<std::ptrdiff_t>(i)),
                std::make_move_iterator(batch.begin() + static_cast<std::ptrdiff_t>(end)));
    i = end - 1;
  }
  return left;
}

void CallBook::keep(Calls batch) {
  std::lock_guard lock(mutex_);
  const size_t room = kKeptMax - std::min(kKeptMax, waiting_.size());
  if (batch.size() > room) {
    log::error("calls.lost", {{"calls", batch.size() - room}, {"message", "the store has refused calls for too long"}});
    batch.resize(room);
  }
  waiting_.insert(waiting_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
}

}  // namespace strata::app
