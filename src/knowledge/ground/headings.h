// Which lines of a passage are no sentences: headings, entries of a table of contents, and the first row of a table. Internal to
// knowledge/ground.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/ground/ground.h"

namespace strata::ground {

// The titles and headings that are known of the documents at hand: whoever repeats one of them (a list of contents, a running head)
// says nothing, though it is often nearest to the question.
class Headings {
 public:
  explicit Headings(const std::vector<Source>& sources);
  // Whether the line at `at` of `text` is a heading: marked as one, known as one, or standing alone between blank lines like one.
  bool holds(std::string_view text, const document::Range& at) const;

 private:
  std::set<std::string> known_;   // lower case, without marks and numbers
};

bool is_table_row(std::string_view line);
// The row that names the columns of the row at `at`: the first of its table. Empty where `at` is that row itself or no row, and where
// the passage begins inside the table, so that its first row is not here.
document::Range header_row(std::string_view text, const document::Range& at);
// Whether `at` is the row that names the columns: the first one of several.
bool is_header_row(std::string_view text, const document::Range& at);

}  // namespace strata::ground
