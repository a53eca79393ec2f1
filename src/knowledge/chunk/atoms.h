// Atoms: what split() packs into chunks and never takes apart again. Sentences of prose, rows of tables, lines of code, and the
// pieces of a sentence that is too long for one chunk. Each is counted once.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "knowledge/document/document.h"

namespace strata::chunk {

using TokenCounter = std::function<int(std::string_view)>;

struct Atom {
  document::Range at;
  int tokens = 0;
  int group = 0;              // atoms of one block share it
  bool keeps_whole = false;   // its group is a table or code: kept together where it fits
  bool is_sentence = false;   // a whole sentence of prose: may be repeated as overlap
};

// The atoms of one section; `first_block` is moved past the blocks that end before it, so that all sections together walk the
// blocks once. ENSURES: in order, not overlapping, every non-space byte of `section` covered, each at most `budget` tokens.
std::vector<Atom> atoms(const document::Document& document, document::Range section, size_t* first_block, int budget, const TokenCounter& count_tokens);

}  // namespace strata::chunk
