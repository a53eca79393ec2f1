#include "app/api/rules.h"

#include <algorithm>

#include "base/text.h"

namespace strata::api {
namespace {

Json counts_json(const std::map<std::string, int>& counts) {
  Json out = Json::object();
  for (auto& [kind, count] : counts) out.set(kind, count);
  return out;
}

// "3 s", "0.5 s": as a person says it.
std::string seconds_text(double ms) { return python_format(ms / 1000, ms >= 1000 && static_cast<int64_t>(ms) % 1000 == 0 ? ".0f" : ".1f") + " s"; }

double elapsed_ms(const live::Terms& terms, const Context& context) { return static_cast<double>(context.clock().monotonic_ns() - terms.begun_ns) / 1e6; }

}  // namespace

std::vector<std::string*> texts_of(std::vector<model::Message>& messages) {
  std::vector<std::string*> out;
  for (auto& message : messages) {
    out.push_back(&message.content), out.push_back(&message.name);
    for (auto& call : message.calls) out.push_back(&call.arguments);
  }
  return out;
}

Result<std::optional<live::Terms>> terms_of_call(const Services& services, const Context& context, ProductCall* call, const model::LanguageModel* model,
                                                 const std::vector<std::string*>& texts, std::vector<std::string>* base_ids) {
  if (!call) return std::optional<live::Terms>();
  TRY_ASSIGN(auto terms, terms_of(services, context, call->product(), model, texts, base_ids));
  if (!terms) return terms;
  terms->begun_ns = call->begun_ns();
  call->promise(terms->objective_ms());
  return terms;
}

void mask_messages(const live::Terms& terms, std::vector<model::Message>& messages) {
  if (!terms.redacts()) return;
  for (std::string* text : texts_of(messages)) *text = guard::mask_pii(*text).text;
}

void apply_terms(const live::Terms& terms, const Context& context, answer::Request* request) {
  auto& spec = terms.live.spec;
  // Classic mode writes first and verifies afterwards: where citations are a duty, only what is verified is given.
  if (spec.requires_citations) request->mode = answer::Mode::kQuoteFirst;
  request->mask_pii = terms.redacts();
  request->context_tokens_max = spec::context_tokens_max(spec);
  // What was spent before the pipeline began counts too; at least a breath is left, since 0 would mean no objective at all.
  request->objective_ms = terms.objective_ms() > 0 ? std::max(1.0, terms.objective_ms() - elapsed_ms(terms, context)) : 0;
}

Status refuse_if_masked(const std::optional<live::Terms>& terms, bool wanted, const std::string& param) {
  if (!wanted || !terms || !terms->redacts()) return {};
  return invalid_argument(param + ": the product '" + terms->live.product + "' masks personal data, which this would show: leave it out", param,
                          "pii_handling");
}

Json latency_json(double objective_ms, double total_ms, bool additions_stopped) {
  const bool kept = total_ms <= objective_ms;
  std::string label;
  if (additions_stopped) label = "The model's additions were left out: the product's " + seconds_text(objective_ms) + " were spent.";
  else if (!kept) label = "This took longer than the product's " + seconds_text(objective_ms) + ".";
  return Json::object({{"objective_ms", objective_ms},
                       {"total_ms", total_ms},
                       {"kept", kept},
                       {"additions_stopped", additions_stopped},
                       {"label", label.empty() ? Json() : Json(label)}});
}

std::map<std::string, int> apply_terms(const live::Terms& terms, const Context& context, retrieve::Found* found) {
  std::map<std::string, int> kinds;
  if (terms.live.spec.pii_handling == "none") return kinds;
  std::vector<std::string*> texts;
  std::string all;
  for (auto& hit : found->hits) {
    all += hit.chunk.text + "\n\n";
    for (std::string* text : {&hit.chunk.text, &hit.title, &hit.heading}) texts.push_back(text);
  }
  kinds = live::personal_data_in(terms, all, context.principal().user);
  if (!terms.redacts()) return kinds;
  for (std::string* text : texts) *text = guard::mask_pii(*text).text;
  return kinds;
}

Json terms_strata(const live::Terms& terms, const Context& context, const std::string& text, const TextMask& mask) {
  std::map<std::string, int> kinds;
  if (mask.masks()) {
    for (auto& [kind, count] : mask.found()) kinds[std::string(guard::pii_name(kind))] = count;
  } else {
    kinds = live::personal_data_in(terms, text, context.principal().user);
  }
  Json out = Json::object({{"requires_human_review", terms.live.spec.human_review_required}});
  if (terms.objective_ms() > 0) out.set("latency", latency_json(terms.objective_ms(), elapsed_ms(terms, context), false));
  out.set("pii", counts_json(kinds));
  out.set("spec", terms_json(terms));
  return out;
}

}  // namespace strata::api
