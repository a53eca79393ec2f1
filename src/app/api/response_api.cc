// POST /v1/responses (minimal): text in, text out; with file_search, a grounded answer whose citations are annotations. Stored unless
// store is false, so that previous_response_id goes on with the conversation, also after a restart.
#include "app/api/answer_json.h"
#include "app/api/answers.h"
#include "app/api/api.h"
#include "app/api/generation.h"
#include "app/api/openapi.h"
#include "app/api/output_format.h"
#include "app/api/reply.h"
#include "app/api/rules.h"
#include "base/log.h"
#include "base/random.h"
#include "product/responses/responses.h"

namespace strata::api {

std::vector<Field> response_fields() {
  std::vector<Field> fields;
  for (Field& field : sampling_fields())
    if (field.name != "stop" && field.name != "n" && field.name != "logit_bias" && field.name != "stream_options" && field.name != "ignore_eos" &&
        field.name != "receipt")
      fields.push_back(std::move(field));
  auto add = [&](Field field) { fields.push_back(std::move(field)); };
  add({"input", Kind::kAny, "A text, or a list of messages.", true});
  add({"instructions", Kind::kString, "The system message of this turn alone."});
  add({"previous_response_id", Kind::kString, "Go on with that stored response's conversation."});
  add({"max_output_tokens", Kind::kInteger, "Longest output in tokens.", false, 1, 1'048'576});
  add({"tools", Kind::kArray, "Functions that the model may call; or one file_search tool.", false, 0, 128});
  add({"include", Kind::kArray, "'file_search_call.results' gives the passages found.", false, 0, 16});
  add({"store", Kind::kBoolean, "Keep the response.", false, -1e300, 1e300, {}, Support::kSupported, {}, true});
  add({"stream_options", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kNoEffect});
  add({"tool_choice", Kind::kAny, "auto, none, required, or one function by name."});
  add({"parallel_tool_calls", Kind::kBoolean, "Several calls in one answer.", false, -1e300, 1e300, {}, Support::kSupported, {}, true});
  add({"truncation", Kind::kString, "", false, -1e300, 1e300, {}, Support::kUnsupported, {"disabled"}});
  add({"text", Kind::kObject, "format: text, json_object or json_schema (enforced)."});
  add({"background", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kUnsupported, {false}});
  for (const char* name : {"reasoning", "prompt", "conversation", "max_tool_calls", "top_logprobs", "moderation", "prompt_cache_retention"})
    add({name, Kind::kAny, "", false, -1e300, 1e300, {}, Support::kUnsupported});
  return fields;
}

namespace {

struct Turn {
  std::string id, message_id, search_id, model, previous_id;
  int64_t created_ms = 0;
  bool stream = false, store = true, include_results = false, searched = false;
  Json instructions, tools = Json::array(), tool_choice = "auto";
  bool parallel_calls = true;
  std::vector<model::Message> input;       // this turn's
  std::vector<std::string> without_effect;
  std::shared_ptr<ProductCall> call;       // may be null
  std::optional<live::Terms> terms;        // of its product
};

// Builds the response object and its events, and keeps it.
class ResponseWriter {
 public:
  ResponseWriter(const Services& services, Turn turn, Context context, std::shared_ptr<http::Responder> responder)
      : services_(services),
        turn_(std::move(turn)),
        context_(std::move(context)),
        responder_(std::move(responder)),
        mask_(turn_.searched ? std::nullopt : turn_.terms) {}   // a grounded answer comes masked

  ProductCall* call() const { return turn_.call.get(); }
  const std::string& model() const { return turn_.model; }

  void text(const std::string& piece, const std::vector<answer::Citation>& citations) { put(mask_.feed(piece), citations); }

  void put(const std::string& text, const std::vector<answer::Citation>& citations) {
    if (!calls_.empty()) return;   // a provider's words after its calls: there is no place for them any more
    begin();
    begin_message();
    text_ += text;
    if (!text.empty()) event("response.output_text.delta", part_of(Json::object({{"delta", text}, {"logprobs", Json::array()}})));
    for (auto& citation : citations) {
      Json annotation = annotation_json(citation);
      event("response.output_text.annotation.added", part_of(Json::object({{"annotation_index", annotations_.size()}, {"annotation", annotation}})));
      annotations_.push_back(std::move(annotation));
    }
  }

  void calls(const std::vector<model::CallDelta>& deltas) {
    begin();
    if (message_begun_ && calls_.empty()) end_message("completed");
    for (const model::CallDelta& delta : deltas) {
      const size_t before = calls_.size();
      model::add_call(calls_, delta);
      if (calls_.size() > before) {
        if (before > 0) end_call(before - 1, "completed");
        call_ids_.push_back(make_id("fc"));
        event("response.output_item.added", Json::object({{"output_index", call_index(before)}, {"item", call_item(before, "in_progress")}}));
      }
      if (delta.arguments.empty()) continue;
      event("response.function_call_arguments.delta",
            Json::object({{"item_id", call_ids_.back()}, {"output_index", call_index(calls_.size() - 1)}, {"delta", delta.arguments}}));
    }
  }

  // `reason` is "length" where the output was cut.
  void done(std::string_view reason, const model::Usage& usage, const answer::Answer* answer) {
    const std::string held = mask_.rest();
    if (calls_.empty() || !held.empty()) put(held, {});
    begin();
    const bool cut = reason == "length";
    const std::string_view status = cut ? "incomplete" : "completed";
    if (calls_.empty()) end_message(status);
    else end_call(calls_.size() - 1, status);
    Json::Array output;
    if (turn_.searched) output.push_back(search_item(answer));
    if (message_begun_) output.push_back(message_item(calls_.empty() ? status : "completed"));
    for (size_t i = 0; i < calls_.size(); ++i) output.push_back(call_item(i, i + 1 == calls_.size() ? status : "completed"));
    Json response = object(cut ? "incomplete" : "completed", std::move(output), usage_of(usage));
    if (cut) response.set("incomplete_details", Json::object({{"reason", "max_output_tokens"}}));
    if (Json strata = strata_of(answer); !strata.is_null()) response.set("strata", std::move(strata));
    finish(std::move(response), cut);
  }

  void fail(const Error& error) {
    if (turn_.call) turn_.call->fail(error);
    if (!turn_.stream || !begun_) return responder_->send(error_response(error));
    Json response = object("failed", {}, nullptr);
    response.set("error", Json::object({{"code", "server_error"}, {"message", error.message}}));
    event("response.failed", Json::object({{"response", std::move(response)}}));
    responder_->end();
  }

 private:
  Json strata_of(const answer::Answer* answer) const {
    if (!answer) return turn_.terms ? terms_strata(*turn_.terms, context_, text_, mask_) : Json();
    Json strata = strata_object(*answer);
    if (turn_.terms) strata.set("spec", terms_json(*turn_.terms));
    return strata;
  }
  int message_index() const { return turn_.searched ? 1 : 0; }
  int call_index(size_t call) const { return message_index() + (message_begun_ ? 1 : 0) + static_cast<int>(call); }
  Json call_item(size_t i, std::string_view status) const {
    const bool begun = status == "in_progress";
    return Json::object({{"id", call_ids_[i]},
                         {"type", "function_call"},
                         {"status", status},
                         {"call_id", calls_[i].id},
                         {"name", calls_[i].name},
                         {"arguments", begun ? Json("") : Json(calls_[i].arguments)}});
  }
  void end_call(size_t i, std::string_view status) {
    event("response.function_call_arguments.done",
          Json::object({{"item_id", call_ids_[i]}, {"output_index", call_index(i)}, {"name", calls_[i].name}, {"arguments", calls_[i].arguments}}));
    event("response.output_item.done", Json::object({{"output_index", call_index(i)}, {"item", call_item(i, status)}}));
  }
  void begin_message() {
    if (std::exchange(message_begun_, true)) return;
    event("response.output_item.added", Json::object({{"output_index", message_index()}, {"item", message_item("in_progress")}}));
    event("response.content_part.added", part_of(Json::object({{"part", content_part()}})));
  }
  void end_message(std::string_view status) {
    event("response.output_text.done", part_of(Json::object({{"text", text_}, {"logprobs", Json::array()}})));
    event("response.content_part.done", part_of(Json::object({{"part", content_part()}})));
    event("response.output_item.done", Json::object({{"output_index", message_index()}, {"item", message_item(status)}}));
  }
  Json part_of(Json fields) const {
    Json out = Json::object({{"item_id", turn_.message_id}, {"output_index", message_index()}, {"content_index", 0}});
    for (auto& [key, value] : *fields.as_object()) out.set(key, std::move(value));
    return out;
  }
  Json content_part() const {
    return Json::object({{"type", "output_text"}, {"text", text_}, {"annotations", Json(annotations_)}, {"logprobs", Json::array()}});
  }
  Json message_item(std::string_view status) const {
    Json content = status == "in_progress" ? Json::array() : Json::array({content_part()});
    return Json::object({{"id", turn_.message_id}, {"type", "message"}, {"status", status}, {"role", "assistant"}, {"content", std::move(content)}});
  }
  Json search_item(const answer::Answer* answer) const {
    Json queries = Json::array(), results = Json::array();
    if (answer) {
      for (auto& query : answer->found.queries) queries.push(query);
      for (auto& hit : answer->found.hits)
        results.push(Json::object({{"file_id", hit.chunk.file_id},
                                   {"filename", hit.filename},
                                   {"score", hit.scores.final_score},
                                   {"text", hit.chunk.text},
                                   {"attributes", attributes_json(hit.attributes)}}));
    }
    return Json::object({{"id", turn_.search_id},
                         {"type", "file_search_call"},
                         {"status", answer ? "completed" : "in_progress"},
                         {"queries", std::move(queries)},
                         {"results", turn_.include_results && answer ? std::move(results) : Json()}});
  }
  static Json usage_of(const model::Usage& usage) {
    return Json::object({{"input_tokens", usage.prompt_tokens},
                         {"input_tokens_details", Json::object({{"cached_tokens", usage.cached_tokens}})},
                         {"output_tokens", usage.completion_tokens},
                         {"output_tokens_details", Json::object({{"reasoning_tokens", 0}})},
                         {"total_tokens", usage.prompt_tokens + usage.completion_tokens}});
  }
  Json object(std::string_view status, Json::Array output, Json usage) const {
    return Json::object({{"id", turn_.id},
                         {"object", "response"},
                         {"created_at", seconds_of(turn_.created_ms)},
                         {"status", status},
                         {"error", nullptr},
                         {"incomplete_details", nullptr},
                         {"instructions", turn_.instructions},
                         {"metadata", Json::object()},
                         {"model", turn_.model},
                         {"output", Json(std::move(output))},
                         {"parallel_tool_calls", turn_.parallel_calls},
                         {"previous_response_id", turn_.previous_id.empty() ? Json() : Json(turn_.previous_id)},
                         {"store", turn_.store},
                         {"temperature", nullptr},
                         {"tool_choice", turn_.tool_choice},
                         {"tools", turn_.tools},
                         {"top_p", nullptr},
                         {"usage", std::move(usage)}});
  }
  void event(const std::string& type, Json fields) {
    if (!turn_.stream) return;
    Json json = Json::object({{"type", type}, {"sequence_number", sequence_++}});
    for (auto& [key, value] : *fields.as_object()) json.set(key, std::move(value));
    if (!responder_->write(sse(json, type))) context_.cancel();
  }
  void begin() {
    if (begun_) return;
    begun_ = true;
    if (!turn_.stream) return;
    responder_->begin_stream(sse_head(turn_.without_effect));
    event("response.created", Json::object({{"response", object("in_progress", {}, nullptr)}}));
    event("response.in_progress", Json::object({{"response", object("in_progress", {}, nullptr)}}));
    if (turn_.searched) event("response.output_item.added", Json::object({{"output_index", 0}, {"item", search_item(nullptr)}}));
  }
  // The engine's thread must not wait for the disk: storing and the last event run on the background thread.
  void finish(Json response, bool cut);

  const Services& services_;
  Turn turn_;
  Context context_;
  std::shared_ptr<http::Responder> responder_;
  TextMask mask_;
  bool begun_ = false, message_begun_ = false;
  int sequence_ = 0;
  std::string text_;
  std::vector<model::FunctionCall> calls_;
  std::vector<std::string> call_ids_;      // of the output items
  Json::Array annotations_;
};

void ResponseWriter::finish(Json response, bool cut) {
  auto complete = [services = &services_, turn = turn_, text = text_, context = context_, responder = responder_, sequence = sequence_, cut,
                   response = std::move(response)]() mutable {
    if (turn.store) {
      responses::Stored stored{turn.id, turn.previous_id, response, turn.input, text, turn.created_ms};
      // Acknowledged even to a client that left meanwhile: the context that stores is not the request's.
      if (auto status = services->responses->put(Context::background(*services->clock), stored); !status) {
        log::error("response.not_stored", {{"id", turn.id}, {"message", status.error().message}});
        if (!turn.stream) return responder->send(error_response(status.error()));
        response.set("store", false);
      }
    }
    if (!turn.stream) return responder->send(json_response(response, turn.without_effect));
    std::string type = cut ? "response.incomplete" : "response.completed";
    responder->write(sse(Json::object({{"type", type}, {"sequence_number", sequence}, {"response", std::move(response)}}), type));
    responder->end();
  };
  services_.background(std::move(complete));
}

class ModelSink : public model::Sink {
 public:
  explicit ModelSink(ResponseWriter writer) : writer_(std::move(writer)) {}
  void on_token(const model::TokenEvent& event) override {
    if (!event.text.empty()) writer_.text(event.text, {});
    if (!event.calls.empty()) writer_.calls(event.calls);
  }
  void on_finish(const model::Finish& finish) override {
    if (auto* call = writer_.call()) call->tell(writer_.model(), finish.usage);
    if (finish.reason == model::FinishReason::kError || finish.reason == model::FinishReason::kCancelled) writer_.fail(finish.error);
    else writer_.done(finish_reason(finish.reason), finish.usage, nullptr);
  }

 private:
  ResponseWriter writer_;
};

class AnswerSink : public answer::Sink {
 public:
  explicit AnswerSink(ResponseWriter writer) : writer_(std::move(writer)) {}
  void on_text(const std::string& text, const std::vector<answer::Citation>& citations) override { writer_.text(text, citations); }
  void on_done(Result<answer::Answer> answer) override {
    if (!answer) return writer_.fail(answer.error());
    if (auto* call = writer_.call()) call->tell(*answer);
    writer_.done("stop", answer->usage, &*answer);
  }

 private:
  ResponseWriter writer_;
};

// An output item that comes back holds a null for every field that its SDK knows.
Json without_nulls(const Json& item) {
  const auto* members = item.as_object();
  if (!members) return item;
  Json out = Json::object();
  for (auto& [name, value] : *members)
    if (!value.is_null()) out.set(name, value);
  return out;
}

// Messages, and between them calls of functions and their results. Calls that follow one another, and a message before them, are one turn.
Result<std::vector<model::Message>> parse_items(const Json& input) {
  const auto* items = input.as_array();
  if (!items || items->empty()) return invalid_argument("input: expected a text or a list of at least one message", "input", "invalid_value");
  std::vector<model::Message> out;
  for (size_t i = 0; i < items->size(); ++i) {
    const Json item = without_nulls((*items)[i]);
    const std::string at = "input[" + std::to_string(i) + "]";
    if (item["type"] == Json("function_call")) {
      TRY_ASSIGN(Body call, Body::parse({{"type", Kind::kString, ""},
                                         {"id", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                         {"status", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                         {"parsed_arguments", Kind::kAny, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                         {"call_id", Kind::kString, "", true, 1, 256},
                                         {"name", Kind::kString, "", true, 1, 64},
                                         {"arguments", Kind::kString, "", true}},
                                        item, at + "."));
      if (out.empty() || out.back().role != "assistant") out.push_back({"assistant", "", ""});
      out.back().calls.push_back({call.text("call_id"), call.text("name"), call.text("arguments")});
    } else if (item["type"] == Json("function_call_output")) {
      TRY_ASSIGN(Body result, Body::parse({{"type", Kind::kString, ""},
                                           {"id", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                           {"status", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                           {"call_id", Kind::kString, "", true, 1, 256},
                                           {"output", Kind::kString, "", true}},
                                          item, at + "."));
      model::Message message{"tool", result.text("output"), ""};
      message.call_id = result.text("call_id");
      out.push_back(std::move(message));
    } else {
      auto one = parse_messages(Json::array({item}), "input");
      if (!one) {   // its path counts from this one
        const size_t zero = one.error().message.find("input[0]");
        if (zero != std::string::npos) one.error().message.replace(zero, 8, at);
        if (one.error().param.starts_with("input[0]")) one.error().param.replace(0, 8, at);
        return one.error();
      }
      out.push_back(std::move(one->front()));
    }
  }
  return out;
}

Result<Turn> parse_turn(const Services& services, const Body& body, const model::LanguageModel& model) {
  Turn turn;
  turn.id = make_id("resp");
  turn.message_id = make_id("msg");
  turn.search_id = make_id("fs");
  turn.model = model.info().id;
  turn.previous_id = body.text("previous_response_id");
  turn.created_ms = services.clock->unix_ms();
  turn.stream = body.flag("stream", false);
  turn.store = body.flag("store", true);
  if (body.has("instructions")) turn.instructions = body["instructions"];
  if (auto* text = body["input"].as_string()) {
    turn.input.push_back({"user", *text, ""});
  } else {
    TRY_ASSIGN(turn.input, parse_items(body["input"]));
  }
  if (body.has("include"))
    for (auto& item : *body["include"].as_array()) {
      TRY_ASSIGN(std::string name, item.to_string("include"));
      if (name != "file_search_call.results")
        return invalid_argument("include: expected 'file_search_call.results', got '" + name + "'", "include", "unsupported_parameter");
      turn.include_results = true;
    }
  turn.without_effect = body.without_effect();
  return turn;
}

// What the turn's product asks: texts are masked before they are stored or shown, and a duty to cite makes this a search.
Result<std::optional<live::Terms>> turn_terms(const Services& services, const Context& context, ProductCall* call, const model::LanguageModel& model,
                                              Turn& turn, std::vector<model::Message>& conversation, std::optional<FileSearch>& search) {
  std::vector<std::string*> texts = texts_of(conversation);
  for (std::string* text : texts_of(turn.input)) texts.push_back(text);
  std::string instructions = turn.instructions.as_string() ? *turn.instructions.as_string() : "";
  texts.push_back(&instructions);
  std::vector<std::string> base_ids = search ? search->base_ids : std::vector<std::string>();
  TRY_ASSIGN(auto terms, terms_of_call(services, context, call, &model, texts, &base_ids));
  if (terms && turn.instructions.is_string()) turn.instructions = instructions;
  if (terms && terms->live.spec.requires_citations && !search) {
    search.emplace();
    search->base_ids = std::move(base_ids);
  }
  return terms;
}

Status start_response(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder,
                      std::shared_ptr<ProductCall> call) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  if (call) call->made_for(json);
  TRY_ASSIGN(Body body, Body::parse(response_fields(), json));
  TRY_ASSIGN(auto model, services.models->find(body.text("model")));
  TRY_ASSIGN(auto sampling, parse_sampling(body));
  TRY_ASSIGN(auto search, parse_tools(body["tools"]));
  TRY_ASSIGN(Turn turn, parse_turn(services, body, *model));
  model::GenerateRequest functions;
  TRY(parse_functions(body, true, functions));
  if (body.has("tools")) turn.tools = body["tools"];
  if (body.has("tool_choice")) turn.tool_choice = body["tool_choice"];
  turn.parallel_calls = functions.parallel_calls;
  if (functions.calling == model::GenerateRequest::Calling::kNone) search.reset();
  std::vector<model::Message> conversation;
  if (body.has("instructions")) conversation.push_back({"system", body.text("instructions"), ""});
  if (!turn.previous_id.empty()) {
    auto earlier = services.responses->conversation(context, turn.previous_id);
    if (!earlier) {
      earlier.error().param = "previous_response_id";
      earlier.error().reason = "previous_response_not_found";
      return earlier.error();
    }
    conversation.insert(conversation.end(), earlier->begin(), earlier->end());
  }
  conversation.insert(conversation.end(), turn.input.begin(), turn.input.end());
  TRY(check_results(conversation));
  TRY_ASSIGN(turn.terms, turn_terms(services, context, call.get(), *model, turn, conversation, search));
  turn.call = std::move(call);
  turn.searched = search.has_value();
  TRY(refuse_functions_where_bound(turn.terms, turn.searched, functions));
  int max_tokens = static_cast<int>(body.integer("max_output_tokens", 0));
  OutputFormat format;
  if (body.has("text")) {
    TRY_ASSIGN(Body text,
               Body::parse({{"format", Kind::kObject, ""}, {"verbosity", Kind::kString, "", false, -1e300, 1e300, {}, Support::kUnsupported, {"medium"}}},
                           body["text"], "text."));
    TRY_ASSIGN(format, parse_text_format(text["format"], *model));
    if (search && (format.grammar || !format.response_format.is_null()))
      return invalid_argument("text.format: a grounded answer quotes documents; ask without file_search", "text.format", "invalid_value");
  }
  std::optional<live::Terms> terms = turn.terms;
  ResponseWriter writer(services, std::move(turn), context, std::move(responder));
  if (search) {
    run_answer(services, context, std::move(model), answer_request(std::move(*search), std::move(conversation), max_tokens, sampling),
               std::make_shared<AnswerSink>(std::move(writer)), {}, std::move(terms));
    return {};
  }
  model::GenerateRequest wanted = std::move(functions);
  wanted.prompt = std::move(conversation);
  wanted.priority = services.priority;
  wanted.max_tokens = max_tokens;
  wanted.sampling = std::move(sampling);
  wanted.grammar = std::move(format.grammar);
  wanted.response_format = std::move(format.response_format);
  auto handle = model->submit(context, std::move(wanted), std::make_shared<ModelSink>(std::move(writer)));
  if (handle) return {};
  // Here a function stands in its tool, not in an object of its own.
  if (size_t at = handle.error().message.find("].function.parameters"); at != std::string::npos) handle.error().message.erase(at + 1, 9);
  return handle.error();
}

Result<Json> get_response(const Services& services, const Context& context, const std::string& id) {
  TRY_ASSIGN(auto stored, services.responses->get(context, id));
  return std::move(stored.response);
}

Result<Json> remove_response(const Services& services, const Context& context, const std::string& id) {
  TRY(services.responses->remove(context, id));
  return Json::object({{"id", id}, {"object", "response"}, {"deleted", true}});
}

}  // namespace

CallHandler response_handler() { return start_response; }

void add_response_routes(http::Server& server, Services& services) {
  route_call(server, services, "/v1/responses", true, start_response);
  server.route("GET", "/v1/responses/{}", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    send(*responder, get_response(services, context, request.captures[0]));
  });
  server.route("DELETE", "/v1/responses/{}", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    send(*responder, remove_response(services, context, request.captures[0]));
  });
}

}  // namespace strata::api
