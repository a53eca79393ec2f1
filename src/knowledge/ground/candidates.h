// The sentences of the sources that may be quoted. Internal to knowledge/ground.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "knowledge/ground/ground.h"
#include "knowledge/ground/words.h"

namespace strata::ground {

struct Candidate {
  size_t source = 0;
  document::Range at;              // in the document
  std::string text;
  std::vector<Word> words;
  std::set<std::string> stems;     // of its words, and of a table row's column names
  int before = -1, after = -1;     // neighbours in the same passage: indexes into all candidates
  bool quotable = true;            // false for headings, header rows and fragments: they only count as context
  document::Range header;          // of a table row: the row that names its columns; empty where none is at hand
  std::string header_text;
};

// In the order of the sources; a sentence that two overlapping passages hold appears once, under the better passage.
std::vector<Candidate> candidates_of(const std::vector<Source>& sources, size_t sources_max);

// The stems of the candidate, its neighbours, and its heading and title.
std::set<std::string> nearby_stems(const std::vector<Candidate>& all, size_t at, const Source& source);

}  // namespace strata::ground
