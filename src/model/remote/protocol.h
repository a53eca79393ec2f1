// The OpenAI-compatible wire format: our request as JSON, the provider's stream as our events.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "model/interface/interface.h"
#include "model/remote/remote.h"
#include "model/remote/sse.h"

namespace strata::remote {

struct Call {
  std::string path;   // "/chat/completions"
  std::string body;
};
// kUnimplemented for what a remote model cannot do (echo), kInvalidArgument for what the format cannot say.
Result<Call> make_call(const RemoteOptions& options, const model::GenerateRequest& request);

// A token per four bytes, four per message: within a factor of two for English with any current tokenizer.
int estimate_tokens(const model::Prompt& prompt);

// The body of an error answer as an Error. `host` goes in front; `key` never shows.
Error provider_error(int status, std::string_view body, const std::string& host, const std::string& key);

// Reads one answer, streamed or (from a provider that ignores `stream`) whole.
class AnswerReader {
 public:
  AnswerReader(std::string host, std::string key, std::function<void(const model::TokenEvent&)> on_token)
      : host_(std::move(host)), key_(std::move(key)), on_token_(std::move(on_token)) {}

  Status feed(std::string_view bytes);
  // The provider has ended its answer. kUnavailable where it ended too early.
  Status finish();
  bool done() const { return done_; }              // [DONE] was read
  model::FinishReason reason() const { return reason_; }
  std::optional<model::Usage> usage() const { return usage_; }
  size_t text_bytes() const { return text_bytes_; }

 private:
  Status on_event(std::string_view data);
  Status on_chunk(const Json& chunk);
  void read_usage(const Json& usage);
  void read_calls(const Json& calls, model::TokenEvent* event);
  Status read_finish(const Json& reason);

  std::string host_, key_;
  std::function<void(const model::TokenEvent&)> on_token_;
  SseReader events_;
  std::string whole_;                 // an answer that is no stream
  enum class Kind { kUnknown, kStream, kWhole } kind_ = Kind::kUnknown;
  bool done_ = false;
  bool finished_ = false;
  model::FinishReason reason_ = model::FinishReason::kStop;
  std::optional<model::Usage> usage_;
  size_t text_bytes_ = 0;
  std::vector<std::pair<int, std::string>> calls_;   // the provider's index and the id of each, in the order of their beginnings
};

}  // namespace strata::remote
