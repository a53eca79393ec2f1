#include "model/template/template.h"

#include <algorithm>

#include "base/text.h"
#include "model/template/machine.h"

namespace strata::templates {

struct detail::Program {
  Body body;
  std::string source;
};

Result<Template> Template::compile(std::string_view source, const Limits& limits) {
  if (source.size() > limits.source_bytes)
    return resource_exhausted("a template of " + human_bytes(source.size()) + " is longer than the " + human_bytes(limits.source_bytes) + " that are read",
                              "template_limit");
  auto program = std::make_shared<detail::Program>();
  TRY_ASSIGN(program->body, parse_template(source));
  program->source = source;
  Template made;
  made.program_ = std::move(program);
  made.limits_ = limits;
  return made;
}

Result<Rendered> Template::render(const Json& variables, const std::vector<std::string_view>& trusted, int64_t now_unix_ms) const {
  if (!variables.is_object()) return invalid_argument("a template's variables should be an object");
  Machine machine(limits_, now_unix_ms);
  for (const auto& [name, json] : *variables.as_object()) {
    if (program_->source.find(name) == std::string::npos) continue;  // nothing in it can mean this one: making a value of it is most of a small template's cost
    const bool own = std::find(trusted.begin(), trusted.end(), name) != trusted.end();
    auto value = value_of(json, !own);
    if (!value) return annotate(value.error(), "variable " + name);
    machine.define(name, std::move(*value));
  }
  TRY_ASSIGN(Text text, machine.run(program_->body));
  Rendered out;
  out.text = text.str();
  for (size_t at = 0; at < out.text.size(); ++at) {
    if (!text.marked_at(at)) continue;
    if (!out.content.empty() && out.content.back().second == at) out.content.back().second = static_cast<uint32_t>(at + 1);
    else out.content.emplace_back(static_cast<uint32_t>(at), static_cast<uint32_t>(at + 1));
  }
  return out;
}

Result<Rendered> render_chat(const Template& chat_template, const Json& messages, const ChatOptions& options) {
  if (!messages.is_array()) return invalid_argument("messages should be an array", "messages");
  Json variables = Json::object();
  if (const Json::Object* extra = options.extra.as_object())
    for (const auto& [name, value] : *extra) variables.set(name, value);
  variables.set("messages", messages);
  variables.set("tools", options.tools);
  variables.set("bos_token", options.bos_token);
  variables.set("eos_token", options.eos_token);
  variables.set("add_generation_prompt", options.add_generation_prompt);
  return chat_template.render(variables, {"bos_token", "eos_token"}, options.now_unix_ms);
}

}  // namespace strata::templates
