// CallReader: a local model's text → text and calls of functions, piece by piece as it streams. The text was held to grammar::compile_calls,
// so the format is exact; whatever else comes is text.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/interface/interface.h"

namespace strata::engine {

class CallReader {
 public:
  struct Out {
    std::string text;
    std::vector<model::CallDelta> calls;
  };
  Out feed(std::string_view text);
  Out finish();                          // what was held back because it might have begun a call
  bool in_call() const { return place_ != Place::kText; }

 private:
  void read(char c, Out& out);
  void read_text(char c, Out& out);
  void read_head(char c, Out& out);
  void read_arguments(char c, Out& out);
  model::CallDelta& delta(Out& out) const;

  enum class Place { kText, kHead, kArguments, kTail } place_ = Place::kText;
  std::string held_;                     // in text: what may begin a call; in a head or tail: what was read of it
  int index_ = -1, depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

// Passes events on with the calls taken out of their text, and with the ids and probabilities of the text's tokens alone. `stops` end the
// text as they end any other, but cut no call; where one does, `end` is called, and what comes until the end is passed over: it is kStop.
std::shared_ptr<model::Sink> call_sink(std::shared_ptr<model::Sink> to, std::vector<std::string> stops, std::function<void()> end);

}  // namespace strata::engine
