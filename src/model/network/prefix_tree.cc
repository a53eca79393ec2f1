#include "model/network/prefix_tree.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"

namespace strata::network {
namespace {

constexpr PrefixTree::Place kRootBit = PrefixTree::Place{1} << 63;

uint64_t mix(uint64_t state, uint64_t value) {
  // The finalizer of splitmix64 over a running state. SOURCE: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
  uint64_t z = (state ^ value) + 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

}  // namespace

PrefixTree::PrefixTree() {
  for (uint64_t& word : secret_) word = random_seed();
}

PrefixTree::Place PrefixTree::root(std::string_view salt) const {
  uint64_t state = secret_[0];
  for (const char c : salt) state = mix(state, static_cast<unsigned char>(c));
  return mix(state, salt.size()) | kRootBit;
}

PrefixTree::Key PrefixTree::key_of(Place place, std::span<const int32_t> tokens) const {
  CHECK(tokens.size() == kTokens);
  uint64_t state = secret_[1];
  for (const int32_t token : tokens) state = mix(state, static_cast<uint32_t>(token));
  return {place, state};
}

std::optional<PrefixTree::Found> PrefixTree::find(Place place, std::span<const int32_t> tokens) const {
  const auto it = nodes_.find(key_of(place, tokens));
  if (it == nodes_.end() || !std::equal(tokens.begin(), tokens.end(), it->second.tokens.begin())) return std::nullopt;
  return Found{it->second.place, it->second.block};
}

PrefixTree::Node* PrefixTree::node_of(Place place) {
  const auto it = nodes_by_place_.find(place);
  return it == nodes_by_place_.end() ? nullptr : it->second;
}

std::optional<PrefixTree::Place> PrefixTree::add(Place place, std::span<const int32_t> tokens, uint32_t block) {
  CHECK(!holds(block));
  const Key key = key_of(place, tokens);
  const auto [it, added] = nodes_.try_emplace(key);
  if (!added) return std::nullopt;
  Node& node = it->second;
  node.key = key;
  node.place = next_++;
  node.block = block;
  std::copy(tokens.begin(), tokens.end(), node.tokens.begin());
  nodes_by_place_[node.place] = nodes_by_block_[block] = &node;
  if (Node* parent = node_of(place)) {
    withdraw(*parent);
    ++parent->children;
  }
  return node.place;
}

void PrefixTree::offer(Node& node) {
  if (node.users == 0 && node.children == 0) leaves_.emplace(node.left_at, node.place);
}

void PrefixTree::withdraw(Node& node) { leaves_.erase({node.left_at, node.place}); }

void PrefixTree::use(uint32_t block) {
  Node& node = *nodes_by_block_.at(block);
  if (node.users++ > 0) return;
  withdraw(node);
  --unused_;
}

void PrefixTree::leave(uint32_t block) {
  Node& node = *nodes_by_block_.at(block);
  CHECK(node.users > 0);
  node.left_at = ++tick_;
  if (--node.users > 0) return;
  ++unused_;
  offer(node);
}

uint32_t PrefixTree::evict() {
  CHECK(!leaves_.empty());
  Node* node = node_of(leaves_.begin()->second);
  leaves_.erase(leaves_.begin());
  --unused_;
  const uint32_t block = node->block;
  const Place parent_place = node->key.parent;
  nodes_by_block_.erase(block);
  nodes_by_place_.erase(node->place);
  nodes_.erase(nodes_.find(node->key));
  if (Node* parent = node_of(parent_place)) {
    --parent->children;
    offer(*parent);
  }
  return block;
}

}  // namespace strata::network
