#include "app/call_book.h"

#include "base/log.h"

namespace strata::app {
namespace {

// Kept for the next try while the store refuses them (a full disk); a few megabytes.
constexpr size_t kKeptMax = 10'000;

}  // namespace

void CallBook::add(outcome::Call call) {
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(call));
    if (posted_) return;
    posted_ = true;
  }
  post_([this] { write(); });
}

void CallBook::write() {
  std::vector<outcome::Call> batch;
  {
    std::lock_guard lock(mutex_);
    batch.swap(waiting_);
    posted_ = false;
  }
  auto taken = outcomes_.record_calls(Context::background(), batch);
  if (taken) return;
  Status last = taken.error().code == Code::kInvalidArgument ? write_one_by_one(batch) : Status(taken.error());
  if (last) return;
  log::error("calls.not_recorded", {{"calls", batch.size()}, {"message", last.error().message}});
  keep(std::move(batch));
}

// One that is no call must not take the others with it.
Status CallBook::write_one_by_one(const std::vector<outcome::Call>& batch) {
  for (auto& call : batch)
    if (auto taken = outcomes_.record_calls(Context::background(), {call}); !taken)
      log::error("call.not_recorded", {{"product", call.product}, {"route", call.route}, {"message", taken.error().message}});
  return {};
}

void CallBook::keep(std::vector<outcome::Call> batch) {
  std::lock_guard lock(mutex_);
  if (batch.size() + waiting_.size() > kKeptMax) return;
  waiting_.insert(waiting_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
}

}  // namespace strata::app
