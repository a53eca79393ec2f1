// product/report: the weekly update for people who decide, written from the week's metrics in dollars, percentages and satisfaction scores.
// No jargon: whoever reads it needs to know nothing about models.
//
// generate_stakeholder_update() is requirements 9g to the letter. The stored update of a week is the same text with trends and a line on
// operating safely, kept as a small Markdown ("# " title, "**status**", "## " sections, "- " lines): a person edits that, and the HTML and
// e-mail forms are made from it. A week's update is made once by the schedule (a journal job: a restart neither loses nor repeats it).
//
// THREADS: safe. Errors: kNotFound names the id; kInvalidArgument names the field; kFailedPrecondition says what state forbids it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/durable/durable.h"
#include "infra/store/store.h"
#include "product/metrics/metrics.h"
#include "product/outcome/outcome.h"

namespace strata::report {

// 9g. The defaults are those of its text; another product puts its name and targets in the same places.
std::string generate_stakeholder_update(const product_metrics::LLMProductMetrics& metrics, int week, const std::string& product = "Support Copilot",
                                        const product_metrics::Settings& settings = {});

// The update of the last of these weeks (oldest first, at least one), as Markdown. Its text form begins with 9g's text where all nine
// metrics have data (CSAT rounded to two decimals); a number without data reads "no data yet".
std::string write_update(const std::vector<product_metrics::Report>& weeks, const std::string& product, const product_metrics::Settings& settings);

enum class Form { kMarkdown, kHtml, kText };
Result<Form> form_from(std::string_view name);                     // "markdown", "html", "text"; kInvalidArgument with param "form"
// HTML is a whole page without scripts or anything remote; whatever a person wrote is escaped. Text is an e-mail's.
std::string render(std::string_view markdown, Form form);

struct Update {
  std::string id;                                                  // "update_…"
  std::string product;
  outcome::Week week;
  std::string body;                                                // Markdown
  bool edited = false;                                             // by a person: then it is never written over
  std::string state = "draft";                                     // "draft", "sent"
  std::string made_by;                                             // "schedule", or who asked
  int64_t created_ms = 0, updated_ms = 0, sent_ms = 0;
};

struct Schedule {                                                  // of a product's update, for the week before
  bool enabled = true;
  int weekday = 1, hour = 6;                                       // Monday (1 to 7), 06:00 UTC
};

inline constexpr size_t kBodyBytesMax = 64u << 10;
inline constexpr int kTrendWeeks = 4;

std::vector<store::Migration> migrations();

class Reports {
 public:
  Reports(store::Store& store, durable::Journal& journal, outcome::Outcomes& outcomes, product_metrics::Metrics& metrics, const Clock& clock);
  ~Reports();                                                      // stops the schedule's thread

  // The week's update: made now where there is none; where it stands unedited and unsent, written anew from what is known now.
  Result<Update> make(const Context&, const std::string& product, outcome::Week week, std::string made_by);
  Result<Update> update(const Context&, const std::string& id);
  Result<std::vector<Update>> updates(const Context&, const std::string& product, int limit, std::string_view after);  // last made first
  // `updated_ms` is what the editor saw: kAborted where another has saved since (0: not checked). A sent one is kFailedPrecondition.
  Result<Update> edit(const Context&, const std::string& id, std::string body, int64_t updated_ms);
  Result<Update> reset(const Context&, const std::string& id);     // throws a person's changes away and writes it anew; drafts only
  Result<Update> mark_sent(const Context&, const std::string& id); // it left, by whichever way; again: ok

  Result<Schedule> schedule(const Context&, const std::string& product);
  Status set_schedule(const Context&, const std::string& product, Schedule schedule);

  // The updates and the schedule of a product that is gone; kFailedPrecondition while it exists.
  Status forget(const Context&, const std::string& product);

  // Before the journal starts: the job that makes an update.
  void register_jobs();
  // Submits a job for each product whose time has come for the week before this one; once per product and week, whatever restarts.
  // Weeks without a single conversation or output are left out. Returns how many were submitted.
  Result<int> tick(const Context&);
  void start();                                                    // calls tick() about once a minute, on a thread of its own

 private:
  Result<durable::Job> submit(const Context&, const std::string& product, outcome::Week week);
  Result<std::string> written(const Context&, const std::string& product, outcome::Week week);
  struct Timer;
  store::Store& store_;
  durable::Journal& journal_;
  outcome::Outcomes& outcomes_;
  product_metrics::Metrics& metrics_;
  const Clock& clock_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace strata::report
