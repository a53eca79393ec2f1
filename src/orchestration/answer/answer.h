// orchestration/answer: retrieve → pack → generate → verify → label. One pipeline for chat, `strata ask`, evals and applications.
//
// Default mode is quote-first: the best supporting sentences, verbatim, with citations, released at once; the model may add text only
// one verified sentence at a time; below the evidence threshold the answer is that the documents do not say, with the closest passages.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/retrieve/retrieve.h"
#include "model/interface/interface.h"

namespace strata::answer {

enum class Mode { kQuoteFirst, kClassic };   // classic: Context: section and free generation, verified and labelled afterwards

struct Request {
  std::vector<model::Message> conversation;  // the last is the user's question; earlier ones resolve follow-ups
  std::vector<std::string> base_ids;
  Mode mode = Mode::kQuoteFirst;
  // WHY no reranking: the sentences of the first eight passages are all compared with the question anyway, at a quarter of its cost.
  retrieve::Options retrieval{.rerank = false};
  bool generate = true;                      // let the model add verified sentences after the quotes
  int max_tokens = 256;                      // of the model's addition
  model::Sampling sampling;
  model::Priority priority = model::Priority::kInteractive;   // of the model's part
  model::LanguageModel* model = nullptr;     // instead of the Answerer's own
  double threshold = -1;                     // of confidence, below which nothing is answered; below 0: the fitted one
  // What a product's spec asks of its answers.
  int context_tokens_max = 0;                // what the model may be given in all, answer included; 0: its own context, 6,000 of it for passages
  double objective_ms = 0;                   // from now on. Once it is spent the model adds nothing more (quote-first); 0: none
  bool mask_pii = false;                     // what the model reads and what is answered: text, quotes, candidates. Ranges stay the document's
};

struct Citation {
  int number = 0;                            // [1]
  std::string document_id, file_id, filename, title, version, heading;
  int page = 0;
  uint32_t begin = 0, end = 0;               // byte range in the document's extracted text
  std::string quote;                         // exactly those bytes
  uint32_t answer_begin = 0, answer_end = 0; // byte range of the answer's text that it supports
};

enum class SentenceKind { kQuote, kGenerated, kNotice };
struct Verdict {                             // of one sentence of the answer
  uint32_t begin = 0, end = 0;
  SentenceKind kind = SentenceKind::kQuote;
  bool supported = false;
  double score = 0;
  std::string reason;                        // "number 12 is not in the cited text"
};

// What went wrong, where something did (requirement R16).
enum class Outcome {
  kAnswered,        // also a greeting, which gets a notice of what one can ask: one verdict of kNotice, no citations, confidence 0
  kNotInDocuments,  // something was found, but it does not answer: a notice, and `closest`
  kNothingFound,    // retrieval gave no passage (an empty base, filters that exclude everything)
  kPackedOut,       // classic mode: the best evidence did not fit the model's context
  kStale,           // answered, but a cited document has been replaced by a newer version, or removed
  kModelFailed,     // classic mode: no model, or it failed; the quotes are given instead. Quote-first never needs the model
};
std::string_view outcome_name(Outcome outcome);   // "answered", "not_in_documents", "nothing_found", "packed_out", "stale", "model_failed"

struct Answer {
  std::string id;                            // "ans_…"
  std::string question, standalone_question; // after follow-up resolution
  std::string text;
  Outcome outcome = Outcome::kAnswered;
  double raw_confidence = 0;                 // [0, 1]: as the evidence was weighed; what the thresholds act on
  double confidence = 0;                     // [0, 1]: the same until product/confidence makes it P(the text holds the right answer)
  std::vector<std::string> suggested_actions;  // set by product/confidence, as is
  bool requires_human_review = false;
  std::vector<Citation> citations;
  std::vector<Verdict> verdicts;
  std::vector<Citation> closest;             // closest passages, where not answered
  retrieve::Found found;                     // candidates per stage
  std::vector<int64_t> packed, left_out;     // chunk ids given to the model, and those that did not fit
  int packed_tokens = 0;                     // of what the model was given of them
  double objective_ms = 0;                   // as asked
  bool additions_stopped = false;            // the objective was spent before the model had added what it could
  std::map<std::string, int> pii;            // personal data masked in the text, by kind
  std::string mode, model;
  model::Usage usage;
  double first_text_ms = 0, total_ms = 0;
};

// Receives text as it is released (verified text only, in quote-first mode), then the whole answer once.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void on_text(const std::string& text, const std::vector<Citation>& new_citations) = 0;
  virtual void on_done(Result<Answer> answer) = 0;
};

//   conversation ──standalone──▶ queries ──search──▶ passages ──select──▶ quotes ──────────────▶ on_text, at once
//                                                        └──pack──▶ model ──sentence──verify──▶ on_text, or a verdict only
//
// THREADS: safe; answer() may run several times at once, each on a thread of the worker pool. It blocks until the answer is done and
// calls the sink from that thread only: on_text any number of times, then on_done once, whatever happens.
class Answerer {
 public:
  // What the answer is drawn from: the catalog and the retriever, or a stand-in.
  struct Library {
    std::function<Result<retrieve::Found>(const Context&, const std::vector<std::string>& queries, const std::vector<std::string>& base_ids,
                                          const retrieve::Options&)>
        search;
    // Whether the hit's document has been replaced or removed since it was indexed. May be empty.
    std::function<Result<bool>(const Context&, const retrieve::Hit&)> superseded;
  };
  Answerer(Library library, model::Embedder& embedder, model::LanguageModel* model);
  // All must outlive the Answerer. `model` may be null: then answers are quotes.
  Answerer(catalog::Catalog& catalog, retrieve::Retriever& retriever, model::Embedder& embedder, model::LanguageModel* model);
  ~Answerer();

  // on_done's errors: kInvalidArgument (no question), kCancelled, kDeadlineExceeded, and what search and embedding give. A failing
  // language model is no error where quotes stand: see Outcome. Cancelled: no on_text afterwards, the model's request is cancelled.
  void answer(const Context& context, Request request, std::shared_ptr<Sink> sink);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace strata::answer
