#include "model/interface/interface.h"

#include <future>

namespace strata::model {
namespace {

class Collector : public Sink {
 public:
  void on_token(const TokenEvent& event) override {
    if (!event.from_prompt) out_.text += event.text;
    out_.events.push_back(event);
  }
  void on_finish(const Finish& finish) override {
    out_.finish = finish;
    done_.set_value();
  }
  Generated wait() {
    done_.get_future().wait();
    return std::move(out_);
  }

 private:
  Generated out_;
  std::promise<void> done_;
};

}  // namespace

Result<std::vector<Embedding>> Embedder::embed(const Context& context, EmbedRequest request) {
  auto promise = std::make_shared<std::promise<Result<std::vector<Embedding>>>>();
  auto future = promise->get_future();
  TRY(submit(context, std::move(request), [promise](auto result) { promise->set_value(std::move(result)); }));
  return future.get();
}

Result<Generated> generate(const Context& context, LanguageModel& model, GenerateRequest request) {
  auto collector = std::make_shared<Collector>();
  TRY_ASSIGN(auto handle, model.submit(context, std::move(request), collector));
  Generated out = collector->wait();
  if (out.finish.reason == FinishReason::kError || out.finish.reason == FinishReason::kCancelled) return out.finish.error;
  return out;
}

}  // namespace strata::model
