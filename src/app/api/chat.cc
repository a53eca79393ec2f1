// POST /v1/chat/completions: the local engine or a provider; with the file_search tool, a grounded answer.
#include "app/api/answers.h"
#include "app/api/api.h"
#include "app/api/cache.h"
#include "app/api/chat_writer.h"
#include "app/api/generation.h"
#include "app/api/output_format.h"
#include "app/api/reply.h"
#include "app/api/rules.h"
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
  add({"tools", Kind::kArray, "Functions that the model may call; or, an extension, one file_search tool that makes this a grounded answer.", false, 0, 128});
  add({"tool_choice", Kind::kAny, "auto, none, required, or one function by name."});
  add({"parallel_tool_calls", Kind::kBoolean, "Several calls in one answer.", false, -1e300, 1e300, {}, Support::kSupported, {}, true});
  add({"response_format", Kind::kObject, "text, json_object, json_schema (enforced); extensions: regex, choice, grammar (GBNF)."});
  add(cache_field());
  add({"store", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kUnsupported, {false}});
  add({"modalities", Kind::kArray, "", false, -1e300, 1e300, {}, Support::kUnsupported, {Json::array({"text"})}});
  for (const char* name :
       {"audio", "functions", "function_call", "prediction", "reasoning_effort", "verbosity", "web_search_options", "moderation", "prompt_cache_retention"})
    add({name, Kind::kAny, "", false, -1e300, 1e300, {}, Support::kUnsupported});
  return fields;
}

namespace {

Result<ChatHead> parse_head(const Services& services, const Body& body, const model::LanguageModel& model) {
  ChatHead head;
  head.id = make_id("chatcmpl");
  head.model = model.info().id;
  head.created = seconds_of(services.clock->unix_ms());
  head.stream = body.flag("stream", false);
  head.logprobs = body.flag("logprobs", false);
  head.without_effect = body.without_effect();
  if (body.has("top_logprobs") && !head.logprobs) return invalid_argument("top_logprobs needs logprobs: true", "top_logprobs", "invalid_value");
  if (body.has("stream_options")) {
    if (!head.stream) return invalid_argument("stream_options is only allowed with stream: true", "stream_options", "invalid_value");
    TRY_ASSIGN(Body options,
               Body::parse({{"include_usage", Kind::kBoolean, ""}, {"include_obfuscation", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kNoEffect}},
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

// The search that answers: the request's, or where citations are a duty of the product, one of its own knowledge bases.
void search_where_due(const std::optional<live::Terms>& terms, std::vector<std::string> base_ids, std::optional<FileSearch>* search) {
  if (!terms || !terms->live.spec.requires_citations || *search) return;
  search->emplace();
  (*search)->base_ids = std::move(base_ids);
}

Status start_chat(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder,
                  std::shared_ptr<ProductCall> call) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  if (call) call->made_for(json);
  TRY_ASSIGN(Body body, Body::parse(chat_fields(), json));
  TRY_ASSIGN(auto model, services.models->find(body.text("model")));
  TRY_ASSIGN(auto messages, parse_messages(body["messages"], "messages"));
  TRY_ASSIGN(auto sampling, parse_sampling(body));
  TRY_ASSIGN(auto stop, parse_stop(body));
  TRY_ASSIGN(int max_tokens, parse_max_tokens(body));
  TRY_ASSIGN(auto search, parse_tools(body["tools"]));
  model::GenerateRequest wanted;
  TRY(parse_functions(body, false, wanted));
  TRY(check_results(messages));
  if (wanted.calling == model::GenerateRequest::Calling::kNone) search.reset();
  TRY_ASSIGN(ChatHead head, parse_head(services, body, *model));
  std::vector<std::string> base_ids = search ? search->base_ids : std::vector<std::string>();
  TRY_ASSIGN(auto terms, terms_of_call(services, context, call.get(), model.get(), texts_of(messages), &base_ids));
  search_where_due(terms, std::move(base_ids), &search);
  TRY(refuse_if_masked(terms, head.logprobs, "logprobs"));
  TRY(refuse_functions_where_bound(terms, search.has_value(), wanted));
  head.call = call;
  if (terms && search) head.product = terms_json(*terms);
  else head.plain_terms = terms;
  ChatWriter writer(std::move(head), context, std::move(responder), services.background);
  TRY_ASSIGN(OutputFormat format, parse_output_format(body["response_format"], "response_format", *model));
  TRY_ASSIGN(const bool receipt, wants_receipt(body, *model));
  TRY(refuse_if_masked(terms, receipt, "receipt"));
  TRY_ASSIGN(auto keeping, keeping_of(services, context, body, json, model->info()));
  if (keeping && (search || terms))
    return invalid_argument(std::string("cache: ") +
                                (search ? "a grounded answer is made from the documents of the moment" : "a product's live spec is applied to each answer") +
                                ": leave it out",
                            "cache", "invalid_value");
  if (search) {
    if (format.grammar || !format.response_format.is_null())
      return invalid_argument("response_format: a grounded answer quotes documents; ask without file_search", "response_format", "invalid_value");
    if (receipt) return invalid_argument("receipt: a grounded answer has none; ask without file_search", "receipt", "invalid_value");
    run_answer(services, context, std::move(model), answer_request(std::move(*search), std::move(messages), max_tokens, sampling),
               answer_sink(std::move(writer)), {}, std::move(terms));
    return {};
  }
  wanted.prompt = std::move(messages);
  wanted.priority = services.priority;
  wanted.max_tokens = max_tokens;
  wanted.sampling = std::move(sampling);
  wanted.stop = std::move(stop);
  wanted.ignore_eos = body.flag("ignore_eos", false);
  wanted.logprobs = body.flag("logprobs", false);
  wanted.top_logprobs = static_cast<int>(body.integer("top_logprobs", 0));
  wanted.receipt = receipt;
  wanted.grammar = std::move(format.grammar);
  wanted.response_format = std::move(format.response_format);
  if (keeping && answer_from_cache(services, context, *keeping, writer)) return {};
  auto sink = model_sink(std::move(writer));
  if (keeping) sink = keeping_sink(services, std::move(*keeping), model->info(), std::move(sink));
  TRY_ASSIGN(auto handle, model->submit(context, std::move(wanted), std::move(sink)));
  return {};
}

}  // namespace

CallHandler chat_handler() { return start_chat; }

void add_chat_routes(http::Server& server, Services& services) { route_call(server, services, "/v1/chat/completions", true, start_chat); }

}  // namespace strata::api
