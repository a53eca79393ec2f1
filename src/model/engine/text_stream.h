// TextStream: turns the bytes of a sequence's tokens into text that may be sent now: always valid UTF-8, never a byte of a stop
// string. Bytes that may be the beginning of either are held back until the next tokens decide.
//
// A token counts as released once all its bytes are, so that its id and log-probability travel with its text. Which stop string
// ends the text does not depend on where the token borders lie: the one that is complete first wins, and of several complete at the
// same byte the longest. THREADS: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace strata::engine {

class TextStream {
 public:
  struct Out {
    std::string text;     // valid UTF-8; bytes that can never become valid are U+FFFD
    size_t tokens = 0;    // how many of the tokens pushed earlier are now released, oldest first
    bool stopped = false; // a stop string is complete: `text` ends before it, tokens that begin inside it are never released
  };

  TextStream() = default;
  explicit TextStream(std::vector<std::string> stops);  // empty strings are ignored

  Out push(std::string_view bytes);  // the bytes of one more token; REQUIRES: no Out was `stopped`
  Out finish();                      // the end: releases whatever is held

 private:
  struct Match {
    bool found = false;
    size_t begin = 0;  // in held_
  };
  Match find_stop(size_t first_new) const;
  size_t safe_prefix() const;        // bytes of held_ that no stop string and no UTF-8 sequence can claim
  Out release(size_t bytes);

  std::vector<std::string> stops_;
  std::string held_;
  uint64_t released_ = 0;            // bytes released so far
  struct Extent {
    uint64_t begin, end;             // offsets into all bytes pushed
  };
  std::deque<Extent> tokens_;        // not yet released
};

}  // namespace strata::engine
