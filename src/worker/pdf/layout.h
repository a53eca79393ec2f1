// From the rows of pages to paragraphs, headings, list items, tables and code. Knows nothing of poppler.
#pragma once

#include <string>
#include <vector>

#include "worker/parse/builder.h"
#include "worker/pdf/rows.h"

namespace strata::worker {

struct PageWords {
  std::vector<Word> words;
  double height = 0;             // UNITS: points
  std::vector<std::string> ocr;  // paragraphs, where the page was read by OCR instead
  bool by_ocr = false;
};

// Writes all pages. Running heads and feet and page numbers are dropped; headings are told by the size and weight of their letters
// against the document's own body text.
void write_pages(std::vector<PageWords> pages, Builder* out);

}  // namespace strata::worker
