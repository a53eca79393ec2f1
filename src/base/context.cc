#include "base/context.h"

#include <algorithm>

#include "base/random.h"

namespace strata {

Context Context::background(const Clock& clock) { return make(clock, Principal{}, make_id("req"), std::make_shared<CancelFlag>()); }

Context Context::make(const Clock& clock, Principal principal, std::string request_id, std::shared_ptr<CancelFlag> cancel) {
  return Context(std::make_shared<State>(State{&clock, std::move(principal), std::move(request_id), std::move(cancel)}));
}

Context Context::with_timeout_ms(int64_t ms) const {
  auto child = std::make_shared<State>(*state_);
  child->deadline_ns = std::min(state_->deadline_ns, clock().monotonic_ns() + ms * 1'000'000);
  return Context(std::move(child));
}

Context Context::with_span(std::shared_ptr<const SpanScope> span) const {
  auto child = std::make_shared<State>(*state_);
  child->span = std::move(span);
  return Context(std::move(child));
}

Status Context::check() const {
  if (cancelled()) return strata::cancelled();
  if (state_->deadline_ns != INT64_MAX && clock().monotonic_ns() >= state_->deadline_ns)
    return Error{Code::kDeadlineExceeded, "the time allowed for this request is over", "", "timeout"};
  return {};
}

int64_t Context::remaining_ms() const {
  if (state_->deadline_ns == INT64_MAX) return INT64_MAX;
  return std::max<int64_t>(0, (state_->deadline_ns - clock().monotonic_ns()) / 1'000'000);
}

}  // namespace strata
