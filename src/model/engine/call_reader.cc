#include "model/engine/call_reader.h"

#include <utility>

#include "base/random.h"
#include "model/grammar/grammar.h"

namespace strata::engine {
namespace {

using grammar::kCallOpen;
constexpr std::string_view kBeforeName = "{\"name\": \"", kBeforeArguments = "\", \"arguments\": ";

class CallSink : public model::Sink {
 public:
  explicit CallSink(std::shared_ptr<model::Sink> to) : to_(std::move(to)) {}
  void on_token(const model::TokenEvent& event) override {
    if (event.from_prompt) return to_->on_token(event);
    model::TokenEvent out = event;
    CallReader::Out read = reader_.feed(event.text);
    out.text = std::move(read.text);
    out.calls = std::move(read.calls);
    to_->on_token(out);
  }
  void on_finish(const model::Finish& finish) override {
    CallReader::Out rest = reader_.finish();
    if (!rest.text.empty()) {
      model::TokenEvent last;
      last.text = std::move(rest.text);
      to_->on_token(last);
    }
    to_->on_finish(finish);
  }

 private:
  std::shared_ptr<model::Sink> to_;
  CallReader reader_;
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

std::shared_ptr<model::Sink> call_sink(std::shared_ptr<model::Sink> to) { return std::make_shared<CallSink>(std::move(to)); }

}  // namespace strata::engine
