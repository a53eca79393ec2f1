// From the pipeline's answer to what a person sees.
#include "product/confidence/confidence.h"

namespace strata::confidence {
namespace {

std::vector<std::string> words(std::initializer_list<std::string_view> actions) { return {actions.begin(), actions.end()}; }

// A draft: the reader is an agent, who decides. A chat: the reader is who asked.
std::vector<std::string> actions_for(const answer::Answer& answer, Place place) {
  if (is_greeting(answer)) return {};
  const bool refusal = is_refusal(answer.outcome), low = label_of(answer.confidence) == Label::kLow;
  if (place == Place::kDraft) return refusal || low ? words({kEscalate, kEdit}) : words({kSend, kEdit, kEscalate});
  if (refusal) return words({kRephrase, kAskPerson});
  return low ? words({kOpenSources, kAskPerson, kRephrase}) : words({kOpenSources});
}

}  // namespace

bool is_refusal(answer::Outcome outcome) { return outcome == answer::Outcome::kNotInDocuments || outcome == answer::Outcome::kNothingFound; }

bool is_greeting(const answer::Answer& answer) {
  return answer.outcome == answer::Outcome::kAnswered && answer.citations.empty() && answer.verdicts.size() == 1 &&
         answer.verdicts[0].kind == answer::SentenceKind::kNotice;
}

void present(answer::Answer* answer, const Table& table, const Presentation& presentation) {
  // WHY verdicts, not the outcome: a failed model's refusal and evidence that did not fit also leave a text of notices only.
  bool holds_answer = false;
  for (const answer::Verdict& verdict : answer->verdicts)
    holds_answer = holds_answer || (verdict.kind != answer::SentenceKind::kNotice && verdict.end > verdict.begin);
  answer->confidence = holds_answer && !is_refusal(answer->outcome) ? table(answer->raw_confidence) : 0;
  answer->suggested_actions = actions_for(*answer, presentation.place);
  answer->requires_human_review = !is_greeting(*answer) && (presentation.review_demanded || label_of(answer->confidence) == Label::kLow);
}

AIResponse response_of(const answer::Answer& answer) {
  AIResponse out{.content = answer.text,
                 .confidence = answer.confidence,
                 .suggested_actions = answer.suggested_actions,
                 .requires_human_review = answer.requires_human_review};
  for (const answer::Citation& citation : answer.citations) {
    Source source{.source = citation.filename};
    if (citation.page > 0) source.page = citation.page;
    if (!citation.quote.empty()) source.text = citation.quote;
    out.citations.push_back(std::move(source));
  }
  return out;
}

}  // namespace strata::confidence
