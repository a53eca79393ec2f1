// A model's tokens, handed from the engine's thread to the thread that checks them. Internal to orchestration/answer.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/context.h"
#include "model/interface/interface.h"

namespace strata::answer {

// Submits the request, then calls `on_text` on this thread with each piece of text until it returns false (which cancels the model) or
// the model is done. Returns how it finished. Errors: the model's own, kCancelled and kDeadlineExceeded of the context (also cancelling).
// `on_text` is also called without text while none comes (about every 20 ms), so that it can stop a model that says nothing. The usage of
// a model that was stopped is counted here: the prompt, and the tokens that came.
Result<model::Finish> stream(const Context& context, model::LanguageModel& model, model::GenerateRequest request,
                             const std::function<bool(const std::string& text)>& on_text);

// Cuts a stream of text into sentences: feed() returns those that are certainly complete, rest() what is left at the end.
class SentenceCutter {
 public:
  std::vector<std::string> feed(const std::string& text);
  std::vector<std::string> rest();

 private:
  std::string pending_;
};

}  // namespace strata::answer
