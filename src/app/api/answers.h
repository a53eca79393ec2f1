// Grounded answers for chat completions, responses and the web app: starts the pipeline, keeps the answer before it is acknowledged.
#pragma once

#include <memory>
#include <string>

#include "app/api/api.h"
#include "app/api/generation.h"

namespace strata::api {

// Runs the pipeline on the calling worker thread. The answer is stored (committed) before `sink->on_done` sees it.
void run_answer(const Services& services, const Context& context, std::shared_ptr<model::LanguageModel> model, answer::Request request,
                std::shared_ptr<answer::Sink> sink);

}  // namespace strata::api
