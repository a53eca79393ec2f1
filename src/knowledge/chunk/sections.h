// Sections: a document cut at its headings, with the path that leads to each piece.
#pragma once

#include <string>
#include <vector>

#include "knowledge/document/document.h"

namespace strata::chunk {

struct Section {
  document::Range body;    // from its heading (or the bare headings above it) to the next heading of any level
  document::Range parent;  // the same, to the next heading of the same or a higher level
  std::string path;        // "Leave > Parental leave"
};

// In order; together they cover the text. Headings that are out of order or out of range are passed over.
std::vector<Section> sections(const document::Document& document);

// The title, unless the path begins with it, and the path, each on a line; empty where there is neither.
std::string heading_lines(const std::string& title, const std::string& path);

// `text` cut to at most `bytes`, at a word where there is one, never inside a UTF-8 sequence.
std::string shortened(std::string_view text, size_t bytes);

}  // namespace strata::chunk
