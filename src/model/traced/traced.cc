#include "model/traced/traced.h"

#include <mutex>

#include "base/span.h"

namespace strata::model {

// Shares out time among the calls under way: `shared_ns_` grows by dt / n, so a call's share is its growth between begin and end.
class Meter {
 public:
  double begin(int64_t now_ns) {
    std::lock_guard lock(mutex_);
    advance(now_ns);
    ++active_;
    return shared_ns_;
  }
  double end(int64_t now_ns, double from) {   // UNITS: seconds
    std::lock_guard lock(mutex_);
    advance(now_ns);
    --active_;
    return (shared_ns_ - from) / 1e9;
  }

 private:
  void advance(int64_t now_ns) {
    if (active_ > 0 && now_ns > last_ns_) shared_ns_ += static_cast<double>(now_ns - last_ns_) / active_;
    last_ns_ = std::max(last_ns_, now_ns);
  }
  std::mutex mutex_;
  int active_ = 0;
  int64_t last_ns_ = 0;
  double shared_ns_ = 0;
};

std::shared_ptr<Meter> make_meter() { return std::make_shared<Meter>(); }

namespace {

Json text_message(const std::string& role, const std::string& text) {
  return Json::object({{"role", role}, {"parts", Json::array({Json::object({{"type", "text"}, {"content", text}})})}});
}

Json call_part(const FunctionCall& call) {
  auto arguments = Json::parse(call.arguments);
  return Json::object({{"type", "tool_call"}, {"id", call.id}, {"name", call.name}, {"arguments", arguments ? std::move(*arguments) : Json(call.arguments)}});
}

Json message_json(const Message& message) {
  if (message.role == "tool") {
    Json part = Json::object({{"type", "tool_call_response"}, {"id", message.call_id}, {"response", message.content}});
    return Json::object({{"role", message.role}, {"parts", Json::array({std::move(part)})}});
  }
  if (message.calls.empty()) return text_message(message.role, message.content);
  Json parts = Json::array();
  if (!message.content.empty()) parts.push(Json::object({{"type", "text"}, {"content", message.content}}));
  for (auto& call : message.calls) parts.push(call_part(call));
  return Json::object({{"role", message.role}, {"parts", std::move(parts)}});
}

// As OpenTelemetry's schemas of gen_ai.input.messages and gen_ai.output.messages have them.
std::string input_messages(const Prompt& prompt) {
  Json out = Json::array();
  if (auto* messages = std::get_if<std::vector<Message>>(&prompt))
    for (auto& message : *messages) {
      out.push(message_json(message));
      if (!message.name.empty()) out.as_array()->back().set("name", message.name);
    }
  else if (auto* text = std::get_if<std::string>(&prompt)) out.push(text_message("user", *text));
  else return "";
  return out.dump();
}

std::string_view finish_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kCancelled: return "cancelled";
    case FinishReason::kError: return "error";
  }
  return "stop";
}

std::string output_messages(const Message& answer, FinishReason reason) {
  Json message = message_json(answer);
  message.set("finish_reason", !answer.calls.empty() && reason == FinishReason::kStop ? "tool_call" : finish_name(reason));
  return Json::array({std::move(message)}).dump();
}

void describe_request(Span& span, const ModelInfo& info, const GenerateRequest& request) {
  const bool chat = !std::holds_alternative<std::string>(request.prompt) && !std::holds_alternative<std::vector<int32_t>>(request.prompt);
  span.set("gen_ai.operation.name", chat ? "chat" : "text_completion");
  span.set("gen_ai.provider.name", info.remote ? "openai" : "strata");
  span.set("gen_ai.request.model", info.id);
  if (request.max_tokens > 0) span.set("gen_ai.request.max_tokens", request.max_tokens);
  span.set("gen_ai.request.temperature", request.sampling.temperature);
  span.set("gen_ai.request.top_p", request.sampling.top_p);
  if (request.sampling.top_k > 0) span.set("gen_ai.request.top_k", request.sampling.top_k);
  if (request.sampling.frequency_penalty != 0) span.set("gen_ai.request.frequency_penalty", request.sampling.frequency_penalty);
  if (request.sampling.presence_penalty != 0) span.set("gen_ai.request.presence_penalty", request.sampling.presence_penalty);
  span.set("gen_ai.request.seed", static_cast<int64_t>(request.sampling.seed));
  if (!request.stop.empty()) span.set("gen_ai.request.stop_sequences", request.stop);
  span.set("gen_ai.output.type", request.grammar || !request.response_format.is_null() ? "json" : "text");
}

// What ends a call, whichever way: the span, and the charge.
class Account {
 public:
  Account(const Context& context, const ModelInfo& info, std::string operation, Tracing tracing, std::shared_ptr<Meter> meter)
      : span_(context, operation + " " + info.id, info.remote ? SpanKind::kClient : SpanKind::kInternal),
        clock_(context.clock()),
        tracing_(std::move(tracing)),
        meter_(info.remote ? nullptr : std::move(meter)),
        charge_{.model = info.id,
                .product = trace_note(context, "strata.product"),
                .operation = std::move(operation),
                .tenant = context.principal().tenant,
                .remote = info.remote} {
    if (meter_) from_ = meter_->begin(clock_.monotonic_ns());
  }
  ~Account() { end({}, true); }   // a sink that was dropped without its finish
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  Span& span() { return span_; }
  void end(const Usage& usage, bool failed) {
    if (ended_) return;
    ended_ = true;
    if (meter_) charge_.busy_s = meter_->end(clock_.monotonic_ns(), from_);
    charge_.usage = usage;
    charge_.failed = failed;
    span_.set("gen_ai.usage.input_tokens", usage.prompt_tokens);
    span_.set("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens);
    span_.set("gen_ai.usage.output_tokens", usage.completion_tokens);
    if (meter_) span_.set("strata.busy_ms", charge_.busy_s * 1e3);
    if (tracing_.charge)
      if (auto cost = tracing_.charge(charge_)) span_.set("strata.cost", *cost);
    span_.end();
  }
  // A refusal: nothing was run, so nothing is charged.
  void refuse(const Error& error) {
    ended_ = true;
    if (meter_) meter_->end(clock_.monotonic_ns(), from_);
    span_.fail(error);
    span_.end();
  }
  const Tracing& tracing() const { return tracing_; }

 private:
  Span span_;
  const Clock& clock_;
  const Tracing tracing_;
  const std::shared_ptr<Meter> meter_;
  Charge charge_;
  double from_ = 0;
  bool ended_ = false;
};

class TracedSink : public Sink {
 public:
  // Whether a receipt is for the caller, and whether it may be kept.
  struct Receipts {
    bool wanted = false, kept = false;
  };
  TracedSink(std::shared_ptr<Account> account, std::shared_ptr<Sink> next, Receipts receipts)
      : account_(std::move(account)), next_(std::move(next)), receipts_(receipts), content_(account_->span().keeps_content()) {}
  void on_token(const TokenEvent& event) override {
    if (content_ && !event.from_prompt) {
      answer_.content += event.text;
      for (auto& delta : event.calls) add_call(answer_.calls, delta);
    }
    next_->on_token(event);
  }
  void on_finish(const Finish& finish) override {
    Span& span = account_->span();
    const bool failed = finish.reason == FinishReason::kError;
    span.set("gen_ai.response.finish_reasons", std::vector<std::string>{std::string(finish_name(finish.reason))});
    if (finish.first_token_ms > 0) span.set("gen_ai.response.time_to_first_chunk", finish.first_token_ms / 1e3);
    if (finish.queue_ms > 0) span.set("strata.queue_ms", finish.queue_ms);
    if (failed || finish.reason == FinishReason::kCancelled) span.fail(finish.error);
    if (content_) span.content("gen_ai.output.messages", output_messages(answer_, finish.reason));
    if (finish.receipt && receipts_.kept && account_->tracing().receipt_text) span.receipt(account_->tracing().receipt_text(*finish.receipt));
    account_->end(finish.usage, failed);
    if (receipts_.wanted || !finish.receipt) return next_->on_finish(finish);
    Finish as_asked = finish;
    as_asked.receipt = nullptr;
    next_->on_finish(as_asked);
  }

 private:
  std::shared_ptr<Account> account_;
  std::shared_ptr<Sink> next_;
  const Receipts receipts_;
  const bool content_;
  Message answer_{"assistant", "", ""};
};

class TracedModel : public LanguageModel {
 public:
  TracedModel(std::shared_ptr<LanguageModel> model, Tracing tracing, std::shared_ptr<Meter> meter)
      : model_(std::move(model)), tracing_(std::move(tracing)), meter_(std::move(meter)) {}
  const ModelInfo& info() const override { return model_->info(); }
  Result<std::shared_ptr<Handle>> submit(const Context& context, GenerateRequest request, std::shared_ptr<Sink> sink) override {
    const bool chat = std::holds_alternative<std::vector<Message>>(request.prompt);
    auto account = std::make_shared<Account>(context, info(), chat ? "chat" : "text_completion", tracing_, meter_);
    Span& span = account->span();
    if (span.recording()) describe_request(span, info(), request);
    if (span.keeps_content())
      if (std::string input = input_messages(request.prompt); !input.empty()) span.content("gen_ai.input.messages", std::move(input));
    const bool wanted = request.receipt;
    // A prompt that came as token ids has no text in which personal data could be found: its receipt is nothing to keep.
    const bool readable = !std::holds_alternative<std::vector<int32_t>>(request.prompt);
    // Asked for on the side, where it may be: the call can be run again from its trace.
    const bool repeatable = !info().remote && !request.grammar && request.functions.empty() && !request.prompt_only && !request.echo;
    request.receipt = wanted || (readable && span.keeps_content() && tracing_.receipt_text && repeatable);
    auto handle =
        model_->submit(span.in(context), std::move(request), std::make_shared<TracedSink>(account, std::move(sink), TracedSink::Receipts{wanted, readable}));
    if (!handle) account->refuse(handle.error());
    return handle;
  }
  Result<int> count_tokens(const Prompt& prompt) const override { return model_->count_tokens(prompt); }
  Result<std::vector<int32_t>> tokenize(std::string_view text, bool add_special) const override { return model_->tokenize(text, add_special); }
  Result<std::string> detokenize(const std::vector<int32_t>& ids) const override { return model_->detokenize(ids); }

 private:
  const std::shared_ptr<LanguageModel> model_;
  const Tracing tracing_;
  const std::shared_ptr<Meter> meter_;
};

class TracedEmbedder : public Embedder {
 public:
  TracedEmbedder(Embedder& embedder, Tracing tracing, std::shared_ptr<Meter> meter)
      : embedder_(embedder), tracing_(std::move(tracing)), meter_(std::move(meter)) {}
  const ModelInfo& info() const override { return embedder_.info(); }
  int tokens_max() const override { return embedder_.tokens_max(); }
  Result<int> count_tokens(std::string_view text) const override { return embedder_.count_tokens(text); }
  Status submit(const Context& context, EmbedRequest request, Done done) override {
    auto account = std::make_shared<Account>(context, info(), "embeddings", tracing_, meter_);
    Span& span = account->span();
    span.set("gen_ai.operation.name", "embeddings");
    span.set("gen_ai.provider.name", "strata");
    span.set("gen_ai.request.model", info().id);
    span.set("gen_ai.embeddings.dimension.count", info().dimensions);
    span.set("strata.texts", static_cast<int64_t>(request.texts.size()));
    auto refused = embedder_.submit(span.in(context), std::move(request), [account, done = std::move(done)](Result<std::vector<Embedding>> result) {
      Usage usage;
      if (result)
        for (auto& embedding : *result) usage.prompt_tokens += embedding.tokens;
      account->span().outcome(result);
      account->end(usage, !result);
      done(std::move(result));
    });
    if (!refused) account->refuse(refused.error());
    return refused;
  }

 private:
  Embedder& embedder_;
  const Tracing tracing_;
  const std::shared_ptr<Meter> meter_;
};

}  // namespace

std::shared_ptr<LanguageModel> traced(std::shared_ptr<LanguageModel> model, Tracing tracing, std::shared_ptr<Meter> meter) {
  return std::make_shared<TracedModel>(std::move(model), std::move(tracing), std::move(meter));
}

std::unique_ptr<Embedder> traced(Embedder& embedder, Tracing tracing, std::shared_ptr<Meter> meter) {
  return std::make_unique<TracedEmbedder>(embedder, std::move(tracing), std::move(meter));
}

}  // namespace strata::model
