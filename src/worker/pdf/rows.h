// Reading order: the words of a page → rows, columns of text read one after the other, and rows that are split into cells.
#pragma once

#include <string>
#include <vector>

namespace strata::worker {

// A word as the page shows it. UNITS: points, from the top left corner; for turned text, already turned back.
struct Word {
  std::string text;
  double left = 0, top = 0, right = 0, bottom = 0;
  double size = 0;  // of the font
  bool bold = false, mono = false;
  int rotation = 0;  // quarter turns that were taken back; after reading_order, 0 is the way of most of the page
};

// Words side by side on one line of text.
struct Line {
  std::vector<Word> words;
  double left = 0, top = 0, right = 0, bottom = 0, size = 0;
  bool bold = true, mono = true;  // all of its words
  void add(Word word);
  std::string text() const;
  bool upright() const { return words.empty() || words[0].rotation == 0; }
  double height() const { return bottom > top + 1 ? bottom - top : 1; }
};

// One row of a column of text. More than one cell: wide gaps part it, as in tables.
struct Row {
  Line line;                // all of it
  std::vector<Line> cells;  // from left to right; at least one
};

// COST: n log n in the words, but for the columns of a page (bounded: pages of more than kRowsMost rows are read straight across).
std::vector<Row> reading_order(std::vector<Word> words);

}  // namespace strata::worker
