// knowledge/retrieve: a question → evidence. Keyword (our BM25) and vector search side by side over knowledge/index, fusion, filters
// inside the walk, late-interaction reranking. Every stage is a value that can be logged, shown ("Why this answer?") and replayed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/catalog/catalog.h"
#include "model/interface/interface.h"

namespace strata::retrieve {

// A filter over attributes: a comparison or a combination. The API's shape: {"type":"eq","key":…,"value":…}, {"type":"and","filters":[…]}.
struct Filter {
  enum class Op { kEq, kNe, kGt, kGte, kLt, kLte, kIn, kNin, kAnd, kOr };
  Op op = Op::kEq;
  std::string key;
  std::vector<catalog::Attribute> values;
  std::vector<Filter> filters;
  bool matches(const catalog::Attributes& attributes) const;
};

enum class Mode { kHybrid, kKeyword, kVector };
enum class Fusion { kMinMax, kRrf };

struct Options {
  Mode mode = Mode::kHybrid;
  Fusion fusion = Fusion::kMinMax;
  double vector_weight = 0.6;        // of the min-max average
  int candidates = 100;              // per stage, before fusion
  int results = 10;
  bool rerank = true;                // late interaction over the embedder's token vectors
  int rerank_candidates = 30;
  std::optional<Filter> filter;
  double score_min = 0;              // of the final score, [0, 1]
};

struct Scores {                      // of one candidate; a stage that did not see it leaves nullopt
  std::optional<double> keyword, vector, fused, rerank;
  double final_score = 0;            // [0, 1], comparable within one query
};

struct Hit {
  catalog::ChunkRow chunk;
  std::string filename, title, heading, version;
  catalog::Attributes attributes;
  Scores scores;
};

struct Stage {                       // for "Why this answer?"
  std::string name;                  // "keyword", "vector", "fusion", "rerank"
  int candidates = 0;
  double ms = 0;
  std::vector<std::pair<int64_t, double>> top;   // (chunk id, score), best first, at most 20
};

struct Found {
  std::vector<Hit> hits;
  std::vector<Stage> stages;
  std::vector<std::string> queries;
};

}  // namespace strata::retrieve
