#include "model/interface/interface.h"

#include <future>

namespace strata::model {
namespace {

class AdaptedModel : public LanguageModel {
 public:
  AdaptedModel(std::shared_ptr<LanguageModel> base, std::shared_ptr<const Adapter> adapter) : base_(std::move(base)), adapter_(std::move(adapter)) {}

  const ModelInfo& info() const override { return adapter_->info(); }
  Result<std::shared_ptr<Handle>> submit(const Context& context, GenerateRequest request, std::shared_ptr<Sink> sink) override {
    request.adapter = adapter_;
    return base_->submit(context, std::move(request), std::move(sink));
  }
  Result<int> count_tokens(const Prompt& prompt) const override { return base_->count_tokens(prompt); }
  Result<std::vector<int32_t>> tokenize(std::string_view text, bool add_special) const override { return base_->tokenize(text, add_special); }
  Result<std::string> detokenize(const std::vector<int32_t>& ids) const override { return base_->detokenize(ids); }

 private:
  const std::shared_ptr<LanguageModel> base_;
  const std::shared_ptr<const Adapter> adapter_;
};

}  // namespace

std::shared_ptr<LanguageModel> with_adapter(std::shared_ptr<LanguageModel> base, std::shared_ptr<const Adapter> adapter) {
  return std::make_shared<AdaptedModel>(std::move(base), std::move(adapter));
}
namespace {

class Collector : public Sink {
 public:
  void on_token(const TokenEvent& event) override {
    if (!event.from_prompt) out_.text += event.text;
    for (const CallDelta& delta : event.calls) add_call(out_.calls, delta);
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

void add_call(std::vector<FunctionCall>& calls, const CallDelta& delta) {
  const auto index = static_cast<size_t>(delta.index);
  if (delta.index < 0 || index > calls.size()) return;   // a provider that counts as it likes
  if (index == calls.size()) calls.emplace_back();
  FunctionCall& call = calls[index];
  if (!delta.id.empty()) call.id = delta.id;
  call.name += delta.name;
  call.arguments += delta.arguments;
}

Result<Generated> generate(const Context& context, LanguageModel& model, GenerateRequest request) {
  auto collector = std::make_shared<Collector>();
  TRY_ASSIGN(auto handle, model.submit(context, std::move(request), collector));
  Generated out = collector->wait();
  if (out.finish.reason == FinishReason::kError || out.finish.reason == FinishReason::kCancelled) return out.finish.error;
  return out;
}

}  // namespace strata::model
