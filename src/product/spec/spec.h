// product/spec: what an LLM product is to be, as data that drives the system: the specification itself (nine kinds of facts, read from
// YAML or JSON with errors by line), what it asks of a model, which layers it needs, whether this machine can carry it, and notes.
//
// Everything here is a pure function. Versions and labels are orchestration/registry's; applying a live spec to a question is app's.
// SOURCE: requirements.md 9a and 9b, to the letter; X06, X08, X09, U01, U02, U07, U08, U16, I08, I09 for the optional sections.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::spec {

enum class RiskLevel {
  kLow,       // "low": wrong answer is inconvenient
  kMedium,    // "medium": wrong answer causes rework
  kHigh,      // "high": wrong answer causes financial or legal harm
  kCritical,  // "critical": wrong answer endangers safety
};
std::string_view risk_name(RiskLevel level);

// Who uses it, or builds with it (X09).
struct Persona {
  std::string current_workflow, technical_sophistication;
  std::vector<std::string> key_frustrations;
  bool empty() const { return current_workflow.empty() && technical_sophistication.empty() && key_frustrations.empty(); }
};

// The six questions of the intake (X08). Empty: not said.
struct Constraints {
  std::vector<std::string> capabilities;   // reasoning, multimodal, tool_use, code_generation
  std::string scale, infrastructure, data, integration;
  std::string timeline;                    // mvp, production
};

// What the product is (U01, U02, U07, U08). Empty: not said.
struct Definition {
  std::vector<std::string> jobs;                  // "reduce time to answer tickets by 40%"
  std::vector<std::string> why_ai;                // flexible_reasoning, messy_input, automation
  std::vector<std::string> ai_roles;              // assistant, generator, summarizer, decision_helper
  std::string feel;                               // chatty, precise, background_helper
  std::vector<std::string> interaction_patterns;  // chat, form, search, autocomplete, command_palette, background_agent, suggestions
  std::string impact;                             // how impact is measured (U16)
};

// How it is called (I08, I09).
struct Operation {
  std::string latency_class;      // sub_second, 2_3_seconds, 10_plus_seconds; empty: follows from max_latency_seconds
  std::string call_frequency;     // per_session, per_click, background; empty: per_session
  int prompt_tokens = 1500;       // of a typical call
  int answer_tokens = 150;
};

// Targets of the nine weekly metrics; absent: the metric's own default.
struct Targets {
  std::optional<double> accuracy, hallucination_rate, latency_p95, csat, adoption_rate, edit_rate, resolution_rate, deflection_rate, cost_per_resolution;
};

struct LLMProductSpec {
  std::string name, user_persona, job_to_be_done;
  // Functional
  std::vector<std::string> input_types;    // text, image, document, audio
  std::string output_format;               // free text, structured JSON, classification
  double max_latency_seconds = 0;
  std::string context_window_needs;        // "short" (<4K), "medium" (4-32K), "long" (>32K)
  // Risk and quality
  RiskLevel hallucination_risk = RiskLevel::kLow;
  bool requires_citations = false, human_review_required = false;
  double accuracy_target = 0;              // 0.0 to 1.0
  // Scale
  int64_t daily_requests_estimate = 0, concurrent_users_peak = 0;
  // Constraints
  std::optional<std::string> data_residency;  // "US", "EU", etc.
  std::string pii_handling = "none";          // "none", "redact", "allowed"
  // Beyond 9b; all optional.
  Definition definition;
  Persona developer, end_user;
  Constraints constraints;
  Operation operation;
  Targets targets;
  std::vector<std::string> knowledge_bases;   // ids of the bases that it answers from

  // Exactly 9b's four answers, in 9b's order.
  std::string model_tier_recommendation() const;
};

// ---- Reading -------------------------------------------------------------------------------------------------------------------

// A field's declaration: reads, checks, prints and draws it.
enum class FieldKind { kText, kTexts, kChoice, kChoices, kNumber, kInteger, kBoolean };
struct FieldInfo {
  std::string path;                    // "definition.why_ai"
  std::string section;                 // a heading for people
  FieldKind kind = FieldKind::kText;
  bool required = false;
  std::vector<std::string> choices;    // of kChoice and kChoices; of kText and kTexts: suggestions
  double least = 0, most = 0;          // numbers; UNITS: as the meaning says
  std::string meaning;                 // for people; 9b's own comment where it has one
};
const std::vector<FieldInfo>& fields();
std::string_view field_kind_name(FieldKind kind);

struct Problem {
  int line = 0, column = 0;            // 0 where the text had no lines (an object through the API)
  std::string field;                   // "definition.feel"
  std::string message;                 // "expected one of …, got …; did you mean …?"
  std::string text() const;            // "line 4: definition.feel: expected …"
};

// Complete: `spec` is there. Half filled: `missing` lists what a spec must have and this has not: a draft. Wrong: `problems`.
struct Checked {
  std::optional<LLMProductSpec> spec;
  std::vector<std::string> missing;
  std::vector<Problem> problems;       // in the order of the text
  std::string name;                    // what the text has as name, also where it is a draft
  Json value;                          // the text as data; null where it could not be read at all
};
Checked check_text(std::string_view yaml_or_json);
Checked check(const Json& value);
// The spec, or kInvalidArgument with the first problems or what is missing.
Result<LLMProductSpec> need_spec(const Checked& checked);

Json to_json(const LLMProductSpec& spec);          // every field of 9b; of the others those that are said
std::string to_yaml(const Json& value);            // with 9b's comments; also of a half-filled one
std::string starter_yaml();                        // every field of 9b with its comment, nothing filled in

// 9b's three prints: "Product: …\nModel recommendation: …\nAccuracy target: 92%\n".
std::string shown(const LLMProductSpec& spec);

// ---- What follows from it ----------------------------------------------------------------------------------------------------------

// What is known of a model of this installation.
struct ModelFacts {
  std::string id, license;
  bool remote = false, demo = false;
  int context_tokens = 0;
  uint64_t parameters = 0;             // 0: not known
  double tokens_per_s = 0;             // measured decode speed of one answer; 0: not measured
  std::string residency;               // tag of its provider; empty: none. A local model is in no one else's hands
};
struct ModelVerdict {
  std::string id;
  bool allowed = false;                // false: something forbids it; `reasons` says what
  double score = 0;                    // higher is better; only compares models of one call
  std::vector<std::string> reasons;
};
// All of them, best first; the pick is the first where it is allowed.
std::vector<ModelVerdict> pick_models(const LLMProductSpec& spec, const std::vector<ModelFacts>& models);
// A local model always; a remote one where the spec names no residency or its provider has that tag (letters' case aside). kPermissionDenied (reason "data_residency").
Status check_residency(const LLMProductSpec& spec, const ModelFacts& model);

// What a model may be given in all, its answer included: 9b's "short" (<4K) and "medium" (4-32K) as bounds; of "long" the model's own
// context is the bound (1 Mi here). UNITS: tokens, K = 1,024.
int context_tokens_max(const LLMProductSpec& spec);

struct LayerNeed {
  std::string layer;                   // "Infra", "Models", "Data & Knowledge", "Orchestration", "App/Product"
  bool needed = false;
  std::vector<std::string> why;
};
std::vector<LayerNeed> layers_needed(const LLMProductSpec& spec);

// What was measured here. 0: not measured.
struct Throughput {
  double decode_tokens_per_s = 0;      // all sequences together
  double prefill_tokens_per_s = 0;
  int parallel = 8;                    // sequences in one batch
  double answer_seconds_p95 = 0;       // of this product's own answers
  int64_t answers = 0;                 // behind that figure
};
struct Capacity {
  enum class Verdict { kUnknown, kFits, kTight, kTooMuch };
  Verdict verdict = Verdict::kUnknown;
  std::string latency_class, call_frequency;     // as said, or as they follow
  double average_per_s = 0, peak_per_s = 0;      // requests
  double capacity_per_s = 0, used = 0;           // used: peak / capacity
  int machines = 0;                              // like this one, at 70 % load; 0: not known
  double expected_seconds = 0, promised_seconds = 0;
  std::vector<std::string> lines;                // how it was reckoned, for people
};
Capacity reckon_capacity(const LLMProductSpec& spec, const Throughput& measured);
std::string_view verdict_name(Capacity::Verdict verdict);  // "unknown", "fits", "tight", "too_much"

// Product notes (X06, layer 5) as Markdown: problem and job, users, AI's role, interaction, design, metrics and evaluation plan. Where
// the spec does not say a thing, the notes say that it is open.
std::string product_notes(const LLMProductSpec& spec, const std::vector<ModelVerdict>& picks);

// "Support Copilot" → "support-copilot": lower-case letters, digits and '-', begins with a letter, at most 64 bytes; "product" where nothing is left.
std::string slug(std::string_view name);

}  // namespace strata::spec
