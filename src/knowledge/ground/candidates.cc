#include "knowledge/ground/candidates.h"

#include <algorithm>
#include <map>

#include "knowledge/ground/headings.h"

namespace strata::ground {
namespace {

bool is_fragment(const Candidate& candidate) {
  const size_t content = static_cast<size_t>(
      std::count_if(candidate.words.begin(), candidate.words.end(), [](const Word& word) { return word.number || !is_stop_word(word.lower); }));
  return candidate.words.size() < 2 || content < 1;
}

}  // namespace

std::vector<Candidate> candidates_of(const std::vector<Source>& sources, size_t sources_max) {
  std::vector<Candidate> out;
  std::map<std::string, std::vector<document::Range>> seen;
  const Headings headings(sources);
  for (size_t s = 0; s < std::min(sources.size(), sources_max); ++s) {
    const Source& source = sources[s];
    std::vector<document::Range>& taken = seen[source.document_id];
    int before = -1;
    for (const document::Range& range : chunk::sentences(source.text)) {
      const document::Range at{source.begin + range.begin, source.begin + range.end};
      const bool known = std::any_of(taken.begin(), taken.end(), [&](const document::Range& r) { return r.begin <= at.begin && at.end <= r.end; });
      if (known) {
        before = -1;
        continue;
      }
      Candidate candidate{.source = s, .at = at, .text = source.text.substr(range.begin, range.end - range.begin)};
      candidate.words = words(candidate.text);
      for (const Word& word : candidate.words) candidate.stems.insert(word.stem);
      if (const document::Range header = header_row(source.text, range); header.end > 0) {
        candidate.header = {source.begin + header.begin, source.begin + header.end};
        candidate.header_text = source.text.substr(header.begin, header.end - header.begin);
        candidate.stems.merge(stems(candidate.header_text));
      }
      candidate.quotable = !headings.holds(source.text, range) && !is_header_row(source.text, range) && !is_fragment(candidate);
      candidate.before = before;
      if (before >= 0) out[static_cast<size_t>(before)].after = static_cast<int>(out.size());
      before = static_cast<int>(out.size());
      taken.push_back(at);
      out.push_back(std::move(candidate));
    }
  }
  return out;
}

std::set<std::string> nearby_stems(const std::vector<Candidate>& all, size_t at, const Source& source) {
  std::set<std::string> out = all[at].stems;
  for (int neighbour : {all[at].before, all[at].after}) {
    if (neighbour >= 0) out.insert(all[static_cast<size_t>(neighbour)].stems.begin(), all[static_cast<size_t>(neighbour)].stems.end());
  }
  out.merge(stems(source.heading));
  out.merge(stems(source.title));
  return out;
}

}  // namespace strata::ground
