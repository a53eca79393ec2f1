// A model of the pool as one request sees it: in memory or not, it is used alike.
#include <future>
#include <utility>

#include "model/pool/rooms.h"

namespace strata::pool {
namespace {

// Keeps the model in memory until the request has ended. Its times count from when the request came, not from when the model was there.
class LeasedSink : public model::Sink {
 public:
  LeasedSink(std::shared_ptr<model::Sink> sink, LeasePtr lease, double waited_ms) : sink_(std::move(sink)), lease_(std::move(lease)), waited_ms_(waited_ms) {}
  void on_token(const model::TokenEvent& event) override { sink_->on_token(event); }
  void on_finish(const model::Finish& finish) override {
    model::Finish told = finish;
    told.queue_ms += waited_ms_;
    told.first_token_ms += waited_ms_;
    told.total_ms += waited_ms_;
    sink_->on_finish(told);
    lease_.reset();
  }

 private:
  std::shared_ptr<model::Sink> sink_;
  LeasePtr lease_;
  const double waited_ms_;
};

// Of a request that may still wait for its model.
class PendingHandle : public model::Handle {
 public:
  void cancel() override {
    std::shared_ptr<model::Handle> handle;
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
      handle = handle_;
    }
    if (handle) handle->cancel();
  }
  bool cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }
  void started(std::shared_ptr<model::Handle> handle) {
    {
      const std::lock_guard lock(mutex_);
      handle_ = handle;
      if (!cancelled_) return;
    }
    handle->cancel();
  }

 private:
  mutable std::mutex mutex_;
  bool cancelled_ = false;
  std::shared_ptr<model::Handle> handle_;
};

void fail(model::Sink& sink, Error error) {
  model::Finish finish;
  finish.reason = error.code == Code::kCancelled ? model::FinishReason::kCancelled : model::FinishReason::kError;
  finish.error = std::move(error);
  sink.on_finish(finish);
}

class Session : public model::LanguageModel {
 public:
  Session(std::shared_ptr<Pool::Impl> pool, size_t slot, std::shared_ptr<const model::ModelInfo> info)
      : pool_(std::move(pool)), slot_(slot), info_(std::move(info)) {}

  const model::ModelInfo& info() const override { return *info_; }
  Result<std::shared_ptr<model::Handle>> submit(const Context& context, model::GenerateRequest request, std::shared_ptr<model::Sink> sink) override;
  Result<int> count_tokens(const model::Prompt& prompt) const override {
    TRY_ASSIGN(auto* model, pinned());
    return model->count_tokens(prompt);
  }
  Result<std::vector<int32_t>> tokenize(std::string_view text, bool add_special) const override {
    TRY_ASSIGN(auto* model, pinned());
    return model->tokenize(text, add_special);
  }
  Result<std::string> detokenize(const std::vector<int32_t>& ids) const override {
    TRY_ASSIGN(auto* model, pinned());
    return model->detokenize(ids);
  }

 private:
  // Blocks until the model is in memory, where it then stays as long as this session.
  Result<model::LanguageModel*> pinned() const;
  LeasePtr lease_now() const;

  const std::shared_ptr<Pool::Impl> pool_;
  const size_t slot_;
  const std::shared_ptr<const model::ModelInfo> info_;
  mutable std::mutex mutex_;
  mutable LeasePtr lease_;   // once pinned
};

Result<model::LanguageModel*> Session::pinned() const {
  const std::lock_guard one_waits(mutex_);
  if (lease_) return &lease_->model();
  auto promise = std::make_shared<std::promise<Result<LeasePtr>>>();
  auto future = promise->get_future();
  TRY(pool_->wait(slot_, {[promise](Result<LeasePtr> lease) { promise->set_value(std::move(lease)); }, true}));
  TRY_ASSIGN(lease_, future.get());
  return &lease_->model();
}

LeasePtr Session::lease_now() const {
  {
    const std::lock_guard lock(mutex_);
    if (lease_) return lease_;
  }
  const std::lock_guard lock(pool_->mutex);
  return pool_->lease(slot_);
}

Result<std::shared_ptr<model::Handle>> Session::submit(const Context& context, model::GenerateRequest request, std::shared_ptr<model::Sink> sink) {
  if (LeasePtr lease = lease_now()) {
    model::LanguageModel& model = lease->model();
    return model.submit(context, std::move(request), std::make_shared<LeasedSink>(std::move(sink), std::move(lease), 0));
  }
  TRY(context.check());
  auto handle = std::make_shared<PendingHandle>();
  auto held = std::make_shared<model::GenerateRequest>(std::move(request));
  const int64_t came_ns = pool_->options.clock->monotonic_ns();
  const Clock* clock = pool_->options.clock;
  auto start = [context, held, sink, handle, came_ns, clock](Result<LeasePtr> lease) {
    if (!lease) return fail(*sink, std::move(lease.error()));
    if (handle->cancelled()) return fail(*sink, strata::cancelled("the request was cancelled while its model was being loaded"));
    model::LanguageModel& model = (*lease)->model();
    const double waited_ms = static_cast<double>(clock->monotonic_ns() - came_ns) / 1e6;
    auto submitted = model.submit(context, std::move(*held), std::make_shared<LeasedSink>(sink, std::move(*lease), waited_ms));
    if (!submitted) return fail(*sink, std::move(submitted.error()));
    handle->started(std::move(*submitted));
  };
  TRY(pool_->wait(slot_, {std::move(start), false}));
  return std::shared_ptr<model::Handle>(std::move(handle));
}

}  // namespace

std::shared_ptr<model::LanguageModel> make_session(std::shared_ptr<Pool::Impl> pool, size_t slot, std::shared_ptr<const model::ModelInfo> info) {
  return std::make_shared<Session>(std::move(pool), slot, std::move(info));
}

}  // namespace strata::pool
