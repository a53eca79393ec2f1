// PrefixTree: which blocks of the KV cache hold which tokens, so that a text that begins like an earlier one starts from there.
//
// A radix tree over whole blocks of B tokens. A node is one block with its tokens; its path from a root is the text before it, so what a
// block holds is said by its node alone. A root is a salt: sequences of different salts never meet. Nodes that no sequence uses are
// kept until their block is needed and given back leaves first, the least recently used first. A sequence that uses a node uses all nodes
// on its path, so a node without users has only descendants without users.
// SOURCE: radix attention: Zheng et al., "SGLang: Efficient Execution of Structured Language Model Programs", 2023, section 3.
// THREADS: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "infra/compute/compute.h"

namespace strata::network {

class PrefixTree {
 public:
  static constexpr size_t kTokens = compute::kKvBlockPositions;  // B
  using Place = uint64_t;                                        // a node or a root

  PrefixTree();
  Place root(std::string_view salt) const;

  struct Found {
    Place place;
    uint32_t block;
  };
  // The node below `place` that holds exactly these tokens. SHAPE: tokens [B]
  std::optional<Found> find(Place place, std::span<const int32_t> tokens) const;
  // A new node, in use by one sequence. REQUIRES: find() gave none. Nothing where the keys of two texts collide: then it is not kept.
  std::optional<Place> add(Place place, std::span<const int32_t> tokens, uint32_t block);

  // One sequence more, or fewer, uses the node that holds `block`. REQUIRES: holds(block).
  void use(uint32_t block);
  void leave(uint32_t block);
  bool holds(uint32_t block) const { return nodes_by_block_.contains(block); }
  bool used(uint32_t block) const { return nodes_by_block_.at(block)->users > 0; }   // REQUIRES: holds(block)

  size_t unused() const { return unused_; }       // nodes that no sequence uses: blocks that can be had back
  // Takes the least recently used unused leaf out and returns its block. REQUIRES: unused() > 0.
  uint32_t evict();

 private:
  struct Key {
    Place parent;
    uint64_t hash;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const { return static_cast<size_t>(key.parent * 0x9e3779b97f4a7c15ull ^ key.hash); }
  };
  struct Node {
    Key key;
    Place place;
    std::array<int32_t, kTokens> tokens;
    uint32_t block;
    uint32_t users = 1, children = 0;
    uint64_t left_at = 0;      // tick of the last leave()
  };
  Key key_of(Place place, std::span<const int32_t> tokens) const;
  Node* node_of(Place place);
  void offer(Node& node);      // among the leaves that may be evicted, where it is one
  void withdraw(Node& node);

  uint64_t secret_[2];         // WHY: nobody outside can make two texts, or two salts, collide
  uint64_t tick_ = 0;
  Place next_ = 1;             // roots have the highest bit set, nodes do not
  size_t unused_ = 0;
  std::unordered_map<Key, Node, KeyHash> nodes_;              // nodes stay where they are
  std::unordered_map<Place, Node*> nodes_by_place_;
  std::unordered_map<uint32_t, Node*> nodes_by_block_;
  std::set<std::pair<uint64_t, Place>> leaves_;               // unused leaves by left_at
};

}  // namespace strata::network
