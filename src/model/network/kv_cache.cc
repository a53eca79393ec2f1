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
  return *this;
}

KvCache::~KvCache() {
  if (base_) munmap(base_, mapped_bytes_);
}

bool KvCache::reserve(KvSequence& sequence, int tokens) {
  const uint32_t wanted = blocks_for(tokens);
  CHECK(sequence.blocks.empty() && sequence.reserved == 0);
  if (wanted > free_.size() - promised_) return false;
  promised_ += wanted;
  sequence.reserved = wanted;
  return true;
}

void KvCache::grow(KvSequence& sequence, int tokens) {
  while (sequence.blocks.size() < blocks_for(tokens)) {
    CHECK(sequence.reserved > 0 && !free_.empty());
    sequence.blocks.push_back(free_.back());
    free_.pop_back();
    --sequence.reserved;
    --promised_;
  }
}

void KvCache::release(KvSequence& sequence) {
  for (auto it = sequence.blocks.rbegin(); it != sequence.blocks.rend(); ++it) free_.push_back(*it);
  promised_ -= sequence.reserved;
  sequence = {};
}

compute::KvBlocks KvCache::blocks_of(const KvSequence& sequence, int layer) const {
  return {base_ + static_cast<size_t>(layer) * layout_.block_bytes(), sequence.blocks.data(), block_bytes_};
}

}  // namespace strata::network
