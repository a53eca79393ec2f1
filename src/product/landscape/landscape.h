// product/landscape: which models there are, how they compare, and whether a problem needs retrieval, fine-tuning or just a prompt.
//
//   catalogue.json   what we know of families and models, embedded in the program: one fact a line, each with its source and, where it
//                    ages, its month. What nobody has said is null and stays "unknown" everywhere.
//   landscape.json   in the data folder: a user's own entries, in the same form. An entry of a known id replaces the facts that it names,
//                    a new id adds a family or a model.
//
// Everything here is a pure function of its arguments: no clock, no file, no network. The catalogue is a guide for choosing, not a list of
// what can be downloaded: that is model/hub's, and the `hub` ids of a model point into it.
// Facts of a model that its entry does not mention are its family's; a null says "unknown" and inherits nothing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"

namespace strata::landscape {

// What can be known of a model. Grades are 1 (weak) to 5 (strong); for toxicity 5 is the least toxic, for speed the fastest.
enum class Field {
  kStatus,
  kContextTokens,
  kOutputTokensMax,
  kParameters,
  kTrainingCutoff,
  kPriceIn,
  kPriceOut,
  kLicense,
  kTrainingDataStyle,
  kSafetyTuning,
  kReasoning,
  kCreativity,
  kSpeed,
  kChat,
  kAnalytics,
  kCoding,
  kAgents,
  kHelpfulness,
  kSafety,
  kCodingSkill,
  kToxicity,
};
constexpr size_t kFields = 21;

enum class FieldKind { kText, kChoice, kCount, kNumber, kMonth, kGrade };  // kMonth: "2023" or "2023-10"
struct FieldInfo {
  Field field;
  const char* name;      // "context_tokens": in the files and the API
  FieldKind kind;
  const char* axis;      // the comparison axis it belongs to: "context length", "cost vs latency", …; "" for plain facts
  const char* meaning;
  bool ages;             // its facts must say their month
};
const std::array<FieldInfo, kFields>& fields();   // in the order of Field
const FieldInfo& info(Field field);

using Value = std::variant<std::monostate, int64_t, double, std::string>;  // monostate: unknown. Grades and counts are int64_t
struct Fact {
  Value value;
  std::string source;    // a key of Catalogue::sources, or a user's own words
  std::string as_of;     // "2024-10"
  std::string note;
  bool inherited = false;   // the family's
  bool known() const { return !std::holds_alternative<std::monostate>(value); }
  std::optional<double> number() const;   // of counts, numbers and grades
  std::string text() const;               // as a person reads it; "unknown" where it is
};
using Facts = std::array<Fact, kFields>;

enum class Origin { kBuiltIn, kChanged, kOwn };  // kChanged: ours, with a user's facts over it
std::string_view origin_name(Origin origin);     // "built in", "changed by you", "yours"

struct Source {
  std::string id, title, url;
};
struct Kind {
  std::string id, name, meaning;
};

struct Family {
  std::string id, name, maker, ux;     // ux: what choosing it means for users and for risk
  std::vector<std::string> kinds;
  bool open_weights = false;
  Origin origin = Origin::kBuiltIn;
  Facts facts;
};

struct Model {
  std::string id, name, family;
  std::vector<std::string> kinds, input, output, aliases;
  std::vector<std::string> hub;            // ids of hub::recommendations()
  std::vector<std::string> installed_as;   // ids that it has in a models folder
  bool open_weights = false;
  Origin origin = Origin::kBuiltIn;
  Facts facts;
  const Fact& operator[](Field field) const { return facts[static_cast<size_t>(field)]; }
};

struct Catalogue {
  std::string as_of;
  std::vector<Source> sources;
  std::vector<Kind> kinds;
  std::vector<Family> families;
  std::vector<Model> models;
  const Family* family(std::string_view id) const;
  // By id, name or alias, whatever the case ("Claude 3.5" is an alias). kNotFound names the nearest.
  Result<const Model*> find(std::string_view name) const;
};

const Catalogue& built_in();
std::string_view built_in_text();   // catalogue.json as it was embedded

// `text` over `base` (or alone, over an empty one). Errors begin with "line N:" and name the field, what was expected, and the nearest name.
// Sizes: at most 1 MiB and 2,000 entries.
Result<Catalogue> parse(std::string_view text, const Catalogue& base, Origin origin = Origin::kOwn);

// --- what is here -------------------------------------------------------------------------------------------------------------------

// A model that this installation answers or embeds with.
struct Installed {
  std::string id;              // what the API calls it
  std::string model;           // a provider's name for it; else empty
  bool remote = false, is_default = false, embedder = false;
  int context_tokens = 0;
  double decode_tokens_per_s = 0;   // measured here; 0: not yet
};
// The catalogue's model behind an installed one, or nullptr. Dates, "latest", "instruct", formats and an owner before the name do not matter:
// "meta-llama/Llama-3.1-8B-Instruct" is llama-3.1-8b; "gpt-4o-audio-preview" is not gpt-4o.
const Model* match(const Catalogue& catalogue, std::string_view name);
const Model* match(const Catalogue& catalogue, const Installed& installed);

// --- comparison ---------------------------------------------------------------------------------------------------------------------

struct Wish {
  std::string use = "chat";          // "chat", "analytics", "coding", "agents"
  std::string lean = "balanced";     // "reasoning", "creativity", "balanced"
  std::string favour = "balanced";   // "cost", "latency", "balanced"
  int64_t context_tokens_min = 0;
  bool here_only = false;            // models that this installation has
  bool open_weights_only = false;
  bool with_retired = false;         // also what its maker no longer serves
  std::vector<std::string> models;   // only these ids; empty: all that write
};
const std::vector<std::string_view>& uses();
const std::vector<std::string_view>& leans();
const std::vector<std::string_view>& favours();

struct Part {
  std::string axis;        // "fit for coding", "reasoning", "cost", "latency"
  double weight = 0;       // of the whole; a row's weights add up to 1
  double points = 0;       // [0, 1]
  bool known = true;       // false: counted as the middle, 0.5
  std::string reason;      // "4 of 5, by Strata's own judgement (2026-11)"
};
struct Row {
  const Model* model = nullptr;   // of the catalogue; nullptr for an installed model that it does not know
  std::string id, name;
  std::vector<std::string> here;  // ids under which this installation has it
  double score = 0;               // 100 × the sum of weight × points
  std::vector<Part> parts;
};
struct Left {
  std::string id, reason;
};   // out of the comparison, and why
struct Comparison {
  std::vector<Row> rows;   // best first; of equal scores what is here first, then by name
  std::vector<Left> left;
};
// SOURCE of the weights: half for the use, a quarter each for lean and favour ("balanced" shares its quarter evenly). Cost falls with the
// logarithm of the price of a million tokens at three read for one written, from 0.05 (1) to 30 dollars (0); weights that run here
// cost nothing a token. Latency is the speed grade, or here the measured rate, from 2 (0) to 100 tokens a second (1), by logarithm.
// kInvalidArgument names an unknown word of the wish, and kNotFound an unknown model, with the nearest.
Result<Comparison> compare(const Catalogue& catalogue, const std::vector<Installed>& installed, const Wish& wish);

// --- in-context, retrieval or fine-tuning ---------------------------------------------------------------------------------------------

enum class Fit { kNo, kPartly, kYes };
std::string_view fit_name(Fit fit);   // "no", "partly", "yes"
struct MatrixRow {
  const char* need;     // "Private docs"
  Fit rag, fine_tune;
};
// Private docs, Style consistency, Domain jargon, Dynamic data: exactly these four, in this order.
const std::array<MatrixRow, 4>& matrix();

// The answers to the helper's questions. An absent one counts as no (or none).
struct Situation {
  bool private_docs = false;       // answers must come from documents that no model was trained on
  bool dynamic_data = false;       // the facts change between two trainings
  bool style_consistency = false;  // every answer must have the same style, or the same decision in the same case
  bool domain_jargon = false;      // the field's own words and forms
  bool narrow_task = false;        // one task, again and again
  bool fits_in_prompt = false;     // all that must be known fits into one prompt
  int64_t daily_requests = 0;
  int64_t labelled_examples = 0;
};
// High volume is where the product spec calls for a small fine-tuned model.
constexpr int64_t kHighVolume = 10'000;        // more a day than this
// WHY 500: our judgement; makers of tuning services see a clear gain from 50 to 100 good examples on, and we ask for enough to hold some back.
constexpr int64_t kExamplesEnough = 500;

struct Question {
  const char* id;         // the field of Situation
  const char* text;
  const char* why;
  bool number;
};
const std::array<Question, 8>& questions();

struct Condition {        // of fine-tuning: narrow task, high volume, consistent style or decisions, enough labelled examples
  std::string name;
  bool met = false;
  std::string detail;     // "12,000 requests a day; high volume is more than 10,000"
};
struct Change {           // one answer the other way
  std::string question, to;   // "labelled_examples", "500"
  std::string approach;       // what it would be then
};
struct Advice {
  std::string approach;   // "in_context", "rag", "fine_tune", "rag_and_fine_tune"
  std::string title;
  std::vector<std::string> reasons;
  std::vector<MatrixRow> cells;        // the rows of the matrix that the answers call on
  std::vector<Condition> conditions;
  std::vector<Change> changes;         // the single answers that would change the approach
};
Advice decide(const Situation& situation);
std::string_view approach_title(std::string_view approach);

}  // namespace strata::landscape
