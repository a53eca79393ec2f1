// POST /v1/completions: text or token ids in, text out; echo and log-probabilities as evaluation harnesses use them.
#include "app/api/api.h"
#include "app/api/generation.h"
#include "app/api/output_format.h"
#include "app/api/reply.h"
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

class CompletionSink : public model::Sink {
 public:
  CompletionSink(Json base, bool stream, bool include_usage, bool logprobs, std::vector<std::string> without_effect, Context context,
                 std::shared_ptr<http::Responder> responder)
      : base_(std::move(base)),
        stream_(stream),
        include_usage_(include_usage),
        logprobs_(logprobs),
        without_effect_(std::move(without_effect)),
        context_(std::move(context)),
        responder_(std::move(responder)) {}

  void on_token(const model::TokenEvent& event) override {
    if (stream_) {
      Json lp = empty_logprobs();
      add_logprobs(lp, event);
      offset_ += event.text.size();
      write(choice(event.text, logprobs_ ? std::move(lp) : Json(), nullptr));
      return;
    }
    add_logprobs(whole_logprobs_, event);
    offset_ += event.text.size();
    text_ += event.text;
  }

  void on_finish(const model::Finish& finish) override {
    if (finish.reason == model::FinishReason::kError || finish.reason == model::FinishReason::kCancelled) return fail(finish.error);
    if (!stream_) {
      Json whole = choice(text_, logprobs_ ? whole_logprobs_ : Json(), Json(finish_reason(finish.reason)));
      add_receipt(whole, finish);
      whole.set("usage", usage_json(finish.usage));
      return responder_->send(json_response(whole, without_effect_));
    }
    Json last = choice("", nullptr, Json(finish_reason(finish.reason)));
    add_receipt(last, finish);
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
  static void add_receipt(Json& event, const model::Finish& finish) {
    if (finish.receipt) event.set("strata", Json::object({{"receipt", app::receipt_json(*finish.receipt)}}));
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
    if (!begun_) return responder_->send(error_response(error));
    responder_->write(sse(error_json(error)));
    responder_->end();
  }

  Json base_;
  bool stream_, include_usage_, logprobs_;
  std::vector<std::string> without_effect_;
  Context context_;
  std::shared_ptr<http::Responder> responder_;
  bool begun_ = false;
  size_t offset_ = 0;
  std::string text_;
  Json whole_logprobs_ = empty_logprobs();
};

Status start_completion(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(completion_fields(), json));
  TRY_ASSIGN(auto model, services.models->find(body.text("model")));
  model::GenerateRequest wanted;
  TRY_ASSIGN(wanted.prompt, parse_prompt(body["prompt"]));
  TRY_ASSIGN(wanted.sampling, parse_sampling(body));
  TRY_ASSIGN(wanted.stop, parse_stop(body));
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
  bool stream = body.flag("stream", false), include_usage = false;
  if (body.has("stream_options")) {
    TRY_ASSIGN(Body options,
               Body::parse({{"include_usage", Kind::kBoolean, ""}, {"include_obfuscation", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kNoEffect}},
                           body["stream_options"], "stream_options."));
    include_usage = options.flag("include_usage", false);
  }
  Json base = Json::object({{"id", make_id("cmpl")},
                            {"object", "text_completion"},
                            {"created", seconds_of(services.clock->unix_ms())},
                            {"model", model->info().id},
                            {"system_fingerprint", "strata"}});
  auto sink = std::make_shared<CompletionSink>(std::move(base), stream, include_usage, wanted.logprobs, body.without_effect(), context, std::move(responder));
  TRY_ASSIGN(auto handle, model->submit(context, std::move(wanted), std::move(sink)));
  return {};
}

}  // namespace

void add_completion_routes(http::Server& server, Services& services) {
  server.route("POST", "/v1/completions", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    if (auto status = start_completion(services, context, request, responder); !status) responder->send(error_response(status.error()));
  });
}

}  // namespace strata::api
