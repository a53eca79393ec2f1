#include "worker/parse/markdown_source.h"

#include <vector>

#include "base/text.h"

namespace strata::worker {
namespace {

size_t indent_of(std::string_view line) {
  size_t columns = 0;
  for (char c : line) {
    if (c == ' ') ++columns;
    else if (c == '\t') columns += 4 - columns % 4;
    else break;
  }
  return columns;
}

std::string_view without_quotes(std::string_view value) {
  value = trim(value);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) value = value.substr(1, value.size() - 2);
  return value;
}

// "Set up <em>before</em> travel" → "Set up before travel"
std::string without_tags(std::string_view title) {
  std::string out;
  for (size_t at = 0; at < title.size();) {
    const size_t end = title[at] == '<' && at + 1 < title.size() && (title[at + 1] == '/' || (title[at + 1] >= 'a' && title[at + 1] <= 'z'))
                           ? title.find('>', at)
                           : title.npos;
    if (end == title.npos) out += title[at++];
    else at = end + 1;
  }
  return out;
}

// Past the front matter, or 0 where there is none; finds its title.
size_t skip_front_matter(std::string_view text, std::string* title) {
  const std::string_view fence = text.starts_with("---") ? "---" : text.starts_with("+++") ? "+++" : "";
  if (fence.empty()) return 0;
  size_t at = text.find('\n');
  if (at == text.npos || !trim(text.substr(3, at - 3)).empty()) return 0;
  std::string found;
  for (++at; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == text.npos) end = text.size();
    const std::string_view line = text.substr(at, end - at);
    if (line.substr(0, line.find_last_not_of(" \t\r") + 1) == fence || (fence == "---" && trim(line) == "...")) {
      *title = without_tags(found);
      return std::min(end + 1, text.size());
    }
    const size_t colon = line.find(fence == "---" ? ':' : '=');
    if (colon != line.npos && trim(line.substr(0, colon)) == "title" && indent_of(line) == 0) found = without_quotes(line.substr(colon + 1));
    at = end + 1;
  }
  return 0;  // no end: it was a rule, not front matter
}

// A code fence's mark and length; 0 where the line is none.
struct Fence {
  char mark = 0;
  size_t length = 0;
  bool bare = false;  // nothing behind the marks: can close
};
Fence fence_of(std::string_view line) {
  const std::string_view text = trim(line);
  if (text.size() < 3 || (text[0] != '`' && text[0] != '~')) return {};
  size_t length = text.find_first_not_of(text[0]);
  if (length == text.npos) length = text.size();
  if (length < 3 || (text[0] == '`' && text.find('`', length) != text.npos)) return {};
  return {text[0], length, length == text.size()};
}

// '!!! note "Title"', '??? tip', '=== "Tab"' → the bold line that stands for it; empty where the line is none.
bool admonition(std::string_view line, std::string* heading) {
  const std::string_view text = trim(line);
  const bool tab = text.starts_with("===");
  if (!tab && !text.starts_with("!!!") && !text.starts_with("???")) return false;
  std::string_view rest = text.substr(3);
  if (rest.starts_with('+') || rest.starts_with('!')) rest.remove_prefix(1);
  if (!rest.starts_with(' ')) return false;
  const size_t quote = rest.find('"');
  const size_t end = rest.rfind('"');
  if (quote != rest.npos && end > quote) {
    *heading = rest.substr(quote + 1, end - quote - 1);
    return true;
  }
  if (tab || quote != rest.npos) return false;
  rest = trim(rest);
  const std::string_view word = rest.substr(0, rest.find(' '));
  if (word.empty()) return false;
  *heading = word;
  if ((*heading)[0] >= 'a' && (*heading)[0] <= 'z') (*heading)[0] = static_cast<char>((*heading)[0] - 32);
  return true;
}

// Takes tags of site generators out of a line, but not out of code spans. A tag that begins a line may go over a few lines.
class TagCutter {
 public:
  std::string cut(std::string_view line) {
    std::string out;
    if (lines_left_ > 0) {
      const size_t end = line.find("%}");
      --lines_left_;
      if (end == line.npos) return "";
      lines_left_ = 0;
      line.remove_prefix(end + 2);
    } else if (trim(line).starts_with("{%") && line.find("%}") == line.npos) {
      lines_left_ = kTagLines;
      return "";
    }
    for (size_t at = 0; at < line.size();) {
      if (line[at] == '`') {
        const size_t end = span_end(line, at);
        out += line.substr(at, end - at);
        at = end;
      } else if (line[at] == '{') {
        at = skip_tag(line, at, &out);
      } else {
        out += line[at++];
      }
    }
    return out;
  }

  bool open() const { return lines_left_ > 0; }
  // The line is one tag and nothing else.
  static bool is_tag(std::string_view line) {
    line = trim(line);
    return (line.starts_with("{%") && (line.ends_with("%}") || line.find("%}") == line.npos)) || (line.starts_with("{{") && line.ends_with(">}}"));
  }

 private:
  static constexpr int kTagLines = 15;

  static size_t span_end(std::string_view line, size_t at) {
    size_t open = at;
    while (open < line.size() && line[open] == '`') ++open;
    const std::string_view marks = line.substr(at, open - at);
    const size_t close = line.find(marks, open);
    return close == line.npos ? open : close + marks.size();
  }

  static size_t skip_tag(std::string_view line, size_t at, std::string* out) {
    const std::string_view rest = line.substr(at);
    for (const auto& [open, close] :
         {std::pair<std::string_view, std::string_view>{"{{<", ">}}"}, {"{{%", "%}}"}, {"{%", "%}"}, {"{{{", "}}}"}, {"{:", "}"}, {"{#", "}"}}) {
      if (!rest.starts_with(open)) continue;
      const size_t end = rest.find(close, open.size());
      if (end == rest.npos || end > 1000) break;
      if (open == "{#" && rest.substr(2, end - 2).find(' ') != rest.npos) break;
      return at + end + close.size();
    }
    // Attribute lists: "{ .class }", "{target=_blank}", "{.note}"
    if (rest.size() > 2 && rest[1] != '{' && rest[1] != '%') {
      const size_t end = rest.substr(0, 300).find('}');
      const std::string_view inside = end == rest.npos ? std::string_view{} : trim(rest.substr(1, end - 1));
      if (!inside.empty() && (inside[0] == '.' || inside.find("=\"") != inside.npos || inside.starts_with("target="))) return at + end + 1;
    }
    *out += '{';
    return at + 1;
  }

  int lines_left_ = 0;  // that an open tag may still go over
};

class Preparer {
 public:
  std::string run(std::string_view text) {
    for (std::string_view line : split(text, '\n')) {
      if (line.ends_with('\r')) line.remove_suffix(1);
      take(line);
    }
    return std::move(out_);
  }

 private:
  void take(std::string_view line) {
    const bool blank = trim(line).empty();
    // An admonition ends at the first line that is indented less than its contents.
    while (!blank && !levels_.empty() && indent_of(line) < levels_.back()) levels_.pop_back();
    if (blank) return put("");
    const size_t shift = 4 * levels_.size();
    const std::string_view inner = levels_.empty() ? line : without_columns(line, shift);
    if (fence_.mark != 0) {
      const Fence fence = fence_of(inner);
      if (fence.mark == fence_.mark && fence.length >= fence_.length && fence.bare) fence_ = {};
      return put(inner);
    }
    if (const Fence fence = fence_of(inner); fence.mark != 0) {
      fence_ = fence;
      return put(inner);
    }
    std::string heading;
    if (admonition(inner, &heading)) return open_admonition(line, heading, indent_of(inner));
    if (comment_ || inner.find("<!--") != inner.npos) return put(without_comments(inner));
    if (indent_of(inner) >= 4 && blank_before_ && !tags_.open() && !TagCutter::is_tag(inner)) return put(inner);  // perhaps indented code: left alone
    if (trim(inner).starts_with("--8<--")) return;
    put(tags_.cut(inner));
  }

  void open_admonition(std::string_view line, const std::string& heading, size_t indent) {
    levels_.push_back(indent_of(line) + 4);
    if (!heading.empty()) {
      put("");
      put(std::string(indent, ' ') + "**" + heading + "**");
      put("");
    }
  }

  static std::string_view without_columns(std::string_view line, size_t columns) {
    size_t at = 0, seen = 0;
    while (at < line.size() && seen < columns && (line[at] == ' ' || line[at] == '\t')) seen += line[at++] == '\t' ? 4 : 1;
    return line.substr(at);
  }

  // Comments may go over many lines; a blank stays where one was.
  std::string without_comments(std::string_view line) {
    std::string out;
    while (!line.empty()) {
      const size_t mark = line.find(comment_ ? "-->" : "<!--");
      if (!comment_) out += line.substr(0, mark);
      if (mark == line.npos) break;
      line.remove_prefix(mark + (comment_ ? 3 : 4));
      comment_ = !comment_;
    }
    return trim(out).empty() ? "" : tags_.cut(out);
  }

  void put(std::string_view line) {
    out_ += line;
    out_ += '\n';
    blank_before_ = trim(line).empty();
  }

  std::string out_;
  TagCutter tags_;
  std::vector<size_t> levels_;  // the columns at which open admonitions' contents begin
  Fence fence_;
  bool comment_ = false, blank_before_ = true;
};

}  // namespace

MarkdownSource prepare_markdown(std::string_view text) {
  MarkdownSource source;
  text.remove_prefix(skip_front_matter(text, &source.title));
  source.body = Preparer().run(text);
  return source;
}

}  // namespace strata::worker
