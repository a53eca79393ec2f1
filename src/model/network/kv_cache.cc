// The paged KV cache: one mapping, a stack of free blocks, and promises so that a running sequence never finds it empty.
#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "model/network/network.h"

namespace strata::network {
namespace {

uint32_t blocks_for(int tokens) { return (static_cast<uint32_t>(tokens) + KvCache::kBlockTokens - 1) / KvCache::kBlockTokens; }

compute::KvLayout layout_of(const DecoderShape& s) { return {compute::Format::kF16, static_cast<size_t>(s.G), static_cast<size_t>(s.D)}; }

}  // namespace

uint64_t KvCache::block_bytes(const DecoderShape& shape) { return layout_of(shape).block_bytes() * static_cast<uint64_t>(shape.L); }

Result<KvCache> KvCache::make(const DecoderShape& shape, uint32_t blocks) {
  KvCache cache;
  cache.layout_ = layout_of(shape);
  cache.block_bytes_ = block_bytes(shape);
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
  std::swap(promised_, other.promised_);
  free_.swap(other.free_);
  tree_.swap(other.tree_);
  return *this;
}

KvCache::~KvCache() {
  if (base_) munmap(base_, mapped_bytes_);
}

bool KvCache::reserve(KvSequence& sequence, int tokens, std::string_view salt) {
  const uint32_t wanted = blocks_for(tokens);
  CHECK(sequence.blocks.empty() && sequence.reserved == 0);
  if (wanted > available() - promised_) return false;
  promised_ += wanted;
  sequence.reserved = wanted;
  sequence.place = tree_->root(salt);
  return true;
}

int KvCache::adopt(KvSequence& sequence, std::span<const int32_t> tokens) {
  constexpr size_t kBlock = PrefixTree::kTokens;
  int gained = 0;
  while (sequence.place != 0 && sequence.published == sequence.blocks.size() && (sequence.blocks.size() + 1) * kBlock <= tokens.size()) {
    const auto found = tree_->find(sequence.place, tokens.subspan(sequence.blocks.size() * kBlock, kBlock));
    if (!found) break;
    CHECK(sequence.reserved > 0);
    tree_->use(found->block);
    sequence.blocks.push_back(found->block);
    sequence.place = found->place;
    ++sequence.published;
    --sequence.reserved;
    --promised_;
    gained += kBlockTokens;
  }
  return gained;
}

void KvCache::grow(KvSequence& sequence, int tokens) {
  while (sequence.blocks.size() < blocks_for(tokens)) {
    CHECK(sequence.reserved > 0);
    if (free_.empty()) free_.push_back(tree_->evict());
    sequence.blocks.push_back(free_.back());
    free_.pop_back();
    --sequence.reserved;
    --promised_;
  }
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

void KvCache::release(KvSequence& sequence) {
  for (auto it = sequence.blocks.rbegin(); it != sequence.blocks.rend(); ++it) give_back(*it);
  while (tree_->unused() > kept_most()) free_.push_back(tree_->evict());
  promised_ -= sequence.reserved;
  sequence = {};
}

compute::KvBlocks KvCache::blocks_of(const KvSequence& sequence, int layer) const {
  return {base_ + static_cast<size_t>(layer) * layout_.block_bytes(), sequence.blocks.data(), block_bytes_};
}

}  // namespace strata::network
