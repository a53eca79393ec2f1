#include "app/api/generation.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "app/api/rules.h"
#include "base/random.h"
#include "base/text.h"

namespace strata::api {

std::vector<Field> sampling_fields() {
  Json none_tools = Json::array();
  return {
      {"model", Kind::kString, "Id of the model, as GET /v1/models lists it."},
      {"temperature", Kind::kNumber, "0 is greedy.", false, 0, 2, {}, Support::kSupported, {}, 1.0},
      {"top_p", Kind::kNumber, "Nucleus: smallest set of tokens with this probability.", false, 0, 1, {}, Support::kSupported, {}, 1.0},
      {"top_k", Kind::kInteger, "Only the k likeliest tokens; 0 is off.", false, 0, 1'000'000, {}, Support::kSupported, {}, 0},
      {"min_p", Kind::kNumber, "Only tokens at least this fraction as likely as the likeliest.", false, 0, 1, {}, Support::kSupported, {}, 0.0},
      {"frequency_penalty", Kind::kNumber, "Subtracted per earlier occurrence.", false, -2, 2, {}, Support::kSupported, {}, 0.0},
      {"presence_penalty", Kind::kNumber, "Subtracted once for a token that has occurred.", false, -2, 2, {}, Support::kSupported, {}, 0.0},
      {"repetition_penalty", Kind::kNumber, "Divides the logits of tokens seen; 1 is off.", false, 0.01, 10, {}, Support::kSupported, {}, 1.0},
      {"seed", Kind::kInteger, "The same seed and request give the same tokens."},
      {"stop", Kind::kAny, "A string, or up to 4 strings, before which the output ends."},
      {"logit_bias", Kind::kObject, "Token id → bias from -100 to 100."},
      {"stream", Kind::kBoolean, "Server-sent events.", false, -1e300, 1e300, {}, Support::kSupported, {}, false},
      {"stream_options", Kind::kObject, "include_usage: one more event with the usage."},
      {"ignore_eos", Kind::kBoolean, "Go on past the end-of-text token.", false, -1e300, 1e300, {}, Support::kSupported, {}, false},
      {"receipt",
       Kind::kBoolean,
       "An extension: strata.receipt says all that the output came from; `strata verify` replays it. Local models only.",
       false,
       -1e300,
       1e300,
       {},
       Support::kSupported,
       {},
       false},
      {"n", Kind::kInteger, "How many choices.", false, 1, 1, {}, Support::kUnsupported, {1}},
      {"user", Kind::kString, "The end user.", false, -1e300, 1e300, {}, Support::kNoEffect},
      {"safety_identifier", Kind::kString, "The end user.", false, -1e300, 1e300, {}, Support::kNoEffect},
      {"prompt_cache_key", Kind::kString, "A hint.", false, -1e300, 1e300, {}, Support::kNoEffect},
      {"metadata", Kind::kObject, "Kept by the caller.", false, -1e300, 1e300, {}, Support::kNoEffect},
      {"service_tier", Kind::kString, "Processing tier.", false, -1e300, 1e300, {}, Support::kUnsupported, {"auto", "default"}},
  };
}

Result<model::Sampling> parse_sampling(const Body& body) {
  model::Sampling sampling;
  sampling.temperature = body.number("temperature", 1.0);
  sampling.top_p = body.number("top_p", 1.0);
  sampling.top_k = static_cast<int>(body.integer("top_k", 0));
  sampling.min_p = body.number("min_p", 0);
  sampling.frequency_penalty = body.number("frequency_penalty", 0);
  sampling.presence_penalty = body.number("presence_penalty", 0);
  sampling.repetition_penalty = body.number("repetition_penalty", 1);
  sampling.seed = body.has("seed") ? static_cast<uint64_t>(body.integer("seed", 0)) : random_seed();
  if (!body.has("logit_bias")) return sampling;
  for (auto& [key, value] : *body["logit_bias"].as_object()) {
    std::string name = "logit_bias." + key;
    int32_t id = -1;
    auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failure != std::errc() || end != key.data() + key.size() || id < 0)
      return invalid_argument(name + ": expected a token id as key", name, "invalid_value");
    TRY_ASSIGN(double bias, value.to_double(name));
    if (bias < -100 || bias > 100) return invalid_argument(name + ": expected -100 to 100", name, "invalid_value");
    sampling.logit_bias[id] = bias;
  }
  return sampling;
}

Result<bool> wants_receipt(const Body& body, const model::LanguageModel& model) {
  const bool wanted = body.flag("receipt", false);
  if (wanted && model.info().remote)
    return invalid_argument("receipt: model " + model.info().id + " runs elsewhere; only models of this process give receipts", "receipt", "invalid_value");
  return wanted;
}

Result<std::vector<std::string>> parse_stop(const Body& body) {
  std::vector<std::string> stop;
  if (!body.has("stop")) return stop;
  const Json& json = body["stop"];
  if (auto* text = json.as_string()) stop.push_back(*text);
  else if (auto* items = json.as_array()) {
    for (auto& item : *items) {
      TRY_ASSIGN(std::string text, item.to_string("stop"));
      stop.push_back(std::move(text));
    }
  } else {
    return invalid_argument("stop: expected a string or a list of strings, got " + std::string(json.type_name()), "stop", "invalid_type");
  }
  if (stop.size() > 4) return invalid_argument("stop: expected at most 4 strings, got " + std::to_string(stop.size()), "stop", "invalid_value");
  for (auto& text : stop)
    if (text.empty() || text.size() > 1000) return invalid_argument("stop: each string needs 1 to 1000 bytes", "stop", "invalid_value");
  return stop;
}

namespace {

Result<std::string> parse_content(const Json& content, const std::string& where) {
  if (auto* text = content.as_string()) return *text;
  auto* parts = content.as_array();
  if (!parts) return invalid_argument(where + ": expected a string or a list of text parts, got " + std::string(content.type_name()), where, "invalid_type");
  std::string all;
  for (size_t i = 0; i < parts->size(); ++i) {
    std::string at = where + "[" + std::to_string(i) + "]";
    TRY_ASSIGN(std::string type, (*parts)[i]["type"].to_string(at + ".type"));
    if (type != "text" && type != "input_text" && type != "output_text")
      return invalid_argument(at + ".type: content of type '" + type + "' is not supported: this model reads text", at + ".type", "unsupported_content");
    TRY_ASSIGN(std::string text, (*parts)[i]["text"].to_string(at + ".text"));
    all += text;
  }
  return all;
}

Result<std::vector<model::FunctionCall>> parse_calls(const Json& list, const std::string& where) {
  std::vector<model::FunctionCall> out;
  const auto* items = list.as_array();
  for (size_t i = 0; items && i < items->size(); ++i) {
    const std::string at = where + "[" + std::to_string(i) + "]";
    TRY_ASSIGN(Body body, Body::parse({{"id", Kind::kString, "", true, 1, 256},
                                       {"type", Kind::kString, "", false, -1e300, 1e300, {"function"}},
                                       {"index", Kind::kInteger, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                       {"function", Kind::kObject, "", true}},
                                      (*items)[i], at + "."));
    TRY_ASSIGN(Body function, Body::parse({{"name", Kind::kString, "", true, 1, 64},
                                           {"arguments", Kind::kString, "", true},
                                           {"parsed_arguments", Kind::kAny, "", false, -1e300, 1e300, {}, Support::kNoEffect}},
                                          body["function"], at + ".function."));
    out.push_back({body.text("id"), function.text("name"), function.text("arguments")});
  }
  return out;
}

}  // namespace

Result<std::vector<model::Message>> parse_messages(const Json& messages, const std::string& where) {
  std::vector<model::Message> out;
  auto* items = messages.as_array();
  if (!items || items->empty()) return invalid_argument(where + ": expected a list of at least one message", where, "invalid_value");
  for (size_t i = 0; i < items->size(); ++i) {
    const Json& item = (*items)[i];
    std::string at = where + "[" + std::to_string(i) + "]";
    TRY_ASSIGN(Body body, Body::parse({{"role", Kind::kString, "", true, -1e300, 1e300, {"system", "developer", "user", "assistant", "tool"}},
                                       {"content", Kind::kAny, ""},
                                       {"name", Kind::kString, "", false, 0, 256},
                                       {"type", Kind::kString, "", false, -1e300, 1e300, {"message"}},
                                       {"id", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                       {"status", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                       {"annotations", Kind::kArray, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                       {"strata", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                       {"refusal", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
                                       {"audio", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kUnsupported},
                                       {"tool_calls", Kind::kArray, "", false, 0, 128},
                                       {"tool_call_id", Kind::kString, "", false, 1, 256},
                                       {"function_call", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kUnsupported}},
                                      item, at + "."));
    model::Message message;
    message.role = body.text("role");
    if (message.role == "developer") message.role = "system";
    message.name = body.text("name");
    TRY_ASSIGN(message.calls, parse_calls(body["tool_calls"], at + ".tool_calls"));
    message.call_id = body.text("tool_call_id");
    if (!message.calls.empty() && message.role != "assistant")
      return invalid_argument(at + ".tool_calls: only an assistant calls functions", at + ".tool_calls", "invalid_value");
    if ((message.role == "tool") != body.has("tool_call_id"))
      return invalid_argument(at + ".tool_call_id: a message of role 'tool' needs it, and no other has one", at + ".tool_call_id", "invalid_value");
    if (!body.has("content") && !message.calls.empty()) {
      out.push_back(std::move(message));
      continue;
    }
    if (!body.has("content")) return invalid_argument("missing required parameter '" + at + ".content'", at + ".content", "missing_required_parameter");
    TRY_ASSIGN(message.content, parse_content(body["content"], at + ".content"));
    out.push_back(std::move(message));
  }
  return out;
}

namespace {

Result<catalog::Attribute> parse_attribute(const Json& value, const std::string& where) {
  if (auto* text = value.as_string()) return catalog::Attribute(*text);
  if (auto* flag = value.as_bool()) return catalog::Attribute(*flag);
  if (value.is_number()) return catalog::Attribute(*value.to_double(where));
  return invalid_argument(where + ": expected a string, a number or a boolean, got " + std::string(value.type_name()), where, "invalid_type");
}

Status parse_compound(const Json& json, const std::string& where, int depth, retrieve::Filter& filter) {
  auto* parts = json["filters"].as_array();
  if (!parts || parts->empty()) return invalid_argument(where + ".filters: expected a list of at least one filter", where + ".filters", "invalid_value");
  for (size_t i = 0; i < parts->size(); ++i) {
    TRY_ASSIGN(retrieve::Filter part, parse_filter((*parts)[i], where + ".filters[" + std::to_string(i) + "]", depth + 1));
    filter.filters.push_back(std::move(part));
  }
  return {};
}

}  // namespace

Result<retrieve::Filter> parse_filter(const Json& json, const std::string& where, int depth) {
  using Op = retrieve::Filter::Op;
  static const std::vector<std::pair<std::string, Op>> kOps = {{"eq", Op::kEq},   {"ne", Op::kNe}, {"gt", Op::kGt},   {"gte", Op::kGte}, {"lt", Op::kLt},
                                                               {"lte", Op::kLte}, {"in", Op::kIn}, {"nin", Op::kNin}, {"and", Op::kAnd}, {"or", Op::kOr}};
  if (depth > 8) return invalid_argument(where + ": filters are nested deeper than 8 levels", where, "invalid_value");
  TRY_ASSIGN(std::string type, json["type"].to_string(where + ".type"));
  retrieve::Filter filter;
  auto op = std::find_if(kOps.begin(), kOps.end(), [&](auto& known) { return known.first == type; });
  if (op == kOps.end())
    return invalid_argument(where + ".type: expected eq, ne, gt, gte, lt, lte, in, nin, and, or; got '" + type + "'", where + ".type", "invalid_value");
  filter.op = op->second;
  if (filter.op == Op::kAnd || filter.op == Op::kOr) {
    TRY(parse_compound(json, where, depth, filter));
    return filter;
  }
  TRY_ASSIGN(filter.key, json["key"].to_string(where + ".key"));
  const Json& value = json["value"];
  bool many = filter.op == Op::kIn || filter.op == Op::kNin;
  if (many != value.is_array())
    return invalid_argument(where + ".value: " + type + (many ? " needs a list" : " needs one value"), where + ".value", "invalid_type");
  Json::Array values = many ? *value.as_array() : Json::Array{value};
  for (auto& item : values) {
    TRY_ASSIGN(catalog::Attribute attribute, parse_attribute(item, where + ".value"));
    filter.values.push_back(std::move(attribute));
  }
  return filter;
}

Status parse_ranking(const Json& json, const std::string& where, retrieve::Options& options) {
  TRY_ASSIGN(Body body, Body::parse({{"ranker", Kind::kString, "", false, -1e300, 1e300, {"auto", "none", "default-2024-11-15", "late-interaction"}},
                                     {"score_threshold", Kind::kNumber, "", false, 0, 1},
                                     {"mode", Kind::kString, "", false, -1e300, 1e300, {"hybrid", "keyword", "vector"}},
                                     {"fusion", Kind::kString, "", false, -1e300, 1e300, {"min_max", "rrf"}},
                                     {"vector_weight", Kind::kNumber, "", false, 0, 1},
                                     {"hybrid_search", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kUnsupported}},
                                    json, where + "."));
  if (std::string ranker = body.text("ranker", "auto"); ranker != "auto") options.rerank = ranker != "none";
  options.score_min = body.number("score_threshold", 0);
  std::string mode = body.text("mode", "hybrid");
  options.mode = mode == "keyword" ? retrieve::Mode::kKeyword : mode == "vector" ? retrieve::Mode::kVector : retrieve::Mode::kHybrid;
  options.fusion = body.text("fusion", "min_max") == "rrf" ? retrieve::Fusion::kRrf : retrieve::Fusion::kMinMax;
  options.vector_weight = body.number("vector_weight", options.vector_weight);
  return {};
}

Result<std::optional<FileSearch>> parse_tools(const Json& tools) {
  auto* items = tools.as_array();
  if (!items || items->empty()) return std::optional<FileSearch>();
  std::optional<FileSearch> found;
  for (size_t i = 0; i < items->size(); ++i) {
    std::string at = "tools[" + std::to_string(i) + "]";
    TRY_ASSIGN(std::string type, (*items)[i]["type"].to_string(at + ".type"));
    if (type == "function") continue;
    if (type != "file_search")
      return invalid_argument(at + ".type: expected 'function' or 'file_search', got '" + type + "': tools of that type are not supported here", at + ".type",
                              "unsupported_parameter");
    if (items->size() > 1)
      return invalid_argument("tools: file_search answers from documents by itself; give it alone, with all vector stores in it", "tools", "invalid_value");
    TRY_ASSIGN(Body body, Body::parse({{"type", Kind::kString, ""},
                                       {"vector_store_ids", Kind::kArray, "", true, 1, 16},
                                       {"max_num_results", Kind::kInteger, "", false, 1, 50},
                                       {"ranking_options", Kind::kObject, ""},
                                       {"filters", Kind::kObject, ""},
                                       {"mode", Kind::kString, "", false, -1e300, 1e300, {"quote_first", "classic"}},
                                       {"generate", Kind::kBoolean, ""}},
                                      (*items)[i], at + "."));
    FileSearch search;
    for (auto& id : *body["vector_store_ids"].as_array()) {
      TRY_ASSIGN(std::string text, id.to_string(at + ".vector_store_ids"));
      search.base_ids.push_back(std::move(text));
    }
    search.retrieval.results = static_cast<int>(body.integer("max_num_results", 10));
    if (body.has("ranking_options")) TRY(parse_ranking(body["ranking_options"], at + ".ranking_options", search.retrieval));
    if (body.has("filters")) {
      TRY_ASSIGN(retrieve::Filter filter, parse_filter(body["filters"], at + ".filters"));
      search.retrieval.filter = std::move(filter);
    }
    search.mode = body.text("mode", "quote_first") == "classic" ? answer::Mode::kClassic : answer::Mode::kQuoteFirst;
    search.generate = body.flag("generate", true);
    found = std::move(search);
  }
  return found;
}

namespace {

bool well_named(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; });
}

Result<model::Function> parse_function(const Json& described, const std::string& at) {
  TRY_ASSIGN(Body body, Body::parse({{"type", Kind::kString, ""},
                                     {"name", Kind::kString, "", true, 1, 64},
                                     {"description", Kind::kString, "", false, 0, 16'384},
                                     {"parameters", Kind::kObject, ""},
                                     {"strict", Kind::kBoolean, ""}},
                                    described, at + "."));
  model::Function out{body.text("name"), body.text("description"), body.has("parameters") ? body["parameters"] : Json()};
  if (body.has("strict")) out.strict = body.flag("strict", false);
  if (!well_named(out.name))
    return invalid_argument(at + ".name: expected letters, digits, '_', '-' and '.', got '" + out.name + "'", at + ".name", "invalid_value");
  if (out.parameters.is_null()) out.parameters = Json::object({{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}});
  if (out.parameters.find("type") && out.parameters["type"] != Json("object"))
    return invalid_argument(at + ".parameters.type: expected 'object'", at + ".parameters", "invalid_function_parameters");
  out.parameters.set("type", "object");
  return out;
}

Status parse_choice(const Json& choice, bool flat, bool searches, model::GenerateRequest& wanted) {
  using Calling = model::GenerateRequest::Calling;
  const auto* word = choice.as_string();
  if (choice.is_null() || (word && *word == "auto")) return {};
  if (searches && ((word && *word == "required") || choice["type"] == Json("file_search"))) return {};   // a grounded answer always searches
  if (word && (*word == "none" || *word == "required")) {
    wanted.calling = *word == "none" ? Calling::kNone : Calling::kRequired;
    if (*word == "required" && wanted.functions.empty())
      return invalid_argument("tool_choice: 'required' needs at least one function in tools", "tool_choice", "invalid_value");
    return {};
  }
  const auto* name = flat ? choice["name"].as_string() : choice["function"]["name"].as_string();
  if (!name || choice["type"] != Json("function"))
    return invalid_argument(std::string("tool_choice: expected 'auto', 'none', 'required' or ") +
                                (flat ? R"({"type": "function", "name": …})" : R"({"type": "function", "function": {"name": …}})"),
                            "tool_choice", "invalid_value");
  std::vector<std::string_view> names;
  for (const model::Function& function : wanted.functions) names.push_back(function.name);
  if (std::find(names.begin(), names.end(), *name) == names.end()) {
    const std::string near(nearest_name(*name, names));
    return invalid_argument("tool_choice: tools has no function '" + name->substr(0, 100) + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
                            "tool_choice", "invalid_value");
  }
  wanted.calling = Calling::kRequired;
  wanted.function = *name;
  return {};
}

}  // namespace

Status parse_functions(const Body& body, bool flat, model::GenerateRequest& wanted) {
  bool searches = false;
  if (const auto* items = body["tools"].as_array()) {
    for (size_t i = 0; i < items->size(); ++i) {
      const Json& item = (*items)[i];
      searches = searches || item["type"] == Json("file_search");
      if (item["type"] != Json("function")) continue;
      const std::string at = "tools[" + std::to_string(i) + "]" + (flat ? "" : ".function");
      if (!flat && !item["function"].is_object()) return invalid_argument("missing required parameter '" + at + "'", at, "missing_required_parameter");
      TRY_ASSIGN(model::Function function, parse_function(flat ? item : item["function"], at));
      for (const model::Function& other : wanted.functions) {
        if (other.name == function.name) return invalid_argument(at + ".name: '" + function.name + "' is there already", at + ".name", "invalid_value");
      }
      wanted.functions.push_back(std::move(function));
    }
  }
  wanted.parallel_calls = body.flag("parallel_tool_calls", true);
  return parse_choice(body["tool_choice"], flat, searches, wanted);
}

Status check_results(const std::vector<model::Message>& messages) {
  std::vector<std::string_view> open;   // calls of the last assistant's turn
  for (const model::Message& message : messages) {
    if (message.role == "assistant") open.clear();
    for (const model::FunctionCall& call : message.calls) open.push_back(call.id);
    if (message.role != "tool" || std::find(open.begin(), open.end(), message.call_id) != open.end()) continue;
    return invalid_argument("tool_call_id: no function call '" + message.call_id.substr(0, 100) +
                                "' comes right before its result: give back the assistant's message with its calls, then their results",
                            "tool_call_id", "invalid_value");
  }
  return {};
}

Status refuse_functions_where_bound(const std::optional<live::Terms>& terms, bool searches, const model::GenerateRequest& wanted) {
  if (wanted.functions.empty() || wanted.calling == model::GenerateRequest::Calling::kNone) return {};
  if (searches)
    return invalid_argument("tools: every answer of this product cites documents, and a call of a function cannot: leave the functions out", "tools",
                            "citations_required");
  return refuse_if_masked(terms, true, "tools");
}

answer::Request answer_request(FileSearch search, std::vector<model::Message> conversation, int max_tokens, const model::Sampling& sampling) {
  answer::Request request;
  request.conversation = std::move(conversation);
  request.base_ids = std::move(search.base_ids);
  request.mode = search.mode;
  request.retrieval = std::move(search.retrieval);
  request.generate = search.generate;
  if (max_tokens > 0) request.max_tokens = max_tokens;
  request.sampling = sampling;
  return request;
}

Json usage_json(const model::Usage& usage) {
  return Json::object({{"prompt_tokens", usage.prompt_tokens},
                       {"completion_tokens", usage.completion_tokens},
                       {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
                       {"prompt_tokens_details", Json::object({{"cached_tokens", usage.cached_tokens}})},
                       {"completion_tokens_details", Json::object({{"reasoning_tokens", 0}})}});
}

std::string_view finish_reason(model::FinishReason reason) { return reason == model::FinishReason::kLength ? "length" : "stop"; }

}  // namespace strata::api
