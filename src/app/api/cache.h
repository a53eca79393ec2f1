// What infra/cache keeps for the routes: a chat completion whose `cache` asks for it; /strata/v1/cache, where it is seen and emptied. Flows keep
// their steps in the same place (app/flow_effects).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/api/api.h"
#include "app/api/chat_writer.h"
#include "app/api/params.h"

namespace strata::api {

// The declaration of `cache`.
Field cache_field();

// Another text where a model's weights, adapter, or the way it is run are others.
std::string model_version(const Services& services, const model::ModelInfo& model);
// UNITS: US dollars. Of a model with a price per token; what a local one costs by the hour is in its trace.
double token_cost(const Services& services, const model::ModelInfo& model, const model::Usage& usage);

// Where a completion is kept.
struct Keeping {
  std::string key, tenant;
  int64_t ttl_ms = 0;
};
// Nothing where the request does not ask for it. kInvalidArgument (cache…) where its answer cannot be kept: it is sampled and `sampled` does not
// say that one such answer will do, or it has more than text and calls to it.
Result<std::optional<Keeping>> keeping_of(const Services& services, const Context& context, const Body& body, const Json& request,
                                          const model::ModelInfo& model);
// Writes what was kept, whole; false where nothing was.
bool answer_from_cache(const Services& services, const Context& context, const Keeping& keeping, ChatWriter writer);
// Passes everything on, and keeps what is whole in the end.
std::shared_ptr<model::Sink> keeping_sink(const Services& services, Keeping keeping, const model::ModelInfo& model, std::shared_ptr<model::Sink> sink);

}  // namespace strata::api
