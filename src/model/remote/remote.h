// model/remote: a language model behind an OpenAI-compatible HTTP API, as a model::LanguageModel.
//
// Chat messages go to {base_url}/chat/completions, text and token ids to {base_url}/completions, always streamed, with usage asked for.
// A request waits in a bounded queue for one of a few threads (the HTTP client blocks), which reads the stream and feeds the sink.
//
// What differs from a local model:
//   - count_tokens is an estimate (a token per four bytes, and four per message); tokenize and detokenize are kUnimplemented;
//   - echo is kUnimplemented; top_k, min_p, repetition_penalty, ignore_eos are sent only where they are not at their defaults, under
//     vLLM's names, and a provider that does not know them says so;
//   - a token's id is -1; TokenEvent::ids has one entry per log-probability, none without them; seed 0 is not sent;
//   - usage is the provider's, or an estimate where it sends none; a model's reasoning that is streamed apart from the answer is dropped;
//   - context_length_exceeded comes from the provider, as the finish of the stream, not from submit().
// Errors: the provider's own words behind its host's name, never the key. 400s are kInvalidArgument (with the provider's param and code as
// param and reason); a refused key or unknown model is kFailedPrecondition (it is ours to mend, not the caller's); 429 is
// kResourceExhausted; 5xx, time-outs and broken streams are kUnavailable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "infra/egress/egress.h"
#include "model/interface/interface.h"

namespace strata::remote {

struct RemoteOptions {
  std::string base_url;               // "https://api.example.com/v1"; named by the operator, so it may be a private address
  std::string model;                  // the provider's name for it
  std::string key;                    // sent as "Authorization: Bearer …"; empty: none
  int context_tokens = 0;             // 0: not known
  std::string id;                     // what our API calls it; empty: `model`
  int streams_max = 8;                // requests at once: one thread each
  size_t queue_max = 64;              // waiting; past it submit() is kResourceExhausted (queue_full)
  int64_t connect_timeout_ms = 10'000;
  int64_t stall_timeout_ms = 120'000; // no byte for so long (a long prompt is silent)
};

// Does not connect yet. kInvalidArgument where the URL or key cannot be used. `client` must outlive the model.
Result<std::unique_ptr<model::LanguageModel>> connect(egress::Client& client, RemoteOptions options);

}  // namespace strata::remote
