// What chat completions, completions and responses share: declared sampling fields, messages, the file_search tool, usage.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/api/params.h"
#include "model/interface/interface.h"
#include "orchestration/answer/answer.h"
#include "product/live/live.h"

namespace strata::api {

// temperature, top_p, top_k, min_p, penalties, seed, stop, logit_bias, stream, ignore_eos, user, …
std::vector<Field> sampling_fields();
Result<model::Sampling> parse_sampling(const Body& body);
Result<bool> wants_receipt(const Body& body, const model::LanguageModel& model);   // a remote model has none to give: an error
Result<std::vector<std::string>> parse_stop(const Body& body);

// Chat messages: content a string or text parts; a part or role that cannot be honoured is a 400 with its path.
Result<std::vector<model::Message>> parse_messages(const Json& messages, const std::string& where);

// The file_search tool: {"type": "file_search", "vector_store_ids": […], "max_num_results": n, "ranking_options": {…}, "filters": {…},
// "mode": "quote_first" | "classic"}. nullopt where `tools` has none; functions are passed over, any other tool type is a 400.
// Functions are parsed apart (parse_functions).
struct FileSearch {
  std::vector<std::string> base_ids;
  retrieve::Options retrieval = answer::Request().retrieval;   // an answer reads sentences itself: by default without reranking
  answer::Mode mode = answer::Mode::kQuoteFirst;
  bool generate = true;
};
Result<std::optional<FileSearch>> parse_tools(const Json& tools);
// The functions among `tools` (chat completions' shape, or with `flat` responses'), tool_choice and parallel_tool_calls, into `wanted`.
Status parse_functions(const Body& body, bool flat, model::GenerateRequest& wanted);
// kInvalidArgument where a function's result follows no call of it.
Status check_results(const std::vector<model::Message>& messages);
// kInvalidArgument where a product's terms leave no room for calls: its answers must cite (then `searches`), or personal data is masked.
Status refuse_functions_where_bound(const std::optional<live::Terms>& terms, bool searches, const model::GenerateRequest& wanted);
// max_tokens 0: the pipeline's own.
answer::Request answer_request(FileSearch search, std::vector<model::Message> conversation, int max_tokens, const model::Sampling& sampling);
Result<retrieve::Filter> parse_filter(const Json& json, const std::string& where, int depth = 0);
Status parse_ranking(const Json& json, const std::string& where, retrieve::Options& options);

Json usage_json(const model::Usage& usage);              // chat completions' names
std::string_view finish_reason(model::FinishReason reason);

}  // namespace strata::api
