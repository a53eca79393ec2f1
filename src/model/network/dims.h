// The dimension letters, used in model/ and in the shapes beside every tensor. Row-major, outermost first.
//
//   N  rows of one step: tokens of any sequences, side by side     L  layers
//   C  width of the residual stream (embedding length)             H  query heads
//   G  key/value heads (grouped-query attention: G divides H)      D  values per head
//   F  width of the feed-forward layer                             V  vocabulary
//   T  tokens of a sequence, at most the context                   B  tokens of one block of the KV cache
#pragma once

namespace strata::network {

// Largest accepted value of each dimension: a model file that claims more is refused before anything is allocated. Far above what a
// CPU can run, and small enough that products of three of them fit in 64 bits.
inline constexpr int kLayersMax = 512;
inline constexpr int kWidthMax = 1 << 16;
inline constexpr int kHeadsMax = 512;
inline constexpr int kHeadValuesMax = 256;  // what compute's attention takes
inline constexpr int kFeedForwardMax = 1 << 18;
inline constexpr int kVocabularyMax = 1 << 21;
inline constexpr int kContextMax = 1 << 20;

}  // namespace strata::network
