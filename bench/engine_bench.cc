// Our side of bench/engine: runs workloads of the language model (or the embedder) through the public Engine and prints one JSON object
// each. Workloads: prefill N SEED, decode DEPTH N SEED, adapted none|all|qv STREAMS N SEED (decode with a random adapter of rank 16
// on all linear layers, or on q and v), serve STREAMS PROMPT N SEED, fairness STREAMS PROMPT SEED, embed BATCHES, perplexity WINDOW WINDOWS STRIDE, generate TEXT N.
// STRATA_BENCH_KV=q8 takes an 8-bit KV cache. With "loop" instead, one workload a line is read from standard input, so that a peer can be
// measured in between.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "infra/compute/compute.h"
#include "model/engine/engine.h"
#include "model/format/format.h"

#include "int8_peak.h"

namespace strata {
namespace {

using model::Finish;
using model::GenerateRequest;
using model::TokenEvent;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())))];
}

// Times of one request's tokens.
struct Timed : model::Sink {
  double begin = now_s();
  std::vector<double> at;
  std::atomic<size_t> tokens{0};  // for whoever looks before the end
  std::shared_ptr<model::Handle> handle;
  std::promise<Finish> done;
  std::future<Finish> finished = done.get_future();
  void on_token(const TokenEvent& event) override {
    for (size_t i = 0; i < event.ids.size(); ++i) at.push_back(now_s());
    tokens = at.size();
  }
  void on_finish(const Finish& finish) override { done.set_value(finish); }
};

struct Bench {
  std::unique_ptr<engine::Engine> engine;
  model::LanguageModel* language = nullptr;
  std::string path;
  std::map<std::string, std::shared_ptr<model::LanguageModel>> adapters;
  Context context = Context::background();

  std::vector<int32_t> ids(int count, uint64_t seed) const {
    Random random(seed * 1'000'003 + static_cast<uint64_t>(count));  // no two works share a beginning that could be cached
    std::vector<int32_t> out;
    const auto vocabulary = static_cast<uint64_t>(language->info().vocabulary);
    for (int i = 0; i < count; ++i) out.push_back(static_cast<int32_t>(vocabulary / 100 + random.below(vocabulary / 2)));
    return out;
  }
  std::shared_ptr<Timed> start(std::vector<int32_t> prompt, int tokens, model::LanguageModel* on = nullptr) const {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.max_tokens = tokens;
    request.sampling.temperature = 0;
    request.ignore_eos = true;
    auto sink = std::make_shared<Timed>();
    auto handle = (on ? on : language)->submit(context, std::move(request), sink);
    if (!handle) {
      std::cerr << handle.error().message << "\n";
      std::exit(1);
    }
    sink->handle = *handle;
    return sink;
  }

  // Tokens per second of reading a prompt: until its first token is there.
  double prefill(int count, uint64_t seed) const {
    auto sink = start(ids(count, seed), 1);
    const Finish finish = sink->finished.get();
    return count / ((finish.first_token_ms - finish.queue_ms) / 1e3);
  }
  // Tokens per second of `streams` together after prompts of `depth` tokens, while all of them run.
  double decode(int depth, int count, uint64_t seed, int streams = 1, model::LanguageModel* on = nullptr) const {
    std::vector<std::shared_ptr<Timed>> sinks;
    for (int i = 0; i < streams; ++i) sinks.push_back(start(ids(std::max(1, depth), seed + static_cast<uint64_t>(i) * 7919), count + 1, on));
    for (const auto& sink : sinks) sink->finished.get();
    double from = 0, to = 1e300;
    for (const auto& sink : sinks) from = std::max(from, sink->at.front()), to = std::min(to, sink->at.back());
    double tokens = 0;
    for (const auto& sink : sinks)
      for (const double at : sink->at) tokens += at > from && at <= to;
    return tokens / (to - from);
  }
  // Tokens put out per second by several streams together, prompts included in the time.
  Json serve(int streams, int prompt, int count, uint64_t seed) const {
    const double begin = now_s();
    std::vector<std::shared_ptr<Timed>> sinks;
    for (int i = 0; i < streams; ++i) sinks.push_back(start(ids(prompt, seed * 1000 + static_cast<uint64_t>(i)), count));
    std::vector<double> first, between;
    size_t tokens = 0;
    for (auto& sink : sinks) {
      first.push_back(sink->finished.get().first_token_ms);
      tokens += sink->at.size();
      for (size_t i = 1; i < sink->at.size(); ++i) between.push_back((sink->at[i] - sink->at[i - 1]) * 1e3);
    }
    return Json::object({{"tokens_per_s", static_cast<double>(tokens) / (now_s() - begin)}, {"ttft_ms_p50", median(first)}, {"itl_ms_p50", median(between)}});
  }
};

// What a long prompt and running streams do to each other: the streams' inter-token times before and while it is read, and its time to the
// first token alone and beside them.
Json fairness(const Bench& bench, int streams, int prompt, uint64_t seed) {
  constexpr size_t kBefore = 96;  // tokens of each stream before the prompt comes; the first third is left out
  const double alone_ms = bench.start(bench.ids(prompt, seed * 1000), 1)->finished.get().first_token_ms;
  std::vector<std::shared_ptr<Timed>> running;
  for (int i = 0; i < streams; ++i) running.push_back(bench.start(bench.ids(128, seed * 1000 + 1 + static_cast<uint64_t>(i)), 4000));
  for (const auto& stream : running) {
    while (stream->tokens < kBefore) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const double from = now_s();
  const double beside_ms = bench.start(bench.ids(prompt, seed * 1000 + 999), 1)->finished.get().first_token_ms;
  const double to = from + beside_ms / 1e3;
  for (const auto& stream : running) stream->handle->cancel();
  std::vector<double> before, during;
  for (const auto& stream : running) {
    stream->finished.get();
    for (size_t i = kBefore / 3; i < stream->at.size(); ++i) {
      const double gap_ms = (stream->at[i] - stream->at[i - 1]) * 1e3;
      if (stream->at[i] < from) before.push_back(gap_ms);
      else if (stream->at[i - 1] >= from && stream->at[i] <= to) during.push_back(gap_ms);
    }
  }
  return Json::object({{"itl_ms_p50_before", median(before)},
                       {"itl_ms_p95_before", quantile(before, 0.95)},
                       {"itl_ms_p50_during", median(during)},
                       {"itl_ms_p95_during", quantile(during, 0.95)},
                       {"ttft_ms_alone", alone_ms},
                       {"ttft_ms_beside", beside_ms}});
}

// A random adapter of rank 16 for the model at `path`, on query and value alone or on every linear layer, as a GGUF file's bytes.
std::string random_adapter(const std::string& path, bool all) {
  constexpr uint64_t kRank = 16;
  const auto gguf = format::Gguf::open(path);
  if (!gguf) return "";
  Random random(16);
  auto values = [&](uint64_t n) {
    std::vector<float> out(n);
    for (float& x : out) x = static_cast<float>(random.uniform() * 0.02 - 0.01);
    return std::string(reinterpret_cast<const char*>(out.data()), n * sizeof(float));
  };
  format::GgufWriter writer;
  writer.add("general.type", "adapter").add("general.architecture", "llama").add("adapter.type", "lora").add("adapter.lora.alpha", 16.0f);
  for (const format::Tensor& tensor : gguf->tensors()) {
    const bool linear = tensor.name.starts_with("blk.") && tensor.shape.size() == 2;
    if (!linear || !(all || tensor.name.ends_with("attn_q.weight") || tensor.name.ends_with("attn_v.weight"))) continue;
    writer.add_tensor(tensor.name + ".lora_a", {kRank, tensor.shape[1]}, compute::Format::kF32, values(kRank * tensor.shape[1]));
    writer.add_tensor(tensor.name + ".lora_b", {tensor.shape[0], kRank}, compute::Format::kF32, values(tensor.shape[0] * kRank));
  }
  return writer.bytes();
}

model::LanguageModel* adapted(Bench& bench, const std::string& which) {
  if (which == "none") return bench.language;
  auto& adapter = bench.adapters[which];
  if (adapter) return adapter.get();
  const std::string file = (std::filesystem::temp_directory_path() / (make_id("strata_bench_") + ".gguf")).string();
  std::ofstream(file, std::ios::binary) << random_adapter(bench.path, which == "all");
  auto loaded = bench.engine->load_adapter(bench.language->info().id, file, which);
  std::filesystem::remove(file);
  if (!loaded) {
    std::cerr << loaded.error().message << "\n";
    std::exit(1);
  }
  adapter = model::with_adapter(std::shared_ptr<model::LanguageModel>(bench.language, [](auto*) {}), std::move(*loaded));
  return adapter.get();
}

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

// Perplexity as tools/fixtures/engine_logprobs.py defines it: each window's first token is only context. Every stride-th window is read.
Json perplexity(const Bench& bench, const std::string& text, int window, int windows, int stride) {
  const auto ids = bench.language->tokenize(text, false);
  if (!ids) return Json::object({{"error", ids.error().message}});
  double total = 0;
  int count = 0;
  for (int i = 0; i < windows && static_cast<size_t>((i + 1) * window) <= ids->size(); i += stride) {
    GenerateRequest request;
    request.prompt = std::vector<int32_t>(ids->begin() + i * window, ids->begin() + (i + 1) * window);
    request.echo = request.logprobs = request.prompt_only = true;
    const auto out = model::generate(bench.context, *bench.language, std::move(request));
    if (!out) return Json::object({{"error", out.error().message}});
    for (const TokenEvent& event : out->events) {
      for (const auto& token : event.logprobs) total -= token.known ? token.logprob : 0, count += token.known;
    }
  }
  return Json::object({{"tokens", count}, {"perplexity", std::exp(total / count)}});
}

// One workload of the language model; false where its name is unknown.
bool run_work(Bench& bench, const std::vector<std::string>& args, Json& out) {
  auto number = [&](size_t i, int otherwise) { return i < args.size() ? std::atoi(args[i].c_str()) : otherwise; };
  auto seed = [&](size_t i) { return static_cast<uint64_t>(number(i, 2)); };
  const std::string work = args.empty() ? "" : args[0];
  if (work == "prefill") {
    out.set("tokens_per_s", bench.prefill(number(1, 512), seed(2)));
  } else if (work == "decode") {
    out.set("tokens_per_s", bench.decode(number(1, 0), number(2, 64), seed(3)));
  } else if (work == "adapted") {
    out.set("tokens_per_s", bench.decode(1, number(3, 64), seed(4), number(2, 1), adapted(bench, args.size() > 1 ? args[1] : "all")));
  } else if (work == "serve") {
    out.set("serve", bench.serve(number(1, 8), number(2, 128), number(3, 64), seed(4)));
    out.set("tokens_per_s", out["serve"]["tokens_per_s"]);
  } else if (work == "fairness") {
    out.set("fairness", fairness(bench, number(1, 4), number(2, 2048), seed(3)));
  } else if (work == "perplexity") {
    out.set("result", perplexity(bench, read_all(std::cin), number(1, 512), number(2, 1 << 20), std::max(1, number(3, 1))));
  } else if (work == "generate") {
    GenerateRequest request;
    request.prompt = args.size() > 1 ? args[1] : std::string("The capital of France is");
    request.max_tokens = number(2, 48);
    request.sampling.temperature = 0;
    const auto text = model::generate(bench.context, *bench.language, std::move(request));
    out.set("text", text ? text->text : text.error().message);
  } else {
    return false;
  }
  return true;
}

int run(const std::vector<std::string>& args) {
  auto number = [&](size_t i, int otherwise) { return i < args.size() ? std::atoi(args[i].c_str()) : otherwise; };
  const char* home = std::getenv("HOME");
  const char* models = std::getenv("STRATA_MODELS");
  const std::string folder = models ? models : std::string(home ? home : "") + "/.cache/strata/models";
  const char* file = std::getenv("STRATA_BENCH_MODEL");
  const char* threads = std::getenv("STRATA_BENCH_THREADS");
  engine::Options options;
  options.threads = threads ? std::atoi(threads) : 0;
  options.sequences_max = 16;
  options.speculate = std::getenv("STRATA_BENCH_SPECULATE") != nullptr;  // greedy text of random prompts repeats itself: guesses would flatter us
  if (const char* kv = std::getenv("STRATA_BENCH_KV")) {
    const auto format = engine::kv_format(kv);
    if (!format) return std::cerr << format.error().message << "\n", 1;
    options.kv_cache = *format;
  }
  auto engine = engine::Engine::make(options);
  if (!engine) return std::cerr << engine.error().message << "\n", 1;
  Bench bench;
  bench.engine = std::move(*engine);
  const std::string work = args.empty() ? "" : args[0];
  Json out = Json::object({{"work", work}, {"isa", compute::isa_name(compute::best_isa())}});
  const double begin = now_s();
  if (work == "limits") {
    const int count = options.threads > 0 ? options.threads : compute::inspect_machine().cores;
    out.set("memory_gb_per_s", compute::measure_memory_gb_per_s(count));
    out.set("int8_gop_per_s", measure_int8_gop_per_s(count));
    std::cout << out.dump() << "\n";
    return 0;
  }
  if (work == "embed") {
    auto embedder = bench.engine->load_embedder(folder + "/all-minilm-l6-v2", "embedder");
    if (!embedder) return std::cerr << embedder.error().message << "\n", 1;
    std::string passage;
    for (int i = 0; i < 82; ++i) passage += i % 7 ? "paper " : "river ";
    for (int round = 0; round < 3; ++round) {
      const double from = now_s();
      const auto vectors = (*embedder)->embed(bench.context, {std::vector<std::string>(static_cast<size_t>(number(1, 64)), passage), false, false});
      if (!vectors) return std::cerr << vectors.error().message << "\n", 1;
      out.set("passages_per_s", number(1, 64) / (now_s() - from));
    }
    const double from = now_s();
    for (int i = 0; i < 50; ++i) (void)(*embedder)->embed(bench.context, {{"how many days of leave do part-timers get?"}, false, true});
    out.set("query_ms", (now_s() - from) / 50 * 1e3);
    std::cout << out.dump() << "\n";
    return 0;
  }
  auto language = bench.engine->load_language_model(file ? file : folder + "/smollm2-135m-instruct/model.gguf", "language");
  if (!language) return std::cerr << language.error().message << "\n", 1;
  bench.language = *language;
  bench.path = file ? file : folder + "/smollm2-135m-instruct/model.gguf";
  out.set("load_s", now_s() - begin);
  // What each token of a prompt is multiplied with: the embedding is only looked up, and the output matrix serves the last token.
  const auto width = [&]() -> uint64_t {
    const auto gguf = format::Gguf::open(bench.path);
    return gguf ? static_cast<uint64_t>(gguf->integer_or("llama.embedding_length", 0).value_or(0)) : 0;
  }();
  out.set("prefill_parameters", static_cast<double>(bench.language->info().parameters - width * static_cast<uint64_t>(bench.language->info().vocabulary)));
  out.set("weight_bytes", static_cast<double>(bench.language->info().memory_bytes));
  bench.prefill(32, 1);  // warm-up
  if (work != "loop") {
    const bool known = run_work(bench, args, out);
    if (known) std::cout << out.dump() << std::endl;
    else std::cerr << "usage: strata_engine_bench loop|limits|prefill|decode|serve|fairness|embed|perplexity|generate …\n";
    return known ? 0 : 2;
  }
  std::cout << out.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    const std::vector<std::string> one{std::istream_iterator<std::string>(words), {}};
    Json result = Json::object({{"work", line}});
    if (!run_work(bench, one, result)) return std::cerr << "unknown work: " << line << "\n", 2;
    std::cout << result.dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) { return strata::run(std::vector<std::string>(argv + 1, argv + argc)); }
