// knowledge/chunk: a document's text → overlapping pieces that a retriever finds, each with its exact source range and its parent
// (the section that its heading opens).
//
// Positions are UTF-8 byte offsets into Document::text. Everything here is linear (split: n log n) in the text, whatever the text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/document/document.h"

namespace strata::chunk {

struct Options {
  int tokens_max = 200;        // of the embedding model's tokens, the title and heading path included. REQUIRES: at least 8
  int tokens_overlap = 40;     // whole sentences repeated from the chunk before, at most so many tokens; at most tokens_max / 2 is used
};

struct Chunk {
  document::Range at;          // in the document's text; chunks cover all of it that is not white space
  document::Range parent;      // the section it lies in: from its heading (or the bare headings right above it) to the next heading
                               // of the same or a higher level; all of the text where there are no headings
  std::string heading;         // path: "Leave > Parental leave"; empty before the first heading
  int page = 0;                // where it begins; 0 where the format has no pages
  int tokens = 0;              // of indexed_text, as the sum over its sentences
};

// Sentences of `text`: ranges in order, without the white space around them, that together hold every non-space byte and never
// cross a blank line. Abbreviations, decimals, initials and list numbers do not end one. A table row ("| a | b |") is a sentence,
// and so is a list item without a full stop. English rules; 。！？ end a sentence too.
std::vector<document::Range> sentences(std::string_view text);

// Chunks in order. A chunk never crosses a heading (a heading with no text of its own goes with the section that follows it). It
// prefers to end where a block ends; tables and code stay whole where they fit, else they are cut at rows and lines. A sentence
// that is longer than tokens_max is cut at words. Overlaps are whole sentences of the same section, never rows or code.
//
// tokens stays within tokens_max, except that the text always has at least half of tokens_max, however long title and path are.
// `count_tokens` is called once per sentence, row or line (more often only on those that must be cut), and once per section for
// its title and path; counts are added up, which is exact for a tokenizer that splits at white space (WordPiece).
std::vector<Chunk> split(const document::Document& document, const Options& options, const std::function<int(std::string_view)>& count_tokens);

// What is embedded and indexed for a chunk: title, heading path (which does not repeat the title) and text.
std::string indexed_text(const document::Document& document, const Chunk& chunk);

}  // namespace strata::chunk
