// knowledge/index: what makes chunks findable, in memory: BM25 postings and vectors. Derived from the catalog's rows and rebuildable
// from them at any time; nothing here is the only copy of anything.
//
// Keyword: BM25 over fields (title and heading words count more), statistics taken over the bases searched, so that a base's
// results do not change with what other bases hold. Vector: exact: every vector in scope is compared, first as int8, then the best
// few hundred again in F32. Filters and removals are inside the walk: what may not be returned is never a candidate, so k results
// come back whenever k are allowed.
//
//   entries ──add──▶ slots ─┬─ postings  term → (slot, weighted count)      6 bytes each
//                           └─ vectors   int8 [slots, dimensions] + scale, F32 [slots, dimensions]
//   remove: a tombstone per slot; once a quarter of the slots are dead, the arrays are rebuilt without them.
//
// THREADS: safe. Searches run in parallel; a writer waits for them and excludes them (adds are analyzed before the lock is taken).
// SOURCE: Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009 (BM25, and simple BM25F for fields).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/catalog/catalog.h"

namespace strata::index {

struct Options {
  // Chosen on SciFact's training queries with all of them in view (each within 0.003 of the best of its grid), see bench/retrieval.
  double k1 = 1.2;              // how fast repeating a word stops counting
  double b = 0.75;              // how much longer texts are discounted, [0, 1]
  int title_weight = 2;         // a word in the title counts as so many in the text
  int heading_weight = 2;
  double extra_weight = 0.5;    // of a query's compounds and pieces beside its words (analyzer.h)
  int rescore_min = 200;        // vectors compared again in F32, at least; 4 k where that is more
  double dead_fraction = 0.25;  // of slots, before the arrays are rebuilt
  std::string model;            // fingerprint of the embedding model: vectors of others are left out. Empty: any
};

struct Entry {                  // one chunk
  int64_t id = 0;               // adding an id again replaces it
  std::string base_id, document_id, file_id;
  std::string title, heading, text;
  std::vector<float> vector;    // unit length; empty: findable by words alone
  std::string model;            // that made the vector
  catalog::Attributes attributes;  // of the document: the last entry added decides for all its chunks
};

struct Scope {                  // what a search may return
  std::vector<std::string> base_ids;                                  // none: nothing
  std::function<bool(const catalog::Attributes& attributes)> accepts;  // empty: everything; called once per document
};

struct Match {
  int64_t id = 0;
  double score = 0;             // BM25 (> 0, unbounded), or the cosine
};

struct Query {
  std::string_view text;           // empty or without words: no keyword matches. Only the first kQueryBytesMax bytes count
  std::span<const float> vector;   // unit length; empty: no vector matches
  int k = 100;                     // of each kind
};

struct Candidate {                 // a chunk that either kind found, with both its exact scores
  int64_t id = 0;
  double keyword = 0;              // 0: shares no word with the query
  double vector = 0;               // 0 where query or chunk has no vector
  int keyword_rank = 0, vector_rank = 0;   // from 1; 0: not among that kind's k
};

struct Matches {
  std::vector<Match> keyword, vector;   // best first; ties by id
  std::vector<Candidate> candidates;    // their union, by id
  double keyword_ms = 0, vector_ms = 0;
};

struct Stats {
  uint64_t chunks = 0, documents = 0, bases = 0;
  uint64_t dead = 0;               // slots waiting for the next rebuild
  uint64_t terms = 0, postings = 0;
  uint64_t without_vector = 0;
  uint64_t stale = 0;              // vectors of another model left out since the last clear or load
  int dimensions = 0;              // 0: no vector yet
  uint64_t memory_bytes = 0;       // of postings, vocabulary and vectors
};

class Index {
 public:
  static constexpr size_t kQueryBytesMax = 32u << 10;   // of a query's text; a page is 3 KiB
  static constexpr size_t kQueryTermsMax = 128;         // the rarest are kept
  static constexpr int kMax = 10'000;                   // of Query::k

  explicit Index(Options options = {});
  ~Index();

  // All or nothing, visible at once. kInvalidArgument: a vector whose length differs from the index's, or that is not finite.
  Status add(std::vector<Entry> entries);
  // Unknown ids are passed over. Returns how many chunks went.
  size_t remove(std::span<const int64_t> ids);
  size_t remove_document(const std::string& document_id);
  size_t remove_base(const std::string& base_id);
  // Of all chunks of the file in the base. Returns how many documents changed.
  size_t set_attributes(const std::string& base_id, const std::string& file_id, const catalog::Attributes& attributes);
  // What a commit of the catalog did (Catalog::listen): chunks added, chunks removed, attributes set.
  Status apply(const catalog::Change& change);
  void clear();
  // Empties the index and adds every chunk of the catalog, in batches; returns how many. Searches meanwhile see a part.
  Result<size_t> load(const Context& context, catalog::Catalog& catalog);

  // COST: measured at 50,000 abstracts (6.6 million postings) of 384 dimensions, one thread: 1 ms keyword, 2.4 ms vector.
  // kInvalidArgument: k not in [1, kMax], or a query vector of another length than the index's.
  Result<Matches> search(const Query& query, const Scope& scope) const;
  // Which chunks these bases hold, as a number: another where one came or went, the same after a restart. COST: a look at each document.
  uint64_t contents(const std::vector<std::string>& base_ids) const;
  // The attributes of the chunk's document; nullptr where the id is not here.
  std::shared_ptr<const catalog::Attributes> attributes(int64_t id) const;
  Stats stats() const;

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace strata::index
