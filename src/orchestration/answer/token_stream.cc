#include "orchestration/answer/token_stream.h"

#include <chrono>
#include <optional>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"

namespace strata::answer {
namespace {

constexpr auto kLookAround = std::chrono::milliseconds(20);  // how soon a cancelled context is noticed while no token comes

class Queue : public model::Sink {
 public:
  void on_token(const model::TokenEvent& event) override {
    if (event.from_prompt) return;
    std::lock_guard lock(mutex_);
    text_ += event.text;
    tokens_ += static_cast<int>(event.ids.size());
    changed_.notify_one();
  }
  void on_finish(const model::Finish& finish) override {
    std::lock_guard lock(mutex_);
    finish_ = finish;
    changed_.notify_one();
  }
  // Waits a little for text or the end; both may come at once.
  std::optional<model::Finish> take(std::string* text) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLookAround, [&] { return !text_.empty() || finish_; });
    text->swap(text_);
    text_.clear();
    return finish_;
  }
  int tokens() {
    std::lock_guard lock(mutex_);
    return tokens_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  int tokens_ = 0;
  std::optional<model::Finish> finish_;
};

// How a model finished that was stopped on our side; its own word may never come.
model::Finish stopped(const std::optional<model::Finish>& finish, const model::LanguageModel& model, const model::Prompt& prompt, int tokens) {
  model::Finish out = finish.value_or(model::Finish{});
  out.reason = model::FinishReason::kStop;
  if (finish) return out;
  out.usage.prompt_tokens = model.count_tokens(prompt).value_or(0);
  out.usage.completion_tokens = tokens;
  return out;
}

}  // namespace

Result<model::Finish> stream(const Context& context, model::LanguageModel& model, model::GenerateRequest request,
                             const std::function<bool(const std::string& text)>& on_text) {
  const auto queue = std::make_shared<Queue>();
  const model::Prompt prompt = request.prompt;
  TRY_ASSIGN(auto handle, model.submit(context, std::move(request), queue));
  while (true) {
    std::string text;
    const std::optional<model::Finish> finish = queue->take(&text);
    if (const Status status = context.check(); !status) {
      handle->cancel();
      return status.error();
    }
    if ((!text.empty() || !finish) && !on_text(text)) {
      handle->cancel();
      return stopped(finish, model, prompt, queue->tokens());
    }
    if (!finish) continue;
    if (finish->reason == model::FinishReason::kError || finish->reason == model::FinishReason::kCancelled) return finish->error;
    return *finish;
  }
}

std::vector<std::string> SentenceCutter::feed(const std::string& text) {
  pending_ += text;
  std::vector<std::string> out;
  const std::vector<document::Range> ranges = chunk::sentences(pending_);
  // The last one may go on ("3." … "5"); those before it are complete.
  for (size_t i = 0; i + 1 < ranges.size(); ++i) out.push_back(pending_.substr(ranges[i].begin, ranges[i].end - ranges[i].begin));
  if (ranges.size() > 1) pending_.erase(0, ranges.back().begin);
  return out;
}

std::vector<std::string> SentenceCutter::rest() {
  std::vector<std::string> out;
  for (const document::Range& range : chunk::sentences(pending_)) out.push_back(pending_.substr(range.begin, range.end - range.begin));
  pending_.clear();
  return out;
}

}  // namespace strata::answer
