// strata chat, generate, tokenize, embed, bench: straight on the engine, without a data folder.
#include <CLI/CLI.hpp>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>

#include "app/cli/cli.h"
#include "app/load_models.h"
#include "app/receipt.h"
#include "base/random.h"

namespace strata::cli {
namespace {

struct Options {
  std::string text, system;
  int max_tokens = 512, count = 3;
  model::Sampling sampling;
  bool seeded = false;
  bool add_special = false;
};

std::string standard_input() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

// Prints text as it comes, and lets the caller wait.
class Printer : public model::Sink {
 public:
  explicit Printer(bool quiet) : quiet_(quiet) {}
  void on_token(const model::TokenEvent& event) override {
    text_ += event.text;
    if (quiet_) return;
    std::fwrite(event.text.data(), 1, event.text.size(), stdout);
    std::fflush(stdout);
  }
  void on_finish(const model::Finish& finish) override {
    std::lock_guard lock(mutex_);
    finish_ = finish;
    finished_ = true;
    done_.notify_all();
  }
  model::Finish wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return finished_; });
    return finish_;
  }
  const std::string& text() const { return text_; }

 private:
  bool quiet_;
  std::string text_;
  std::mutex mutex_;
  std::condition_variable done_;
  bool finished_ = false;
  model::Finish finish_;
};

struct Loaded {
  std::unique_ptr<engine::Engine> engine;
  model::LanguageModel* model = nullptr;   // the first adapter where there is one
  model::LanguageModel* base = nullptr;
  std::vector<std::shared_ptr<model::LanguageModel>> adapters;
};

Result<Loaded> load(const Common& common, bool speculate = true, const std::string& kv_cache = "") {
  TRY_ASSIGN(app::Settings settings, common.load());
  Loaded loaded;
  engine::Options options = app::engine_options(settings);
  options.speculate = speculate;
  if (!kv_cache.empty()) {
    TRY_ASSIGN(options.kv_cache, engine::kv_format(kv_cache));
  }
  TRY_ASSIGN(loaded.engine, engine::Engine::make(options));
  TRY_ASSIGN(loaded.base, app::load_language_model(*loaded.engine, settings));
  TRY_ASSIGN(auto adapters, app::load_adapters(*loaded.engine, settings, loaded.base->info().id));
  for (auto& adapter : adapters)
    loaded.adapters.push_back(model::with_adapter(std::shared_ptr<model::LanguageModel>(loaded.base, [](auto*) {}), std::move(adapter)));
  loaded.model = loaded.adapters.empty() ? loaded.base : loaded.adapters.front().get();
  return loaded;
}

Result<model::Finish> run_one(model::LanguageModel& model, const Options& options, model::Prompt prompt, Printer& printer, std::shared_ptr<Printer> sink) {
  model::GenerateRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = options.max_tokens;
  request.sampling = options.sampling;
  if (!options.seeded) request.sampling.seed = random_seed();
  TRY_ASSIGN(auto handle, model.submit(Context::background(), std::move(request), std::move(sink)));
  model::Finish finish = printer.wait();
  if (finish.reason == model::FinishReason::kError) return finish.error;
  return finish;
}

Json finish_json(const std::string& text, const model::Finish& finish) {
  return Json::object({{"text", text},
                       {"finish_reason", finish.reason == model::FinishReason::kLength ? "length" : "stop"},
                       {"prompt_tokens", finish.usage.prompt_tokens},
                       {"completion_tokens", finish.usage.completion_tokens},
                       {"first_token_ms", finish.first_token_ms},
                       {"total_ms", finish.total_ms}});
}

// At most what fits: the command line has no client that must be told of a limit.
int fitting_tokens(model::LanguageModel& model, const model::Prompt& prompt, int wanted) {
  auto used = model.count_tokens(prompt);
  int room = model.info().context_tokens - (used ? *used : 0);
  return std::max(1, std::min(wanted, room));
}

int generate(const Common& common, Options options) {
  if (options.text == "-" || options.text.empty()) options.text = standard_input();
  auto loaded = load(common);
  if (!loaded) return fail(common, loaded.error());
  model::Prompt prompt = options.text;
  options.max_tokens = fitting_tokens(*loaded->model, prompt, options.max_tokens);
  auto printer = std::make_shared<Printer>(common.json);
  auto finish = run_one(*loaded->model, options, std::move(prompt), *printer, printer);
  if (!finish) return fail(common, finish.error());
  std::printf("%s\n", common.json ? finish_json(printer->text(), *finish).dump().c_str() : "");
  return kDone;
}

int chat(const Common& common, Options options) {
  auto loaded = load(common);
  if (!loaded) return fail(common, loaded.error());
  std::vector<model::Message> messages;
  if (!options.system.empty()) messages.push_back({"system", options.system, ""});
  bool once = !options.text.empty();
  if (!once && on_terminal()) std::fprintf(stderr, "%s; an empty line or Ctrl-D ends.\n", loaded->model->info().id.c_str());
  for (;;) {
    std::string line = options.text;
    if (!once) {
      if (on_terminal()) std::fprintf(stderr, "%s", colour("> ", 36).c_str());
      if (!std::getline(std::cin, line) || line.empty()) return kDone;
    }
    messages.push_back({"user", line, ""});
    Options turn = options;
    turn.max_tokens = fitting_tokens(*loaded->model, messages, options.max_tokens);
    auto printer = std::make_shared<Printer>(common.json);
    auto finish = run_one(*loaded->model, turn, messages, *printer, printer);
    if (!finish) return fail(common, finish.error());
    std::printf("%s\n", common.json ? finish_json(printer->text(), *finish).dump().c_str() : "");
    std::fflush(stdout);
    messages.push_back({"assistant", printer->text(), ""});
    if (once) return kDone;
  }
}

int tokenize(const Common& common, const Options& options) {
  auto loaded = load(common);
  if (!loaded) return fail(common, loaded.error());
  auto ids = loaded->model->tokenize(standard_input(), options.add_special);
  if (!ids) return fail(common, ids.error());
  Json id_list = Json::array(), pieces = Json::array();
  for (int32_t id : *ids) {
    auto piece = loaded->model->detokenize({id});
    id_list.push(id);
    pieces.push(piece ? *piece : std::string());
    if (!common.json) std::printf("%d\t%s\n", id, json_quote(piece ? *piece : "").c_str());
  }
  if (common.json) std::printf("%s\n", Json::object({{"ids", std::move(id_list)}, {"pieces", std::move(pieces)}}).dump().c_str());
  return kDone;
}

int embed(const Common& common, Options options) {
  if (options.text == "-" || options.text.empty()) options.text = standard_input();
  auto settings = common.load();
  if (!settings) return fail(common, settings.error());
  auto engine = engine::Engine::make(app::engine_options(*settings));
  if (!engine) return fail(common, engine.error());
  auto embedder = app::load_embedding_model(**engine, *settings);
  if (!embedder) return fail(common, embedder.error());
  auto result = (*embedder)->embed(Context::background(), {.texts = {options.text}, .token_vectors = false, .query = true});
  if (!result) return fail(common, result.error());
  Json vector = Json::array();
  for (float x : (*result)[0].vector) vector.push(static_cast<double>(x));
  if (!common.json) std::printf("%s\n", vector.dump().c_str());
  else
    std::printf(
        "%s\n",
        Json::object(
            {{"model", (*embedder)->info().id}, {"tokens", (*result)[0].tokens}, {"truncated", (*result)[0].truncated}, {"embedding", std::move(vector)}})
            .dump()
            .c_str());
  return kDone;
}

// Replays a receipt, or the response that carries one.
int verify(const Common& common, const Options& options) {
  std::string text;
  if (options.text == "-" || options.text.empty()) text = standard_input();
  else {
    std::ifstream file(options.text, std::ios::binary);
    if (!file) return fail(common, not_found(options.text + " cannot be read"));
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  auto json = Json::parse(text);
  if (!json) return fail(common, json.error());
  auto receipt = app::receipt_from(*json);
  if (!receipt) return fail(common, receipt.error());
  auto loaded = load(common, true, receipt->kv_cache);  // as it was made
  if (!loaded) return fail(common, loaded.error());
  model::LanguageModel* model = receipt->adapter_sha256.empty() ? loaded->base : loaded->model;
  for (const auto& adapter : loaded->adapters)
    if (adapter->info().adapter_sha256 == receipt->adapter_sha256) model = adapter.get();
  auto replay = app::replay(Context::background(), *model, *receipt);
  if (!replay) return fail(common, replay.error());
  if (common.json) {
    std::printf("%s\n", Json::object({{"same", replay->same},
                                      {"tokens", receipt->output.size()},
                                      {"first_difference", replay->same ? Json() : Json(replay->first_difference)},
                                      {"difference", replay->same ? Json() : Json(replay->difference)}})
                            .dump()
                            .c_str());
  } else {
    std::printf("%s\n", replay->same ? ("the same " + std::to_string(receipt->output.size()) + " output tokens").c_str() : replay->difference.c_str());
  }
  return replay->same ? kDone : kFailed;
}

// Prefill of 512 tokens and decode of 64, alone and eight at once. `round` makes the prompts new: nothing comes from the prefix cache.
Result<Json> measure(model::LanguageModel& model, int streams, int prompt_tokens, int new_tokens, int round) {
  std::vector<std::shared_ptr<Printer>> sinks;
  int64_t begin = system_clock().monotonic_ns();
  for (int s = 0; s < streams; ++s) {
    model::GenerateRequest request;
    std::vector<int32_t> ids;
    for (int i = 0; i < prompt_tokens; ++i) ids.push_back(1000 + (i * 37 + s * 101 + round * 7919 + prompt_tokens * 13) % 20000);
    request.prompt = std::move(ids);
    request.max_tokens = new_tokens;
    request.ignore_eos = true;
    request.sampling.temperature = 0;
    sinks.push_back(std::make_shared<Printer>(true));
    TRY_ASSIGN(auto handle, model.submit(Context::background(), std::move(request), sinks.back()));
  }
  double first_ms = 0;
  for (auto& sink : sinks) {
    model::Finish finish = sink->wait();
    if (finish.reason == model::FinishReason::kError) return finish.error;
    first_ms = std::max(first_ms, finish.first_token_ms);
  }
  double total_ms = static_cast<double>(system_clock().monotonic_ns() - begin) / 1e6;
  double decode_ms = std::max(0.001, total_ms - first_ms);
  return Json::object({{"streams", streams},
                       {"prompt_tokens", prompt_tokens},
                       {"new_tokens", new_tokens},
                       {"first_token_ms", first_ms},
                       {"prefill_tokens_per_s", 1000.0 * streams * prompt_tokens / std::max(0.001, first_ms)},
                       {"decode_tokens_per_s", 1000.0 * streams * (new_tokens - 1) / decode_ms},
                       {"total_ms", total_ms}});
}

int bench(const Common& common, const Options& options) {
  auto loaded = load(common, false);  // greedy text of made-up prompts repeats itself: guesses would flatter the figures
  if (!loaded) return fail(common, loaded.error());
  struct Work {
    int streams, prompt, tokens;
  };
  for (Work work : {Work{1, 512, 2}, Work{1, 1, 64}, Work{1, 1024, 32}, Work{8, 128, 64}})
    for (int i = 0; i < options.count; ++i) {
      auto row = measure(*loaded->model, work.streams, work.prompt, work.tokens, i);
      if (!row) return fail(common, row.error());
      if (common.json) std::printf("%s\n", row->dump().c_str());
      else
        std::printf("%d stream(s), prompt %4d, new %3d: first token %7.1f ms, prefill %7.1f tokens/s, decode %6.1f tokens/s\n", work.streams, work.prompt,
                    work.tokens, *(*row)["first_token_ms"].to_double(""), *(*row)["prefill_tokens_per_s"].to_double(""),
                    *(*row)["decode_tokens_per_s"].to_double(""));
      std::fflush(stdout);
    }
  return kDone;
}

void add_sampling(CLI::App& command, Options& options) {
  command.add_option("--max-tokens", options.max_tokens, "Longest output in tokens")->check(CLI::Range(1, 1 << 20));
  command.add_option("--temperature", options.sampling.temperature, "0 is greedy")->check(CLI::Range(0.0, 2.0));
  command.add_option("--top-p", options.sampling.top_p, "Nucleus")->check(CLI::Range(0.0, 1.0));
  command.add_option("--top-k", options.sampling.top_k, "Only the k likeliest tokens");
  command.add_option_function<uint64_t>("--seed", [&options](uint64_t seed) { options.sampling.seed = seed, options.seeded = true; }, "Same seed, same text");
}

}  // namespace

void add_generation(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  options->sampling.temperature = 0.7;
  options->sampling.top_p = 0.95;
  auto choose = [&common, &chosen, options](CLI::App* command, auto function) {
    command->callback([&common, &chosen, options, function] { chosen = [&common, options, function] { return function(common, *options); }; });
  };
  auto* chat_command = app.add_subcommand("chat", "Talk with the language model; without a message, line by line from standard input");
  chat_command->add_option("message", options->text, "One message; then it answers once and ends");
  chat_command->add_option("--system", options->system, "System message");
  add_sampling(*chat_command, *options);
  choose(chat_command, chat);
  auto* generate_command = app.add_subcommand("generate", "Continue a text (standard input where none is given)");
  generate_command->add_option("prompt", options->text, "The text");
  add_sampling(*generate_command, *options);
  choose(generate_command, generate);
  auto* tokenize_command = app.add_subcommand("tokenize", "Token ids of standard input");
  tokenize_command->add_flag("--special", options->add_special, "Add the tokens that begin or end a text");
  choose(tokenize_command, tokenize);
  auto* embed_command = app.add_subcommand("embed", "Embedding vector of a text (standard input where none is given)");
  embed_command->add_option("text", options->text, "The text");
  choose(embed_command, embed);
  auto* verify_command = app.add_subcommand("verify", "Replay a receipt: does this machine give the same output tokens?");
  verify_command->add_option("file", options->text, "A receipt, or a response asked for with \"receipt\": true (standard input where none is given)");
  choose(verify_command, verify);
  auto* bench_command = app.add_subcommand("bench", "Measure the language model on this machine");
  bench_command->add_option("--count", options->count, "How often each")->check(CLI::Range(1, 100));
  choose(bench_command, bench);
}

}  // namespace strata::cli
