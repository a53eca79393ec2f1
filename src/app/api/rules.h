// What the live spec of a product asks of what is answered in it, applied: personal data, citations, review, context budget, latency
// objective. Which spec that is and what the question must keep to: terms_of (specs.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/api/calls.h"
#include "app/api/specs.h"
#include "orchestration/guard/guard.h"

namespace strata::api {

// The terms of a call, its texts masked in their places where the spec says so. Nothing where there is no call or no live spec.
// `base_ids`: see terms_of; null where the route cannot cite: then a duty to cite refuses it (kFailedPrecondition, citations_required).
Result<std::optional<live::Terms>> terms_of_call(const Services& services, const Context& context, ProductCall* call, const model::LanguageModel* model,
                                                 const std::vector<std::string*>& texts, std::vector<std::string>* base_ids);
// Pointers to what messages say.
std::vector<std::string*> texts_of(std::vector<model::Message>& messages);

// A conversation's earlier messages may be older than the spec.
void mask_messages(const live::Terms& terms, std::vector<model::Message>& messages);

// Quote-first where citations are a duty; the context budget, what is left of the objective, masking.
void apply_terms(const live::Terms& terms, const Context& context, answer::Request* request);

// kInvalidArgument (names `param`) where the answer to this would show what is masked: token ids and probabilities spell the text out.
Status refuse_if_masked(const std::optional<live::Terms>& terms, bool wanted, const std::string& param);

// {objective_ms, total_ms, kept, additions_stopped, label}; the label says so in words where additions were stopped or it was late.
Json latency_json(double objective_ms, double total_ms, bool additions_stopped);

// Masks what was found, and counts it.
std::map<std::string, int> apply_terms(const live::Terms& terms, const Context& context, retrieve::Found* found);

// Masks a stream of text where the terms say so; passes it on as it is where they do not.
class TextMask {
 public:
  explicit TextMask(const std::optional<live::Terms>& terms) : stream_(terms && terms->redacts() ? std::make_shared<guard::MaskStream>() : nullptr) {}
  std::string feed(const std::string& text) { return stream_ ? stream_->feed(text) : text; }
  std::string rest() { return stream_ ? stream_->rest() : ""; }
  bool masks() const { return stream_ != nullptr; }
  const std::map<guard::PiiKind, int>& found() const { return stream_->found(); }   // REQUIRES: masks()

 private:
  std::shared_ptr<guard::MaskStream> stream_;   // shared by the copies of its owner
};

// The `strata` object of an answer that is no grounded one: {requires_human_review, latency, pii, spec}. `text` is the whole answer.
Json terms_strata(const live::Terms& terms, const Context& context, const std::string& text, const TextMask& mask);

}  // namespace strata::api
