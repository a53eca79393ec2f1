#include "knowledge/index/index.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "base/text.h"
#include "knowledge/index/analyzer.h"
#include "knowledge/index/keyword.h"
#include "knowledge/index/vectors.h"

namespace strata::index {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kDimensionsMax = 65'536;  // the sum of so many products of bytes fits 32 bits; models have 4,096 at most
constexpr uint64_t kDeadMin = 512;       // below so many dead slots a rebuild gains nothing

// One per thread: the stemmer is not shared, and its memory of stems stays warm.
Analyzer& thread_analyzer() {
  thread_local Analyzer analyzer;
  return analyzer;
}

class Counter {
 public:
  void add_field(std::string_view text, int weight) {
    thread_analyzer().analyze(text, [&](std::string_view term, bool extra) {
      auto [at, fresh] = places_.try_emplace(std::string(term), out_.terms.size());
      if (fresh) out_.terms.push_back({at->first, 0});
      uint16_t& count = out_.terms[at->second].count;
      count = static_cast<uint16_t>(std::min(65535, count + weight));
      if (!extra) out_.length += static_cast<uint32_t>(weight);
    });
  }
  Analyzed take() { return std::move(out_); }

 private:
  std::unordered_map<std::string, size_t> places_;
  Analyzed out_;
};

std::vector<QueryTerm> analyze_query(std::string_view text, double extra_weight) {
  text = text.substr(0, utf8_complete_prefix(text.substr(0, Index::kQueryBytesMax)));
  std::map<std::string, double> words, extras;   // ordered: the sum's order is fixed
  thread_analyzer().analyze(text, [&](std::string_view term, bool extra) {
    if (extra) extras[std::string(term)] = extra_weight;
    else words[std::string(term)] += 1.0;
  });
  words.merge(extras);   // a term that is a word too stays the word
  std::vector<QueryTerm> terms;
  for (auto& [term, weight] : words) terms.push_back({term, weight});
  return terms;
}

// SOURCE: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014), the finalizer of SplitMix64.
uint64_t mark_of(int64_t id) {
  uint64_t x = static_cast<uint64_t>(id) + 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

bool is_finite(std::span<const float> vector) {
  return std::all_of(vector.begin(), vector.end(), [](float value) { return std::isfinite(value); });
}

double milliseconds_since(int64_t start_ns) { return static_cast<double>(system_clock().monotonic_ns() - start_ns) / 1e6; }

}  // namespace

struct Index::Core {
  struct Document {
    std::string id, file_id;
    uint32_t base = 0;
    uint32_t live = 0;     // chunks; 0: a free row that nothing points to but dead slots
    uint64_t marks = 0;    // of the live chunks' ids, xor-ed: which they are, in whatever order they came
    std::shared_ptr<const catalog::Attributes> attributes;
  };

  Options options;
  mutable std::shared_mutex mutex;
  // Per slot.
  std::vector<int64_t> ids;
  std::vector<uint32_t> documents_of, lengths;
  std::vector<uint8_t> alive;
  // Per document and base; rows of both are kept until the next rebuild.
  std::vector<Document> documents;
  std::unordered_map<std::string, uint32_t> document_rows;
  std::unordered_map<std::string, uint32_t> base_rows;
  std::unordered_map<int64_t, uint32_t> slot_of;
  uint64_t dead = 0, stale = 0;
  Postings postings;
  Vectors vectors;

  uint32_t base_row(const std::string& id) { return base_rows.try_emplace(id, static_cast<uint32_t>(base_rows.size())).first->second; }
  uint32_t document_row(const Entry& entry);
  void append(Entry& entry, const Analyzed& analyzed);
  void kill(uint32_t slot);
  size_t kill_where(const std::function<bool(const Document&)>& gone);
  void compact_if_worthwhile();
  void compact();
  bool make_mask(const Scope& scope, std::vector<uint8_t>* mask) const;
  void collect(const Query& query, const std::vector<float>& keyword_scores, Matches* out) const;
};

uint32_t Index::Core::document_row(const Entry& entry) {
  auto [at, fresh] = document_rows.try_emplace(entry.document_id, static_cast<uint32_t>(documents.size()));
  if (fresh) documents.push_back({entry.document_id, entry.file_id, base_row(entry.base_id), 0, 0, nullptr});
  Document& document = documents[at->second];
  document.base = base_row(entry.base_id);
  document.file_id = entry.file_id;
  if (!document.attributes || *document.attributes != entry.attributes) {
    document.attributes = std::make_shared<const catalog::Attributes>(entry.attributes);
  }
  return at->second;
}

void Index::Core::append(Entry& entry, const Analyzed& analyzed) {
  auto known = slot_of.find(entry.id);
  if (known != slot_of.end()) kill(known->second);
  const uint32_t slot = static_cast<uint32_t>(ids.size());
  const uint32_t row = document_row(entry);
  ++documents[row].live;
  documents[row].marks ^= mark_of(entry.id);
  ids.push_back(entry.id);
  documents_of.push_back(row);
  lengths.push_back(analyzed.length);
  alive.push_back(1);
  slot_of[entry.id] = slot;
  postings.add(slot, analyzed);
  vectors.add(entry.vector);
}

void Index::Core::kill(uint32_t slot) {
  alive[slot] = 0;
  ++dead;
  --documents[documents_of[slot]].live;
  documents[documents_of[slot]].marks ^= mark_of(ids[slot]);
  slot_of.erase(ids[slot]);
}

size_t Index::Core::kill_where(const std::function<bool(const Document&)>& gone) {
  std::vector<uint8_t> doomed(documents.size(), 0);
  for (size_t row = 0; row < documents.size(); ++row) doomed[row] = documents[row].live > 0 && gone(documents[row]);
  size_t count = 0;
  for (uint32_t slot = 0; slot < ids.size(); ++slot) {
    if (!alive[slot] || !doomed[documents_of[slot]]) continue;
    kill(slot);
    ++count;
  }
  compact_if_worthwhile();
  return count;
}

void Index::Core::compact_if_worthwhile() {
  if (dead == ids.size() ? dead > 0 : dead >= kDeadMin && static_cast<double>(dead) > options.dead_fraction * static_cast<double>(ids.size())) compact();
}

void Index::Core::compact() {
  std::vector<uint32_t> renumbered(ids.size(), kNone), rows(documents.size(), kNone);
  std::vector<Document> kept_documents;
  document_rows.clear();
  for (size_t row = 0; row < documents.size(); ++row) {
    if (documents[row].live == 0) continue;
    rows[row] = static_cast<uint32_t>(kept_documents.size());
    document_rows[documents[row].id] = rows[row];
    kept_documents.push_back(std::move(documents[row]));
  }
  documents = std::move(kept_documents);
  uint32_t kept = 0;
  for (uint32_t slot = 0; slot < ids.size(); ++slot) {
    if (!alive[slot]) continue;
    renumbered[slot] = kept;
    ids[kept] = ids[slot];
    documents_of[kept] = rows[documents_of[slot]];
    lengths[kept] = lengths[slot];
    slot_of[ids[kept]] = kept;
    ++kept;
  }
  ids.resize(kept);
  documents_of.resize(kept);
  lengths.resize(kept);
  alive.assign(kept, 1);
  dead = 0;
  postings.compact(renumbered);
  vectors.compact(renumbered);
}

// Fills what each slot is to this search; true where every slot is counted.
bool Index::Core::make_mask(const Scope& scope, std::vector<uint8_t>* mask) const {
  std::vector<uint8_t> in_base(base_rows.size(), 0);
  for (const std::string& id : scope.base_ids) {
    auto found = base_rows.find(id);
    if (found != base_rows.end()) in_base[found->second] = 1;
  }
  std::vector<uint8_t> of_document(documents.size(), 0);
  for (size_t row = 0; row < documents.size(); ++row) {
    if (documents[row].live == 0 || !in_base[documents[row].base]) continue;
    of_document[row] = kCounted | (!scope.accepts || scope.accepts(*documents[row].attributes) ? kAllowed : 0);
  }
  bool all = true;
  mask->resize(ids.size());
  for (size_t slot = 0; slot < ids.size(); ++slot) {
    (*mask)[slot] = alive[slot] ? of_document[documents_of[slot]] : 0;
    all = all && (*mask)[slot] != 0;
  }
  return all;
}

void Index::Core::collect(const Query& query, const std::vector<float>& keyword_scores, Matches* out) const {
  std::map<int64_t, Candidate> candidates;
  auto note = [&](const std::vector<Match>& matches, int Candidate::* rank) {
    int place = 0;
    for (const Match& match : matches) candidates[match.id].*rank = ++place;
  };
  note(out->keyword, &Candidate::keyword_rank);
  note(out->vector, &Candidate::vector_rank);
  for (auto& [id, candidate] : candidates) {
    const uint32_t slot = slot_of.at(id);
    candidate.id = id;
    if (!keyword_scores.empty()) candidate.keyword = keyword_scores[slot];
    if (!query.vector.empty() && vectors.has(slot)) candidate.vector = vectors.cosine(slot, query.vector);
    out->candidates.push_back(candidate);
  }
}

Index::Index(Options options) : core_(std::make_unique<Core>()) { core_->options = options; }
Index::~Index() = default;

Status Index::add(std::vector<Entry> entries) {
  std::vector<Analyzed> analyzed;
  analyzed.reserve(entries.size());
  size_t dimensions = 0;
  uint64_t stale = 0;
  for (Entry& entry : entries) {
    if (!core_->options.model.empty() && entry.model != core_->options.model && !entry.vector.empty()) {
      entry.vector.clear();
      ++stale;
    }
    if (!entry.vector.empty()) {
      if (dimensions == 0) dimensions = entry.vector.size();
      if (dimensions > kDimensionsMax) {
        return invalid_argument("expected at most " + std::to_string(kDimensionsMax) + " dimensions, got " + std::to_string(dimensions));
      }
      if (entry.vector.size() != dimensions || !is_finite(entry.vector)) {
        return invalid_argument("expected finite vectors of " + std::to_string(dimensions) + " dimensions, got another for chunk " + std::to_string(entry.id) +
                                " (" + std::to_string(entry.vector.size()) + " dimensions)");
      }
    }
    Counter counter;
    counter.add_field(entry.title, core_->options.title_weight);
    counter.add_field(entry.heading, core_->options.heading_weight);
    counter.add_field(entry.text, 1);
    analyzed.push_back(counter.take());
  }
  std::unique_lock lock(core_->mutex);
  const size_t known = static_cast<size_t>(core_->vectors.dimensions());
  if (dimensions != 0 && known != 0 && dimensions != known) {
    return invalid_argument("the index holds vectors of " + std::to_string(known) + " dimensions, got " + std::to_string(dimensions) +
                            ": another embedding model? Re-embed the knowledge base");
  }
  if (core_->ids.size() + entries.size() >= kNone) return resource_exhausted("the index is full: 4 billion chunks");
  if (dimensions != 0 && known == 0) core_->vectors.set_dimensions(dimensions, core_->ids.size());
  for (size_t i = 0; i < entries.size(); ++i) core_->append(entries[i], analyzed[i]);
  core_->stale += stale;
  core_->compact_if_worthwhile();
  return {};
}

size_t Index::remove(std::span<const int64_t> ids) {
  std::unique_lock lock(core_->mutex);
  size_t count = 0;
  for (int64_t id : ids) {
    auto found = core_->slot_of.find(id);
    if (found == core_->slot_of.end()) continue;
    core_->kill(found->second);
    ++count;
  }
  core_->compact_if_worthwhile();
  return count;
}

size_t Index::remove_document(const std::string& document_id) {
  std::unique_lock lock(core_->mutex);
  return core_->kill_where([&](const Core::Document& document) { return document.id == document_id; });
}

size_t Index::remove_base(const std::string& base_id) {
  std::unique_lock lock(core_->mutex);
  auto found = core_->base_rows.find(base_id);
  if (found == core_->base_rows.end()) return 0;
  return core_->kill_where([&](const Core::Document& document) { return document.base == found->second; });
}

size_t Index::set_attributes(const std::string& base_id, const std::string& file_id, const catalog::Attributes& attributes) {
  std::unique_lock lock(core_->mutex);
  auto found = core_->base_rows.find(base_id);
  if (found == core_->base_rows.end()) return 0;
  size_t count = 0;
  for (Core::Document& document : core_->documents) {
    if (document.live == 0 || document.base != found->second || document.file_id != file_id) continue;
    document.attributes = std::make_shared<const catalog::Attributes>(attributes);
    ++count;
  }
  return count;
}

void Index::clear() {
  std::unique_lock lock(core_->mutex);
  for (uint32_t slot = 0; slot < core_->ids.size(); ++slot) {
    if (core_->alive[slot]) core_->kill(slot);
  }
  core_->compact();
  core_->base_rows.clear();
  core_->stale = 0;
  core_->postings.clear();
  core_->vectors.clear();
}

Result<Matches> Index::search(const Query& query, const Scope& scope) const {
  if (query.k < 1 || query.k > kMax) {
    return invalid_argument("expected k in [1, " + std::to_string(kMax) + "], got " + std::to_string(query.k), "k");
  }
  const std::vector<QueryTerm> terms = analyze_query(query.text, core_->options.extra_weight);
  const size_t k = static_cast<size_t>(query.k);
  Matches out;
  std::shared_lock lock(core_->mutex);
  const Core& core = *core_;
  if (!query.vector.empty() && core.vectors.dimensions() != 0 &&
      (query.vector.size() != static_cast<size_t>(core.vectors.dimensions()) || !is_finite(query.vector))) {
    return invalid_argument("expected a finite query vector of " + std::to_string(core.vectors.dimensions()) + " dimensions, got " +
                            std::to_string(query.vector.size()));
  }
  int64_t start = system_clock().monotonic_ns();
  std::vector<uint8_t> mask;
  const bool all_counted = core.make_mask(scope, &mask);
  std::vector<float> scores;
  if (!terms.empty()) {
    core.postings.score(terms, {mask, core.lengths, all_counted, core.options.k1, core.options.b, kQueryTermsMax}, &scores);
    TopK best(k, core.ids);
    for (uint32_t slot = 0; slot < scores.size(); ++slot) {
      if (scores[slot] > 0) best.offer(slot, scores[slot]);
    }
    for (const Scored& scored : best.sorted()) out.keyword.push_back({core.ids[scored.slot], scored.score});
  }
  out.keyword_ms = milliseconds_since(start);
  start = system_clock().monotonic_ns();
  Query used = query;
  if (core.vectors.dimensions() == 0) used.vector = {};
  if (!used.vector.empty()) {
    const size_t rescore = std::max(4 * k, static_cast<size_t>(std::max(1, core.options.rescore_min)));
    for (const Scored& scored : core.vectors.search(used.vector, mask, k, rescore, core.ids)) {
      out.vector.push_back({core.ids[scored.slot], scored.score});
    }
  }
  core.collect(used, scores, &out);
  out.vector_ms = milliseconds_since(start);
  return out;
}

uint64_t Index::contents(const std::vector<std::string>& base_ids) const {
  std::shared_lock lock(core_->mutex);
  std::vector<uint8_t> in_scope(core_->base_rows.size(), 0);
  for (const std::string& id : base_ids)
    if (auto found = core_->base_rows.find(id); found != core_->base_rows.end()) in_scope[found->second] = 1;
  uint64_t marks = 0;
  for (const Core::Document& document : core_->documents)
    if (document.live > 0 && in_scope[document.base]) marks ^= document.marks;
  return marks;
}

std::shared_ptr<const catalog::Attributes> Index::attributes(int64_t id) const {
  std::shared_lock lock(core_->mutex);
  auto found = core_->slot_of.find(id);
  if (found == core_->slot_of.end()) return nullptr;
  return core_->documents[core_->documents_of[found->second]].attributes;
}

Stats Index::stats() const {
  std::shared_lock lock(core_->mutex);
  Stats stats;
  stats.chunks = core_->slot_of.size();
  std::vector<uint8_t> bases(core_->base_rows.size(), 0);
  for (const Core::Document& document : core_->documents) {
    if (document.live == 0) continue;
    ++stats.documents;
    bases[document.base] = 1;
  }
  stats.bases = static_cast<uint64_t>(std::count(bases.begin(), bases.end(), 1));
  stats.dead = core_->dead;
  stats.terms = core_->postings.terms();
  stats.postings = core_->postings.postings();
  for (uint32_t slot = 0; slot < core_->ids.size(); ++slot) stats.without_vector += core_->alive[slot] && !core_->vectors.has(slot);
  stats.stale = core_->stale;
  stats.dimensions = core_->vectors.dimensions();
  stats.memory_bytes = core_->postings.memory_bytes() + core_->vectors.memory_bytes() + core_->ids.capacity() * 17;
  return stats;
}

}  // namespace strata::index
