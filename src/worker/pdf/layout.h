// From words with places on a page to lines, paragraphs, headings and list items. Knows nothing of poppler.
#pragma once

#include <string>
#include <vector>

#include "worker/parse/builder.h"

namespace strata::worker {

// A word as the page shows it. UNITS: points, from the top left corner; for turned text, already turned back.
struct Word {
  std::string text;
  double left = 0, top = 0, right = 0, bottom = 0;
  double size = 0;  // of the font
  bool bold = false, mono = false;
  bool space_after = true;
};

struct Line {
  std::vector<Word> words;
  double left = 0, top = 0, right = 0, bottom = 0, size = 0;
  bool bold = false, mono = false;  // all of its words
  std::string text() const;
};

struct PageWords {
  std::vector<Word> words;  // in reading order
  double height = 0;
  std::vector<std::string> ocr;  // paragraphs, where the page was read by OCR instead
  bool by_ocr = false;
};

std::vector<Line> lines_of(const std::vector<Word>& words);

// Writes all pages. Running heads and feet and page numbers are dropped; headings are told by the size and weight of their letters
// against the document's own body text.
void write_pages(std::vector<PageWords> pages, Builder* out);

}  // namespace strata::worker
