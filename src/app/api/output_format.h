// What an output may be: response_format of chat completions and completions, text.format of responses. Compiled once, kept by hash.
#pragma once

#include <memory>
#include <string>

#include "app/api/params.h"
#include "model/interface/interface.h"

namespace strata::api {

struct OutputFormat {
  std::shared_ptr<const grammar::Grammar> grammar;   // null: any text
  Json response_format;                              // for a provider, in chat completions' shape; null: any text
};
// {"type": "text" | "json_object"}, {"type": "json_schema", "json_schema": {"name", "schema", "strict"}}; extensions: {"type": "regex", "pattern"},
// {"type": "choice", "choices": […]}, {"type": "grammar", "grammar": GBNF}. `where` names the parameter in errors. What cannot be enforced is a 400 that names keyword and place.
// THREADS: safe.
Result<OutputFormat> parse_output_format(const Json& json, const std::string& where, const model::LanguageModel& model);
// As a response's text.format has it: the schema's members beside the type.
Result<OutputFormat> parse_text_format(const Json& format, const model::LanguageModel& model);

}  // namespace strata::api
