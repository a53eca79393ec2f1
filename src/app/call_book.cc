#include "app/call_book.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace strata::app {
namespace {

// Kept for the next try while the store refuses them (a full disk); a few megabytes.
constexpr size_t kKeptMax = 10'000;

// About the call itself: it is never taken.
bool is_no_call(Code code) { return code == Code::kInvalidArgument || code == Code::kNotFound || code == Code::kAlreadyExists || code == Code::kOutOfRange; }

// About the store as a whole: nothing else is taken now either. What is neither may be the one or the other.
bool is_the_stores(Code code) {
  return code == Code::kUnavailable || code == Code::kResourceExhausted || code == Code::kDataLoss || code == Code::kAborted || code == Code::kCancelled ||
         code == Code::kDeadlineExceeded;
}

void leave_out(const outcome::Call& call, const Error& error) {
  log::error("call.not_recorded", {{"product", call.product}, {"route", call.route}, {"message", error.message}});
}

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

// One that is no call, or that the store has already, must not take the others with it. Nor one that the store refuses for a reason of its
// own: where others are taken, the reason is the call's.
CallBook::Calls CallBook::write_one_by_one(Calls batch) {
  std::vector<std::pair<outcome::Call, Error>> refused;
  Calls left;
  bool any_taken = false;
  for (outcome::Call& call : batch) {
    if (!left.empty()) {
      left.push_back(std::move(call));
      continue;
    }
    const auto taken = outcomes_.record_calls(Context::background(), {call});
    if (taken) any_taken = true;
    else if (is_no_call(taken.error().code)) leave_out(call, taken.error());
    else if (is_the_stores(taken.error().code)) left.push_back(std::move(call));
    else refused.emplace_back(std::move(call), taken.error());
  }
  for (auto& [call, error] : refused) {
    if (any_taken) leave_out(call, error);
    else left.push_back(std::move(call));
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
