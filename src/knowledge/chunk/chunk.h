// knowledge/chunk: a document's text → overlapping pieces that a retriever finds, each with its exact source range and its parent
// (the section that its heading opens).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/document/document.h"

namespace strata::chunk {

struct Options {
  int tokens_max = 200;        // of the embedding model's tokens, the heading path included
  int tokens_overlap = 40;     // whole sentences repeated from the chunk before, at most so many tokens
};

struct Chunk {
  document::Range at;          // in the document's text; chunks cover all of it that is not white space
  document::Range parent;      // the section it lies in
  std::string heading;         // path: "Leave > Parental leave"; empty before the first heading
  int page = 0;                // where it begins; 0 where the format has no pages
  int tokens = 0;
};

// Sentences of `text`: ranges that never cross a blank line. Abbreviations, decimals, initials and list numbers do not end one.
std::vector<document::Range> sentences(std::string_view text);

// Prefers block and sentence boundaries; a single sentence longer than tokens_max is cut at words.
std::vector<Chunk> split(const document::Document& document, const Options& options,
                         const std::function<int(std::string_view)>& count_tokens);

// What is embedded and indexed for a chunk: title, heading path and text.
std::string indexed_text(const document::Document& document, const Chunk& chunk);

}  // namespace strata::chunk
