// Builder: where every format's parser writes its blocks. It owns how the text looks (see knowledge/document/document.h) and keeps
// every range right.
//
// Text is cleaned on the way in: valid UTF-8, "\n" line ends, no control or invisible characters, no-break spaces become spaces.
// Once text_bytes are full it takes nothing more, and finish() is an error.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/document/document.h"

namespace strata::worker {

class Builder {
 public:
  explicit Builder(const document::Limits& limits) : limits_(limits) {}

  void set_title(std::string_view title);
  bool has_title() const { return !document_.title.empty(); }
  // Prose, items, rows or code, as it will be read. Empty text is no block.
  void add(document::BlockType type, std::string_view text);
  // `level` is clamped to 1..6.
  void add_heading(int level, std::string_view text);
  void begin_page(bool by_ocr);
  void warn(std::string message);

  size_t text_bytes() const { return document_.text.size(); }
  bool full() const { return full_; }
  Result<document::Document> finish();

 private:
  bool append(document::BlockType type, std::string clean);

  document::Limits limits_;
  document::Document document_;
  bool full_ = false;
  bool page_is_new_ = false;
};

// Cleaned as above. `keep_lines`: false turns each run of white space into one space.
std::string clean_text(std::string_view text, bool keep_lines);
// Lines kept, but in each of them white space collapsed and trimmed.
std::string clean_prose(std::string_view text);
// One line, white space collapsed and trimmed.
std::string one_line(std::string_view text);
// "| a | b |" of cells that are made into one line each.
std::string table_row(const std::vector<std::string>& cells);

// The error for a document that cannot be what it claims to be.
Error unreadable(std::string message);

}  // namespace strata::worker
