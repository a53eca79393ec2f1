#include "product/landscape/locate.h"

#include <algorithm>

#include "base/json.h"

namespace strata::landscape {
namespace {

// Walks text that is known to be valid JSON; every loop also ends with the text.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  size_t seek(const Path& path) {
    skip_space();
    for (auto& step : path) {
      size_t before = at_;
      if (!enter(step)) return before;
    }
    return at_;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  // Past a string; its value as it is written, quotes included.
  std::string_view string() {
    size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    return text_.substr(begin, at_ - begin);
  }

  void value() {
    int depth = 0;
    do {
      skip_space();
      char c = peek();
      if (c == '\0') return;
      if (c == '"') string();
      else if (c == '{' || c == '[') ++depth, ++at_;
      else if (c == '}' || c == ']') --depth, ++at_;
      else if (c == ',' || c == ':') ++at_;
      else
        while (at_ < text_.size() && std::string_view(",:]} \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
    } while (depth > 0);
  }

  bool enter(const Step& step) {
    auto* key = std::get_if<std::string>(&step);
    if (peek() != (key ? '{' : '[')) return false;
    ++at_;
    for (size_t index = 0;; ++index) {
      skip_space();
      if (peek() == '\0' || peek() == '}' || peek() == ']') return false;
      bool here = key ? same(string(), *key) : index == std::get<size_t>(step);
      skip_space();
      if (key) ++at_, skip_space();   // the colon
      if (here) return true;
      value();
      skip_space();
      if (peek() == ',') ++at_;
    }
  }

  static bool same(std::string_view quoted, const std::string& key) {
    auto parsed = Json::parse(quoted);
    return parsed && parsed->as_string() && *parsed->as_string() == key;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

int line_of_byte(std::string_view text, size_t offset) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size())), '\n'));
}

int line_at(std::string_view json, const Path& path) { return line_of_byte(json, Walker(json).seek(path)); }

}  // namespace strata::landscape
