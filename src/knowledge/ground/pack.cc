#include <algorithm>

#include "knowledge/ground/ground.h"

namespace strata::ground {
namespace {

std::string label(size_t number, const Source& source) {
  std::string out = "[" + std::to_string(number) + "] " + source.title;
  if (!source.heading.empty() && source.heading != source.title) out += (source.title.empty() ? "" : " > ") + source.heading;
  return out + "\n";
}

// Appends the block where it fits.
bool add(Packed* packed, const Source& source, size_t index, document::Range range, int tokens_max, const std::function<int(std::string_view)>& count) {
  const std::string text = source.text.substr(range.begin - source.begin, range.end - range.begin);
  const std::string block = (packed->text.empty() ? "" : "\n\n") + label(packed->sources.size() + 1, source) + text;
  const int tokens = count(block);
  if (packed->tokens + tokens > tokens_max) return false;
  packed->text += block;
  packed->tokens += tokens;
  packed->sources.push_back(index);
  packed->ranges.push_back(range);
  return true;
}

}  // namespace

Packed pack(const std::vector<Source>& sources, const std::vector<Quote>& quotes, int tokens_max, const std::function<int(std::string_view)>& count_tokens) {
  // The sources of the quotes first, in the quotes' order, then the rest as retrieval ranked them.
  std::vector<size_t> order;
  for (const Quote& quote : quotes) {
    if (std::find(order.begin(), order.end(), quote.source) == order.end()) order.push_back(quote.source);
  }
  const size_t quoted = order.size();
  for (size_t i = 0; i < sources.size(); ++i) {
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  }
  Packed out;
  for (size_t k = 0; k < order.size(); ++k) {
    const Source& source = sources[order[k]];
    const document::Range whole{source.begin, source.begin + static_cast<uint32_t>(source.text.size())};
    bool fits = add(&out, source, order[k], whole, tokens_max, count_tokens);
    if (!fits && k < quoted) {
      for (const Quote& quote : quotes) {
        if (quote.source == order[k]) fits = add(&out, source, order[k], quote.at, tokens_max, count_tokens) || fits;
      }
    }
    (fits ? out.packed : out.left_out).push_back(source.chunk_id);
    if (k == 0 && quoted > 0 && !fits) out.best_left_out = true;
  }
  return out;
}

}  // namespace strata::ground
