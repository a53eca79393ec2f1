#include "app/api/chat_writer.h"

#include "app/api/answer_json.h"
#include "app/api/generation.h"
#include "app/api/reply.h"
#include "app/receipt.h"

namespace strata::api {
namespace {

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

class ModelSink : public model::Sink {
 public:
  explicit ModelSink(ChatWriter writer) : writer_(std::move(writer)) {}
  void on_token(const model::TokenEvent& event) override {
    if (!event.text.empty() || (event.calls.empty() && !event.logprobs.empty())) writer_.text(event.text, logprobs_json(event), {});
    if (!event.calls.empty()) writer_.calls(event.calls);
  }
  void on_finish(const model::Finish& finish) override {
    if (auto* call = writer_.call()) call->tell(writer_.model(), finish.usage);
    if (finish.reason == model::FinishReason::kError || finish.reason == model::FinishReason::kCancelled) writer_.fail(finish.error);
    else writer_.done(finish_reason(finish.reason), finish.usage, finish.receipt ? Json::object({{"receipt", app::receipt_json(*finish.receipt)}}) : Json());
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
    if (!answer) return writer_.fail(answer.error());
    if (auto* call = writer_.call()) call->tell(*answer);
    writer_.done("stop", answer->usage, strata_object(*answer));
  }

 private:
  ChatWriter writer_;
};

}  // namespace

ChatWriter::ChatWriter(ChatHead head, Context context, std::shared_ptr<http::Responder> responder, Background background, Keep keep)
    : head_(std::move(head)),
      context_(std::move(context)),
      responder_(std::move(responder)),
      background_(std::move(background)),
      keep_(std::move(keep)),
      mask_(head_.plain_terms) {}

void ChatWriter::text(const std::string& text, Json logprobs, Json::Array annotations) {
  std::string shown = mask_.feed(text);
  if (!shown.empty() || !mask_.masks()) put(shown, std::move(logprobs), std::move(annotations));
}

void ChatWriter::put(const std::string& text, Json logprobs, Json::Array annotations) {
  if (keep_ || !head_.stream || head_.plain_terms) text_ += text;
  if (!head_.stream) {
    for (auto& item : *logprobs.as_array()) logprobs_.push(std::move(item));
    for (auto& item : annotations) annotations_.push_back(std::move(item));
    return;
  }
  Json delta = Json::object({{"content", text}});
  if (!annotations.empty()) delta.set("annotations", Json(std::move(annotations)));
  Json lp = head_.logprobs ? Json::object({{"content", std::move(logprobs)}, {"refusal", nullptr}}) : Json();
  write(chunk(std::move(delta), std::move(lp), nullptr));
}

void ChatWriter::calls(const std::vector<model::CallDelta>& deltas) {
  Json list = Json::array();
  for (const model::CallDelta& delta : deltas) {
    model::add_call(calls_, delta);
    if (!head_.stream) continue;
    Json function = Json::object();
    if (!delta.name.empty()) function.set("name", delta.name);
    function.set("arguments", delta.arguments);
    Json entry = Json::object({{"index", delta.index}});
    if (!delta.id.empty()) entry.set("id", delta.id), entry.set("type", "function");
    entry.set("function", std::move(function));
    list.push(std::move(entry));
  }
  if (head_.stream) write(chunk(Json::object({{"tool_calls", std::move(list)}}), nullptr, nullptr));
}

void ChatWriter::done(std::string_view reason, const model::Usage& usage, Json strata) {
  if (std::string held = mask_.rest(); !held.empty()) put(held, Json::array(), {});
  if (head_.plain_terms) {
    Json rules = terms_strata(*head_.plain_terms, context_, text_, mask_);
    if (!strata.is_object()) strata = std::move(rules);
    else
      for (auto& [name, value] : *rules.as_object()) strata.set(name, value);
  } else if (strata.is_object() && !head_.product.is_null()) {
    strata.set("spec", head_.product);
  }
  if (!keep_) return end(reason, usage, std::move(strata));
  // Storing may block, and this may be the engine's thread.
  background_([writer = *this, reason = std::string(reason), usage, strata = std::move(strata)]() mutable {
    if (auto kept = writer.keep_(writer.text_, &strata); !kept) return writer.fail(kept.error());
    writer.end(reason, usage, std::move(strata));
  });
}

void ChatWriter::end(std::string_view reason, const model::Usage& usage, Json strata) {
  if (!calls_.empty() && reason == "stop") reason = "tool_calls";
  if (!head_.stream) return send_whole(reason, usage, std::move(strata));
  Json last = chunk(Json::object(), nullptr, Json(reason));
  if (!strata.is_null()) last.set("strata", std::move(strata));
  if (!head_.product.is_null()) last.set("spec", head_.product);
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

void ChatWriter::fail(const Error& error) {
  if (head_.call) head_.call->fail(error);
  if (!begun_) return responder_->send(error_response(error));
  responder_->write(sse(error_json(error)));
  responder_->end();
}

Json ChatWriter::base(std::string_view object) const {
  return Json::object({{"id", head_.id},
                       {"object", object},
                       {"created", head_.created},
                       {"model", head_.model},
                       {"system_fingerprint", "strata"},
                       {"service_tier", "default"}});
}

Json ChatWriter::chunk(Json delta, Json logprobs, Json reason) const {
  Json event = base("chat.completion.chunk");
  event.set("choices",
            Json::array({Json::object({{"index", 0}, {"delta", std::move(delta)}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(reason)}})}));
  if (head_.include_usage) event.set("usage", nullptr);
  return event;
}

void ChatWriter::begin() {
  begun_ = true;
  http::Response first = sse_head(head_.without_effect);
  first.headers.insert(first.headers.end(), head_.headers.begin(), head_.headers.end());
  first.body = sse(chunk(Json::object({{"role", "assistant"}, {"content", calls_.empty() ? Json("") : Json()}}), nullptr, nullptr));
  responder_->begin_stream(std::move(first));
}

void ChatWriter::write(const Json& event) {
  if (!begun_) begin();
  if (!responder_->write(sse(event))) context_.cancel();
}

void ChatWriter::send_whole(std::string_view reason, const model::Usage& usage, Json strata) {
  Json message = Json::object(
      {{"role", "assistant"}, {"content", calls_.empty() || !text_.empty() ? Json(text_) : Json()}, {"refusal", nullptr}, {"annotations", Json(annotations_)}});
  if (!calls_.empty()) {
    Json list = Json::array();
    for (const model::FunctionCall& call : calls_)
      list.push(Json::object({{"id", call.id}, {"type", "function"}, {"function", Json::object({{"name", call.name}, {"arguments", call.arguments}})}}));
    message.set("tool_calls", std::move(list));
  }
  if (!strata.is_null()) message.set("strata", std::move(strata));
  Json whole = base("chat.completion");
  Json lp = head_.logprobs ? Json::object({{"content", std::move(logprobs_)}, {"refusal", nullptr}}) : Json();
  whole.set("choices", Json::array({Json::object({{"index", 0}, {"message", std::move(message)}, {"logprobs", std::move(lp)}, {"finish_reason", reason}})}));
  whole.set("usage", usage_json(usage));
  responder_->send(json_response(whole, head_.without_effect));
}

std::shared_ptr<model::Sink> model_sink(ChatWriter writer) { return std::make_shared<ModelSink>(std::move(writer)); }
std::shared_ptr<answer::Sink> answer_sink(ChatWriter writer) { return std::make_shared<AnswerSink>(std::move(writer)); }

}  // namespace strata::api
