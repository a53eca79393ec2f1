// The paged KV cache: one mapping, a stack of free blocks, and a tree of those that others may start from.
#include <sys/mman.h>

#include <algorithm>
#include <climits>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "model/network/network.h"

namespace strata::network {
namespace {

uint32_t blocks_for(int tokens) { return (static_cast<uint32_t>(tokens) + KvCache::kBlockTokens - 1) / KvCache::kBlockTokens; }

compute::KvLayout layout_of(const DecoderShape& s, compute::Format format) { return {format, static_cast<size_t>(s.G), static_cast<size_t>(s.D)}; }

}  // namespace

uint64_t KvCache::block_bytes(const DecoderShape& shape, compute::Format format) {
  return layout_of(shape, format).block_bytes() * static_cast<uint64_t>(shape.L);
}

Result<KvCache> KvCache::make(const DecoderShape& shape, uint32_t blocks, compute::Format format) {
  KvCache cache;
  cache.layout_ = layout_of(shape, format);
  cache.block_bytes_ = block_bytes(shape, format);
  cache.blocks_ = blocks;
  const auto bytes = checked_multiply(cache.block_bytes_, blocks);
  if (!bytes || blocks == 0) return invalid_argument("KV cache: " + std::to_string(blocks) + " blocks are not a size that can be had");
  void* base = mmap(nullptr, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    return resource_exhausted("the KV cache needs " + human_bytes(*bytes) +
                              " of address space, which the system refused; lower the context or the number of sequences");
  }
  cache.base_ = static_cast<std::byte*>(base);
  cache.mapped_bytes_ = *bytes;
  cache.free_.resize(blocks);
  cache.tree_ = std::make_unique<PrefixTree>();
  for (uint32_t i = 0; i < blocks; ++i) cache.free_[i] = blocks - 1 - i;
  return cache;
}

KvCache::KvCache(KvCache&& other) noexcept { *this = std::move(other); }

KvCache& KvCache::operator=(KvCache&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(block_bytes_, other.block_bytes_);
  std::swap(layout_, other.layout_);
  std::swap(blocks_, other.blocks_);
  free_.swap(other.free_);
  tree_.swap(other.tree_);
  return *this;
}

KvCache::~KvCache() {
  if (base_) munmap(base_, mapped_bytes_);
}

void KvCache::open(KvSequence& sequence, std::string_view salt) const {
  CHECK(sequence.blocks.empty());
  sequence.place = tree_->root(salt);
}

int KvCache::adopt(KvSequence& sequence, std::span<const int32_t> tokens) {
  constexpr size_t kBlock = PrefixTree::kTokens;
  int gained = 0;
  while (sequence.place != 0 && sequence.published == sequence.blocks.size() && (sequence.blocks.size() + 1) * kBlock <= tokens.size()) {
    const auto found = tree_->find(sequence.place, tokens.subspan(sequence.blocks.size() * kBlock, kBlock));
    if (!found) break;
    tree_->use(found->block);
    sequence.blocks.push_back(found->block);
    sequence.place = found->place;
    ++sequence.published;
    gained += kBlockTokens;
  }
  return gained;
}

bool KvCache::grow(KvSequence& sequence, int tokens) {
  if (tokens > room(sequence)) return false;
  while (sequence.blocks.size() < blocks_for(tokens)) {
    if (free_.empty()) free_.push_back(tree_->evict());
    sequence.blocks.push_back(free_.back());
    free_.pop_back();
  }
  return true;
}

int KvCache::room(const KvSequence& sequence) const {
  return static_cast<int>(std::min<uint64_t>((sequence.blocks.size() + blocks_available()) * uint64_t{kBlockTokens}, INT_MAX));
}

uint32_t KvCache::blocks_wanted(const KvSequence& sequence, std::span<const int32_t> tokens) const {
  constexpr size_t kBlock = PrefixTree::kTokens;
  const size_t all = blocks_for(static_cast<int>(tokens.size()));
  size_t held = sequence.blocks.size();
  PrefixTree::Place place = sequence.published == held ? sequence.place : 0;
  while (place != 0 && (held + 1) * kBlock < tokens.size()) {  // the last token is always run
    const auto found = tree_->find(place, tokens.subspan(held * kBlock, kBlock));
    if (!found || !tree_->used(found->block)) break;           // what is only kept is among the available ones
    place = found->place;
    ++held;
  }
  return static_cast<uint32_t>(all > held ? all - held : 0);
}

void KvCache::publish(KvSequence& sequence, std::span<const int32_t> tokens) {
  constexpr size_t kBlock = PrefixTree::kTokens;
  while (sequence.place != 0 && (sequence.published + 1) * kBlock <= tokens.size() && sequence.published < sequence.blocks.size()) {
    uint32_t& block = sequence.blocks[sequence.published];
    const auto text = tokens.subspan(sequence.published * kBlock, kBlock);
    if (const auto found = tree_->find(sequence.place, text)) {  // somebody else computed the same: one copy is enough
      tree_->use(found->block);
      free_.push_back(block);
      block = found->block;
      sequence.place = found->place;
    } else {
      sequence.place = tree_->add(sequence.place, text, block).value_or(0);
      if (sequence.place == 0) return;
    }
    ++sequence.published;
  }
}

void KvCache::give_back(uint32_t block) {
  if (tree_->holds(block)) tree_->leave(block);
  else free_.push_back(block);
}

void KvCache::suspend(KvSequence& sequence) {
  for (auto it = sequence.blocks.rbegin(); it != sequence.blocks.rend(); ++it) give_back(*it);
  sequence = {};
}

void KvCache::release(KvSequence& sequence) {
  suspend(sequence);
  while (tree_->unused() > kept_most()) free_.push_back(tree_->evict());
}

compute::KvBlocks KvCache::blocks_of(const KvSequence& sequence, int layer) const {
  return {base_ + static_cast<size_t>(layer) * layout_.block_bytes(), sequence.blocks.data(), block_bytes_};
}

}  // namespace strata::network
