// What the model is told. Internal to orchestration/answer.
#pragma once

#include <string>
#include <vector>

#include "orchestration/answer/answer.h"

namespace strata::answer {

// The addition after the quotes reads little, so that it comes soon: on two cores the default model reads about 600 tokens a second.
constexpr int kAdditionContextTokens = 600;

// Tokens that passages may take beside the conversation, the instruction and the answer, in the model's context or the product's smaller
// one; at least 0.
int room_for_context(const model::LanguageModel& model, const Request& request);

std::vector<model::Message> addition_prompt(const std::string& passages, const std::string& question);
// The conversation as it is, with an instruction and the "Context:" section in front.
std::vector<model::Message> classic_prompt(const std::string& passages, const std::vector<model::Message>& conversation);

}  // namespace strata::answer
