// Receipts as JSON, and their replay: what an output came from, kept by whoever wants to check it later.
#pragma once

#include <string>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "model/interface/interface.h"

namespace strata::app {

// {"version": 1, "model", "model_sha256", "template_sha256", "adapter", "adapter_sha256" (both null without), "isa", "kv_cache",
// "prompt": [ids], "output": [ids], "sampling": {…}, "max_tokens",
// "stop": [], "ignore_eos"}; the seed is a string, because it has 64 bits.
Json receipt_json(const model::Receipt& receipt);
// kInvalidArgument names the member at fault. Also takes a whole response that carries a receipt.
Result<model::Receipt> receipt_from(const Json& json);

struct Replay {
  bool same = false;             // every output token
  int first_difference = -1;     // index into the output
  std::string difference;        // in words; empty where same
  std::vector<int32_t> output;
};
// Runs the receipt's prompt again. kFailedPrecondition where the model's weights, or its adapter, are others than the receipt's: it says which.
// Blocks.
Result<Replay> replay(const Context& context, model::LanguageModel& model, const model::Receipt& receipt);

}  // namespace strata::app
