// knowledge/retrieve: a question → evidence. Keyword (our BM25) and vector search side by side over knowledge/index, fusion, filters
// inside the walk, late-interaction reranking. Every stage is a value that can be logged, shown ("Why this answer?") and replayed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/index/index.h"
#include "model/interface/interface.h"

namespace strata::retrieve {

// A filter over attributes: a comparison or a combination. The API's shape: {"type":"eq","key":…,"value":…}, {"type":"and","filters":[…]}.
// Build with comparison() and combination(), which check; a default-made Filter matches nothing.
//   eq ne          equal, of one type (text, number, truth); a key that is absent is not equal to anything, so `ne` holds
//   gt gte lt lte  numbers by value, texts by bytes (ISO dates sort so); false where types differ or the key is absent
//   in nin         equal to one of `values`, to none of them
struct Filter {
  enum class Op { kEq, kNe, kGt, kGte, kLt, kLte, kIn, kNin, kAnd, kOr };
  Op op = Op::kOr;
  std::string key;
  std::vector<catalog::Attribute> values;
  std::vector<Filter> filters;
  bool matches(const catalog::Attributes& attributes) const;

  // "eq", …, "or". kInvalidArgument (param "type") lists what is known.
  static Result<Op> parse_op(std::string_view name);
  // eq … lte take exactly one value (gt … lte no truth value), in and nin 1 to 100. kInvalidArgument names what is wrong.
  static Result<Filter> comparison(Op op, std::string key, std::vector<catalog::Attribute> values);
  // and, or over 1 to 100 filters, at most kDepthMax deep.
  static Result<Filter> combination(Op op, std::vector<Filter> filters);
  int depth() const;
  static constexpr int kDepthMax = 8;
};

enum class Mode { kHybrid, kKeyword, kVector };
enum class Fusion { kMinMax, kRrf };

struct Options {
  Mode mode = Mode::kHybrid;
  Fusion fusion = Fusion::kMinMax;
  double vector_weight = 0.5;        // of the min-max average, [0, 1]
  int candidates = 100;              // per stage, before fusion
  int results = 10;
  // Late interaction over the embedder's token vectors. Questions over paragraphs (SQuAD): the right one first in about 0.88
  // (estimated between two settings) instead of 0.866; claims over abstracts (SciFact): no change. More candidates rank no better.
  // COST: one pass of the embedder for each candidate whose token vectors are not cached, 25 to 75 ms on two cores at 200 tokens;
  // callers who must answer at once switch it off.
  bool rerank = true;
  int rerank_candidates = 8;
  std::optional<Filter> filter;
  double score_min = 0;              // of the final score, [0, 1]
};

// Of one candidate, for the query that it answers best; a stage that did not run leaves nullopt.
struct Scores {
  std::optional<double> keyword;     // BM25, unbounded; 0: shares no word with the query
  std::optional<double> vector;      // cosine, [-1, 1]: the one score that is comparable between queries
  std::optional<double> fused;       // [0, 1]
  std::optional<double> rerank;      // late interaction: mean over the query's tokens of the best cosine among the chunk's, [-1, 1]
  // [0, 1], what the order is by; comparable within one search only: 1 means best of these candidates in every stage, not "right".
  double final_score = 0;
};

struct Hit {
  catalog::ChunkRow chunk;
  std::string filename, title, heading, version;
  catalog::Attributes attributes;
  Scores scores;
};

struct Stage {                       // for "Why this answer?"
  std::string name;                  // "embed", "keyword", "vector", "fusion", "read", "rerank"
  int candidates = 0;
  double ms = 0;
  std::vector<std::pair<int64_t, double>> top;   // (chunk id, score), best first, at most 20
};

struct Found {
  std::vector<Hit> hits;
  std::vector<Stage> stages;
  std::vector<std::string> queries;
};

// Where hits get their text: the catalog, or a stand-in.
struct Library {
  std::function<Result<std::vector<catalog::ChunkRow>>(const Context&, const std::vector<int64_t>&)> chunks;
  std::function<Result<catalog::DocumentRow>(const Context&, const std::string& document_id)> document;
};
Library library_of(catalog::Catalog& catalog);   // the catalog must outlive it

struct Section {                     // the parent of a hit: what its heading opens
  std::string heading, text;
  document::Range at;                // of `text` in the document's text
  bool cut = false;                  // the section is longer than asked for; `text` is the part around the hit
};

// THREADS: safe. All functions block (they read the store and wait for the embedder): for the worker pool.
class Retriever {
 public:
  struct Limits {
    uint64_t token_cache_bytes = 64u << 20;   // of token vectors kept for reranking: about 1,000 chunks
  };
  static constexpr int kQueriesMax = 16;

  Retriever(Library library, index::Index& index, model::Embedder& embedder, Limits limits);
  Retriever(catalog::Catalog& catalog, index::Index& index, model::Embedder& embedder);
  ~Retriever();

  // Evidence for the queries (rewrites or parts of one question), best first: each chunk counts with the mean of its best query's
  // score and its average over the queries. Text that repeats better text is left out. kInvalidArgument: no query, too many, a blank
  // one, no base, an option out of range. Bases that are unknown hold nothing; whether they may be seen is the caller's to check.
  Result<Found> search(const Context& context, const std::vector<std::string>& queries, const std::vector<std::string>& base_ids, const Options& options);
  // The section that the hit lies in, at most `bytes_max` bytes of it, whole characters, around the hit.
  Result<Section> section(const Context& context, const Hit& hit, size_t bytes_max = 8'000);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace strata::retrieve
