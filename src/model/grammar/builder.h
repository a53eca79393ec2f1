// Builds a Grammar from pieces. Inside model/grammar only.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "model/grammar/grammar.h"

namespace strata::grammar {

// A part of the automaton with one way in and one way out. Each is used once.
struct Piece {
  uint32_t from = 0, to = 0;
};
using CodePoints = std::vector<std::pair<uint32_t, uint32_t>>;  // inclusive ranges
inline constexpr uint32_t kLastCodePoint = 0x10ffff;
CodePoints complement(CodePoints ranges);

class Builder {
 public:
  Builder() : rules_(1) {}

  uint32_t node();
  void link(uint32_t from, uint32_t to) { nodes_[from].empty.push_back(to); }
  Piece empty();
  Piece nothing();                                     // what can never be: a way in and no way out
  Piece text(std::string_view bytes);
  Piece texts(std::vector<std::string> all);           // one of them; those that begin alike share a path
  Piece bytes(uint8_t low, uint8_t high);
  Piece code_points(const CodePoints& ranges);         // one of them, in UTF-8; surrogates are left out
  Piece sequence(const std::vector<Piece>& pieces);
  Piece any_of(const std::vector<Piece>& pieces);
  Piece optional(Piece piece);

  uint32_t declare();                                  // a rule, to be defined once, so that it can call itself
  void define(uint32_t rule, Piece piece);
  uint32_t rule(Piece piece);
  Piece call(uint32_t rule);
  void mark_plain(uint32_t from) { nodes_[from].plain = true; }
  // plain: the rule begins with a plain node.
  Piece repeat(uint32_t rule, int least, int most, bool plain = false);    // most -1: any number; larger bounds than kRepeatMost are cut

  // Once it is full, parts are no longer made: what comes back for them means nothing, and finish() is an error.
  bool full() const { return nodes_.size() > kNodesMost; }
  size_t size() const { return nodes_.size(); }        // nodes: never more than one over kNodesMost
  // The whole. Error where it is too large, or nothing matches it.
  Result<std::shared_ptr<const Grammar>> finish(Piece whole, const std::string& where);

 private:
  void utf8(uint32_t low, uint32_t high, Piece into);  // one range within one length
  void drop_dead_ends();
  void mark_last_calls();
  bool calls_itself_at_once() const;

  std::vector<Node> nodes_;
  struct Rule {
    uint32_t from = 0, to = 0;
  };
  std::vector<Rule> rules_;                            // 0 is kept for the whole
};

}  // namespace strata::grammar
