// Our side of bench/retrieval: one folder with corpus.jsonl, queries.jsonl and qrels.tsv (BEIR format) through the public Index,
// Retriever and Engine. Prints one JSON object a line: quality (nDCG@10 per mode), then latency over `--chunks` chunks.
//
//   strata_retrieval_bench FOLDER EMBEDDER_FOLDER [--queries N] [--chunks N]
//
// The documents' vectors are kept in FOLDER/vectors.f32, so that a second run does not embed again.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/retrieve/retrieve.h"
#include "model/engine/engine.h"

namespace strata {
namespace {

constexpr int kDepth = 10;   // nDCG@10

double now_ms() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "retrieval_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}
void must(Status status) {
  if (status) return;
  std::fprintf(stderr, "retrieval_bench: %s\n", status.error().message.c_str());
  std::exit(1);
}

// Of this thread: what the work costs where the machine is busy with others' work too.
double cpu_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[static_cast<size_t>(p * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Collection {
  std::vector<catalog::ChunkRow> chunks;           // one per document, id = its place
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> queries;   // name, text
  std::map<std::string, std::map<std::string, int>> judgements;
};

std::vector<Json> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<Json> out;
  for (std::string line; std::getline(in, line);) out.push_back(must(Json::parse(line)));
  return out;
}

Collection read_collection(const std::string& folder, size_t queries_max) {
  Collection collection;
  for (const Json& line : lines_of(folder + "/corpus.jsonl")) {
    catalog::ChunkRow row;
    row.id = static_cast<int64_t>(collection.chunks.size());
    row.document_id = row.file_id = must(line["_id"].to_string("_id"));
    row.base_id = "vs_bench";
    row.title = must(line["title"].to_string("title"));
    row.text = must(line["text"].to_string("text"));
    row.chunk.at = row.chunk.parent = {0, static_cast<uint32_t>(row.text.size())};
    collection.names.push_back(row.document_id);
    collection.chunks.push_back(std::move(row));
  }
  std::ifstream in(folder + "/qrels.tsv");
  std::string line;
  for (std::getline(in, line); std::getline(in, line);) {
    const auto parts = split(line, '\t');
    if (parts.size() == 3) collection.judgements[std::string(parts[0])][std::string(parts[1])] = std::atoi(std::string(parts[2]).c_str());
  }
  for (const Json& query : lines_of(folder + "/queries.jsonl")) {
    const std::string name = must(query["_id"].to_string("_id"));
    if (collection.judgements.count(name) && collection.queries.size() < queries_max) {
      collection.queries.push_back({name, must(query["text"].to_string("text"))});
    }
  }
  return collection;
}

std::string embedded_text(const catalog::ChunkRow& row) {
  document::Document document;
  document.title = row.title;
  document.text = row.text;
  return chunk::indexed_text(document, row.chunk);
}

// Fills the chunks' vectors, from the file where it fits.
double embed_all(const Context& context, const std::string& path, model::Embedder& embedder, Collection* collection) {
  const size_t dimensions = static_cast<size_t>(embedder.info().dimensions), count = collection->chunks.size();
  std::vector<float> all(count * dimensions);
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  double seconds = 0;
  if (in && static_cast<size_t>(in.tellg()) == all.size() * sizeof(float)) {
    in.seekg(0);
    in.read(reinterpret_cast<char*>(all.data()), static_cast<std::streamsize>(all.size() * sizeof(float)));
  } else {
    const double begin = now_ms();
    constexpr size_t kBatch = 32;
    for (size_t at = 0; at < count; at += kBatch) {
      model::EmbedRequest request;
      for (size_t i = at; i < std::min(count, at + kBatch); ++i) request.texts.push_back(embedded_text(collection->chunks[i]));
      const std::vector<model::Embedding> embeddings = must(embedder.embed(context, std::move(request)));
      for (size_t i = 0; i < embeddings.size(); ++i)
        std::copy_n(embeddings[i].vector.begin(), dimensions, all.begin() + static_cast<ptrdiff_t>((at + i) * dimensions));
      std::fprintf(stderr, "\rembedded %zu of %zu", std::min(count, at + kBatch), count);
    }
    std::fprintf(stderr, "\n");
    seconds = (now_ms() - begin) / 1e3;
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size() * sizeof(float)));
  }
  for (size_t i = 0; i < count; ++i) {
    const auto begin = all.begin() + static_cast<ptrdiff_t>(i * dimensions);
    collection->chunks[i].vector.assign(begin, begin + static_cast<ptrdiff_t>(dimensions));
  }
  return seconds;
}

index::Entry entry_of(const catalog::ChunkRow& row, int64_t id) {
  return {.id = id,
          .base_id = row.base_id,
          .document_id = row.document_id + "-" + std::to_string(id),
          .file_id = row.file_id,
          .title = row.title,
          .heading = "",
          .text = row.text,
          .vector = row.vector,
          .model = "",
          .attributes = {}};
}

retrieve::Library library_over(const Collection& collection) {
  return {.chunks = [&collection](const Context&, const std::vector<int64_t>& ids) -> Result<std::vector<catalog::ChunkRow>> {
            std::vector<catalog::ChunkRow> out;
            for (int64_t id : ids) {
              out.push_back(collection.chunks[static_cast<size_t>(id) % collection.chunks.size()]);
              out.back().id = id;
              out.back().document_id += "-" + std::to_string(id);
              out.back().vector.clear();
            }
            return out;
          },
          .document = nullptr};
}

// SOURCE: Järvelin, Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002; linear gains, as BEIR's tool has them.
double ndcg(const std::vector<std::string>& found, const std::map<std::string, int>& judged) {
  std::vector<double> ideal;
  for (const auto& [name, gain] : judged) ideal.push_back(gain);
  std::sort(ideal.rbegin(), ideal.rend());
  double got = 0, best = 0;
  for (size_t i = 0; i < kDepth; ++i) {
    const double discount = std::log2(static_cast<double>(i) + 2);
    if (i < found.size() && judged.count(found[i])) got += judged.at(found[i]) / discount;
    if (i < ideal.size()) best += ideal[i] / discount;
  }
  return best > 0 ? got / best : 0;
}

struct Way {
  const char* name;
  retrieve::Options options;
};
std::vector<Way> ways() {
  using retrieve::Fusion, retrieve::Mode;
  return {{"keyword", {.mode = Mode::kKeyword, .rerank = false}},
          {"vector", {.mode = Mode::kVector, .rerank = false}},
          {"hybrid", {.mode = Mode::kHybrid, .rerank = false}},
          {"hybrid_rrf", {.mode = Mode::kHybrid, .fusion = Fusion::kRrf, .rerank = false}},
          {"rerank", {.mode = Mode::kHybrid, .rerank = true}}};
}

void measure_quality(const Context& context, const Collection& collection, retrieve::Retriever& retriever) {
  for (const Way& way : ways()) {
    double sum = 0, halves[2] = {0, 0};
    std::vector<double> times;
    for (size_t i = 0; i < collection.queries.size(); ++i) {
      const auto& [name, text] = collection.queries[i];
      const double begin = now_ms();
      const retrieve::Found found = must(retriever.search(context, {text}, {"vs_bench"}, way.options));
      times.push_back(now_ms() - begin);
      std::vector<std::string> names;
      for (const retrieve::Hit& hit : found.hits) names.push_back(collection.names[static_cast<size_t>(hit.chunk.id)]);
      const double value = ndcg(names, collection.judgements.at(name));
      sum += value;
      halves[i % 2] += 2 * value;
    }
    const double count = static_cast<double>(collection.queries.size());
    std::cout << Json::object({{"name", std::string("ndcg10_") + way.name},
                               {"value", sum / count},
                               {"half_1", halves[0] / count},
                               {"half_2", halves[1] / count},
                               {"p50_ms", percentile(times, 0.5)},
                               {"p95_ms", percentile(times, 0.95)}})
                     .dump()
              << std::endl;
  }
}

// The collection again and again until there are `count` chunks, each copy's vectors a little turned.
void fill(index::Index& index, const Collection& collection, size_t count) {
  Random random(1);
  std::vector<index::Entry> batch;
  for (size_t i = 0; i < count; ++i) {
    batch.push_back(entry_of(collection.chunks[i % collection.chunks.size()], static_cast<int64_t>(i)));
    std::vector<float>& vector = batch.back().vector;
    double norm = 0;
    for (float& value : vector) {
      if (i >= collection.chunks.size()) value += static_cast<float>(0.02 * (random.uniform() - 0.5));
      norm += static_cast<double>(value) * static_cast<double>(value);
    }
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(norm));
    if (batch.size() == 256 || i + 1 == count) {
      must(index.add(std::move(batch)));
      batch.clear();
    }
  }
}

void print_latency(const char* name, const std::vector<double>& times) {
  std::cout << Json::object({{"name", name}, {"p50_ms", percentile(times, 0.5)}, {"p95_ms", percentile(times, 0.95)}, {"count", times.size()}}).dump()
            << std::endl;
}

void measure_latency(const Context& context, const Collection& collection, model::Embedder& embedder, size_t count) {
  index::Index index;
  double begin = now_ms(), begin_cpu = cpu_ms();
  fill(index, collection, count);
  const index::Stats stats = index.stats();
  std::cout << Json::object({{"name", "index"},
                             {"chunks", stats.chunks},
                             {"terms", stats.terms},
                             {"postings", stats.postings},
                             {"memory_bytes", stats.memory_bytes},
                             {"build_seconds", (now_ms() - begin) / 1e3},
                             {"build_cpu_seconds", (cpu_ms() - begin_cpu) / 1e3}})
                   .dump()
            << std::endl;
  const index::Scope scope{.base_ids = {"vs_bench"}, .accepts = nullptr};
  std::vector<double> keyword, vector, whole, embedding, reranked, keyword_cpu, whole_cpu;
  retrieve::Retriever retriever(library_over(collection), index, embedder, {});
  for (size_t i = 0; i < std::min<size_t>(200, collection.queries.size()); ++i) {
    const std::string& text = collection.queries[i].second;
    begin = now_ms();
    begin_cpu = cpu_ms();
    must(index.search({.text = text, .vector = {}, .k = 100}, scope));
    keyword.push_back(now_ms() - begin);
    keyword_cpu.push_back(cpu_ms() - begin_cpu);
    begin = now_ms();
    begin_cpu = cpu_ms();
    const retrieve::Found found = must(retriever.search(context, {text}, {"vs_bench"}, {.rerank = false}));
    const double total = now_ms() - begin;
    embedding.push_back(found.stages.at(0).ms);
    vector.push_back(found.stages.at(2).ms);
    whole.push_back(total - embedding.back());
    whole_cpu.push_back(cpu_ms() - begin_cpu);   // the embedding runs on the engine's thread
  }
  for (size_t i = 0; i < std::min<size_t>(40, collection.queries.size()); ++i) {
    const retrieve::Found found = must(retriever.search(context, {collection.queries[i].second}, {"vs_bench"}, {}));
    reranked.push_back(found.stages.back().ms);
  }
  print_latency("latency_keyword", keyword);
  print_latency("cpu_keyword", keyword_cpu);
  print_latency("cpu_whole_search_without_query_embedding", whole_cpu);
  print_latency("latency_vector", vector);
  print_latency("latency_whole_search_without_query_embedding", whole);
  print_latency("latency_query_embedding", embedding);
  print_latency("latency_rerank_of_8_uncached", reranked);
}

int run(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: %s FOLDER EMBEDDER_FOLDER [--queries N] [--chunks N]\n", arguments[0]);
    return 2;
  }
  size_t queries = SIZE_MAX, chunks = 50'000;
  for (int i = 3; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--queries") == 0) queries = std::strtoull(arguments[i + 1], nullptr, 10);
    if (std::strcmp(arguments[i], "--chunks") == 0) chunks = std::strtoull(arguments[i + 1], nullptr, 10);
  }
  const Context context = Context::background();
  Collection collection = read_collection(arguments[1], queries);
  auto engine = must(engine::Engine::make({}));
  model::Embedder* embedder = must(engine->load_embedder(arguments[2], "embedder"));
  const double seconds = embed_all(context, std::string(arguments[1]) + "/vectors.f32", *embedder, &collection);
  std::cout << Json::object(
                   {{"name", "collection"}, {"documents", collection.chunks.size()}, {"queries", collection.queries.size()}, {"embed_seconds", seconds}})
                   .dump()
            << std::endl;
  index::Index index;
  std::vector<index::Entry> entries;
  for (const catalog::ChunkRow& row : collection.chunks) entries.push_back(entry_of(row, row.id));
  must(index.add(std::move(entries)));
  // Room for the token vectors of all documents: quality does not depend on it, and each is made once.
  retrieve::Retriever retriever(library_over(collection), index, *embedder, {.token_cache_bytes = 2u << 30});
  measure_quality(context, collection, retriever);
  if (chunks > 0) measure_latency(context, collection, *embedder, chunks);
  return 0;
}

}  // namespace
}  // namespace strata

int main(int count, char** arguments) { return strata::run(count, arguments); }
