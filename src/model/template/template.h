// model/template: renders a model's chat template, in the subset of Jinja that published templates use, exactly as Jinja 2 does
// with trim_blocks and lstrip_blocks (what the reference library sets).
//
// Supported: if/elif/else, for (else, inline if, unpacking, loop.*), set (also blocks and namespaces), macro, filter blocks, raw,
// break, continue, generation; all operators, slices, tests, the usual filters and string methods, raise_exception, strftime_now,
// namespace, range, dict. Not supported, and an error that says so: include, import, extends, block, call, recursive loops.
// upper, lower, title and capitalize change ASCII letters only.
//
// Safety: every string that comes from outside the template (messages, tools, extra variables) is marked, byte by byte, and keeps
// its mark through trim, slices, joins and concatenation. Rendered::content tells where such bytes lie, so that a user's
// "<|im_end|>" is encoded as words (tokenizer EncodeOptions::literal) and never as the control token.
// A template is code from a stranger: source, steps, memory and depth are bounded, and there is nothing in it to reach the machine by.
// THREADS: a Template is immutable; any thread may render.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::templates {

// UNITS: bytes, evaluated nodes.
struct Limits {
  size_t source_bytes = 1 << 20;
  size_t work_bytes = 64 << 20;  // of all strings and lists made on the way, the output among them
  size_t steps = 5'000'000;      // COST: about 50 ns each
};

struct Rendered {
  std::string text;
  // Byte ranges [begin, end) of `text` that came from the variables and not from the template; ascending, apart.
  std::vector<std::pair<uint32_t, uint32_t>> content;
};

namespace detail { struct Program; }

class Template {
 public:
  // kInvalidArgument, naming the line and what was expected there.
  static Result<Template> compile(std::string_view source, const Limits& limits = {});
  // `variables` is an object. `trusted` names members whose strings count as the template's own (bos_token).
  // Errors: kInvalidArgument, naming the line, or with raise_exception's text (reason "template_refused"); kResourceExhausted.
  Result<Rendered> render(const Json& variables, const std::vector<std::string_view>& trusted = {}, int64_t now_unix_ms = 0) const;

 private:
  std::shared_ptr<const detail::Program> program_;
  Limits limits_;
};

struct ChatOptions {
  std::string bos_token, eos_token;   // their texts; empty where there is none
  bool add_generation_prompt = true;
  Json tools;                         // array of function descriptions, or null: the variable is then none
  Json extra;                         // object of further variables (enable_thinking, documents), or null
  int64_t now_unix_ms = 0;            // for strftime_now, in UTC
};
// `messages`: array of { role, content, … }.
Result<Rendered> render_chat(const Template& chat_template, const Json& messages, const ChatOptions& options);

}  // namespace strata::templates
