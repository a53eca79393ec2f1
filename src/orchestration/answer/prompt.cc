#include "orchestration/answer/prompt.h"

#include <algorithm>

namespace strata::answer {
namespace {

constexpr int kInstructionTokens = 160;    // instruction, labels and the template's own, generously
constexpr int kContextTokensMax = 6'000;   // more passages than retrieval gives by default

}  // namespace

int room_for_context(const model::LanguageModel& model, const Request& request) {
  const Result<int> spoken = model.count_tokens(request.conversation);
  int context = model.info().context_tokens > 0 ? model.info().context_tokens : 4'096;
  if (request.context_tokens_max > 0) context = std::min(context, request.context_tokens_max);
  const int most = request.context_tokens_max > 0 ? context : kContextTokensMax;
  return std::clamp(context - request.max_tokens - kInstructionTokens - (spoken ? *spoken : 0), 0, most);
}

std::vector<model::Message> addition_prompt(const std::string& passages, const std::string& question) {
  return {{.role = "system", .content = "Answer in one or two short sentences, using only what the passages say. Keep names and numbers exactly as they are."},
          {.role = "user", .content = "Context:\n" + passages + "\n\nQuestion: " + question}};
}

std::vector<model::Message> classic_prompt(const std::string& passages, const std::vector<model::Message>& conversation) {
  std::vector<model::Message> out = {
      {.role = "system",
       .content = "Answer the question with the numbered passages below and nothing else. Put the passage's number in brackets behind "
                  "each sentence, like [1]. If the passages do not answer it, say that the documents do not say.\n\nContext:\n" +
                  passages}};
  for (const model::Message& message : conversation) {
    if (message.role == "user" || message.role == "assistant") out.push_back(message);
  }
  return out;
}

}  // namespace strata::answer
