// product/live: the specs of products as they are kept (artifacts of kind "spec"), and what the live one asks of a question.
//
//   text ──check──▶ wrong: refused, by line │ half filled: kept as draft │ whole: a version, and "live" where wanted
//   conversation ──product/outcome──▶ product ──label "live"──▶ spec ──▶ terms of an answer (PII, citations, review, latency, residency)
//
// A product is made (in product/outcome) with its first spec or draft. THREADS: safe. Everything is committed before a call returns.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "orchestration/registry/registry.h"
#include "product/outcome/outcome.h"
#include "product/spec/spec.h"

namespace strata::live {

inline constexpr char kSpecKind[] = "spec";
inline constexpr char kNotesKind[] = "product_notes";
inline constexpr char kLiveLabel[] = "live";

struct LiveSpec {
  std::string product;
  int version = 0;
  spec::LLMProductSpec spec;
};

struct Saved {
  std::string product;
  std::optional<registry::Version> version;   // none: it is a draft
  std::optional<registry::Draft> draft;
  std::vector<std::string> missing;           // of a draft
};

// What an answer to this question must keep to.
struct Terms {
  LiveSpec live;
  std::string question;                       // as it is stored and shown to the model: masked where pii_handling is redact
  std::map<std::string, int> pii;             // kinds found and how often; empty where pii_handling is none
  int64_t begun_ns = 0;                       // when the latency objective began to run (monotonic); set by who asks
  bool redacts() const { return live.spec.pii_handling == "redact"; }
  double objective_ms() const { return live.spec.max_latency_seconds * 1000; }
};

struct Promise {
  double promised_seconds = 0;
  double actual_seconds_p95 = 0;              // of answers that were given; nearest rank
  int64_t answers = 0, late = 0;              // late: over the promise
};

class Specs {
 public:
  Specs(registry::Registry& registry, outcome::Outcomes& outcomes);

  // kInvalidArgument (reason invalid_spec) names lines and fields; kAborted is a conflict of versions. `live`: the label moves to it.
  Result<Saved> save(const Context&, const std::string& product, const std::string& text, int base_version, bool live, const registry::Change& change);
  // The same for a product that is new: kAlreadyExists where the id has a spec or draft. An empty id follows from the spec's name.
  Result<Saved> create(const Context&, std::string product, const std::string& text, const registry::Change& change);
  // Whatever the text, as draft.
  Result<registry::Draft> save_draft(const Context&, const std::string& product, const std::string& text, int base_version, int revision,
                                     const registry::Change& change);

  // The spec of a product that is gone, with all versions; kFailedPrecondition while it exists.
  Status forget(const Context&, const std::string& product);

  Result<std::optional<LiveSpec>> live(const Context&, const std::string& product);   // nothing: no product, no spec, or none is live
  Result<std::optional<LiveSpec>> of_conversation(const Context&, const std::string& conversation_id);
  Result<LiveSpec> newest_or_live(const Context&, const std::string& product);       // kNotFound where there is only a draft
  Result<Promise> promise(const Context&, const std::string& product, double promised_seconds);  // over its last 10,000 outputs

 private:
  Result<Saved> keep(const Context&, const std::string& product, const spec::Checked& checked, const std::string& text, int base_version, bool live,
                     const registry::Change& change);
  Status need_product(const Context&, const std::string& product, const std::string& name);

  registry::Registry& registry_;
  outcome::Outcomes& outcomes_;
};

// Applies the spec to a question before it is stored: masks (redact), or finds and logs that personal data is there (allowed; kinds and
// counts only, never the data), or does not look (none).
Terms terms_for(const LiveSpec& live, const std::string& question, const std::string& who);
// The same for several texts, in their places; `question` stays empty.
Terms terms_for(const LiveSpec& live, const std::vector<std::string*>& texts, const std::string& who);

// What an answer that was given holds: nothing is looked for where pii_handling is none; where it is allowed, that it was read is logged.
// (Where it is redact the answer was masked while it was made.)
std::map<std::string, int> personal_data_in(const Terms& terms, const std::string& answer, const std::string& who);

}  // namespace strata::live
