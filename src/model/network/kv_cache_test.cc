// The KV cache's blocks: growing, sharing, and giving up what nobody uses.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"
#include "model/network/network.h"

namespace strata::network {
namespace {

constexpr int kBlock = KvCache::kBlockTokens;
const DecoderShape kShape{.L = 1, .C = 16, .H = 1, .G = 1, .D = 16, .F = 16, .V = 8, .T = 4096};

std::vector<int32_t> text(int tokens, int first) {
  std::vector<int32_t> out;
  for (int i = 0; i < tokens; ++i) out.push_back(first + i);
  return out;
}

// Runs a text through the cache as the engine does: what is adopted, then the rest.
int run(KvCache& cache, KvSequence& sequence, const std::vector<int32_t>& tokens, std::string_view salt = "team") {
  cache.open(sequence, salt);
  const int adopted = cache.adopt(sequence, std::span(tokens).first(tokens.size() - 1));
  EXPECT_TRUE(cache.grow(sequence, static_cast<int>(tokens.size())));
  cache.publish(sequence, tokens);
  return adopted;
}

TEST(KvCacheTest, ATextThatBeginsLikeAnEarlierOneStartsFromItsWholeBlocks) {
  KvCache cache = KvCache::make(kShape, 64).value();
  KvSequence first, second;
  std::vector<int32_t> shared = text(3 * kBlock + 5, 100);
  EXPECT_EQ(run(cache, first, shared), 0);
  std::vector<int32_t> other = shared;
  other.push_back(7);
  EXPECT_EQ(run(cache, second, other), 3 * kBlock) << "while the first still runs";
  EXPECT_TRUE(std::equal(first.blocks.begin(), first.blocks.begin() + 3, second.blocks.begin()));
  EXPECT_NE(first.blocks[3], second.blocks[3]) << "what is not a whole block is one's own";
  EXPECT_EQ(cache.blocks_used(), 5u);
  cache.release(first);
  cache.release(second);
  EXPECT_EQ(cache.blocks_used(), 0u);
  EXPECT_EQ(cache.blocks_kept(), 3u);
  KvSequence third;
  EXPECT_EQ(run(cache, third, shared), 3 * kBlock) << "and after both have ended";
  cache.release(third);
}

TEST(KvCacheTest, TheLastTokenOfAPromptIsNeverAdopted) {
  KvCache cache = KvCache::make(kShape, 24).value();
  KvSequence first, second;
  run(cache, first, text(2 * kBlock, 0));
  EXPECT_EQ(run(cache, second, text(2 * kBlock, 0)), kBlock);
  EXPECT_EQ(first.blocks[1], second.blocks[1]) << "what was computed twice is kept once";
  cache.release(first);
  cache.release(second);
}

TEST(KvCacheTest, AnotherSaltSharesNothing) {
  KvCache cache = KvCache::make(kShape, 24).value();
  KvSequence first, second;
  run(cache, first, text(2 * kBlock + 1, 0), "a");
  EXPECT_EQ(run(cache, second, text(2 * kBlock + 1, 0), "b"), 0);
  for (const uint32_t block : second.blocks) EXPECT_EQ(std::count(first.blocks.begin(), first.blocks.end(), block), 0);
}

TEST(KvCacheTest, TheSameTokensAfterAnotherTextAreAnotherBlock) {
  KvCache cache = KvCache::make(kShape, 24).value();
  KvSequence first, second;
  std::vector<int32_t> a = text(kBlock, 0), b = text(kBlock, 500);
  const std::vector<int32_t> tail = text(kBlock + 1, 1000);
  a.insert(a.end(), tail.begin(), tail.end());
  b.insert(b.end(), tail.begin(), tail.end());
  run(cache, first, a);
  EXPECT_EQ(run(cache, second, b), 0);
}

TEST(KvCacheTest, WhatIsKeptGivesWayLeastRecentlyUsedFirstAndLeavesBeforeTheirPrefix) {
  KvCache cache = KvCache::make(kShape, 32).value();  // keeps four at most
  KvSequence old, recent, big;
  run(cache, old, text(2 * kBlock + 1, 0));
  cache.release(old);
  run(cache, recent, text(2 * kBlock + 1, 1000));
  cache.release(recent);
  EXPECT_EQ(cache.blocks_kept(), 4u);
  run(cache, big, text(29 * kBlock, 5000));  // 28 are free, one must go: the old text's second block
  EXPECT_EQ(cache.blocks_kept(), 3u);
  cache.release(big);
  EXPECT_EQ(cache.blocks_kept(), 4u) << "an eighth of the cache";
}

TEST(KvCacheTest, GrowingTakesWhatIsKeptAndRefusesWithoutAChangeWhereBlocksAreShort) {
  KvCache cache = KvCache::make(kShape, 16).value();
  KvSequence first, second, third;
  run(cache, first, text(2 * kBlock + 1, 0));
  cache.release(first);
  EXPECT_EQ(cache.blocks_available(), 16u) << "kept blocks can be had back";
  cache.open(second, "team");
  EXPECT_EQ(cache.adopt(second, text(2 * kBlock + 1, 0)), 2 * kBlock);
  EXPECT_EQ(cache.room(second), 16 * kBlock);
  EXPECT_FALSE(cache.grow(second, 16 * kBlock + 1));
  EXPECT_EQ(second.blocks.size(), 2u);
  ASSERT_TRUE(cache.grow(second, 16 * kBlock));
  EXPECT_EQ(cache.blocks_used(), 16u);
  cache.open(third, "team");
  EXPECT_FALSE(cache.grow(third, 1));
  EXPECT_TRUE(third.blocks.empty());
  cache.release(second);
  EXPECT_TRUE(cache.grow(third, 16 * kBlock));
}

TEST(KvCacheTest, ASuspendedTextFindsItsWholeBlocksAgainUnlessTheirMemoryWasNeeded) {
  KvCache cache = KvCache::make(kShape, 16).value();  // keeps two at most of those that have ended
  KvSequence young, old;
  const std::vector<int32_t> story = text(6 * kBlock + 3, 0);
  run(cache, young, story);
  cache.suspend(young);
  EXPECT_EQ(cache.blocks_kept(), 6u);
  EXPECT_EQ(run(cache, young, story), 6 * kBlock);
  cache.suspend(young);
  run(cache, old, text(12 * kBlock, 5000));  // ten are free, two must go: the story's last
  EXPECT_EQ(run(cache, young, text(4 * kBlock, 0)), 3 * kBlock) << "the last token is always run";
  EXPECT_EQ(cache.blocks_kept(), 0u);
}

TEST(KvCacheTest, BlocksWantedLeavesOutThoseThatRunningTextsHold) {
  KvCache cache = KvCache::make(kShape, 16).value();
  KvSequence first, second;
  run(cache, first, text(3 * kBlock + 1, 0));
  cache.open(second, "team");
  EXPECT_EQ(cache.blocks_wanted(second, text(5 * kBlock, 0)), 2u);
  EXPECT_EQ(cache.blocks_wanted(second, text(3 * kBlock, 0)), 1u) << "the block of the last token is its own";
  cache.suspend(first);
  EXPECT_EQ(cache.blocks_wanted(second, text(5 * kBlock, 0)), 5u) << "what is only kept is among the available";
  cache.open(second, "other");
  EXPECT_EQ(cache.blocks_wanted(second, text(5 * kBlock, 0)), 5u);
}

TEST(KvCacheTest, EightBitsTakeLittleMoreThanHalfTheMemory) {
  const DecoderShape shape{.L = 30, .C = 576, .H = 9, .G = 3, .D = 64, .F = 1536, .V = 8, .T = 4096};
  EXPECT_EQ(KvCache::block_bytes(shape), 2ull * 30 * 3 * 64 * 2 * kBlock);
  EXPECT_EQ(KvCache::block_bytes(shape, compute::Format::kQ8_0) * 32, KvCache::block_bytes(shape) * 17);
  EXPECT_EQ(KvCache::make(shape, 10, compute::Format::kQ8_0).value().bytes_max(), 10 * KvCache::block_bytes(shape, compute::Format::kQ8_0));
}

// A slow model of the same promise: every block of every sequence says which text it stands for, and two sequences may share a block
// only where both say the same.
TEST(KvCacheTest, RandomTextsNeverShareABlockThatStandsForAnotherText) {
  Random random(11);
  KvCache cache = KvCache::make(kShape, 80).value();
  struct Running {
    KvSequence sequence;
    std::vector<int32_t> tokens;
    std::string salt;
  };
  std::vector<Running> running;
  std::map<uint32_t, std::pair<std::string, std::vector<int32_t>>> meaning;  // block → salt and text up to its end, while in use
  uint64_t adopted = 0;
  for (int step = 0; step < 4000; ++step) {
    if (!running.empty() && random.below(3) == 0) {
      const auto which = static_cast<ptrdiff_t>(random.below(running.size()));
      if (random.below(2)) cache.release(running[static_cast<size_t>(which)].sequence);
      else cache.suspend(running[static_cast<size_t>(which)].sequence);
      running.erase(running.begin() + which);
      continue;
    }
    Running one;
    one.salt = random.below(4) == 0 ? "other" : "team";
    const auto length = static_cast<int>(1 + random.below(6 * kBlock));
    for (int i = 0; i < length; ++i)
      one.tokens.push_back(i < kBlock ? 0 : static_cast<int32_t>(i / kBlock * 10 + static_cast<int>(random.below(i % kBlock == 0 ? 2 : 1))));
    cache.open(one.sequence, one.salt);
    const uint32_t wanted = cache.blocks_wanted(one.sequence, one.tokens), before = cache.blocks_available();
    adopted += static_cast<uint64_t>(cache.adopt(one.sequence, std::span(one.tokens).first(one.tokens.size() - 1)));
    if (!cache.grow(one.sequence, length)) {
      ASSERT_GT(wanted, before) << "what fits is not refused";
      cache.suspend(one.sequence);
      continue;
    }
    ASSERT_EQ(before - cache.blocks_available(), wanted);
    cache.publish(one.sequence, one.tokens);
    running.push_back(std::move(one));
    std::set<uint32_t> used;
    meaning.clear();
    for (const Running& r : running) {
      for (size_t b = 0; b < r.sequence.blocks.size(); ++b) {
        used.insert(r.sequence.blocks[b]);
        std::vector<int32_t> text(r.tokens.begin(), r.tokens.begin() + static_cast<ptrdiff_t>(std::min(r.tokens.size(), (b + 1) * kBlock)));
        const auto [it, added] = meaning.try_emplace(r.sequence.blocks[b], r.salt, text);
        if (added) continue;
        ASSERT_EQ(text.size() % kBlock, 0u) << "a block that is not whole is shared";
        ASSERT_EQ(it->second, std::make_pair(r.salt, text));
      }
    }
    ASSERT_EQ(cache.blocks_used(), used.size());
  }
  EXPECT_GT(adopted, 10'000u) << "the texts are meant to share";
  for (Running& r : running) cache.release(r.sequence);
  EXPECT_EQ(cache.blocks_used(), 0u);
  EXPECT_EQ(cache.blocks_available(), cache.blocks());
}

}  // namespace
}  // namespace strata::network
