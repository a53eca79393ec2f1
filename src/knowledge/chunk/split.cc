// Packing atoms into chunks: greedy, closing early where a block or a kept-whole group would otherwise be torn.
#include <algorithm>

#include "knowledge/chunk/atoms.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/chunk/sections.h"

namespace strata::chunk {
namespace {

using document::Range;

struct Piece {
  Range at;
  int tokens = 0;
};

// Packs the atoms of one section. [first_, next) are the atoms of the open chunk, the first of them perhaps repeated.
class Packer {
 public:
  Packer(const std::vector<Atom>& atoms, int budget, int overlap) : atoms_(atoms), budget_(budget), overlap_(overlap) { measure_groups(); }

  std::vector<Piece> pack() {
    for (size_t i = 0; i < atoms_.size(); ++i) {
      if (i > fresh_ && closes_before(i)) close(i);
      tokens_ += atoms_[i].tokens;
    }
    if (!atoms_.empty()) emit(atoms_.size());
    return std::move(pieces_);
  }

 private:
  // How many tokens each atom's group has from that atom on.
  void measure_groups() {
    group_left_.assign(atoms_.size(), 0);
    for (size_t i = atoms_.size(); i-- > 0;) {
      const bool same = i + 1 < atoms_.size() && atoms_[i + 1].group == atoms_[i].group;
      group_left_[i] = atoms_[i].tokens + (same ? group_left_[i + 1] : 0);
    }
  }

  bool closes_before(size_t i) const {
    if (tokens_ + atoms_[i].tokens > budget_) return true;
    const bool group_begins = atoms_[i].group != atoms_[i - 1].group;
    if (!group_begins || tokens_ + group_left_[i] <= budget_ || group_left_[i] > budget_) return false;
    // The block would be torn here and fits into a chunk of its own: tables and code always move, prose when this chunk is
    // already fairly full.
    return atoms_[i].keeps_whole || tokens_ * 2 >= budget_;
  }

  void close(size_t i) {
    emit(i);
    // Repeat whole sentences, as many as fit the overlap and leave room for the atom that comes.
    const int room = std::min(overlap_, budget_ - std::min(budget_, needed(i)));
    size_t first = i;
    int tokens = 0;
    while (first > first_ + 1 && atoms_[first - 1].is_sentence && tokens + atoms_[first - 1].tokens <= room) tokens += atoms_[--first].tokens;
    first_ = first;
    tokens_ = tokens;
    fresh_ = i;
  }
  // What must fit behind the overlap: the whole group if that is kept whole and can be, else the one atom.
  int needed(size_t i) const { return atoms_[i].keeps_whole && group_left_[i] <= budget_ ? group_left_[i] : atoms_[i].tokens; }

  void emit(size_t end) { pieces_.push_back({{atoms_[first_].at.begin, atoms_[end - 1].at.end}, tokens_}); }

  const std::vector<Atom>& atoms_;
  const int budget_, overlap_;
  std::vector<int> group_left_;
  std::vector<Piece> pieces_;
  size_t first_ = 0, fresh_ = 0;
  int tokens_ = 0;
};

// The page on which each chunk begins. Chunks come in order, so the pages are walked once.
void number_pages(const document::Document& document, std::vector<Chunk>* chunks) {
  const auto& pages = document.pages;
  if (pages.empty()) return;
  for (Chunk& chunk : *chunks) {
    auto after = std::upper_bound(pages.begin(), pages.end(), chunk.at.begin, [](uint32_t at, const document::Page& page) { return at < page.at.begin; });
    chunk.page = after == pages.begin() ? pages.front().number : std::prev(after)->number;
  }
}

}  // namespace

std::vector<Chunk> split(const document::Document& document, const Options& options, const TokenCounter& count_tokens) {
  const int most = std::max(8, options.tokens_max);
  const int overlap = std::clamp(options.tokens_overlap, 0, most / 2);
  std::vector<Chunk> chunks;
  size_t first_block = 0;
  for (const Section& section : sections(document)) {
    const std::string lines = heading_lines(document.title, section.path);
    const int head = lines.empty() ? 0 : count_tokens(lines);
    const int budget = std::max(most - head, most / 2);
    const std::vector<Atom> found = atoms(document, section.body, &first_block, budget, count_tokens);
    for (const Piece& piece : Packer(found, budget, overlap).pack()) {
      chunks.push_back({piece.at, section.parent, section.path, 0, piece.tokens + head});
    }
  }
  number_pages(document, &chunks);
  return chunks;
}

}  // namespace strata::chunk
