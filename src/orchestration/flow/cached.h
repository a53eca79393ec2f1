// What a step with `cache` takes from infra/cache instead of asking anybody. Only this folder includes it.
//
// Invariants: (1) a key holds everything that decides the output: who answers, in which version, and what is asked, with all its parameters;
// (2) what nobody can name a version of is not kept; (3) an attempt after a failure asks anew, and replaces what was kept.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "infra/cache/cache.h"
#include "orchestration/flow/effects.h"

namespace strata::flow {

// Each nothing where the step's result is not to be kept.
std::optional<cache::Key> model_key(Flows::Core& core, const Context& context, const Work& work, const ModelCall& call);
std::optional<cache::Key> retrieval_key(Flows::Core& core, const Context& context, const Work& work, const std::vector<std::string>& bases);
std::optional<cache::Key> tool_key(Flows::Core& core, const Context& context, const Work& work);

// What is kept under the key; else what `ask` gives, which is then kept with what it added to the outcome's cost. A hit is noted in the outcome.
Result<Json> cached(Flows::Core& core, const Context& context, Outcome& outcome, std::optional<cache::Key> key, const std::function<Result<Json>()>& ask);

}  // namespace strata::flow
