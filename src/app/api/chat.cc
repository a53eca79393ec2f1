// POST /v1/chat/completions: the local engine or a provider; with the file_search tool, a grounded answer.
#include "app/api/answer_json.h"
#include "app/api/answers.h"
#include "app/api/api.h"
#include "app/api/generation.h"
#include "app/api/reply.h"
#include "base/random.h"

namespace strata::api {

std::vector<Field> chat_fields() {
  std::vector<Field> fields = sampling_fields();
  auto add = [&](Field field) { fields.push_back(std::move(field)); };
  add({"messages", Kind::kArray, "The conversation.", true, 1, 2048});
  add({"max_completion_tokens", Kind::kInteger, "Longest answer in tokens.", false, 1, 1'048'576});
  add({"max_tokens", Kind::kInteger, "Older name of max_completion_tokens.", false, 1, 1'048'576});
  add({"logprobs", Kind::kBoolean, "Return log-probabilities of the output tokens."});
  add({"top_logprobs", Kind::kInteger, "And of the likeliest alternatives.", false, 0, 20});
  add({"tools", Kind::kArray, "An extension: one file_search tool makes this a grounded answer.", false, 0, 16});
  add({"tool_choice", Kind::kAny, "", false, -1e300, 1e300, {}, Support::kUnsupported, {"auto", "none"}});
  add({"parallel_tool_calls", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kNoEffect});
  add({"response_format", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kUnsupported, {Json::object({{"type", "text"}})}});
  add({"store", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kUnsupported, {false}});
  add({"modalities", Kind::kArray, "", false, -1e300, 1e300, {}, Support::kUnsupported, {Json::array({"text"})}});
  for (const char* name : {"audio", "functions", "function_call", "prediction", "reasoning_effort", "verbosity", "web_search_options", "moderation",
                           "prompt_cache_retention"})
    add({name, Kind::kAny, "", false, -1e300, 1e300, {}, Support::kUnsupported});
  return fields;
}

namespace {

struct Head {
  std::string id, model;
  int64_t created = 0;
  bool stream = false, include_usage = false, logprobs = false;
  std::vector<std::string> without_effect;
};

Json token_json(const model::TokenLogprob& token) {
  Json bytes = Json::array();
  for (unsigned char c : token.bytes) bytes.push(static_cast<int>(c));
  return Json::object({{"token", token.bytes}, {"logprob", token.logprob}, {"bytes", std::move(bytes)}});
}

Json logprobs_json(const model::TokenEvent& event) {
  Json content = Json::array();
  for (size_t i = 0; i < event.logprobs.size(); ++i) {
    Json token = token_json(event.logprobs[i]), top = Json::array();
    if (i < event.top_logprobs.size())
      for (auto& other : event.top_logprobs[i]) top.push(token_json(other));
    token.set("top_logprobs", std::move(top));
    content.push(std::move(token));
  }
  return content;
}

// Writes either one chat.completion or a stream of chunks.
class ChatWriter {
 public:
  ChatWriter(Head head, Context context, std::shared_ptr<http::Responder> responder)
      : head_(std::move(head)), context_(std::move(context)), responder_(std::move(responder)) {}

  void text(const std::string& text, Json logprobs, Json::Array annotations) {
    if (!head_.stream) {
      text_ += text;
      for (auto& item : *logprobs.as_array()) logprobs_.push(std::move(item));
      for (auto& item : annotations) annotations_.push_back(std::move(item));
      return;
    }
    Json delta = Json::object({{"content", text}});
    if (!annotations.empty()) delta.set("annotations", Json(std::move(annotations)));
    Json lp = head_.logprobs ? Json::object({{"content", std::move(logprobs)}, {"refusal", nullptr}}) : Json();
    write(chunk(std::move(delta), std::move(lp), nullptr));
  }

  void done(std::string_view reason, const model::Usage& usage, Json strata) {
    if (!head_.stream) return send_whole(reason, usage, std::move(strata));
    Json last = chunk(Json::object(), nullptr, Json(reason));
    if (!strata.is_null()) last.set("strata", std::move(strata));
    write(last);
    if (head_.include_usage) {
      Json event = base("chat.completion.chunk");
      event.set("choices", Json::array());
      event.set("usage", usage_json(usage));
      write(event);
    }
    responder_->write("data: [DONE]\n\n");
    responder_->end();
  }

  void fail(const Error& error) {
    if (!begun_) return responder_->send(error_response(error));
    responder_->write(sse(error_json(error)));
    responder_->end();
  }

 private:
  Json base(std::string_view object) const {
    return Json::object({{"id", head_.id}, {"object", object}, {"created", head_.created}, {"model", head_.model}, {"system_fingerprint", "strata"},
                         {"service_tier", "default"}});
  }
  Json chunk(Json delta, Json logprobs, Json reason) const {
    Json event = base("chat.completion.chunk");
    event.set("choices", Json::array({Json::object({{"index", 0}, {"delta", std::move(delta)}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(reason)}})}));
    if (head_.include_usage) event.set("usage", nullptr);
    return event;
  }
  void write(const Json& event) {
    if (!begun_) {
      begun_ = true;
      http::Response first = sse_head(head_.without_effect);
      first.body = sse(chunk(Json::object({{"role", "assistant"}, {"content", ""}}), nullptr, nullptr));
      responder_->begin_stream(std::move(first));
    }
    if (!responder_->write(sse(event))) context_.cancel();
  }
  void send_whole(std::string_view reason, const model::Usage& usage, Json strata) {
    Json message = Json::object({{"role", "assistant"}, {"content", text_}, {"refusal", nullptr}, {"annotations", Json(annotations_)}});
    if (!strata.is_null()) message.set("strata", std::move(strata));
    Json whole = base("chat.completion");
    Json lp = head_.logprobs ? Json::object({{"content", std::move(logprobs_)}, {"refusal", nullptr}}) : Json();
    whole.set("choices", Json::array({Json::object({{"index", 0}, {"message", std::move(message)}, {"logprobs", std::move(lp)}, {"finish_reason", reason}})}));
    whole.set("usage", usage_json(usage));
    responder_->send(json_response(whole, head_.without_effect));
  }

  Head head_;
  Context context_;
  std::shared_ptr<http::Responder> responder_;
  bool begun_ = false;
  std::string text_;
  Json logprobs_ = Json::array();
  Json::Array annotations_;
};

class ModelSink : public model::Sink {
 public:
  explicit ModelSink(ChatWriter writer) : writer_(std::move(writer)) {}
  void on_token(const model::TokenEvent& event) override { writer_.text(event.text, logprobs_json(event), {}); }
  void on_finish(const model::Finish& finish) override {
    if (finish.reason == model::FinishReason::kError || finish.reason == model::FinishReason::kCancelled) writer_.fail(finish.error);
    else writer_.done(finish_reason(finish.reason), finish.usage, nullptr);
  }

 private:
  ChatWriter writer_;
};

class AnswerSink : public answer::Sink {
 public:
  explicit AnswerSink(ChatWriter writer) : writer_(std::move(writer)) {}
  void on_text(const std::string& text, const std::vector<answer::Citation>& citations) override {
    Json::Array annotations;
    for (auto& citation : citations) annotations.push_back(annotation_json(citation));
    writer_.text(text, Json::array(), std::move(annotations));
  }
  void on_done(Result<answer::Answer> answer) override {
    if (!answer) writer_.fail(answer.error());
    else writer_.done("stop", answer->usage, strata_object(*answer));
  }

 private:
  ChatWriter writer_;
};

Result<Head> parse_head(const Services& services, const Body& body, const model::LanguageModel& model) {
  Head head;
  head.id = make_id("chatcmpl");
  head.model = model.info().id;
  head.created = seconds_of(services.clock->unix_ms());
  head.stream = body.flag("stream", false);
  head.logprobs = body.flag("logprobs", false);
  head.without_effect = body.without_effect();
  if (body.has("top_logprobs") && !head.logprobs)
    return invalid_argument("top_logprobs needs logprobs: true", "top_logprobs", "invalid_value");
  if (body.has("stream_options")) {
    if (!head.stream) return invalid_argument("stream_options is only allowed with stream: true", "stream_options", "invalid_value");
    TRY_ASSIGN(Body options, Body::parse({{"include_usage", Kind::kBoolean, ""},
                                          {"include_obfuscation", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kNoEffect}},
                                         body["stream_options"], "stream_options."));
    head.include_usage = options.flag("include_usage", false);
  }
  return head;
}

Result<int> parse_max_tokens(const Body& body) {
  if (body.has("max_tokens") && body.has("max_completion_tokens"))
    return invalid_argument("max_tokens and max_completion_tokens mean the same: give one", "max_tokens", "invalid_value");
  return static_cast<int>(body.integer("max_completion_tokens", body.integer("max_tokens", 0)));
}

Status start_chat(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(chat_fields(), json));
  TRY_ASSIGN(auto model, services.models->find(body.text("model")));
  TRY_ASSIGN(auto messages, parse_messages(body["messages"], "messages"));
  TRY_ASSIGN(auto sampling, parse_sampling(body));
  TRY_ASSIGN(auto stop, parse_stop(body));
  TRY_ASSIGN(int max_tokens, parse_max_tokens(body));
  TRY_ASSIGN(auto search, parse_tools(body["tools"]));
  TRY_ASSIGN(Head head, parse_head(services, body, *model));
  ChatWriter writer(std::move(head), context, std::move(responder));
  if (search) {
    answer::Request wanted;
    wanted.conversation = std::move(messages);
    wanted.base_ids = std::move(search->base_ids);
    wanted.mode = search->mode;
    wanted.retrieval = search->retrieval;
    wanted.generate = search->generate;
    if (max_tokens > 0) wanted.max_tokens = max_tokens;
    wanted.sampling = sampling;
    run_answer(services, context, std::move(model), std::move(wanted), std::make_shared<AnswerSink>(std::move(writer)));
    return {};
  }
  model::GenerateRequest wanted;
  wanted.prompt = std::move(messages);
  wanted.max_tokens = max_tokens;
  wanted.sampling = std::move(sampling);
  wanted.stop = std::move(stop);
  wanted.ignore_eos = body.flag("ignore_eos", false);
  wanted.logprobs = body.flag("logprobs", false);
  wanted.top_logprobs = static_cast<int>(body.integer("top_logprobs", 0));
  TRY_ASSIGN(auto handle, model->submit(context, std::move(wanted), std::make_shared<ModelSink>(std::move(writer))));
  return {};
}

}  // namespace

void add_chat_routes(http::Server& server, Services& services) {
  server.route("POST", "/v1/chat/completions", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    if (auto status = start_chat(services, context, request, responder); !status) responder->send(error_response(status.error()));
  });
}

}  // namespace strata::api
