#include "model/engine/chat_prompt.h"

#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "model/template/template.h"

namespace strata::engine {

using tokenizer::Tokenizer;

struct ChatPrompt::Impl {
  std::optional<templates::Template> chat_template;
  std::optional<Error> error;               // where there is no template
  std::string bos, eos;
};

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
  } else {
    impl_->error = annotate(compiled.error(), "this model's chat template cannot be used");
  }
}

ChatPrompt::ChatPrompt(ChatPrompt&&) noexcept = default;
ChatPrompt& ChatPrompt::operator=(ChatPrompt&&) noexcept = default;
ChatPrompt::~ChatPrompt() = default;

Result<std::vector<int32_t>> ChatPrompt::ids(const std::vector<model::Message>& messages, const Tokenizer& tokenizer) const {
  if (!impl_->chat_template) return *impl_->error;
  if (messages.empty()) return invalid_argument("expected at least one message, got none", "messages");
  Json list = Json::array();
  for (const model::Message& message : messages) {
    // Templates know "system"; "developer" is the API's newer word for it.
    Json entry = Json::object({{"role", message.role == "developer" ? "system" : message.role}, {"content", message.content}});
    if (!message.name.empty()) entry.set("name", message.name);
    list.push(std::move(entry));
  }
  templates::ChatOptions options;
  options.bos_token = impl_->bos;
  options.eos_token = impl_->eos;
  options.now_unix_ms = system_clock().unix_ms();
  TRY_ASSIGN(const templates::Rendered rendered, templates::render_chat(*impl_->chat_template, list, options));
  // What came from the messages is encoded as words, whatever it looks like.
  TRY_ASSIGN(const auto tokens, tokenizer.encode(rendered.text, {.add_special = false, .parse_special = true, .literal = rendered.content}));
  std::vector<int32_t> ids;
  ids.reserve(tokens.size());
  for (const tokenizer::Token& token : tokens) ids.push_back(token.id);
  return ids;
}

}  // namespace strata::engine
