// Grounded answers for chat completions, responses and the web app: starts the pipeline, keeps the answer before it is acknowledged.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/api/api.h"
#include "app/api/generation.h"
#include "product/confidence/confidence.h"
#include "product/live/live.h"

namespace strata::api {

// Runs the pipeline on the calling worker thread. The answer is calibrated, presented and stored (committed) before `sink->on_done`
// sees it: the one place where a raw confidence becomes a probability. `terms`: what a product's live spec asks (rules.h).
void run_answer(const Services& services, const Context& context, std::shared_ptr<model::LanguageModel> model, answer::Request request,
                std::shared_ptr<answer::Sink> sink, confidence::Presentation presentation = {}, std::optional<live::Terms> terms = {});

}  // namespace strata::api
