#include "app/api/answers.h"

#include "app/api/answer_json.h"
#include "app/api/rules.h"
#include "base/log.h"
#include "base/span.h"
#include "knowledge/catalog/catalog.h"
#include "product/feedback/feedback.h"

namespace strata::api {
namespace {

Status keep(const Services& services, const answer::Answer& a) {
  feedback::StoredAnswer row;
  row.id = a.id;
  row.question = a.question;
  row.text = a.text;
  row.outcome = answer::outcome_name(a.outcome);
  row.confidence = a.confidence;
  row.raw_confidence = a.raw_confidence;
  row.json = why_json(a).dump();
  row.model = a.model;
  row.first_text_ms = a.first_text_ms;
  row.total_ms = a.total_ms;
  row.prompt_tokens = a.usage.prompt_tokens;
  row.completion_tokens = a.usage.completion_tokens;
  // Kept also where the client left meanwhile: the context that stores is not the request's.
  return services.feedback->put_answer(Context::background(*services.clock), std::move(row));
}

class KeepingSink : public answer::Sink {
 public:
  KeepingSink(const Services& services, Context context, std::shared_ptr<answer::Sink> next, confidence::Presentation presentation,
              std::optional<live::Terms> terms)
      : services_(services), context_(std::move(context)), next_(std::move(next)), presentation_(presentation), terms_(std::move(terms)) {}
  void on_text(const std::string& text, const std::vector<answer::Citation>& citations) override { next_->on_text(text, citations); }
  void on_done(Result<answer::Answer> answer) override {
    if (answer) {
      note_trace(context_, "strata.answer_id", answer->id);
      confidence::present(&*answer, *services_.calibrator->table(), presentation_);
      if (terms_) account(&*answer);
      if (auto kept = keep(services_, *answer); !kept) {
        log::error("answer.not_stored", {{"id", answer->id}, {"message", kept.error().message}});
        return next_->on_done(kept.error());
      }
    }
    next_->on_done(std::move(answer));
  }

 private:
  // The objective as it was promised, not what was left of it; and what personal data the answer holds or held.
  void account(answer::Answer* answer) {
    answer->objective_ms = terms_->objective_ms();
    if (!terms_->redacts()) answer->pii = live::personal_data_in(*terms_, answer->text, context_.principal().user);
  }

  const Services& services_;
  const Context context_;
  std::shared_ptr<answer::Sink> next_;
  const confidence::Presentation presentation_;
  const std::optional<live::Terms> terms_;
};

}  // namespace

void run_answer(const Services& services, const Context& context, std::shared_ptr<model::LanguageModel> model, answer::Request request,
                std::shared_ptr<answer::Sink> sink, confidence::Presentation presentation, std::optional<live::Terms> terms) {
  for (auto& id : request.base_ids)
    if (auto base = services.catalog->base(context, id); !base) {
      base.error().param = "tools[0].vector_store_ids";
      return sink->on_done(base.error());
    }
  if (terms) {
    apply_terms(*terms, context, &request);
    presentation.review_demanded = presentation.review_demanded || terms->live.spec.human_review_required;
  }
  request.priority = services.priority;
  request.model = model.get();
  services.answerer->answer(context, std::move(request), std::make_shared<KeepingSink>(services, context, std::move(sink), presentation, std::move(terms)));
}

}  // namespace strata::api
