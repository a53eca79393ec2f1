// infra/pdf: a document of headings and paragraphs as PDF 1.7: A4 pages with numbers, bookmarks of the headings, links within and to
// addresses. Text only; no pictures, no tables, no encryption. Nothing is read: what others wrote in PDF is worker/pdf's to read.
//
//   file = header, objects (catalog, pages, two fonts, information, outline, then page, content and links of each page), xref table, trailer
//
// The fonts are Helvetica and Helvetica-Bold, which every reader has, so none is embedded; their encoding is Windows-1252. Characters beyond
// it are written in letters where that is usual (≤ as <=, → as ->), else as '?', and counted: say so where the text matters.
// SOURCE: ISO 32000-1:2008 (structure 7.5, text 9.4, annotations 12.5, outline 12.3.3, Annex D: encodings); widths: Adobe's Core 14 AFM files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::pdf {

struct Span {
  std::string text = {};            // UTF-8
  bool bold = false;
  std::string url = {};             // a link to there; only http:, https: and mailto: become one
  int target = 0;                   // or to the block with this anchor; 0: no link
};

enum class Kind { kTitle, kHeading, kParagraph, kNote };   // kNote: small
struct Block {
  Kind kind = Kind::kParagraph;
  std::vector<Span> spans = {};
  int anchor = 0;                   // what a span's target names; 0: none
};

struct Written {
  std::string bytes;
  int pages = 0;
  int missing = 0;                  // characters that became '?'
};
// The same input gives the same bytes. COST: linear in the text.
Written write(std::string_view title, const std::vector<Block>& blocks);

// UNITS: points, of text at this size.
double width_of(std::string_view windows_1252, bool bold, double size);
// Counts what has no place in Windows-1252.
std::string to_windows_1252(std::string_view utf8, int* missing);

}  // namespace strata::pdf
