#include "model/engine/call_reader.h"

#include <deque>
#include <utility>

#include "base/random.h"
#include "model/engine/text_stream.h"
#include "model/grammar/grammar.h"

namespace strata::engine {
namespace {

using grammar::kCallOpen;
constexpr std::string_view kBeforeName = "{\"name\": \"", kBeforeArguments = "\", \"arguments\": ";

class CallSink : public model::Sink {
 public:
  CallSink(std::shared_ptr<model::Sink> to, std::vector<std::string> stops, std::function<void()> end)
      : to_(std::move(to)), stops_(std::move(stops)), end_(std::move(end)) {}

  void on_token(const model::TokenEvent& event) override {
    if (event.from_prompt) return to_->on_token(event);
    if (stopped_) return;
    CallReader::Out read = reader_.feed(event.text);
    waiting_.push_back(event);
    model::TokenEvent out;
    out.calls = std::move(read.calls);
    take_tokens(read.text.size(), out);
    take_text(read.text, out);
    if (reader_.in_call() && !stopped_) out.text += stops_.finish().text;   // no stop string goes on behind a call
    if (reader_.in_call()) waiting_.clear();
    pass_on(out);
  }

  void on_finish(const model::Finish& finish) override {
    if (!stopped_) {
      model::TokenEvent last;
      const std::string rest = reader_.finish().text;
      take_tokens(rest.size(), last);
      take_text(rest, last);
      if (!stopped_) last.text += stops_.finish().text;
      pass_on(last);
    }
    if (!stopped_ || finish.reason == model::FinishReason::kError) return to_->on_finish(finish);
    model::Finish stopped = finish;
    stopped.reason = model::FinishReason::kStop;
    stopped.error = {};
    to_->on_finish(stopped);
  }

 private:
  void take_text(const std::string& text, model::TokenEvent& out) {
    if (text.empty()) return;
    TextStream::Out passed = stops_.push(text);
    out.text += passed.text;
    if (!passed.stopped) return;
    stopped_ = true;
    out.calls.clear();   // they would come after the end
    end_();
  }
  // Tokens wait until all their bytes are known to be text.
  void take_tokens(size_t bytes, model::TokenEvent& out) {
    for (; !waiting_.empty() && waiting_.front().text.size() <= bytes; waiting_.pop_front()) {
      const model::TokenEvent& first = waiting_.front();
      bytes -= first.text.size();
      out.ids.insert(out.ids.end(), first.ids.begin(), first.ids.end());
      out.logprobs.insert(out.logprobs.end(), first.logprobs.begin(), first.logprobs.end());
      out.top_logprobs.insert(out.top_logprobs.end(), first.top_logprobs.begin(), first.top_logprobs.end());
    }
    if (!waiting_.empty()) waiting_.front().text.erase(0, bytes);
  }
  void pass_on(const model::TokenEvent& out) {
    if (!out.text.empty() || !out.calls.empty() || !out.ids.empty()) to_->on_token(out);
  }

  std::shared_ptr<model::Sink> to_;
  TextStream stops_;
  std::function<void()> end_;
  CallReader reader_;
  std::deque<model::TokenEvent> waiting_;   // texts: what of them is not yet known to be text
  bool stopped_ = false;
};

}  // namespace

CallReader::Out CallReader::feed(std::string_view text) {
  Out out;
  for (const char c : text) read(c, out);
  return out;
}

CallReader::Out CallReader::finish() {
  Out out;
  if (place_ == Place::kText) out.text = std::exchange(held_, {});
  return out;
}

void CallReader::read(char c, Out& out) {
  switch (place_) {
    case Place::kText: return read_text(c, out);
    case Place::kHead: return read_head(c, out);
    case Place::kArguments: return read_arguments(c, out);
    case Place::kTail: break;
  }
  held_ += c;
  if (!held_.ends_with(kCallOpen)) return;
  place_ = Place::kHead;
  held_.clear();
}

void CallReader::read_text(char c, Out& out) {
  held_ += c;
  while (!kCallOpen.starts_with(held_)) {
    out.text += held_.front();
    held_.erase(0, 1);
  }
  if (held_ != kCallOpen) return;
  place_ = Place::kHead;
  held_.clear();
}

void CallReader::read_head(char c, Out& out) {
  held_ += c;
  if (!held_.ends_with(kBeforeArguments) || held_.size() < kBeforeName.size() + kBeforeArguments.size()) return;
  ++index_;
  out.calls.push_back({index_, make_id("call"), held_.substr(kBeforeName.size(), held_.size() - kBeforeName.size() - kBeforeArguments.size()), ""});
  held_.clear();
  place_ = Place::kArguments;
  depth_ = 0, in_string_ = escaped_ = false;
}

model::CallDelta& CallReader::delta(Out& out) const {
  if (out.calls.empty() || out.calls.back().index != index_) out.calls.push_back({index_, "", "", ""});
  return out.calls.back();
}

void CallReader::read_arguments(char c, Out& out) {
  delta(out).arguments += c;
  if (in_string_) {
    if (escaped_) escaped_ = false;
    else if (c == '\\') escaped_ = true;
    else if (c == '"') in_string_ = false;
    return;
  }
  if (c == '"') in_string_ = true;
  if (c == '{' || c == '[') ++depth_;
  if ((c == '}' || c == ']') && --depth_ <= 0) place_ = Place::kTail;
}

std::shared_ptr<model::Sink> call_sink(std::shared_ptr<model::Sink> to, std::vector<std::string> stops, std::function<void()> end) {
  return std::make_shared<CallSink>(std::move(to), std::move(stops), std::move(end));
}

}  // namespace strata::engine
