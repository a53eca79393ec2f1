#include "model/engine/chat_prompt.h"

#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "model/grammar/grammar.h"
#include "model/template/template.h"

namespace strata::engine {

using tokenizer::Tokenizer;

struct ChatPrompt::Impl {
  std::optional<templates::Template> chat_template;
  std::optional<Error> error;               // where there is no template
  std::string bos, eos;
  bool knows_calls = false;                 // the template itself writes functions, calls and results in our format
};

namespace {

Json function_json(const model::Function& function) {
  return Json::object({{"type", "function"},
                       {"function", Json::object({{"name", function.name}, {"description", function.description}, {"parameters", function.parameters}})}});
}

Json arguments_of(const model::FunctionCall& call) {
  auto parsed = Json::parse(call.arguments);
  return parsed ? std::move(*parsed) : Json(call.arguments);
}

std::string call_text(const model::FunctionCall& call) {
  return std::string(grammar::kCallOpen) + "{\"name\": " + json_quote(call.name) + ", \"arguments\": " + arguments_of(call).dump() + "}" +
         std::string(grammar::kCallClose);
}

// SOURCE: the wording that the Hermes family was trained on, in short.
std::string words_for(const std::vector<model::Function>& functions, bool must_call) {
  std::string out = "You may call functions to help with the user's request. They are given as JSON, one a line:\n<tools>\n";
  for (const model::Function& function : functions) out += function_json(function).dump() + "\n";
  out += "</tools>\nTo call one, write its name and arguments:\n" + std::string(grammar::kCallOpen) +
         "{\"name\": <function-name>, \"arguments\": <arguments-object>}" + std::string(grammar::kCallClose);
  return must_call ? out + "\nAnswer with a call." : out;
}

// What a template without functions can show: calls as the assistant's words, results as the user's.
std::vector<model::Message> in_words(const std::vector<model::Message>& messages, const std::vector<model::Function>& functions, bool must_call) {
  std::vector<model::Message> out;
  bool after_result = false;
  for (const model::Message& message : messages) {
    model::Message plain{message.role, message.content, message.name};
    for (const model::FunctionCall& call : message.calls) plain.content += (plain.content.empty() ? "" : "\n") + call_text(call);
    const bool result = message.role == "tool";
    if (result) {
      plain.role = "user", plain.name.clear();
      plain.content = "<tool_response>\n" + message.content + "\n</tool_response>";
    }
    if (result && after_result) out.back().content += "\n" + plain.content;
    else out.push_back(std::move(plain));
    after_result = result;
  }
  if (functions.empty()) return out;
  const std::string words = words_for(functions, must_call);
  if (out.front().role == "system" || out.front().role == "developer") out.front().content += "\n\n" + words;
  else out.insert(out.begin(), {"system", words, ""});
  return out;
}

Json message_json(const model::Message& message) {
  // Templates know "system"; "developer" is the API's newer word for it.
  Json entry = Json::object({{"role", message.role == "developer" ? "system" : message.role}, {"content", message.content}});
  if (!message.name.empty()) entry.set("name", message.name);
  if (!message.call_id.empty()) entry.set("tool_call_id", message.call_id);
  if (message.calls.empty()) return entry;
  Json calls = Json::array();
  for (const model::FunctionCall& call : message.calls) {
    calls.push(Json::object({{"id", call.id}, {"type", "function"}, {"function", Json::object({{"name", call.name}, {"arguments", arguments_of(call)}})}}));
  }
  entry.set("tool_calls", std::move(calls));
  return entry;
}

}  // namespace

ChatPrompt::ChatPrompt() : impl_(std::make_unique<Impl>()) {
  impl_->error = failed_precondition("this model has no chat template; send a plain prompt to completions");
}

ChatPrompt::ChatPrompt(std::string_view source, const Tokenizer& tokenizer) : ChatPrompt() {
  if (tokenizer.bos() >= 0) impl_->bos = tokenizer.piece(tokenizer.bos(), true);
  if (tokenizer.eos() >= 0) impl_->eos = tokenizer.piece(tokenizer.eos(), true);
  if (source.empty()) return;
  auto compiled = templates::Template::compile(source);
  if (compiled) {
    impl_->chat_template = std::move(*compiled);
    impl_->knows_calls = source.find("<tool_call>") != source.npos && source.find("tools") != source.npos;
  } else {
    impl_->error = annotate(compiled.error(), "this model's chat template cannot be used");
  }
}

ChatPrompt::ChatPrompt(ChatPrompt&&) noexcept = default;
ChatPrompt& ChatPrompt::operator=(ChatPrompt&&) noexcept = default;
ChatPrompt::~ChatPrompt() = default;

Result<std::vector<int32_t>> ChatPrompt::ids(const std::vector<model::Message>& messages, const Tokenizer& tokenizer,
                                             const std::vector<model::Function>& functions, bool must_call) const {
  if (!impl_->chat_template) return *impl_->error;
  if (messages.empty()) return invalid_argument("expected at least one message, got none", "messages");
  Json list = Json::array(), tools = Json::array();
  for (const model::Message& message : impl_->knows_calls ? messages : in_words(messages, functions, must_call)) list.push(message_json(message));
  for (const model::Function& function : functions) tools.push(function_json(function));
  templates::ChatOptions options;
  options.bos_token = impl_->bos;
  options.eos_token = impl_->eos;
  options.now_unix_ms = system_clock().unix_ms();
  if (impl_->knows_calls && !functions.empty()) options.tools = std::move(tools);
  TRY_ASSIGN(const templates::Rendered rendered, templates::render_chat(*impl_->chat_template, list, options));
  // What came from the messages is encoded as words, whatever it looks like.
  TRY_ASSIGN(const auto tokens, tokenizer.encode(rendered.text, {.add_special = false, .parse_special = true, .literal = rendered.content}));
  std::vector<int32_t> ids;
  ids.reserve(tokens.size());
  for (const tokenizer::Token& token : tokens) ids.push_back(token.id);
  return ids;
}

}  // namespace strata::engine
