#include "app/api/answer_json.h"

#include "app/api/rules.h"
#include "product/confidence/confidence.h"

namespace strata::api {

Json citation_json(const answer::Citation& c) {
  return Json::object({{"number", c.number},
                       {"document_id", c.document_id},
                       {"file_id", c.file_id},
                       {"filename", c.filename},
                       {"title", c.title},
                       {"version", c.version},
                       {"heading", c.heading},
                       {"page", c.page > 0 ? Json(c.page) : Json()},
                       {"begin", c.begin},
                       {"end", c.end},
                       {"quote", c.quote},
                       {"answer_begin", c.answer_begin},
                       {"answer_end", c.answer_end}});
}

Json annotation_json(const answer::Citation& c) {
  return Json::object({{"type", "file_citation"}, {"index", c.answer_end}, {"file_id", c.file_id}, {"filename", c.filename}, {"strata", citation_json(c)}});
}

Json attributes_json(const catalog::Attributes& attributes) {
  Json out = Json::object();
  for (auto& [key, value] : attributes) std::visit([&](auto& v) { out.set(key, Json(v)); }, value);
  return out;
}

namespace {

Json verdict_json(const answer::Verdict& v) {
  static constexpr std::string_view kKinds[] = {"quote", "generated", "notice"};
  return Json::object({{"begin", v.begin},
                       {"end", v.end},
                       {"kind", kKinds[static_cast<size_t>(v.kind)]},
                       {"supported", v.supported},
                       {"score", v.score},
                       {"reason", v.reason}});
}

Json citations_json(const std::vector<answer::Citation>& citations) {
  Json out = Json::array();
  for (auto& citation : citations) out.push(citation_json(citation));
  return out;
}

Json score_json(const std::optional<double>& score) { return score ? Json(*score) : Json(); }

Json ids_json(const std::vector<int64_t>& ids) {
  Json out = Json::array();
  for (int64_t id : ids) out.push(id);
  return out;
}

Json texts_json(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const std::string& text : texts) out.push(text);
  return out;
}

}  // namespace

Json treatment_json(double confidence) {
  const confidence::Treatment treatment = confidence::treatment_of(confidence::label_of(confidence));
  return Json::object(
      {{"border_color", treatment.border_color}, {"icon", treatment.icon}, {"disclaimer", treatment.disclaimer ? Json(*treatment.disclaimer) : Json()}});
}

Json strata_object(const answer::Answer& a) {
  Json verdicts = Json::array();
  for (auto& verdict : a.verdicts) verdicts.push(verdict_json(verdict));
  Json out = Json::object({{"answer_id", a.id},
                           {"outcome", answer::outcome_name(a.outcome)},
                           {"confidence", a.confidence},
                           {"raw_confidence", a.raw_confidence},
                           {"label", confidence::label_name(confidence::label_of(a.confidence))},
                           {"treatment", treatment_json(a.confidence)},
                           {"suggested_actions", texts_json(a.suggested_actions)},
                           {"requires_human_review", a.requires_human_review},
                           {"mode", a.mode},
                           {"model", a.model},
                           {"citations", citations_json(a.citations)},
                           {"verdicts", std::move(verdicts)},
                           {"closest", citations_json(a.closest)},
                           {"first_text_ms", a.first_text_ms},
                           {"total_ms", a.total_ms}});
  if (a.objective_ms > 0) out.set("latency", latency_json(a.objective_ms, a.total_ms, a.additions_stopped));
  if (!a.pii.empty()) {
    Json kinds = Json::object();
    for (auto& [kind, count] : a.pii) kinds.set(kind, count);
    out.set("pii", std::move(kinds));
  }
  return out;
}

Json hit_json(const retrieve::Hit& hit) {
  return Json::object({{"chunk_id", hit.chunk.id},
                       {"document_id", hit.chunk.document_id},
                       {"file_id", hit.chunk.file_id},
                       {"vector_store_id", hit.chunk.base_id},
                       {"filename", hit.filename},
                       {"title", hit.title},
                       {"heading", hit.heading},
                       {"page", hit.chunk.chunk.page > 0 ? Json(hit.chunk.chunk.page) : Json()},
                       {"begin", hit.chunk.chunk.at.begin},
                       {"end", hit.chunk.chunk.at.end},
                       {"text", hit.chunk.text},
                       {"attributes", attributes_json(hit.attributes)},
                       {"score", hit.scores.final_score},
                       {"scores", Json::object({{"keyword", score_json(hit.scores.keyword)},
                                                {"vector", score_json(hit.scores.vector)},
                                                {"fused", score_json(hit.scores.fused)},
                                                {"rerank", score_json(hit.scores.rerank)}})}});
}

Json stages_json(const retrieve::Found& found) {
  Json out = Json::array();
  for (auto& stage : found.stages) {
    Json top = Json::array();
    for (auto& [id, score] : stage.top) top.push(Json::object({{"chunk_id", id}, {"score", score}}));
    out.push(Json::object({{"name", stage.name}, {"candidates", stage.candidates}, {"ms", stage.ms}, {"top", std::move(top)}}));
  }
  return out;
}

Json why_json(const answer::Answer& a) {
  Json why = strata_object(a);
  why.set("question", a.question);
  why.set("standalone_question", a.standalone_question);
  why.set("text", a.text);
  Json queries = Json::array(), hits = Json::array();
  for (auto& query : a.found.queries) queries.push(query);
  for (auto& hit : a.found.hits) hits.push(hit_json(hit));
  why.set("queries", std::move(queries));
  why.set("stages", stages_json(a.found));
  why.set("candidates", std::move(hits));
  why.set("packed", ids_json(a.packed));
  why.set("left_out", ids_json(a.left_out));
  why.set("packed_tokens", a.packed_tokens);
  return why;
}

}  // namespace strata::api
