#include "model/remote/protocol.h"

#include <algorithm>

#include "base/random.h"
#include "base/text.h"

namespace strata::remote {
namespace {

using model::TokenEvent;
using model::TokenLogprob;

constexpr size_t kWholeAnswerBytesMax = 16u << 20;
constexpr size_t kCallsMost = 1024;   // of one answer

// OpenAI's newest models take only the newer name; nearly everyone else only the older.
bool wants_new_limit_name(const std::string& base_url) { return base_url.rfind("https://api.openai.com", 0) == 0; }

void put_sampling(Json& body, const model::GenerateRequest& request) {
  const model::Sampling& sampling = request.sampling;
  body.set("temperature", sampling.temperature);   // always: servers have defaults of their own
  body.set("top_p", sampling.top_p);
  if (sampling.frequency_penalty != 0) body.set("frequency_penalty", sampling.frequency_penalty);
  if (sampling.presence_penalty != 0) body.set("presence_penalty", sampling.presence_penalty);
  if (sampling.top_k != 0) body.set("top_k", sampling.top_k);
  if (sampling.min_p != 0) body.set("min_p", sampling.min_p);
  if (sampling.repetition_penalty != 1) body.set("repetition_penalty", sampling.repetition_penalty);
  if (sampling.seed != 0) body.set("seed", sampling.seed & static_cast<uint64_t>(INT64_MAX));
  if (request.ignore_eos) body.set("ignore_eos", true);
  if (!sampling.logit_bias.empty()) {
    Json bias = Json::object();
    for (auto& [id, value] : sampling.logit_bias) bias.set(std::to_string(id), value);
    body.set("logit_bias", std::move(bias));
  }
  if (!request.stop.empty()) {
    Json stop = Json::array();
    for (auto& text : request.stop) stop.push(text);
    body.set("stop", std::move(stop));
  }
}

Json messages_json(const std::vector<model::Message>& messages) {
  Json out = Json::array();
  for (auto& message : messages) {
    Json item = Json::object({{"role", message.role}, {"content", message.content}});
    if (!message.name.empty()) item.set("name", message.name);
    if (!message.call_id.empty()) item.set("tool_call_id", message.call_id);
    if (!message.calls.empty()) {
      Json calls = Json::array();
      for (auto& call : message.calls)
        calls.push(Json::object({{"id", call.id}, {"type", "function"}, {"function", Json::object({{"name", call.name}, {"arguments", call.arguments}})}}));
      item.set("tool_calls", std::move(calls));
      if (message.content.empty()) item.set("content", nullptr);
    }
    out.push(std::move(item));
  }
  return out;
}

Json function_json(const model::Function& function) {
  Json out = Json::object({{"name", function.name}});
  if (!function.description.empty()) out.set("description", function.description);
  out.set("parameters", function.parameters);
  if (function.strict) out.set("strict", *function.strict);
  return Json::object({{"type", "function"}, {"function", std::move(out)}});
}

void put_functions(Json& body, const model::GenerateRequest& request) {
  using Calling = model::GenerateRequest::Calling;
  if (request.functions.empty()) return;
  Json tools = Json::array();
  for (auto& function : request.functions) tools.push(function_json(function));
  body.set("tools", std::move(tools));
  if (!request.function.empty()) body.set("tool_choice", Json::object({{"type", "function"}, {"function", Json::object({{"name", request.function}})}}));
  else if (request.calling != Calling::kAuto) body.set("tool_choice", request.calling == Calling::kNone ? "none" : "required");
  if (!request.parallel_calls) body.set("parallel_tool_calls", false);
}

std::string without_key(std::string text, const std::string& key) {
  if (key.empty()) return text;
  constexpr std::string_view kMask = "[key]";
  for (size_t at = 0; (at = text.find(key, at)) != std::string::npos; at += kMask.size()) text.replace(at, key.size(), kMask);
  return text;
}

std::string text_or_empty(const Json& json) { return json.as_string() ? *json.as_string() : ""; }
double number_or(const Json& json, double otherwise) { return json.is_number() ? *json.to_double("") : otherwise; }
int count_or_zero(const Json& json) {
  auto value = json.to_int("");
  return value ? static_cast<int>(std::clamp<int64_t>(*value, 0, INT32_MAX)) : 0;
}

// {"token": "a", "bytes": [97], "logprob": -0.1}
TokenLogprob chat_logprob(const Json& entry) {
  TokenLogprob out{.bytes = text_or_empty(entry["token"]), .logprob = number_or(entry["logprob"], 0)};
  if (auto* bytes = entry["bytes"].as_array()) {
    out.bytes.clear();
    for (auto& byte : *bytes) out.bytes += static_cast<char>(count_or_zero(byte));
  }
  return out;
}

void read_chat_logprobs(const Json& logprobs, TokenEvent* event) {
  auto* content = logprobs["content"].as_array();
  if (!content) return;
  for (auto& entry : *content) {
    event->logprobs.push_back(chat_logprob(entry));
    std::vector<TokenLogprob> top;
    if (auto* list = entry["top_logprobs"].as_array())
      for (auto& other : *list) top.push_back(chat_logprob(other));
    event->top_logprobs.push_back(std::move(top));
  }
}

// {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": [{"a": -0.1, "b": -3}]}
void read_text_logprobs(const Json& logprobs, TokenEvent* event) {
  auto* tokens = logprobs["tokens"].as_array();
  if (!tokens) return;
  auto* values = logprobs["token_logprobs"].as_array();
  auto* tops = logprobs["top_logprobs"].as_array();
  for (size_t i = 0; i < tokens->size(); ++i) {
    double value = values && i < values->size() ? number_or((*values)[i], 0) : 0;
    event->logprobs.push_back({.bytes = text_or_empty((*tokens)[i]), .logprob = value});
    std::vector<TokenLogprob> top;
    if (tops && i < tops->size() && (*tops)[i].as_object())
      for (auto& [token, logprob] : *(*tops)[i].as_object()) top.push_back({.bytes = token, .logprob = number_or(logprob, 0)});
    std::stable_sort(top.begin(), top.end(), [](auto& a, auto& b) { return a.logprob > b.logprob; });
    event->top_logprobs.push_back(std::move(top));
  }
}

Code code_of(int status) {
  switch (status) {
    case 400:
    case 404:
    case 405:
    case 413:
    case 415:
    case 422: break;
    case 401:
    case 402:
    case 403: return Code::kFailedPrecondition;
    case 408: return Code::kUnavailable;
    case 429: return Code::kResourceExhausted;
    default: return status >= 500 ? Code::kUnavailable : Code::kFailedPrecondition;
  }
  return status == 400 || status == 422 || status == 413 ? Code::kInvalidArgument : Code::kFailedPrecondition;
}

// Of {"error": {"message", "param", "code"}}, {"error": "text"}, {"message"}, {"detail"}, or anything.
Error error_from(Code code, const Json& body, std::string_view raw, const std::string& host, const std::string& key) {
  const Json& error = body["error"];
  std::string message = text_or_empty(error["message"]);
  for (auto* other : {&error, &body["message"], &body["detail"]})
    if (message.empty()) message = text_or_empty(*other);
  if (message.empty()) message = utf8_repaired(raw.substr(0, 300));
  if (message.empty()) message = "an error without a word";
  std::string reason = text_or_empty(error["code"]);
  if (reason.empty()) reason = text_or_empty(error["type"]);
  return {code, host + ": " + without_key(std::move(message), key), text_or_empty(error["param"]), std::move(reason)};
}

}  // namespace

Result<Call> make_call(const RemoteOptions& options, const model::GenerateRequest& request) {
  if (request.echo) return unimplemented("a remote model cannot echo its prompt", "echo");
  Json body = Json::object({{"model", options.model}});
  Call call{"/completions", ""};
  bool chat = false;
  if (auto* messages = std::get_if<std::vector<model::Message>>(&request.prompt)) {
    chat = true;
    call.path = "/chat/completions";
    body.set("messages", messages_json(*messages));
  } else if (auto* text = std::get_if<std::string>(&request.prompt)) {
    body.set("prompt", *text);
  } else {
    Json ids = Json::array();
    for (int32_t id : std::get<std::vector<int32_t>>(request.prompt)) ids.push(id);
    body.set("prompt", std::move(ids));
  }
  if (request.max_tokens > 0) body.set(chat && wants_new_limit_name(options.base_url) ? "max_completion_tokens" : "max_tokens", request.max_tokens);
  put_sampling(body, request);
  if (!request.response_format.is_null()) body.set("response_format", request.response_format);
  if (chat) put_functions(body, request);
  if (request.logprobs && chat) {
    body.set("logprobs", true);
    if (request.top_logprobs > 0) body.set("top_logprobs", request.top_logprobs);
  } else if (request.logprobs) {
    body.set("logprobs", request.top_logprobs);
  }
  body.set("stream", true);
  body.set("stream_options", Json::object({{"include_usage", true}}));
  call.body = body.dump();
  return call;
}

int estimate_tokens(const model::Prompt& prompt) {
  if (auto* ids = std::get_if<std::vector<int32_t>>(&prompt)) return static_cast<int>(ids->size());
  size_t bytes = 0, messages = 0;
  if (auto* text = std::get_if<std::string>(&prompt)) bytes = text->size();
  if (auto* list = std::get_if<std::vector<model::Message>>(&prompt)) {
    messages = list->size();
    for (auto& message : *list) {
      bytes += message.content.size() + message.name.size();
      for (auto& call : message.calls) bytes += call.name.size() + call.arguments.size();
    }
  }
  return static_cast<int>(std::min<size_t>((bytes + 3) / 4 + 4 * messages, INT32_MAX));
}

Error provider_error(int status, std::string_view body, const std::string& host, const std::string& key) {
  auto json = Json::parse(body);
  Error error = error_from(code_of(status), json ? *json : Json(), body, host, key);
  if (status == 401 || status == 403) error.reason = "provider_refused_key";
  if (status == 404 && error.reason.empty()) error.reason = "provider_not_found";
  if (error.reason.empty()) error.reason = "provider_status_" + std::to_string(status);
  return error;
}

Status AnswerReader::feed(std::string_view bytes) {
  if (kind_ == Kind::kUnknown) {
    size_t first = bytes.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    bytes.remove_prefix(first);
    kind_ = bytes[0] == '{' ? Kind::kWhole : Kind::kStream;
  }
  if (kind_ == Kind::kStream) return events_.feed(bytes, [this](std::string_view data) { return on_event(data); });
  if (whole_.size() + bytes.size() > kWholeAnswerBytesMax) return data_loss(host_ + ": the answer is too large");
  whole_ += bytes;
  return {};
}

Status AnswerReader::finish() {
  if (kind_ == Kind::kStream) TRY(events_.finish([this](std::string_view data) { return on_event(data); }));
  if (kind_ == Kind::kWhole) TRY(on_event(whole_));
  if (finished_ || done_) return {};
  Error error = unavailable(host_ + ": the answer ended before it was complete");
  error.reason = "broken";
  return error;
}

Status AnswerReader::on_event(std::string_view data) {
  if (done_) return {};
  if (trim(data) == "[DONE]") {
    done_ = true;
    return {};
  }
  auto chunk = Json::parse(data);
  if (!chunk) return data_loss(host_ + ": the answer holds something that is " + chunk.error().message);
  const Json& error = (*chunk)["error"];
  if (!error.is_null()) {
    int status = count_or_zero(error["code"]);   // vLLM and llama-server put the HTTP status here
    return error_from(status >= 400 ? code_of(status) : Code::kUnavailable, *chunk, data, host_, key_);
  }
  return on_chunk(*chunk);
}

// [{"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{"}}]; a whole answer gives no index. Some providers count from
// one, give every call the index 0, or give no id: here calls are counted from zero in the order in which they begin, and each has an id.
void AnswerReader::read_calls(const Json& calls, TokenEvent* event) {
  auto* list = calls.as_array();
  if (!list) return;
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& call = (*list)[i];
    const int theirs = call["index"].is_null() ? static_cast<int>(i) : count_or_zero(call["index"]);
    const std::string id = text_or_empty(call["id"]), name = text_or_empty(call["function"]["name"]);
    auto known = std::find_if(calls_.rbegin(), calls_.rend(), [&](auto& begun) { return begun.first == theirs; });
    model::CallDelta delta;
    delta.arguments = text_or_empty(call["function"]["arguments"]);
    if (known == calls_.rend() || (!id.empty() && !name.empty() && known->second != id)) {
      if (calls_.size() >= kCallsMost) continue;
      calls_.emplace_back(theirs, id.empty() ? make_id("call") : id);
      delta.index = static_cast<int>(calls_.size()) - 1;
      delta.id = calls_.back().second;
      delta.name = name;
    } else {
      delta.index = static_cast<int>(std::distance(known, calls_.rend())) - 1;
    }
    text_bytes_ += delta.arguments.size();
    event->calls.push_back(std::move(delta));
  }
}

Status AnswerReader::on_chunk(const Json& chunk) {
  if (chunk["usage"].is_object()) read_usage(chunk["usage"]);
  auto* choices = chunk["choices"].as_array();
  if (!choices || choices->empty()) return {};
  const Json& choice = choices->front();
  const Json& delta = choice["delta"].is_object() ? choice["delta"] : choice["message"];
  TokenEvent event;
  event.text = delta.is_object() ? text_or_empty(delta["content"]) + text_or_empty(delta["refusal"]) : text_or_empty(choice["text"]);
  read_chat_logprobs(choice["logprobs"], &event);
  if (event.logprobs.empty()) read_text_logprobs(choice["logprobs"], &event);
  event.ids.assign(event.logprobs.size(), -1);
  read_calls(delta["tool_calls"], &event);
  text_bytes_ += event.text.size();
  if (!event.text.empty() || !event.logprobs.empty() || !event.calls.empty()) on_token_(event);
  return read_finish(choice["finish_reason"]);
}

void AnswerReader::read_usage(const Json& usage) {
  usage_ = model::Usage{.prompt_tokens = count_or_zero(usage["prompt_tokens"]),
                        .cached_tokens = count_or_zero(usage["prompt_tokens_details"]["cached_tokens"]),
                        .completion_tokens = count_or_zero(usage["completion_tokens"])};
}

Status AnswerReader::read_finish(const Json& reason) {
  auto* text = reason.as_string();
  if (!text || text->empty()) return {};
  finished_ = true;
  if (*text == "length") reason_ = model::FinishReason::kLength;
  if (*text == "content_filter") return Error{Code::kFailedPrecondition, host_ + ": the provider's content filter ended the answer", "", "content_filter"};
  return {};
}

}  // namespace strata::remote
