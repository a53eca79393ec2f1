#include "model/engine/text_stream.h"

#include <algorithm>

#include "base/text.h"

namespace strata::engine {

TextStream::TextStream(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    if (!stop.empty()) stops_.push_back(std::move(stop));
  }
}

TextStream::Match TextStream::find_stop(size_t first_new) const {
  for (size_t end = first_new + 1; end <= held_.size(); ++end) {
    Match match;
    for (const std::string& stop : stops_) {
      if (stop.size() > end || held_.compare(end - stop.size(), stop.size(), stop) != 0) continue;
      if (!match.found || end - stop.size() < match.begin) match = {true, end - stop.size()};
    }
    if (match.found) return match;
  }
  return {};
}

size_t TextStream::safe_prefix() const {
  size_t safe = utf8_complete_prefix(held_);
  for (const std::string& stop : stops_) {
    const size_t longest = std::min(stop.size() - 1, held_.size());
    for (size_t length = longest; length > 0; --length) {
      if (held_.compare(held_.size() - length, length, stop, 0, length) != 0) continue;
      safe = std::min(safe, held_.size() - length);
      break;
    }
  }
  // A stop string may begin inside a character (its bytes are arbitrary): do not cut the character.
  return utf8_complete_prefix(std::string_view(held_).substr(0, safe));
}

TextStream::Out TextStream::release(size_t bytes) {
  Out out;
  out.text = utf8_repaired(std::string_view(held_).substr(0, bytes));
  held_.erase(0, bytes);
  released_ += bytes;
  while (!tokens_.empty() && tokens_.front().end <= released_) {
    tokens_.pop_front();
    ++out.tokens;
  }
  return out;
}

TextStream::Out TextStream::push(std::string_view bytes) {
  const size_t first_new = held_.size();
  held_.append(bytes);
  tokens_.push_back({released_ + first_new, released_ + held_.size()});
  const Match match = find_stop(first_new);
  if (!match.found) return release(safe_prefix());
  const uint64_t stop_begin = released_ + match.begin;
  Out out = release(match.begin);
  // The token that the stop string begins in still belongs to the text; those after it do not.
  for (const Extent& token : tokens_) out.tokens += token.begin < stop_begin;
  held_.clear();
  tokens_.clear();
  out.stopped = true;
  return out;
}

TextStream::Out TextStream::finish() { return release(held_.size()); }

}  // namespace strata::engine
