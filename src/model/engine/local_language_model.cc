#include <atomic>
#include <string>
#include <utility>

#include "base/crypto.h"
#include "model/engine/call_reader.h"
#include "model/engine/local_models.h"

namespace strata::engine {
namespace {

constexpr size_t kStopStringsMax = 4;
constexpr size_t kStopBytesMax = 1024;   // WHY: every byte of a stop string may hold back a byte of text
constexpr int kTopLogprobsMax = 20;
constexpr size_t kCompiledNodesMost = 2 * grammar::kNodesMost;   // of grammars kept for the next request

class LocalHandle : public model::Handle {
 public:
  explicit LocalHandle(std::shared_ptr<std::atomic<bool>> cancelled) : cancelled_(std::move(cancelled)) {}
  // The engine's thread looks before each step, and it is stepping as long as any request waits or runs: no need to wake it.
  void cancel() override { cancelled_->store(true, std::memory_order_release); }

 private:
  std::shared_ptr<std::atomic<bool>> cancelled_;
};

}  // namespace

LocalLanguageModel::LocalLanguageModel(Parts parts) : parts_(std::move(parts)) {
  vocabulary_.tokenizer = parts_.tokenizer.get();
  const std::vector<int32_t> ends = parts_.tokenizer->end_of_generation();
  vocabulary_.end_of_generation.insert(ends.begin(), ends.end());
  vocabulary_.origin.model = parts_.info.id;
  vocabulary_.origin.model_sha256 = parts_.info.sha256;
  vocabulary_.origin.template_sha256 = parts_.template_sha256;
  vocabulary_.origin.isa = compute::isa_name(compute::best_isa());
  vocabulary_.origin.kv_cache = parts_.kv_cache;
}

Result<std::vector<int32_t>> LocalLanguageModel::tokenize(std::string_view text, bool add_special) const {
  TRY_ASSIGN(const auto tokens, parts_.tokenizer->encode(text, {.add_special = add_special, .parse_special = false}));
  std::vector<int32_t> ids;
  ids.reserve(tokens.size());
  for (const tokenizer::Token& token : tokens) ids.push_back(token.id);
  return ids;
}

Result<std::string> LocalLanguageModel::detokenize(const std::vector<int32_t>& ids) const {
  TRY(check_ids(ids));
  return parts_.tokenizer->decode(ids, true);
}

Status LocalLanguageModel::check_ids(const std::vector<int32_t>& ids) const {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < parts_.info.vocabulary) continue;
    return invalid_argument(
        "token " + std::to_string(i) + ": id " + std::to_string(ids[i]) + " is not in this model's vocabulary of " + std::to_string(parts_.info.vocabulary),
        "prompt");
  }
  return {};
}

Result<std::vector<int32_t>> LocalLanguageModel::prompt_ids(const model::Prompt& prompt, const std::vector<model::Function>& functions, bool must_call) const {
  std::vector<int32_t> ids;
  if (const auto* given = std::get_if<std::vector<int32_t>>(&prompt)) {
    ids = *given;
  } else if (const auto* text = std::get_if<std::string>(&prompt)) {
    TRY_ASSIGN(ids, tokenize(*text, true));
  } else {
    TRY_ASSIGN(ids, parts_.chat.ids(std::get<std::vector<model::Message>>(prompt), *parts_.tokenizer, functions, must_call));
  }
  // An empty prompt begins where training texts begin.
  if (ids.empty() && std::holds_alternative<std::string>(prompt) && parts_.tokenizer->bos() >= 0) ids.push_back(parts_.tokenizer->bos());
  if (ids.empty()) return invalid_argument("the prompt is empty: expected at least one token", "prompt");
  TRY(check_ids(ids));
  return ids;
}

Result<int> LocalLanguageModel::count_tokens(const model::Prompt& prompt) const {
  TRY_ASSIGN(const auto ids, prompt_ids(prompt));
  return static_cast<int>(ids.size());
}

// The id and the weights behind it: another file may have been loaded under the id since.
Status LocalLanguageModel::check_adapter(const ServedAdapter& adapter) const {
  const model::ModelInfo& its = adapter.info();
  if (its.parent != parts_.info.id)
    return invalid_argument("the adapter " + its.id + " is for the model " + its.parent + ", not for " + parts_.info.id, "model");
  const bool other_file = !its.sha256.empty() && !parts_.info.sha256.empty() && its.sha256 != parts_.info.sha256;   // empty: not known
  if (other_file || adapter.shape != parts_.runner->shape())
    return failed_precondition("the adapter " + its.id + " was loaded for other weights than those that are called " + parts_.info.id +
                               " now; unload it and load it again");
  return {};
}

Status LocalLanguageModel::check_request(const model::GenerateRequest& request) const {
  if (request.adapter) TRY(check_adapter(static_cast<const ServedAdapter&>(*request.adapter)));   // there is no other kind
  if (request.max_tokens < 0)
    return invalid_argument("max_tokens: expected 0 (as many as the context holds) or more, got " + std::to_string(request.max_tokens), "max_tokens");
  if (request.stop.size() > kStopStringsMax) {
    return invalid_argument("stop: expected at most " + std::to_string(kStopStringsMax) + " strings, got " + std::to_string(request.stop.size()), "stop");
  }
  if (request.grammar && (request.ignore_eos || request.receipt || request.prompt_only)) {
    return invalid_argument("response_format: an output held to a format cannot go with ignore_eos or receipt", "response_format");
  }
  for (const std::string& stop : request.stop) {
    if (stop.size() > kStopBytesMax)
      return invalid_argument("stop: expected at most " + std::to_string(kStopBytesMax) + " bytes, got " + std::to_string(stop.size()), "stop");
  }
  if (request.top_logprobs < 0 || request.top_logprobs > kTopLogprobsMax) {
    return invalid_argument("top_logprobs: expected 0 to " + std::to_string(kTopLogprobsMax) + ", got " + std::to_string(request.top_logprobs), "top_logprobs");
  }
  return check_sampling(request.sampling, parts_.info.vocabulary);
}

Result<std::shared_ptr<const grammar::Grammar>> LocalLanguageModel::grammar_of(const model::GenerateRequest& request) {
  const bool text = request.calling == model::GenerateRequest::Calling::kAuto;
  const int calls_most = request.parallel_calls && request.function.empty() ? grammar::kCallsMost : 1;
  std::vector<grammar::Function> functions;
  std::string source = (text ? "text " : "calls ") + std::to_string(calls_most);
  for (size_t i = 0; i < request.functions.size(); ++i) {
    const model::Function& function = request.functions[i];
    if (!request.function.empty() && function.name != request.function) continue;
    functions.push_back({function.name, function.parameters, "tools[" + std::to_string(i) + "].function.parameters"});
    source += "\n" + functions.back().where + function.name + "\n" + function.parameters.dump();
  }
  const std::string key = sha256_hex(source);
  {
    const std::lock_guard lock(calls_mutex_);
    if (const auto known = calls_.find(key); known != calls_.end()) return known->second;
  }
  TRY_ASSIGN(auto compiled, grammar::compile_calls(functions, text, calls_most));   // outside the lock: large schemas take a while
  const std::lock_guard lock(calls_mutex_);
  const size_t nodes = compiled->nodes().size();
  if (calls_nodes_ + nodes > kCompiledNodesMost) calls_.clear(), calls_nodes_ = 0;
  if (calls_.emplace(key, compiled).second) calls_nodes_ += nodes;
  return compiled;
}

// The functions become a grammar, and the sink hears of calls instead of their text.
Status LocalLanguageModel::hold_to_calls(model::GenerateRequest& request, std::shared_ptr<model::Sink>& sink,
                                         const std::shared_ptr<std::atomic<bool>>& cancelled) {
  if (request.calling == model::GenerateRequest::Calling::kNone) request.functions.clear();
  if (request.functions.empty()) return {};
  if (!std::holds_alternative<std::vector<model::Message>>(request.prompt)) return invalid_argument("tools: functions are called in a chat", "tools");
  if (request.grammar) return invalid_argument("response_format: an answer that may call functions cannot be held to another format", "response_format");
  if (request.ignore_eos || request.receipt || request.prompt_only)
    return invalid_argument("tools: calls of functions cannot go with ignore_eos or receipt", "tools");
  TRY_ASSIGN(request.grammar, grammar_of(request));
  sink = call_sink(std::move(sink), std::exchange(request.stop, {}), [cancelled] { cancelled->store(true, std::memory_order_release); });
  return {};
}

Result<int> LocalLanguageModel::completion_max(const model::GenerateRequest& request, size_t prompt_tokens) const {
  const auto context = static_cast<size_t>(parts_.info.context_tokens);
  const size_t asked = request.prompt_only ? 0 : static_cast<size_t>(request.max_tokens);
  const size_t least = request.prompt_only ? 0 : asked == 0 ? 1 : asked;
  if (prompt_tokens + least > context) {
    std::string message = "this model's context holds " + std::to_string(context) + " tokens, but the prompt has " + std::to_string(prompt_tokens);
    if (asked > 0) message += " and max_tokens asks for " + std::to_string(asked) + " more (" + std::to_string(prompt_tokens + asked) + " together)";
    return invalid_argument(message + "; shorten the prompt" + (asked > 0 ? " or lower max_tokens" : ""), "prompt", "context_length_exceeded");
  }
  if (request.prompt_only) return 0;
  return static_cast<int>(asked > 0 ? asked : context - prompt_tokens);
}

Result<std::shared_ptr<model::Handle>> LocalLanguageModel::submit(const Context& context, model::GenerateRequest request, std::shared_ptr<model::Sink> sink) {
  TRY(check_request(request));
  TRY(context.check());
  auto cancelled = std::make_shared<std::atomic<bool>>(false);
  TRY(hold_to_calls(request, sink, cancelled));
  TRY_ASSIGN(auto prompt, prompt_ids(request.prompt, request.functions, request.calling == model::GenerateRequest::Calling::kRequired));
  TRY_ASSIGN(const int completion, completion_max(request, prompt.size()));
  auto handle = std::make_shared<LocalHandle>(cancelled);
  Generation::Start start{context, std::move(request), std::move(prompt), completion, std::move(sink), std::move(cancelled)};
  TRY(parts_.runner->submit(std::make_unique<Generation>(std::move(start), vocabulary_)));
  parts_.wake();
  return std::shared_ptr<model::Handle>(std::move(handle));
}

}  // namespace strata::engine
