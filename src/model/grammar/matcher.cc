#include <algorithm>
#include <utility>

#include "model/grammar/grammar.h"

namespace strata::grammar {
namespace {

constexpr uint32_t node_of(uint64_t config) { return static_cast<uint32_t>(config >> 32); }
constexpr uint32_t stack_of(uint64_t config) { return static_cast<uint32_t>(config); }
constexpr uint64_t config_of(uint32_t node, uint32_t stack) { return uint64_t{node} << 32 | stack; }

// Places that one text may be at, at once. A grammar that needs more costs more than a step of the model: its output ends with an error.
constexpr size_t kPlacesMost = 20'000;
// A state's table of next states, in places: what bounds the memory of one mask's states.
constexpr size_t kTableWork = 8;
// Of judging one text: some tenths of a second, and more the longer it is.
constexpr size_t kReadWorkMost = 3'000'000, kByteWorkMost = 100;
// Of what must come: more than the longest guess can hold.
constexpr size_t kForcedBytesMost = 128;

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
  // Branches were made before those below them, so backwards each is seen after all of its children.
  for (size_t i = branches_.size(); i-- > 0;) {
    Branch& at = branches_[i];
    at.plain = is_plain(at.byte);
    at.end_token = at.first_token + at.tokens;
    if (at.tokens == 0) at.first_token = UINT32_MAX;
    for (uint32_t child = at.first_child; child != 0; child = branches_[child].next_sibling) {
      at.plain = at.plain && branches_[child].plain;
      at.height = std::max(at.height, branches_[child].height + 1);
      at.first_token = std::min(at.first_token, branches_[child].first_token);
      at.end_token = std::max(at.end_token, branches_[child].end_token);
    }
  }
}

// ---- One sequence's place -----------------------------------------------------------------------------------------------------

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie)
    : grammar_(std::move(grammar)), trie_(std::move(trie)), nothing_((trie_->vocabulary() + 63) / 64, 0) {
  stacks_.emplace_back(0, 0);
  std::vector<Config> reading;
  std::unordered_set<Config> seen;
  bool accepts = false;
  close(config_of(grammar_->start(), 0), reading, seen, &accepts);
  current_ = intern(std::move(reading), accepts);
}

uint32_t Matcher::push(uint32_t node, uint32_t below) {
  const auto [it, fresh] = stack_ids_.try_emplace({node, below}, static_cast<uint32_t>(stacks_.size()));
  if (fresh) stacks_.emplace_back(node, below);
  return it->second;
}

// Counts work; false once there was too much of it.
bool Matcher::spend(size_t work) {
  work_ += work, step_work_ += work, all_work_ += work;
  overflowed_ = overflowed_ || work_ > kWorkMost || all_work_ > kOutputWorkMost + kTokenWorkMost * accepted_ || stacks_.size() > kStacksMost;
  return !overflowed_;
}

// Follows what reads nothing: empty steps, calls, and ends of rules.
void Matcher::close(Config config, std::vector<Config>& reading, std::unordered_set<Config>& seen, bool* accepts) {
  std::vector<Config> work = {config};
  while (!work.empty()) {
    const Config at = work.back();
    work.pop_back();
    if (!seen.insert(at).second) continue;
    const Node& node = grammar_->nodes()[node_of(at)];
    overflowed_ = overflowed_ || seen.size() > kPlacesMost;
    if (!spend(1 + node.empty.size() + node.calls.size())) return;
    const uint32_t stack = stack_of(at);
    if (!node.bytes.empty()) reading.push_back(at);
    for (const uint32_t to : node.empty) work.push_back(config_of(to, stack));
    for (const CallEdge& call : node.calls) work.push_back(config_of(grammar_->rule_start(call.rule), call.last ? stack : push(call.back, stack)));
    if (!node.ends) continue;
    if (stack == 0) *accepts = true;
    else work.push_back(config_of(stacks_[stack].first, stacks_[stack].second));
  }
}

int32_t Matcher::intern(std::vector<Config> configs, bool accepts) {
  if (overflowed_) configs.clear(), accepts = false;
  if (configs.empty() && !accepts && !states_.empty()) return kDead;
  std::sort(configs.begin(), configs.end());
  const auto [it, fresh] = state_ids_.try_emplace({configs, accepts}, static_cast<int32_t>(states_.size()));
  if (fresh) {
    const uint32_t run = plain_run(configs);
    places_ += configs.size();
    states_.push_back({std::move(configs), accepts, {}, {}, run});
  }
  return it->second;
}

int32_t Matcher::step(int32_t state, uint8_t byte) {
  State& from = states_[static_cast<size_t>(state)];
  if (from.next.empty()) from.next.assign(256, kUnknown), spend(kTableWork);
  if (from.next[byte] != kUnknown) return from.next[byte];
  std::vector<Config> reading;
  std::unordered_set<Config> seen;
  bool accepts = false;
  for (const Config config : from.configs) {
    const std::vector<ByteEdge>& edges = grammar_->nodes()[node_of(config)].bytes;
    if (!spend(edges.size() / 16)) break;
    for (const ByteEdge& edge : edges) {
      if (edge.low <= byte && byte <= edge.high) close(config_of(edge.to, stack_of(config)), reading, seen, &accepts);
    }
  }
  const int32_t to = intern(std::move(reading), accepts);  // may move states_
  states_[static_cast<size_t>(state)].next[byte] = to;
  return to;
}

uint32_t Matcher::plain_run(const std::vector<Config>& configs) const {
  uint32_t out = 0;
  for (const Config config : configs) {
    if (!grammar_->nodes()[node_of(config)].plain || stack_of(config) == 0) continue;
    const uint32_t after = grammar_->nodes()[stacks_[stack_of(config)].first].plain_run;
    out = std::max(out, after == UINT32_MAX ? after : after + 1);
  }
  return out;
}

void Matcher::allow(uint32_t first, uint32_t end, std::vector<uint64_t>& bits) const {
  for (uint32_t i = first; i < end; ++i) {
    const auto id = static_cast<size_t>(trie_->token_ids()[i]);
    bits[id / 64] |= uint64_t{1} << id % 64;
  }
}

void Matcher::walk(uint32_t branch, int32_t state, std::vector<uint64_t>& bits) {
  for (uint32_t child = trie_->branches()[branch].first_child; child != 0 && !overflowed_; child = trie_->branches()[child].next_sibling) {
    const TokenTrie::Branch& at = trie_->branches()[child];
    if (at.plain && states_[static_cast<size_t>(state)].plain_run > at.height) {
      allow(at.first_token, at.end_token, bits);
      continue;
    }
    const int32_t to = step(state, at.byte);
    if (to == kDead) continue;
    allow(at.first_token, at.first_token + at.tokens, bits);
    walk(child, to, bits);
  }
}

void Matcher::forget_all_but_current() {
  State kept = std::move(states_[static_cast<size_t>(current_)]);
  state_ids_.clear();
  states_.clear();
  places_ = 0;
  // Of the stacks, those that it stands on. Each has a higher number than the one below it.
  std::vector<char> wanted(stacks_.size(), 0);
  for (const Config config : kept.configs) wanted[stack_of(config)] = 1;
  for (size_t s = stacks_.size(); s-- > 1;) {
    if (wanted[s]) wanted[stacks_[s].second] = 1;
  }
  const auto before = std::exchange(stacks_, {{0, 0}});
  stack_ids_.clear();
  std::vector<uint32_t> now(before.size(), 0);
  for (size_t s = 1; s < before.size(); ++s) {
    if (wanted[s]) now[s] = push(before[s].first, now[before[s].second]);
  }
  for (Config& config : kept.configs) config = config_of(node_of(config), now[stack_of(config)]);
  stacks_kept_ = std::max(kStacksKept, 2 * stacks_.size());
  current_ = intern(std::move(kept.configs), kept.accepts);
}

void Matcher::keep_small(size_t states_most) {
  if (states_.size() > states_most || places_ > kPlacesKept || stacks_.size() > stacks_kept_) forget_all_but_current();
}

const std::vector<uint64_t>& Matcher::mask() {
  work_ = 0;
  if (overflowed_) return nothing_;
  keep_small(kStatesMost);
  if (states_[static_cast<size_t>(current_)].mask.empty()) {
    std::vector<uint64_t> bits((trie_->vocabulary() + 63) / 64, 0);
    walk(0, current_, bits);
    if (may_end()) {
      for (const int32_t id : trie_->ends()) bits[static_cast<size_t>(id) / 64] |= uint64_t{1} << static_cast<size_t>(id) % 64;
    }
    if (overflowed_) return nothing_;
    states_[static_cast<size_t>(current_)].mask = std::move(bits);
  }
  return states_[static_cast<size_t>(current_)].mask;
}

bool Matcher::accept(int32_t token) {
  const std::string_view piece = trie_->piece(token);
  if (piece.empty() || overflowed_) return false;
  work_ = 0;
  int32_t state = current_;
  for (const char c : piece) {
    state = step(state, static_cast<uint8_t>(c));
    if (state == kDead) return false;
  }
  current_ = state;
  ++accepted_;
  keep_small(kTextStatesMost);
  return true;
}

// The byte that alone may come next; -1 where there is a choice, or an end.
int Matcher::only_byte(int32_t state) const {
  const State& at = states_[static_cast<size_t>(state)];
  if (at.accepts) return -1;
  int only = -1;
  for (const Config config : at.configs) {
    for (const ByteEdge& edge : grammar_->nodes()[node_of(config)].bytes) {
      if (edge.low != edge.high || (only >= 0 && only != edge.low)) return -1;
      only = edge.low;
    }
  }
  return only;
}

std::vector<int32_t> Matcher::forced(int most) {
  if (overflowed_) return {};
  work_ = 0;
  std::string text;
  int32_t state = current_;
  while (text.size() < kForcedBytesMost && !tired()) {
    const int byte = only_byte(state);
    if (byte < 0) break;
    state = step(state, static_cast<uint8_t>(byte));
    if (overflowed_ || state == kDead) break;
    text += static_cast<char>(byte);
  }
  if (std::exchange(overflowed_, false)) forget_all_but_current();  // a look ahead changes nothing
  return spelled(text, most);
}

// The longest tokens that spell the text, from its beginning.
std::vector<int32_t> Matcher::spelled(std::string_view text, int most) const {
  std::vector<int32_t> out;
  for (size_t at = 0; at < text.size() && out.size() < static_cast<size_t>(std::max(0, most));) {
    uint32_t branch = 0, longest = 0;
    size_t length = 0;
    for (size_t i = at; i < text.size(); ++i) {
      branch = trie_->branches()[branch].first_child;
      while (branch != 0 && trie_->branches()[branch].byte != static_cast<uint8_t>(text[i])) branch = trie_->branches()[branch].next_sibling;
      if (branch == 0) break;
      if (trie_->branches()[branch].tokens > 0) longest = branch, length = i + 1 - at;
    }
    if (length == 0) break;
    out.push_back(trie_->token_ids()[trie_->branches()[longest].first_token]);
    at += length;
  }
  return out;
}

bool Matcher::may_end() const { return states_[static_cast<size_t>(current_)].accepts; }
bool Matcher::must_end() const { return may_end() && states_[static_cast<size_t>(current_)].configs.empty(); }

bool reads(const std::shared_ptr<const Grammar>& grammar, std::string_view text, size_t* work) {
  static const auto kBytes = [] {
    std::vector<std::string> pieces;
    for (int b = 0; b < 256; ++b) pieces.push_back(std::string(1, static_cast<char>(b)));
    return std::make_shared<const TokenTrie>(pieces, std::vector<int32_t>());
  }();
  Matcher matcher(grammar, kBytes);
  bool fits = true;
  for (size_t i = 0; fits && i < text.size(); ++i) {
    fits = matcher.accept(static_cast<unsigned char>(text[i])) && matcher.work() <= kReadWorkMost + kByteWorkMost * text.size();
  }
  if (work) *work += matcher.work();
  return fits && matcher.may_end();
}

}  // namespace strata::grammar
