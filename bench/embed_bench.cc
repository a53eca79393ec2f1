// Our side of bench/embed: MiniLM through the public Engine, in F32 and in int8. Prints one JSON object for each line of work on standard
// input: "passages PRECISION FILE SEED" (all texts of a JSON list as one request: texts/s), "query PRECISION FILE SEED" (each alone: p50 in ms),
// "vectors PRECISION FILE" (what the texts became). PRECISION: f32 or int8.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "base/json.h"
#include "infra/compute/compute.h"
#include "model/engine/engine.h"

namespace strata {
namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Side {
  std::unique_ptr<engine::Engine> engine;
  model::Embedder* embedder = nullptr;
};

[[noreturn]] void stop(const std::string& message) {
  std::cerr << message << "\n";
  std::exit(1);
}

Side load(engine::Precision precision) {
  const char* threads = std::getenv("STRATA_BENCH_THREADS");
  const char* models = std::getenv("STRATA_MODELS");
  const char* home = std::getenv("HOME");
  auto engine = engine::Engine::make({.threads = threads ? std::atoi(threads) : 0, .embedder_precision = precision});
  if (!engine) stop(engine.error().message);
  auto embedder = (*engine)->load_embedder((models ? models : std::string(home ? home : "") + "/.cache/strata/models") + "/all-minilm-l6-v2", "embedder");
  if (!embedder) stop(embedder.error().message);
  return {std::move(*engine), *embedder};
}

std::vector<std::string> read_texts(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  auto json = Json::parse(bytes);
  if (!json || !json->as_array()) stop(path + ": expected a JSON list of texts");
  std::vector<std::string> out;
  for (const Json& text : *json->as_array()) out.push_back(*text.as_string());
  return out;
}

std::vector<model::Embedding> embed(Side& side, std::vector<std::string> texts, bool query) {
  auto out = side.embedder->embed(Context::background(), {std::move(texts), false, query});
  if (!out) stop(out.error().message);
  return std::move(*out);
}

Json run(Side& side, const std::string& work, const std::vector<std::string>& texts) {
  if (work == "vectors") {
    Json rows = Json::array();
    for (const auto& one : embed(side, texts, false)) {
      Json row = Json::array();
      for (const float x : one.vector) row.push(static_cast<double>(x));
      rows.push(std::move(row));
    }
    return Json::object({{"vectors", std::move(rows)}});
  }
  if (work == "passages") {
    const double begin = now_s();
    embed(side, texts, false);
    return Json::object({{"rate", static_cast<double>(texts.size()) / (now_s() - begin)}});
  }
  std::vector<double> times;
  for (const std::string& text : texts) {
    const double begin = now_s();
    embed(side, {text}, true);
    times.push_back((now_s() - begin) * 1e3);
  }
  std::sort(times.begin(), times.end());
  return Json::object({{"rate", times[times.size() / 2]}});
}

}  // namespace
}  // namespace strata

int main() {
  using namespace strata;
  Side f32 = load(engine::Precision::kF32), int8 = load(engine::Precision::kInt8);
  std::cout << Json::object({{"isa", compute::isa_name(compute::best_isa())}}).dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string work, precision, file;
    words >> work >> precision >> file;
    std::cout << run(precision == "int8" ? int8 : f32, work, read_texts(file)).dump() << std::endl;
  }
  return 0;
}
