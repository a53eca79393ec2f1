#include "model/grammar/builder.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/text.h"

namespace strata::grammar {

CodePoints complement(CodePoints ranges) {
  std::sort(ranges.begin(), ranges.end());
  CodePoints out;
  uint32_t next = 0;
  for (const auto& [low, high] : ranges) {
    if (low > next) out.emplace_back(next, low - 1);
    next = std::max(next, high + 1);
  }
  if (next <= kLastCodePoint) out.emplace_back(next, kLastCodePoint);
  return out;
}

uint32_t Builder::node() {
  if (!full()) nodes_.emplace_back();
  return static_cast<uint32_t>(nodes_.size() - 1);
}

Piece Builder::empty() {
  const uint32_t only = node();
  return {only, only};
}

Piece Builder::nothing() { return {node(), node()}; }

Piece Builder::text(std::string_view bytes) {
  Piece out = empty();
  for (const char c : bytes) {
    if (full()) break;
    const uint32_t next = node();
    const auto byte = static_cast<uint8_t>(c);
    nodes_[out.to].bytes.push_back({byte, byte, next});
    out.to = next;
  }
  return out;
}

Piece Builder::texts(std::vector<std::string> all) {
  std::sort(all.begin(), all.end());
  const Piece out = nothing();
  std::vector<uint32_t> path = {out.from};
  std::string_view last;
  for (const std::string& one : all) {
    size_t common = 0;
    while (common < std::min(last.size(), one.size()) && last[common] == one[common]) ++common;
    path.resize(common + 1);
    for (size_t i = common; i < one.size(); ++i) {
      if (full()) return out;
      const uint32_t next = node();
      const auto byte = static_cast<uint8_t>(one[i]);
      nodes_[path.back()].bytes.push_back({byte, byte, next});
      path.push_back(next);
    }
    link(path.back(), out.to);
    last = one;
  }
  return out;
}

Piece Builder::bytes(uint8_t low, uint8_t high) {
  const Piece out{node(), node()};
  nodes_[out.from].bytes.push_back({low, high, out.to});
  return out;
}

// low and high have the same length in UTF-8. The range is cut until each part is one byte range after another: a part may differ in a leading
// byte only where its trailing bytes run through all of their values.
void Builder::utf8(uint32_t low, uint32_t high, Piece into) {
  if (full()) return;
  std::string a, b;
  utf8_append(a, low);
  utf8_append(b, high);
  for (size_t tail = 1; tail < a.size(); ++tail) {
    const uint32_t unit = uint32_t{1} << 6 * tail;        // code points that share all but `tail` bytes
    if (low / unit == high / unit) break;
    if (low % unit != 0) {
      utf8(low, low / unit * unit + unit - 1, into);
      return utf8((low / unit + 1) * unit, high, into);
    }
    if (high % unit != unit - 1) {
      utf8(low, high / unit * unit - 1, into);
      return utf8(high / unit * unit, high, into);
    }
  }
  uint32_t at = into.from;
  for (size_t i = 0; i < a.size(); ++i) {
    const uint32_t next = i + 1 == a.size() ? into.to : node();
    nodes_[at].bytes.push_back({static_cast<uint8_t>(a[i]), static_cast<uint8_t>(b[i]), next});
    at = next;
  }
}

Piece Builder::code_points(const CodePoints& ranges) {
  static constexpr std::pair<uint32_t, uint32_t> kLengths[] = {{0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, kLastCodePoint}};
  const Piece out{node(), node()};
  for (const auto& [low, high] : ranges) {
    for (const auto& [first, last] : kLengths) {
      if (low <= last && high >= first) utf8(std::max(low, first), std::min(high, last), out);
    }
  }
  return out;
}

Piece Builder::sequence(const std::vector<Piece>& pieces) {
  if (pieces.empty()) return empty();
  for (size_t i = 1; i < pieces.size(); ++i) link(pieces[i - 1].to, pieces[i].from);
  return {pieces.front().from, pieces.back().to};
}

Piece Builder::any_of(const std::vector<Piece>& pieces) {
  const Piece out = nothing();
  for (const Piece& piece : pieces) {
    link(out.from, piece.from);
    link(piece.to, out.to);
  }
  return out;
}

Piece Builder::optional(Piece piece) { return any_of({piece, empty()}); }

uint32_t Builder::declare() {
  rules_.emplace_back();
  return static_cast<uint32_t>(rules_.size() - 1);
}

void Builder::define(uint32_t rule, Piece piece) {
  // A node of its own as end: the piece's last may have ways on.
  const uint32_t end = node();
  link(piece.to, end);
  nodes_[end].ends = true;
  rules_[rule] = {piece.from, end};
}

uint32_t Builder::rule(Piece piece) {
  const uint32_t out = declare();
  define(out, piece);
  return out;
}

Piece Builder::call(uint32_t rule) {
  const Piece out = nothing();
  nodes_[out.from].calls.push_back({rule, out.to});
  return out;
}

Piece Builder::repeat(uint32_t rule, int least, int most, bool plain) {
  least = std::min(least, kRepeatMost);
  Piece out = empty();
  auto once = [&] {
    const uint32_t next = node();
    nodes_[out.to].calls.push_back({rule, next});
    out.to = next;
  };
  const int longest = most < 0 ? -1 : std::min(most, kRepeatMost);
  auto mark = [&](int done) {
    if (plain) nodes_[out.to].plain_run = longest < 0 ? UINT32_MAX : static_cast<uint32_t>(std::max(0, longest - done));
  };
  for (int i = 0; i < least && !full(); ++i) mark(i), once();
  mark(least);
  if (most < 0) {
    const uint32_t loop = node();
    link(out.to, loop);
    nodes_[loop].calls.push_back({rule, loop});
    if (plain) nodes_[loop].plain_run = UINT32_MAX;
    return {out.from, loop};
  }
  const uint32_t end = node();
  for (int i = least; i < longest && !full(); ++i) {
    link(out.to, end);
    once();
    mark(i + 1);
  }
  link(out.to, end);
  return {out.from, end};
}

// A node is alive where its rule's end can be reached from it. Edges to dead nodes, and calls of dead rules, go.
void Builder::drop_dead_ends() {
  std::vector<char> alive(nodes_.size(), 0);
  std::vector<std::vector<uint32_t>> before(nodes_.size());   // who has an edge to it
  std::vector<std::vector<uint32_t>> callers(rules_.size());
  std::vector<uint32_t> work;
  auto enliven = [&](uint32_t n) {
    if (!alive[n]) alive[n] = 1, work.push_back(n);
  };
  std::vector<std::vector<uint32_t>> starts(nodes_.size());   // rules that begin at it
  for (uint32_t r = 0; r < rules_.size(); ++r) starts[rules_[r].from].push_back(r);
  for (uint32_t n = 0; n < nodes_.size(); ++n) {
    for (const ByteEdge& edge : nodes_[n].bytes) before[edge.to].push_back(n);
    for (const uint32_t to : nodes_[n].empty) before[to].push_back(n);
    for (const CallEdge& edge : nodes_[n].calls) {
      before[edge.back].push_back(n);
      callers[edge.rule].push_back(n);
    }
    if (nodes_[n].ends) enliven(n);
  }
  auto can_go_on = [&](const Node& node) {
    return std::any_of(node.bytes.begin(), node.bytes.end(), [&](const ByteEdge& e) { return alive[e.to]; }) ||
           std::any_of(node.empty.begin(), node.empty.end(), [&](uint32_t to) { return alive[to]; }) ||
           std::any_of(node.calls.begin(), node.calls.end(), [&](const CallEdge& e) { return alive[e.back] && alive[rules_[e.rule].from]; });
  };
  while (!work.empty()) {
    const uint32_t n = work.back();
    work.pop_back();
    for (const uint32_t b : before[n]) {
      if (!alive[b] && can_go_on(nodes_[b])) enliven(b);
    }
    for (const uint32_t r : starts[n]) {
      for (const uint32_t b : callers[r]) {
        if (!alive[b] && can_go_on(nodes_[b])) enliven(b);
      }
    }
  }
  for (Node& node : nodes_) {
    std::erase_if(node.bytes, [&](const ByteEdge& e) { return !alive[e.to]; });
    std::erase_if(node.empty, [&](uint32_t to) { return !alive[to]; });
    std::erase_if(node.calls, [&](const CallEdge& e) { return !alive[e.back] || !alive[rules_[e.rule].from]; });
  }
  if (!alive[rules_[0].from]) nodes_[rules_[0].from] = {};
}

// A call is its rule's last act where what comes after it is only the end: recursion to the right then needs no stack.
void Builder::mark_last_calls() {
  auto only_ends = [&](uint32_t n) {
    for (size_t steps = 0; steps < nodes_.size(); ++steps) {
      const Node& node = nodes_[n];
      if (!node.bytes.empty() || !node.calls.empty()) return false;
      if (node.ends) return node.empty.empty();
      if (node.empty.size() != 1) return false;
      n = node.empty.front();
    }
    return false;
  };
  for (Node& node : nodes_) {
    for (CallEdge& call : node.calls) call.last = only_ends(call.back);
  }
}

// Whether some rule can call itself before anything is read: a matcher would never come to an end.
bool Builder::calls_itself_at_once() const {
  // Rules that can match nothing are passed through; those that begin at a rule's start are its left calls.
  std::vector<char> blank(rules_.size(), 0);
  std::vector<std::set<uint32_t>> left(rules_.size()), users(rules_.size());
  auto look = [&](uint32_t r) {                             // whether it can match nothing, as far as is known
    std::vector<uint32_t> work = {rules_[r].from};
    std::set<uint32_t> seen;
    bool is_blank = false;
    while (!work.empty()) {
      const uint32_t n = work.back();
      work.pop_back();
      if (!seen.insert(n).second) continue;
      is_blank = is_blank || nodes_[n].ends;
      for (const uint32_t to : nodes_[n].empty) work.push_back(to);
      for (const CallEdge& call : nodes_[n].calls) {
        left[r].insert(call.rule);
        users[call.rule].insert(r);
        if (blank[call.rule]) work.push_back(call.back);
      }
    }
    return is_blank;
  };
  std::vector<uint32_t> unsure;
  for (uint32_t r = 0; r < rules_.size(); ++r) unsure.push_back(r);
  while (!unsure.empty()) {
    const uint32_t r = unsure.back();
    unsure.pop_back();
    if (!look(r) || blank[r]) continue;
    blank[r] = 1;
    unsure.insert(unsure.end(), users[r].begin(), users[r].end());
  }
  std::vector<char> state(rules_.size(), 0);  // 1: on the way down, 2: done
  std::vector<std::pair<uint32_t, bool>> work;
  for (uint32_t r = 0; r < rules_.size(); ++r) work.emplace_back(r, false);
  while (!work.empty()) {
    const auto [r, leaving] = work.back();
    work.pop_back();
    if (leaving) {
      state[r] = 2;
      continue;
    }
    if (state[r] == 2) continue;
    if (state[r] == 1) continue;
    state[r] = 1;
    work.emplace_back(r, true);
    for (const uint32_t next : left[r]) {
      if (state[next] == 1) return true;
      if (state[next] == 0) work.emplace_back(next, false);
    }
  }
  return false;
}

Result<std::shared_ptr<const Grammar>> Builder::finish(Piece whole, const std::string& where) {
  if (full()) {
    return invalid_argument(where + ": this is too large to be enforced: its automaton has more than " + std::to_string(kNodesMost) +
                                " states; shorten lengths, counts and enumerations",
                            where);
  }
  define(0, whole);
  drop_dead_ends();
  const Node& first = nodes_[rules_[0].from];
  if (first.bytes.empty() && first.empty.empty() && first.calls.empty() && !first.ends) {
    return invalid_argument(where + ": nothing can match this: its parts contradict each other", where);
  }
  if (calls_itself_at_once()) return invalid_argument(where + ": a rule or $ref leads back to itself with nothing in between", where);
  mark_last_calls();
  auto out = std::make_shared<Grammar>();
  out->nodes_ = std::move(nodes_);
  for (const Rule& rule : rules_) out->rules_.push_back(rule.from);
  return std::shared_ptr<const Grammar>(std::move(out));
}

}  // namespace strata::grammar
