// Blocks → lines on pages. Only this folder includes it.
#pragma once

#include <string>
#include <vector>

#include "infra/pdf/pdf.h"

namespace strata::pdf {

// UNITS: points; y from the page's lower edge, as PDF has it.
inline constexpr double kPageWidth = 595, kPageHeight = 842, kMargin = 64, kFooterY = 36;

struct Run {                        // of one style, on one line
  std::string text;                 // Windows-1252
  bool bold = false;
  double x = 0, y = 0, size = 0, width = 0;
  std::string url;
  int target = 0;
};
struct Place {
  size_t page = 0;
  double y = 0;                     // of the upper edge
};
struct Bookmark {
  std::string title;                // UTF-8
  Place at;
};
struct Layout {
  std::vector<std::vector<Run>> pages;
  std::vector<std::pair<int, Place>> anchors;
  std::vector<Bookmark> bookmarks;
  int missing = 0;
};
Layout lay_out(const std::vector<Block>& blocks);

}  // namespace strata::pdf
