// knowledge/ground: what ties an answer to its evidence. Four jobs, all without a generating model:
//   Selector      a question and the passages that retrieval found → the sentences that answer it, verbatim, and how likely they do
//   pack          passages → as many as fit a token budget, whole, best first; says what was left out
//   verify        a sentence that a model wrote → whether the cited text says so: numbers, dates, names, negation, content words
//   standalone    a follow-up question in a conversation → a question that can be searched for on its own
//
//   sources ──sentences──▶ candidates ──(cosine, coverage, kind, rank)──▶ quotes ──(cosine, what stays uncovered)──▶ confidence
//
// The constants behind selection and confidence are fitted by tools/fixtures/ground_fit.py, which records its data and its error in
// fitted.inc. English; other languages are quoted by cosine alone and with low confidence.
// THREADS: all functions are safe to call from any thread. Selector::select blocks on the embedder: for the worker pool.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/retrieve/retrieve.h"
#include "model/interface/interface.h"

namespace strata::ground {

// A passage that may hold the answer. Order matters: best first, as retrieval ranked them.
struct Source {
  int64_t chunk_id = 0;
  std::string document_id;
  std::string title, heading;
  std::string text;             // the document's bytes from `begin` on
  uint32_t begin = 0;
};
std::vector<Source> sources_of(const std::vector<retrieve::Hit>& hits);

// What is measured of one candidate sentence. UNITS: cosines in [-1, 1], fractions in [0, 1].
struct SentenceFeatures {
  enum : size_t { kCosine, kCovered, kCoveredNearby, kHoldsKind, kRank, kSelfContained, kLength, kCount };
  std::array<double, kCount> value{};
};
// What is measured of a question beside its best sentence.
struct QuestionFeatures {
  enum : size_t {
    kCosineMax,
    kCosineBest,
    kNegated,
    kWords,
    kNames,
    kHoldsKind,
    kAsksReason,
    kAsksManner,
    kNamesMissingNearby,
    kNamesMissing,
    kRarestMissing,
    kNumbersMissing,
    kAgreement,
    kCoveredNearby,
    kCount
  };
  std::array<double, kCount> value{};
};

struct Quote {
  size_t source = 0;            // index into the sources given
  document::Range at;           // in the document's text
  std::string text;             // exactly those bytes
  document::Range header;       // of a table row: the row of the same passage that names its columns; empty where there is none
  std::string header_text;      // exactly those bytes
  double score = 0;             // comparable within one question
  double probability = 0;       // that this sentence holds the answer, given that one of the candidates does
  double cosine = 0;
  SentenceFeatures features;
};

struct Evidence {
  std::vector<Quote> quotes;    // the answer: 1 to quotes_max, best first; sentences that follow each other are one quote
  std::vector<Quote> ranked;    // every candidate, best first
  double on_topic = 0;          // [0, 1]: probability that the sources treat what the question is about
  double confidence = 0;        // [0, 1]: probability that they also answer it
  bool sufficient = false;      // both reach their fitted thresholds (about 3.5 % of SQuAD's answerable questions do not)
  QuestionFeatures features;
};

struct SelectOptions {
  int sources_max = 8;          // read of the sources given; each costs the embedding of its sentences
  int candidates_max = 32;      // sentences compared by embedding; more are thinned out by their words first
  int quotes_max = 3;
  double enough = 0.95;         // stop quoting once the quotes hold so much of the probability
  double threshold = -1;        // of confidence alone, in place of the fitted ones; below 0: those
};

class Selector {
 public:
  // Keeps the vectors of the sentences seen last (bounded, about 8 MiB), so that a question asked again costs one embedding.
  explicit Selector(model::Embedder& embedder);
  ~Selector();
  // Empty `ranked` where the sources hold no sentence. Errors: the embedder's, kCancelled, kDeadlineExceeded.
  Result<Evidence> select(const Context& context, const std::string& question, const std::vector<Source>& sources, const SelectOptions& options = {});

 private:
  class Vectors;
  std::unique_ptr<Vectors> vectors_;
};

struct Packed {
  std::string text;                        // "[1] Title > Heading\n…" blocks, in order
  std::vector<size_t> sources;             // index of the source behind [1], [2], …
  std::vector<document::Range> ranges;     // of the document's text, behind each
  std::vector<int64_t> packed, left_out;   // chunk ids; one that went in by a sentence only counts as packed
  int tokens = 0;
  bool best_left_out = false;              // the source of the best quote did not fit, not even its sentence
};
// Sources whole, best first, while they fit; one that does not fit gives the sentences of it that were quoted.
Packed pack(const std::vector<Source>& sources, const std::vector<Quote>& quotes, int tokens_max, const std::function<int(std::string_view)>& count_tokens);

struct Claim {                  // the verdict on one sentence
  bool supported = false;
  double score = 0;             // share of what the sentence says that the evidence says, [0, 1]
  int evidence = -1;            // which text says most of it
  document::Range at;           // … and where: bytes of that text
  std::string reason;           // where not supported: "number 12 is not in the cited text"
};
// Whether one of `evidence` says what `sentence` says. A sentence is held to the one or two neighbouring sentences that are nearest
// to it, so a number or a name from elsewhere in the passage does not pass. Strict: in doubt, not supported.
Claim verify(std::string_view sentence, const std::vector<std::string_view>& evidence);

struct FollowUp {
  bool carried = false;                    // something was carried over
  std::string question;                    // standalone
  std::vector<std::string> queries;        // what to search for, best first
  std::string topic;                       // what was carried over
};
// The last message is the question. Pronouns and ellipsis ("and for part-timers?") take the topic of the user's question before.
FollowUp standalone(const std::vector<model::Message>& conversation);

// A greeting, thanks or farewell: nothing to look up.
bool is_small_talk(std::string_view text);
// Mostly letters beyond Latin, or no English word at all among several.
bool is_probably_not_english(std::string_view text);

}  // namespace strata::ground
