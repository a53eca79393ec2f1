// An answer as JSON: the `strata` object that rides on every grounded answer, annotations, and the whole "why".
#pragma once

#include "base/json.h"
#include "orchestration/answer/answer.h"

namespace strata::api {

Json citation_json(const answer::Citation& citation);
// {border_color, icon, disclaimer}
Json treatment_json(double confidence);
// OpenAI's file_citation annotation with our exact positions beside it.
Json annotation_json(const answer::Citation& citation);
// {answer_id, outcome, confidence, label, treatment, suggested_actions, requires_human_review, citations, verdicts, closest, …}
Json strata_object(const answer::Answer& answer);
// Everything of "Why this answer?": strata_object and query, candidates per stage with scores, packed, left out, timings.
Json why_json(const answer::Answer& answer);
Json hit_json(const retrieve::Hit& hit);
Json stages_json(const retrieve::Found& found);
Json attributes_json(const catalog::Attributes& attributes);

}  // namespace strata::api
