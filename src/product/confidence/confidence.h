// product/confidence: how sure an answer is, said so that a person can act on it.
//
//   answer's raw confidence ──Table──▶ calibrated: P(the text holds the right answer) ──▶ label ──▶ colour, icon, disclaimer
//
// Three things: AIResponse with its label and treatment, exact to the product's definition; the calibration that makes the number a
// probability, fitted on measured outcomes; and what people are offered next. The thresholds of refusal act on the raw confidence
// (knowledge/ground) and are not touched here.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/store/store.h"
#include "orchestration/answer/answer.h"

namespace strata::confidence {

// ---- Labels and treatments ------------------------------------------------------------------------------------------------------

inline constexpr double kHighLeast = 0.85, kMediumLeast = 0.60;

enum class Label { kHigh, kMedium, kLow };
Label label_of(double confidence);                 // >= 0.85 high, >= 0.60 medium, else low (so is NaN)
std::string_view label_name(Label label);          // "high_confidence", "medium_confidence", "low_confidence"

struct Treatment {
  std::string_view border_color, icon;             // "#27ae60", "check_circle": an icon always goes with words
  std::optional<std::string_view> disclaimer;      // none for high confidence
};
Treatment treatment_of(Label label);
// As Python prints the dict: {'border_color': '#27ae60', 'icon': 'check_circle', 'disclaimer': None}
std::string python_dict(const Treatment& treatment);

struct Source {                                    // a citation, as a product shows it
  std::string source;
  std::optional<int> page;                         // where the document has pages
  std::optional<std::string> text;
};

// A structured response with what the user interface needs.
struct AIResponse {
  std::string content;
  double confidence = 0;                           // 0.0 to 1.0
  std::vector<Source> citations;
  std::vector<std::string> suggested_actions;      // best first
  bool requires_human_review = false;

  std::string_view confidence_label() const { return label_name(label_of(confidence)); }
  Treatment ux_treatment() const { return treatment_of(label_of(confidence)); }
};

// ---- Calibration ----------------------------------------------------------------------------------------------------------------

struct Pair {                                      // one answer that was judged
  double raw = 0;
  bool right = false;
};

struct Bin {                                       // of the reliability diagram; [from, to), the last one [from, to]
  double from = 0, to = 0;
  int count = 0;
  double mean_confidence = 0, accuracy = 0;        // 0 where count is 0
};
struct Reliability {
  std::vector<Bin> bins;
  int count = 0;
  double error = 0;                                // ECE: the bins' |accuracy - mean confidence|, weighted by their counts
};
// `confidence` and `right` in pairs. SOURCE: Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities", AAAI 2015.
Reliability reliability_of(const std::vector<Pair>& calibrated, int bins = 10);

struct Point {
  double raw = 0, calibrated = 0;
};
struct Table {
  std::string method;                              // "isotonic" or "platt"
  std::string source;                              // what it was fitted on, in words
  std::vector<Point> points;                       // rising in both; between two: linear; outside: the first or last
  int fitted_on = 0, tested_on = 0;                // answers
  double error = 0;                                // ECE on the answers tested on
  int64_t fitted_ms = 0;                           // UNITS: ms since 1970; 0 of the built-in table

  double operator()(double raw) const;             // in [0, 1], never falling
};

// The committed fit (fitted.inc: tools/fixtures/answer_calibration.py), and the diagram of its held-out half.
const Table& built_in();
extern const int kBuiltInGroup;                    // neighbours that counted as one in it, where it is isotonic
const Reliability& built_in_reliability();

// Isotonic regression: pooled adjacent violators over groups of `group` neighbours, joined at the pools' centres.
// SOURCE: Zadrozny, Elkan, KDD 2002; Oron, Flournoy, "Centered isotonic regression", 2017.
std::vector<Point> fit_isotonic(std::vector<Pair> pairs, int group);
// A logistic curve over the raw confidence's logit, as a table. SOURCE: Platt 1999, with the targets of his section 2.2.
std::vector<Point> fit_platt(const std::vector<Pair>& pairs);

inline constexpr int kPairsLeast = 50;             // fewer rated answers say too little
inline constexpr int kEachLeast = 10;              // of them right, and of them wrong
// The better of both by five-fold cross-validation (every fifth pair is left out in turn); `error` is that of the left-out pairs.
// kFailedPrecondition says how many there are and how many are needed.
Result<Table> fit(const std::vector<Pair>& pairs);

std::vector<store::Migration> migrations();

// The table in use: this installation's own where it was refitted, else the built-in one. THREADS: safe.
class Calibrator {
 public:
  static Result<std::unique_ptr<Calibrator>> open(const Context& context, store::Store& store, const Clock& clock);
  std::shared_ptr<const Table> table() const;
  Result<Table> refit(const Context& context, const std::vector<Pair>& pairs);   // stored before it is used
  Status reset(const Context& context);                                          // back to the built-in one

 private:
  Calibrator(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  Status load(const Context& context);
  void use(Table table);
  store::Store& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_;
};

// ---- An answer, presented -------------------------------------------------------------------------------------------------------

enum class Place { kChat, kDraft };                // a draft is what an agent sends to a customer
struct Presentation {
  Place place = Place::kChat;
  bool review_demanded = false;                    // the product's spec demands a person's review of every answer
};

// What the actions are called: shown as they are, and known by these words.
inline constexpr std::string_view kSend = "Send to customer", kEdit = "Edit draft", kEscalate = "Escalate", kAskPerson = "Ask a person",
                                  kOpenSources = "Open the sources", kRephrase = "Ask in other words";

bool is_refusal(answer::Outcome outcome);          // the text says that there is no answer
bool is_greeting(const answer::Answer& answer);    // a notice about nothing: neither sure nor unsure

// Sets confidence (from raw_confidence; 0 where the text holds no answer), suggested_actions and requires_human_review (low confidence,
// or demanded; never for a greeting).
void present(answer::Answer* answer, const Table& table, const Presentation& presentation);
AIResponse response_of(const answer::Answer& answer);

}  // namespace strata::confidence
