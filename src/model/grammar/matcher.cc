#include <algorithm>
#include <utility>

#include "base/check.h"
#include "model/grammar/grammar.h"

namespace strata::grammar {
namespace {

constexpr uint32_t node_of(uint64_t config) { return static_cast<uint32_t>(config >> 32); }
constexpr uint32_t stack_of(uint64_t config) { return static_cast<uint32_t>(config); }
constexpr uint64_t config_of(uint32_t node, uint32_t stack) { return uint64_t{node} << 32 | stack; }

// Calls within calls without a byte read between them: our own grammars never come near it, it only bounds what a mistake would cost.
constexpr size_t kSeenMost = 100'000;

}  // namespace

// ---- The vocabulary as a tree -------------------------------------------------------------------------------------------------

TokenTrie::TokenTrie(const std::vector<std::string>& pieces, std::vector<int32_t> ends) : pieces_(pieces), branches_(1), ends_(std::move(ends)) {
  std::vector<int32_t> order;
  for (size_t id = 0; id < pieces_.size(); ++id) {
    if (!pieces_[id].empty()) order.push_back(static_cast<int32_t>(id));
  }
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return piece(a) != piece(b) ? piece(a) < piece(b) : a < b; });
  // In sorted order every token shares a path with the one before it: `path` is that of the last token, one branch for each byte.
  std::vector<uint32_t> path = {0};
  std::string_view last;
  for (const int32_t id : order) {
    const std::string_view text = piece(id);
    size_t common = 0;
    while (common < std::min(last.size(), text.size()) && last[common] == text[common]) ++common;
    path.resize(common + 1);
    for (size_t i = common; i < text.size(); ++i) {
      const auto fresh = static_cast<uint32_t>(branches_.size());
      branches_.push_back({.byte = static_cast<uint8_t>(text[i])});
      uint32_t* slot = &branches_[path.back()].first_child;
      branches_[fresh].next_sibling = std::exchange(*slot, fresh);
      path.push_back(fresh);
    }
    Branch& at = branches_[path.back()];
    if (at.tokens++ == 0) at.first_token = static_cast<uint32_t>(token_ids_.size());
    token_ids_.push_back(id);
    last = text;
  }
}

// ---- One sequence's place -----------------------------------------------------------------------------------------------------

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie) : grammar_(std::move(grammar)), trie_(std::move(trie)) {
  stacks_.emplace_back(0, 0);
  std::vector<Config> reading, seen;
  bool accepts = false;
  close(config_of(grammar_->start(), 0), reading, seen, &accepts);
  current_ = intern(std::move(reading), accepts);
}

uint32_t Matcher::push(uint32_t node, uint32_t below) {
  const auto [it, fresh] = stack_ids_.try_emplace({node, below}, static_cast<uint32_t>(stacks_.size()));
  if (fresh) stacks_.emplace_back(node, below);
  return it->second;
}

// Follows what reads nothing: empty steps, calls, and ends of rules.
void Matcher::close(Config config, std::vector<Config>& reading, std::vector<Config>& seen, bool* accepts) {
  std::vector<Config> work = {config};
  while (!work.empty()) {
    const Config at = work.back();
    work.pop_back();
    if (std::find(seen.begin(), seen.end(), at) != seen.end()) continue;
    CHECK(seen.size() < kSeenMost);
    seen.push_back(at);
    const Node& node = grammar_->nodes()[node_of(at)];
    const uint32_t stack = stack_of(at);
    if (!node.bytes.empty()) reading.push_back(at);
    for (const uint32_t to : node.empty) work.push_back(config_of(to, stack));
    for (const CallEdge& call : node.calls) work.push_back(config_of(grammar_->rule_start(call.rule), push(call.back, stack)));
    if (!node.ends) continue;
    if (stack == 0) *accepts = true;
    else work.push_back(config_of(stacks_[stack].first, stacks_[stack].second));
  }
}

int32_t Matcher::intern(std::vector<Config> configs, bool accepts) {
  if (configs.empty() && !accepts) return kDead;
  std::sort(configs.begin(), configs.end());
  const auto [it, fresh] = state_ids_.try_emplace({configs, accepts}, static_cast<int32_t>(states_.size()));
  if (fresh) states_.push_back({std::move(configs), accepts, {}, {}});
  return it->second;
}

int32_t Matcher::step(int32_t state, uint8_t byte) {
  State& from = states_[static_cast<size_t>(state)];
  if (from.next.empty()) from.next.assign(256, kUnknown);
  if (from.next[byte] != kUnknown) return from.next[byte];
  std::vector<Config> reading, seen;
  bool accepts = false;
  for (const Config config : from.configs) {
    for (const ByteEdge& edge : grammar_->nodes()[node_of(config)].bytes) {
      if (edge.low <= byte && byte <= edge.high) close(config_of(edge.to, stack_of(config)), reading, seen, &accepts);
    }
  }
  const int32_t to = intern(std::move(reading), accepts);  // may move states_
  states_[static_cast<size_t>(state)].next[byte] = to;
  return to;
}

void Matcher::walk(uint32_t branch, int32_t state, std::vector<uint64_t>& bits) {
  for (uint32_t child = trie_->branches()[branch].first_child; child != 0; child = trie_->branches()[child].next_sibling) {
    const TokenTrie::Branch& at = trie_->branches()[child];
    const int32_t to = step(state, at.byte);
    if (to == kDead) continue;
    for (uint32_t i = at.first_token; i < at.first_token + at.tokens; ++i) {
      const auto id = static_cast<size_t>(trie_->token_ids()[i]);
      bits[id / 64] |= uint64_t{1} << id % 64;
    }
    walk(child, to, bits);
  }
}

void Matcher::forget_all_but_current() {
  State kept = std::move(states_[static_cast<size_t>(current_)]);
  kept.next.clear();
  state_ids_.clear();
  states_.clear();
  current_ = intern(std::move(kept.configs), kept.accepts);
}

const std::vector<uint64_t>& Matcher::mask() {
  if (states_.size() > kStatesMost) forget_all_but_current();
  if (states_[static_cast<size_t>(current_)].mask.empty()) {
    std::vector<uint64_t> bits((trie_->vocabulary() + 63) / 64, 0);
    walk(0, current_, bits);
    if (may_end()) {
      for (const int32_t id : trie_->ends()) bits[static_cast<size_t>(id) / 64] |= uint64_t{1} << static_cast<size_t>(id) % 64;
    }
    states_[static_cast<size_t>(current_)].mask = std::move(bits);
  }
  return states_[static_cast<size_t>(current_)].mask;
}

bool Matcher::accept(int32_t token) {
  const std::string_view piece = trie_->piece(token);
  if (piece.empty()) return false;
  int32_t state = current_;
  for (const char c : piece) {
    state = step(state, static_cast<uint8_t>(c));
    if (state == kDead) return false;
  }
  current_ = state;
  return true;
}

bool Matcher::may_end() const { return states_[static_cast<size_t>(current_)].accepts; }
bool Matcher::must_end() const { return may_end() && states_[static_cast<size_t>(current_)].configs.empty(); }

}  // namespace strata::grammar
