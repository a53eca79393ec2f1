// model/traced: a language model and an embedder whose calls are spans, with OpenTelemetry's GenAI attributes, and are charged for.
// Everything else is the wrapped model's: the same tokens, the same errors, in the same order.
//
// A local model's compute time is shared out: while n calls are under way, each is charged one n-th of the time that passes, so that
// the shares of all calls add up to the time that the engine was busy.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "model/interface/interface.h"

namespace strata::model {

// What one call came to.
struct Charge {
  std::string model, product, operation;   // "chat", "text_completion", "embeddings"
  std::string tenant = "local";
  bool remote = false, failed = false;
  Usage usage;
  double busy_s = 0;                       // of the engine, this call's share; 0 where the model is remote
};

struct Tracing {
  std::function<std::optional<double>(const Charge&)> charge;        // its cost, where it has a price. Must not block
  std::function<std::string(const Receipt&)> receipt_text;           // as stored beside the span; empty: receipts are not kept
};

// THREADS: safe, as the wrapped ones. One meter for all models that share an engine.
class Meter;
std::shared_ptr<Meter> make_meter();

std::shared_ptr<LanguageModel> traced(std::shared_ptr<LanguageModel> model, Tracing tracing, std::shared_ptr<Meter> meter);
// `embedder` must outlive it.
std::unique_ptr<Embedder> traced(Embedder& embedder, Tracing tracing, std::shared_ptr<Meter> meter);

}  // namespace strata::model
