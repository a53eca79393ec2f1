// POST /v1/completions: text or token ids in, text out; echo and log-probabilities as evaluation harnesses use them.
#include "app/api/api.h"
#include "app/api/generation.h"
#include "app/api/output_format.h"
#include "app/api/reply.h"
#include "app/api/rules.h"
#include "app/receipt.h"
#include "base/random.h"

namespace strata::api {

std::vector<Field> completion_fields() {
  std::vector<Field> fields = sampling_fields();
  auto add = [&](Field field) { fields.push_back(std::move(field)); };
  add({"prompt", Kind::kAny, "A string, or a list of token ids; or a list of one of either.", true});
  add({"max_tokens", Kind::kInteger, "Longest completion in tokens.", false, 0, 1'048'576, {}, Support::kSupported, {}, 16});
  add({"echo", Kind::kBoolean, "Give the prompt back in front, with its log-probabilities where asked for."});
  add({"logprobs", Kind::kInteger, "Log-probabilities of each token and of this many alternatives.", false, 0, 20});
  add({"response_format", Kind::kObject, "An extension, as in chat completions."});
  add({"best_of", Kind::kInteger, "", false, -1e300, 1e300, {}, Support::kUnsupported, {1}});
  add({"suffix", Kind::kString, "", false, -1e300, 1e300, {}, Support::kUnsupported, {""}});
  return fields;
}

namespace {

Result<std::vector<int32_t>> parse_ids(const Json::Array& items) {
  std::vector<int32_t> ids;
  for (auto& item : items) {
    TRY_ASSIGN(int64_t id, item.to_int("prompt"));
    if (id < 0 || id > INT32_MAX) return invalid_argument("prompt: token id " + std::to_string(id) + " is out of range", "prompt", "invalid_value");
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

Result<model::Prompt> parse_prompt(const Json& json) {
  if (auto* text = json.as_string()) return model::Prompt(*text);
  auto* items = json.as_array();
  if (!items || items->empty()) return invalid_argument("prompt: expected a string or a list of token ids", "prompt", "invalid_type");
  const Json& first = items->front();
  if (first.is_string() || first.is_array()) {
    if (items->size() > 1)
      return invalid_argument("prompt: several prompts in one request are not supported: send one request each", "prompt", "unsupported_parameter");
    return parse_prompt(first);
  }
  TRY_ASSIGN(auto ids, parse_ids(*items));
  return model::Prompt(std::move(ids));
}

struct CompletionHead {
  Json base;
  bool stream = false, include_usage = false, logprobs = false;
  std::vector<std::string> without_effect;
  std::shared_ptr<ProductCall> call;        // may be null
  std::optional<live::Terms> terms;
};

class CompletionSink : public model::Sink {
 public:
  CompletionSink(CompletionHead head, Context context, std::shared_ptr<http::Responder> responder)
      : base_(std::move(head.base)),
        stream_(head.stream),
        include_usage_(head.include_usage),
        logprobs_(head.logprobs),
        without_effect_(std::move(head.without_effect)),
        call_(std::move(head.call)),
        terms_(std::move(head.terms)),
        context_(std::move(context)),
        responder_(std::move(responder)),
        mask_(terms_) {}

  void on_token(const model::TokenEvent& event) override {
    std::string shown = mask_.feed(event.text);
    if (mask_.masks() && shown.empty()) return;
    if (!stream_ || terms_) text_ += shown;
    if (stream_) {
      Json lp = empty_logprobs();
      add_logprobs(lp, event);
      offset_ += event.text.size();
      write(choice(shown, logprobs_ ? std::move(lp) : Json(), nullptr));
      return;
    }
    add_logprobs(whole_logprobs_, event);
    offset_ += event.text.size();
  }

  void on_finish(const model::Finish& finish) override {
    if (call_) call_->tell(*base_["model"].as_string(), finish.usage);
    if (finish.reason == model::FinishReason::kError || finish.reason == model::FinishReason::kCancelled) return fail(finish.error);
    if (std::string held = mask_.rest(); !held.empty()) {
      text_ += held;
      if (stream_) write(choice(held, Json(), nullptr));
    }
    if (!stream_) {
      Json whole = choice(text_, logprobs_ ? whole_logprobs_ : Json(), Json(finish_reason(finish.reason)));
      add_strata(whole, finish);
      whole.set("usage", usage_json(finish.usage));
      return responder_->send(json_response(whole, without_effect_));
    }
    Json last = choice("", nullptr, Json(finish_reason(finish.reason)));
    add_strata(last, finish);
    write(last);
    if (include_usage_) {
      Json event = base_;
      event.set("choices", Json::array());
      event.set("usage", usage_json(finish.usage));
      write(event);
    }
    responder_->write("data: [DONE]\n\n");
    responder_->end();
  }

 private:
  void add_strata(Json& event, const model::Finish& finish) const {
    Json strata = terms_ ? terms_strata(*terms_, context_, text_, mask_) : Json::object();
    if (finish.receipt) strata.set("receipt", app::receipt_json(*finish.receipt));
    if (strata.size()) event.set("strata", std::move(strata));
  }
  static Json empty_logprobs() {
    return Json::object({{"tokens", Json::array()}, {"token_logprobs", Json::array()}, {"top_logprobs", Json::array()}, {"text_offset", Json::array()}});
  }
  // The first token of a prompt has no probability: null, as evaluation harnesses expect.
  void add_logprobs(Json& out, const model::TokenEvent& event) {
    if (!logprobs_) return;
    size_t offset = offset_;
    for (size_t i = 0; i < event.logprobs.size(); ++i) {
      const auto& token = event.logprobs[i];
      bool known = token.known;
      Json top = Json::object();
      if (i < event.top_logprobs.size())
        for (auto& other : event.top_logprobs[i]) top.set(other.bytes, other.logprob);
      out.find("tokens")->push(token.bytes);
      out.find("token_logprobs")->push(known ? Json(token.logprob) : Json());
      out.find("top_logprobs")->push(known ? std::move(top) : Json());
      out.find("text_offset")->push(offset);
      offset += token.bytes.size();
    }
  }
  Json choice(const std::string& text, Json logprobs, Json reason) const {
    Json event = base_;
    event.set("choices", Json::array({Json::object({{"text", text}, {"index", 0}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(reason)}})}));
    return event;
  }
  void write(const Json& event) {
    if (!begun_) {
      begun_ = true;
      responder_->begin_stream(sse_head(without_effect_));
    }
    if (!responder_->write(sse(event))) context_.cancel();
  }
  void fail(const Error& error) {
    if (call_) call_->fail(error);
    if (!begun_) return responder_->send(error_response(error));
    responder_->write(sse(error_json(error)));
    responder_->end();
  }

  Json base_;
  bool stream_, include_usage_, logprobs_;
  std::vector<std::string> without_effect_;
  std::shared_ptr<ProductCall> call_;
  const std::optional<live::Terms> terms_;
  Context context_;
  std::shared_ptr<http::Responder> responder_;
  TextMask mask_;
  bool begun_ = false;
  size_t offset_ = 0;
  std::string text_;
  Json whole_logprobs_ = empty_logprobs();
};

// A completion cites nothing, and token ids cannot be masked.
Result<std::optional<live::Terms>> completion_terms(const Services& services, const Context& context, ProductCall* call, const model::LanguageModel& model,
                                                    const Body& body, model::Prompt& prompt) {
  std::vector<std::string*> texts;
  if (auto* text = std::get_if<std::string>(&prompt)) texts.push_back(text);
  TRY_ASSIGN(auto terms, terms_of_call(services, context, call, &model, texts, nullptr));
  TRY(refuse_if_masked(terms, texts.empty(), "prompt"));
  TRY(refuse_if_masked(terms, body.has("logprobs"), "logprobs"));
  TRY(refuse_if_masked(terms, body.flag("receipt", false), "receipt"));
  return terms;
}

Status start_completion(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder,
                        std::shared_ptr<ProductCall> call) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  if (call) call->made_for(json);
  TRY_ASSIGN(Body body, Body::parse(completion_fields(), json));
  TRY_ASSIGN(auto model, services.models->find(body.text("model")));
  model::GenerateRequest wanted;
  TRY_ASSIGN(wanted.prompt, parse_prompt(body["prompt"]));
  TRY_ASSIGN(auto terms, completion_terms(services, context, call.get(), *model, body, wanted.prompt));
  TRY_ASSIGN(wanted.sampling, parse_sampling(body));
  TRY_ASSIGN(wanted.stop, parse_stop(body));
  wanted.priority = services.priority;
  wanted.max_tokens = static_cast<int>(body.integer("max_tokens", 16));
  wanted.prompt_only = wanted.max_tokens == 0;
  wanted.echo = body.flag("echo", false);
  if (wanted.max_tokens == 0 && !wanted.echo) return invalid_argument("max_tokens: 0 is only allowed with echo: true", "max_tokens", "invalid_value");
  wanted.ignore_eos = body.flag("ignore_eos", false);
  wanted.logprobs = body.has("logprobs");
  wanted.top_logprobs = static_cast<int>(body.integer("logprobs", 0));
  TRY_ASSIGN(OutputFormat format, parse_output_format(body["response_format"], "response_format", *model));
  wanted.grammar = std::move(format.grammar);
  wanted.response_format = std::move(format.response_format);
  TRY_ASSIGN(wanted.receipt, wants_receipt(body, *model));
  if (wanted.receipt && wanted.prompt_only)
    return invalid_argument("receipt: with max_tokens 0 nothing is generated that could be repeated: leave it out", "receipt", "invalid_value");
  CompletionHead head{.base = {},
                      .stream = body.flag("stream", false),
                      .include_usage = false,
                      .logprobs = wanted.logprobs,
                      .without_effect = body.without_effect(),
                      .call = std::move(call),
                      .terms = std::move(terms)};
  if (body.has("stream_options")) {
    TRY_ASSIGN(Body options,
               Body::parse({{"include_usage", Kind::kBoolean, ""}, {"include_obfuscation", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kNoEffect}},
                           body["stream_options"], "stream_options."));
    head.include_usage = options.flag("include_usage", false);
  }
  head.base = Json::object({{"id", make_id("cmpl")},
                            {"object", "text_completion"},
                            {"created", seconds_of(services.clock->unix_ms())},
                            {"model", model->info().id},
                            {"system_fingerprint", "strata"}});
  auto sink = std::make_shared<CompletionSink>(std::move(head), context, std::move(responder));
  TRY_ASSIGN(auto handle, model->submit(context, std::move(wanted), std::move(sink)));
  return {};
}

}  // namespace

CallHandler completion_handler() { return start_completion; }

void add_completion_routes(http::Server& server, Services& services) { route_call(server, services, "/v1/completions", true, start_completion); }

}  // namespace strata::api
