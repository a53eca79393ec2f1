// The specs of products over HTTP, and what they ask of an answer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/api/api.h"
#include "app/api/params.h"
#include "product/live/live.h"
#include "product/spec/spec.h"

namespace strata::api {

std::vector<Field> new_spec_fields();
std::vector<Field> spec_body_fields();
std::vector<Field> spec_draft_fields();
std::vector<Field> label_fields();
std::vector<Field> notes_fields();

void add_spec_advice_routes(http::Server& server, Services& services);   // recommendation, capacity, notes

// The models of this installation, as a spec judges them; speed as the engine measured it, residency as the provider is tagged.
std::vector<spec::ModelFacts> model_facts(const Services& services, const Context& context);

// What the product's live spec asks of this message; nothing where `product` is empty or has no live spec. Fills in `base_ids` from it.
// Errors: kPermissionDenied (reason data_residency) where `model` lies outside the spec's residency; kFailedPrecondition where citations
// are a duty and there is nothing to cite from.
Result<std::optional<live::Terms>> terms_of(const Services& services, const Context& context, const std::string& product, const model::LanguageModel& model,
                                            const std::string& question, std::vector<std::string>& base_ids);
// The same for several texts, masked in their places. `model` is null where none is asked; `base_ids` where the route cannot cite.
Result<std::optional<live::Terms>> terms_of(const Services& services, const Context& context, const std::string& product, const model::LanguageModel* model,
                                            const std::vector<std::string*>& texts, std::vector<std::string>* base_ids);
Json terms_json(const live::Terms& terms);   // {id, version, requires_citations, human_review_required, max_latency_seconds, pii_handling, pii}

}  // namespace strata::api
