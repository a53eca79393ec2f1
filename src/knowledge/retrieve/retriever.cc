#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/span.h"
#include "base/text.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/retrieve/fuse.h"
#include "knowledge/retrieve/rerank.h"
#include "knowledge/retrieve/retrieve.h"

namespace strata::retrieve {
namespace {

constexpr size_t kTopMax = 20;            // of a stage, for people to look at
constexpr int kResultsMax = 1'000;
constexpr int kSpare = 10;                // read beyond what is asked for, for what is left out as a repetition
constexpr double kRerankWeight = 0.25;    // of late interaction beside fusion: SciFact prefers 0.2, SQuAD 0.3

class Timer {
 public:
  Timer() : start_(system_clock().monotonic_ns()) {}
  double ms() const { return static_cast<double>(system_clock().monotonic_ns() - start_) / 1e6; }

 private:
  int64_t start_;
};

struct Pooled {                  // a chunk and what is known of it, over all queries
  int64_t id = 0;
  double fused = 0, final_score = 0;
  Scores scores;                 // of its best query
  double best_query = -1, sum = 0;
  std::optional<double> rerank;
};

void order(std::vector<Pooled>* pool) {
  std::sort(pool->begin(), pool->end(),
            [](const Pooled& a, const Pooled& b) { return a.final_score != b.final_score ? a.final_score > b.final_score : a.id < b.id; });
}

void keep_best(const std::vector<index::Match>& matches, std::map<int64_t, double>* best) {
  for (const index::Match& match : matches) {
    auto [at, fresh] = best->try_emplace(match.id, match.score);
    if (!fresh) at->second = std::max(at->second, match.score);
  }
}

Stage stage_of(std::string name, double ms, int candidates, std::vector<std::pair<int64_t, double>> top) {
  std::stable_sort(top.begin(), top.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (top.size() > kTopMax) top.resize(kTopMax);
  return {.name = std::move(name), .candidates = candidates, .ms = ms, .top = std::move(top)};
}

// The stages as spans, when the search is over. They ran one after another, so each began where the one before it ended; what they asked
// of the embedder has a span of its own.
void record_stages(const Context& context, const std::vector<Stage>& stages, int64_t begin_ns) {
  if (!context.span()) return;
  for (const Stage& stage : stages) {
    const int64_t end_ns = begin_ns + static_cast<int64_t>(stage.ms * 1e6);
    record_span(context, "retrieval " + stage.name, begin_ns, end_ns, {{"strata.candidates", int64_t{stage.candidates}}});
    begin_ns = end_ns;
  }
}

Status check(const std::vector<std::string>& queries, const std::vector<std::string>& base_ids, const Options& options) {
  if (queries.empty() || queries.size() > static_cast<size_t>(Retriever::kQueriesMax)) {
    return invalid_argument("expected 1 to " + std::to_string(Retriever::kQueriesMax) + " queries, got " + std::to_string(queries.size()), "query");
  }
  for (const std::string& query : queries) {
    if (trim(query).empty()) return invalid_argument("expected a query with text, got a blank one", "query");
  }
  if (base_ids.empty()) return invalid_argument("expected at least one knowledge base to search", "vector_store_ids");
  auto outside = [](double value, double low, double high) { return !(value >= low && value <= high); };   // also NaN
  if (outside(options.results, 1, kResultsMax))
    return invalid_argument("expected 1 to 1000 results, got " + std::to_string(options.results), "max_num_results");
  if (outside(options.candidates, 1, index::Index::kMax))
    return invalid_argument("expected 1 to 10000 candidates, got " + std::to_string(options.candidates), "candidates");
  if (outside(options.rerank_candidates, 0, kResultsMax))
    return invalid_argument("expected 0 to 1000 candidates to rerank, got " + std::to_string(options.rerank_candidates), "rerank_candidates");
  if (outside(options.vector_weight, 0, 1)) return invalid_argument("expected a vector weight in [0, 1]", "vector_weight");
  if (outside(options.score_min, 0, 1)) return invalid_argument("expected a score threshold in [0, 1]", "score_threshold");
  if (options.filter && options.filter->depth() > Filter::kDepthMax) return invalid_argument("filters are nested too deep", "filters");
  return {};
}

// Whether `chunk` says what a better hit already says: the same text, or more than half of the same stretch of the same document.
bool repeats(const catalog::ChunkRow& chunk, const std::vector<Hit>& better) {
  for (const Hit& hit : better) {
    if (hit.chunk.text == chunk.text && hit.title == chunk.title && !chunk.text.empty()) return true;
    if (hit.chunk.document_id != chunk.document_id) continue;
    const document::Range a = hit.chunk.chunk.at, b = chunk.chunk.at;
    const uint32_t shared = std::min(a.end, b.end) > std::max(a.begin, b.begin) ? std::min(a.end, b.end) - std::max(a.begin, b.begin) : 0;
    if (2 * uint64_t{shared} > std::min(a.end - a.begin, b.end - b.begin)) return true;
  }
  return false;
}

// What was embedded for a chunk when it was ingested.
std::string embedded_text(const catalog::ChunkRow& row) {
  document::Document document;
  document.title = row.title;
  document.text = row.text;
  chunk::Chunk chunk = row.chunk;
  chunk.at = {0, static_cast<uint32_t>(row.text.size())};
  return chunk::indexed_text(document, chunk);
}

}  // namespace

struct Retriever::Core {
  Library library;
  index::Index& index;
  model::Embedder& embedder;
  TokenCache cache;

  using Rows = std::unordered_map<int64_t, catalog::ChunkRow>;
  using QueryTokens = std::vector<TokenRows>;

  Result<std::vector<model::Embedding>> embed(const Context& context, const std::vector<std::string>& queries, const Options& options, Found* found);
  Result<std::vector<Pooled>> search(const std::vector<std::string>& queries, const std::vector<model::Embedding>& embeddings, const index::Scope& scope,
                                     const Options& options, Found* found);
  Result<Rows> read(const Context& context, const std::vector<Pooled>& pool, size_t count, Found* found);
  Status fill_cache(const Context& context, const std::vector<const catalog::ChunkRow*>& chunks,
                    std::unordered_map<int64_t, std::shared_ptr<const TokenRows>>* rows);
  Status rerank(const Context& context, const QueryTokens& queries, const Rows& rows, const Options& options, std::vector<Pooled>* pool, Found* found);
  std::vector<Hit> hits(const std::vector<Pooled>& pool, Rows rows, const Options& options) const;
};

Result<std::vector<model::Embedding>> Retriever::Core::embed(const Context& context, const std::vector<std::string>& queries, const Options& options,
                                                             Found* found) {
  if (options.mode == Mode::kKeyword && !(options.rerank && options.rerank_candidates > 0)) return std::vector<model::Embedding>(queries.size());
  Timer timer;
  TRY_ASSIGN(std::vector<model::Embedding> embeddings,
             embedder.embed(context, {.texts = queries, .token_vectors = options.rerank && options.rerank_candidates > 0, .query = true}));
  if (embeddings.size() != queries.size())
    return internal_error("the embedder returned " + std::to_string(embeddings.size()) + " embeddings for " + std::to_string(queries.size()) + " queries");
  found->stages.push_back(stage_of("embed", timer.ms(), static_cast<int>(queries.size()), {}));
  return embeddings;
}

Result<std::vector<Pooled>> Retriever::Core::search(const std::vector<std::string>& queries, const std::vector<model::Embedding>& embeddings,
                                                    const index::Scope& scope, const Options& options, Found* found) {
  std::map<int64_t, Pooled> pool;
  std::map<int64_t, double> keyword_top, vector_top;
  double keyword_ms = 0, vector_ms = 0;
  Timer timer;
  for (size_t i = 0; i < queries.size(); ++i) {
    index::Query query{.text = {}, .vector = {}, .k = options.candidates};
    if (options.mode != Mode::kVector) query.text = queries[i];
    if (options.mode != Mode::kKeyword) query.vector = embeddings[i].vector;
    TRY_ASSIGN(index::Matches matches, index.search(query, scope));
    keyword_ms += matches.keyword_ms;
    vector_ms += matches.vector_ms;
    keep_best(matches.keyword, &keyword_top);
    keep_best(matches.vector, &vector_top);
    for (const Fused& fused : fuse(matches.candidates, options.mode, options.fusion, options.vector_weight)) {
      Pooled& pooled = pool[fused.id];
      pooled.id = fused.id;
      pooled.sum += fused.score;
      if (fused.score <= pooled.best_query) continue;
      pooled.best_query = fused.score;
      if (options.mode != Mode::kVector) pooled.scores.keyword = fused.from.keyword;
      if (options.mode != Mode::kKeyword) pooled.scores.vector = fused.from.vector;
    }
  }
  std::vector<Pooled> ordered;
  std::vector<std::pair<int64_t, double>> fused_top;
  for (auto& [id, pooled] : pool) {
    pooled.fused = (pooled.best_query + pooled.sum / static_cast<double>(queries.size())) / 2;
    pooled.final_score = pooled.fused;
    pooled.scores.fused = pooled.fused;
    fused_top.push_back({id, pooled.fused});
    ordered.push_back(pooled);
  }
  order(&ordered);
  const double fusion_ms = std::max(0.0, timer.ms() - keyword_ms - vector_ms);
  if (options.mode != Mode::kVector)
    found->stages.push_back(stage_of("keyword", keyword_ms, static_cast<int>(keyword_top.size()), {keyword_top.begin(), keyword_top.end()}));
  if (options.mode != Mode::kKeyword)
    found->stages.push_back(stage_of("vector", vector_ms, static_cast<int>(vector_top.size()), {vector_top.begin(), vector_top.end()}));
  found->stages.push_back(stage_of("fusion", fusion_ms, static_cast<int>(ordered.size()), std::move(fused_top)));
  return ordered;
}

Result<Retriever::Core::Rows> Retriever::Core::read(const Context& context, const std::vector<Pooled>& pool, size_t count, Found* found) {
  Timer timer;
  std::vector<int64_t> ids;
  for (size_t i = 0; i < std::min(count, pool.size()); ++i) ids.push_back(pool[i].id);
  Rows rows;
  if (!ids.empty()) {
    TRY_ASSIGN(std::vector<catalog::ChunkRow> chunks, library.chunks(context, ids));
    for (catalog::ChunkRow& chunk : chunks) rows.emplace(chunk.id, std::move(chunk));
  }
  found->stages.push_back(stage_of("read", timer.ms(), static_cast<int>(rows.size()), {}));
  return rows;
}

Status Retriever::Core::fill_cache(const Context& context, const std::vector<const catalog::ChunkRow*>& chunks,
                                   std::unordered_map<int64_t, std::shared_ptr<const TokenRows>>* rows) {
  std::vector<const catalog::ChunkRow*> missing;
  model::EmbedRequest request{.texts = {}, .token_vectors = true, .query = true};
  for (const catalog::ChunkRow* chunk : chunks) {
    if (auto kept = cache.find(chunk->id)) {
      (*rows)[chunk->id] = std::move(kept);
      continue;
    }
    missing.push_back(chunk);
    request.texts.push_back(embedded_text(*chunk));
  }
  if (missing.empty()) return {};
  TRY_ASSIGN(std::vector<model::Embedding> embeddings, embedder.embed(context, std::move(request)));
  if (embeddings.size() != missing.size()) return internal_error("the embedder returned another number of embeddings than texts");
  for (size_t i = 0; i < missing.size(); ++i) {
    auto made = std::make_shared<const TokenRows>(round_tokens(embeddings[i], false));
    (*rows)[missing[i]->id] = made;
    cache.keep(missing[i]->id, std::move(made));
  }
  return {};
}

// Late interaction over the best candidates; the rest stay below them, as their weight of fusion is the same and it is less.
Status Retriever::Core::rerank(const Context& context, const QueryTokens& queries, const Rows& rows, const Options& options, std::vector<Pooled>* pool,
                               Found* found) {
  Timer timer;
  std::vector<const catalog::ChunkRow*> chunks;
  std::vector<size_t> places;
  const size_t first = std::min(pool->size(), static_cast<size_t>(options.rerank_candidates));
  for (size_t i = 0; i < first; ++i) {
    auto row = rows.find((*pool)[i].id);
    if (row == rows.end()) continue;
    chunks.push_back(&row->second);
    places.push_back(i);
  }
  std::unordered_map<int64_t, std::shared_ptr<const TokenRows>> tokens;
  TRY(fill_cache(context, chunks, &tokens));
  std::vector<double> scaled;
  std::vector<std::pair<int64_t, double>> top;
  for (size_t i = 0; i < places.size(); ++i) {
    double best = -1, sum = 0;
    for (const TokenRows& query : queries) {
      const double score = max_sim(query, *tokens.at(chunks[i]->id));
      best = std::max(best, score);
      sum += score;
    }
    const double score = (best + sum / static_cast<double>(queries.size())) / 2;
    (*pool)[places[i]].scores.rerank = score;
    scaled.push_back(score);
    top.push_back({chunks[i]->id, score});
  }
  scale_min_max(&scaled);
  for (Pooled& pooled : *pool) pooled.final_score = (1 - kRerankWeight) * pooled.fused;
  for (size_t i = 0; i < places.size(); ++i) (*pool)[places[i]].final_score += kRerankWeight * scaled[i];
  order(pool);
  found->stages.push_back(stage_of("rerank", timer.ms(), static_cast<int>(places.size()), std::move(top)));
  return {};
}

std::vector<Hit> Retriever::Core::hits(const std::vector<Pooled>& pool, Rows rows, const Options& options) const {
  std::vector<Hit> hits;
  for (const Pooled& pooled : pool) {
    if (hits.size() == static_cast<size_t>(options.results)) break;
    if (pooled.final_score < options.score_min) break;
    auto row = rows.find(pooled.id);
    auto attributes = index.attributes(pooled.id);
    if (row == rows.end() || !attributes) continue;    // removed meanwhile
    if (options.filter && !options.filter->matches(*attributes)) continue;   // changed meanwhile
    if (repeats(row->second, hits)) continue;
    Hit hit;
    hit.filename = row->second.filename;
    hit.title = row->second.title;
    hit.heading = row->second.chunk.heading;
    hit.version = row->second.version;
    hit.attributes = *attributes;
    hit.scores = pooled.scores;
    hit.scores.final_score = std::clamp(pooled.final_score, 0.0, 1.0);
    hit.chunk = std::move(row->second);
    hits.push_back(std::move(hit));
  }
  return hits;
}

Retriever::Retriever(Library library, index::Index& index, model::Embedder& embedder, Limits limits)
    : core_(new Core{std::move(library), index, embedder, TokenCache(limits.token_cache_bytes)}) {}
Retriever::~Retriever() = default;

Result<Found> Retriever::search(const Context& context, const std::vector<std::string>& queries, const std::vector<std::string>& base_ids,
                                const Options& options) {
  TRY(check(queries, base_ids, options));
  TRY(context.check());
  Found found;
  found.queries = queries;
  const int64_t begin_ns = context.clock().monotonic_ns();
  TRY_ASSIGN(std::vector<model::Embedding> embeddings, core_->embed(context, queries, options, &found));
  index::Scope scope{.base_ids = base_ids, .accepts = nullptr};
  if (options.filter) scope.accepts = [&options](const catalog::Attributes& attributes) { return options.filter->matches(attributes); };
  TRY_ASSIGN(std::vector<Pooled> pool, core_->search(queries, embeddings, scope, options, &found));
  TRY(context.check());
  const bool rerank = options.rerank && options.rerank_candidates > 0 && pool.size() > 1;
  const size_t count = static_cast<size_t>(std::max(options.results + kSpare, rerank ? options.rerank_candidates : 0));
  TRY_ASSIGN(Core::Rows rows, core_->read(context, pool, count, &found));
  if (rerank) {
    Core::QueryTokens tokens;
    for (const model::Embedding& embedding : embeddings) tokens.push_back(round_tokens(embedding, true));
    TRY(core_->rerank(context, tokens, rows, options, &pool, &found));
  }
  found.hits = core_->hits(pool, std::move(rows), options);
  record_stages(context, found.stages, begin_ns);
  return found;
}

Result<Section> Retriever::section(const Context& context, const Hit& hit, size_t bytes_max) {
  TRY_ASSIGN(catalog::DocumentRow document, core_->library.document(context, hit.chunk.document_id));
  const std::string& text = document.content.text;
  document::Range parent = hit.chunk.chunk.parent, at = hit.chunk.chunk.at;
  if (parent.begin > at.begin || parent.end < at.end || parent.end > text.size() || at.begin > at.end) {
    return data_loss("chunk " + std::to_string(hit.chunk.id) + " does not lie in its section and document: ingest the document again");
  }
  Section section{.heading = hit.heading, .text = {}, .at = parent, .cut = false};
  if (parent.end - parent.begin > bytes_max) {
    section.cut = true;
    const size_t around = bytes_max > at.end - at.begin ? (bytes_max - (at.end - at.begin)) / 2 : 0;
    size_t begin = at.begin - std::min<size_t>(around, at.begin - parent.begin);
    size_t end = std::min<size_t>(parent.end, begin + bytes_max);
    begin = std::max<size_t>(parent.begin, end - std::min(bytes_max, end));
    auto inside_sequence = [&](size_t i) { return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80; };
    while (begin < end && inside_sequence(begin)) ++begin;
    while (end > begin && inside_sequence(end)) --end;
    section.at = {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
  }
  section.text = text.substr(section.at.begin, section.at.end - section.at.begin);
  return section;
}

}  // namespace strata::retrieve
