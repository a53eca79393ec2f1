#include "knowledge/ground/candidates.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace strata::ground {
namespace {

// A title or a heading line answers nothing, though it is often nearest to the question.
bool is_heading(const std::string& text, const Source& source) {
  std::string_view line = trim(text);
  while (!line.empty() && (line.front() == '#' || line.front() == ' ')) line.remove_prefix(1);
  if (line.empty() || text.front() == '#') return true;
  if (line == source.title || line == source.heading) return true;
  const size_t last = source.heading.rfind(" > ");
  const std::string_view tail = last == std::string::npos ? std::string_view(source.heading) : std::string_view(source.heading).substr(last + 3);
  return line == tail;
}

bool is_fragment(const Candidate& candidate) {
  const size_t content = static_cast<size_t>(
      std::count_if(candidate.words.begin(), candidate.words.end(), [](const Word& word) { return word.number || !is_stop_word(word.lower); }));
  return candidate.words.size() < 2 || content < 1;
}

}  // namespace

std::vector<Candidate> candidates_of(const std::vector<Source>& sources, size_t sources_max) {
  std::vector<Candidate> out;
  std::map<std::string, std::vector<document::Range>> seen;
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
      candidate.quotable = !is_heading(candidate.text, source) && !is_fragment(candidate);
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
