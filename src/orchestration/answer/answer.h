// orchestration/answer: retrieve → pack → generate → verify → label. One pipeline for chat, `strata ask`, evals and applications.
//
// Default mode is quote-first: the best supporting sentences, verbatim, with citations, released at once; the model may add text only
// one verified sentence at a time; below the evidence threshold the answer is that the documents do not say, with the closest passages.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/retrieve/retrieve.h"
#include "model/interface/interface.h"

namespace strata::answer {

enum class Mode { kQuoteFirst, kClassic };   // classic: Context: section and free generation, verified and labelled afterwards

struct Request {
  std::vector<model::Message> conversation;  // the last is the user's question; earlier ones resolve follow-ups
  std::vector<std::string> base_ids;
  Mode mode = Mode::kQuoteFirst;
  retrieve::Options retrieval;
  bool generate = true;                      // let the model add verified sentences after the quotes
  int max_tokens = 256;                      // of the model's addition
  model::Sampling sampling;
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
enum class Outcome { kAnswered, kNotInDocuments, kNothingFound, kPackedOut, kStale, kModelFailed };

struct Answer {
  std::string id;                            // "ans_…"
  std::string question, standalone_question; // after follow-up resolution
  std::string text;
  Outcome outcome = Outcome::kAnswered;
  double confidence = 0;                     // [0, 1]: probability that the documents answer the question and this is it
  std::vector<Citation> citations;
  std::vector<Verdict> verdicts;
  std::vector<Citation> closest;             // closest passages, where not answered
  retrieve::Found found;                     // candidates per stage
  std::vector<int64_t> packed, left_out;     // chunk ids given to the model, and those that did not fit
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

}  // namespace strata::answer
