// Levenshtein distance in code points, bounded.
//
// Only cells within `bound` of the diagonal can be part of a path that costs at most `bound`, so a band of 2·bound + 1 cells a row is
// enough; the bound doubles until the answer fits. COST: O(length · distance) time.
// SOURCE: E. Ukkonen, "Algorithms for approximate string matching", Information and Control 64, 1985.
#include <algorithm>

#include "base/text.h"
#include "product/outcome/outcome.h"

namespace strata::outcome {
namespace {

std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> out;
  while (!text.empty()) {
    size_t length = 0;
    out.push_back(utf8_decode(text, &length));
    text.remove_prefix(length);
  }
  return out;
}

// The distance, or bound + 1 where it is more than `bound`.
int64_t within(const uint32_t* a, int64_t n, const uint32_t* b, int64_t m, int64_t bound) {
  int64_t beyond = bound + 1;
  if (n - m > bound || m - n > bound) return beyond;
  // Row i holds the columns i - bound … i + bound, at index j - i + bound.
  std::vector<int64_t> row(static_cast<size_t>(2 * bound + 1), beyond);
  for (int64_t j = 0; j <= std::min(m, bound); ++j) row[static_cast<size_t>(j + bound)] = j;
  for (int64_t i = 1; i <= n; ++i) {
    int64_t best = beyond;
    for (int64_t j = std::max<int64_t>(0, i - bound); j <= std::min(m, i + bound); ++j) {
      auto at = static_cast<size_t>(j - i + bound);
      int64_t value = at + 1 < row.size() ? row[at + 1] + 1 : beyond;                      // delete a[i]: the row above, one to the right
      if (j == 0) value = i;
      else {
        value = std::min(value, row[at] + (a[i - 1] == b[j - 1] ? 0 : 1));                 // replace: the row above's diagonal
        if (at > 0 && j - 1 >= i - bound) value = std::min(value, row[at - 1] + 1);        // insert: this row, one to the left
      }
      row[at] = std::min(value, beyond);
      best = std::min(best, row[at]);
    }
    if (best > bound) return beyond;
  }
  return row[static_cast<size_t>(m - n + bound)];
}

}  // namespace

int64_t edit_distance(std::string_view a_text, std::string_view b_text) {
  std::vector<uint32_t> a = code_points(a_text), b = code_points(b_text);
  size_t head = 0, tail = 0, shorter = std::min(a.size(), b.size());
  while (head < shorter && a[head] == b[head]) ++head;
  while (tail < shorter - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  auto n = static_cast<int64_t>(a.size() - head - tail), m = static_cast<int64_t>(b.size() - head - tail);
  for (int64_t bound = 32;; bound = std::min(bound * 2, kEditDistanceMax)) {
    int64_t distance = within(a.data() + head, n, b.data() + head, m, bound);
    if (distance <= bound || bound == kEditDistanceMax) return std::min(distance, kEditDistanceMax);
  }
}

}  // namespace strata::outcome
