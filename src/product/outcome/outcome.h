// product/outcome: what became of a product's answers. Conversations and how they ended, drafts and what people made of them, the queue
// from which a person takes over, judgements, satisfaction, imported facts, developers' use. Ratings and the answers themselves are in
// product/feedback; product/metrics computes its numbers from these rows and from nothing else. Committed before each call returns.
//
//   conversation ──output──▶ draft ──sent as it is | edited | discarded        (channel "agent": a person works with drafts)
//        │          └──judged (correct? fabricated? unsafe?)
//        ├──handed over ──waiting ▶ claimed ▶ done                             (then it ends escalated)
//        └──ends resolved | escalated | abandoned | deflected, and may be followed by a CSAT score
//
// Invariants:
// 1. Every row belongs to one product that exists; what hangs on a conversation has the conversation's product and its `simulated`.
// 2. Time. `at_ms` 0 is now. Any other time is taken for what is simulated or imported only (else kInvalidArgument with param "at"):
//    nobody backdates real work. A future time is refused.
// 3. Weeks are ISO 8601 weeks in UTC, Monday 00:00 to Monday 00:00.
// 4. `simulated` rows can be told apart in every list, and remove_simulated() takes them all away.
//
// THREADS: safe. Errors: kNotFound names the id; kInvalidArgument names the field; kFailedPrecondition says what state forbids it.
// Lists: last recorded first, `after` is the id of the last one seen, `limit` in [1, 10001].
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::outcome {

struct Week {
  int year = 1970, number = 1;                              // the ISO year, which is not always the calendar's; 1 to 53
  static Week of(int64_t unix_ms);
  static Result<Week> parse(std::string_view text);         // "2026-W47", years 1970 to 9999; kInvalidArgument with param "week"
  std::string text() const;
  int64_t begin_ms() const;                                 // Monday 00:00 UTC
  int64_t end_ms() const { return begin_ms() + kMs; }       // exclusive
  Week plus(int weeks) const;
  auto operator<=>(const Week&) const = default;
  static constexpr int64_t kMs = 7LL * 24 * 3600 * 1000;
};

// A product: a slug ([a-z0-9-], 1 to 64 bytes, begins with a letter) and its name for people. None exists until someone makes it; the
// one of the examples is "support-copilot", "Support Copilot".
struct Product {
  std::string id, name;
  int64_t created_ms = 0;
  bool simulated = false;                                   // made by the simulator: goes with the simulated rows if nothing real uses it
};

enum class End { kOpen, kResolved, kEscalated, kAbandoned, kDeflected };
std::string_view end_name(End end);                         // "open", "resolved", "escalated", "abandoned", "deflected"
Result<End> end_from(std::string_view name);                // kInvalidArgument with param "outcome" and the nearest name

struct Conversation {
  std::string id;                                           // product/feedback's "conv_…"; not checked against it
  std::string product;
  std::string channel = "agent";                            // "agent": a person works with drafts; "customer": answered directly
  std::string user;                                         // who works in the product (an agent); "" where nobody does
  std::string end_user;                                     // the customer; may be ""
  int64_t opened_ms = 0, ended_ms = 0;                      // ended_ms: 0 while open
  End end = End::kOpen;                                     // deflected: handled without a human agent. Resolved: otherwise, by the product's user
  bool handed_over = false;
  bool simulated = false;
};

// One thing that the product's AI put out, also where it failed. Its id is the answer's ("ans_…"), or made here ("out_…") without one.
struct Output {
  std::string id;
  std::string product;                                      // "": the conversation's
  std::string conversation;                                 // "": none (an API call that names a product only)
  std::string user;                                         // "": the conversation's
  std::string model;
  std::string status = "ok";                                // "ok", "client_error" (4xx), "server_error" (5xx), "timeout"
  double confidence = 0;
  double first_text_ms = 0, total_ms = 0;
  int64_t prompt_tokens = 0, completion_tokens = 0;
  int64_t at_ms = 0;
  bool simulated = false;
};

struct Draft {
  std::string id;                                           // "draft_…"
  std::string conversation, answer_id, product, user;
  std::string original, text;                               // text: as saved or as sent; both "" in lists without `texts`
  std::string state = "open";                               // "open", "sent", "discarded"
  bool edited = false;                                      // sent, and not byte for byte the original
  int64_t edit_distance = 0;                                // of a sent one: code points inserted, deleted or replaced; at most kEditDistanceMax
  std::string reason;                                       // of a discarded one; may be ""
  int64_t created_ms = 0, saved_ms = 0, decided_ms = 0;     // decided: sent or discarded; 0 while open
  bool simulated = false;
};
// Beyond it the exact number says no more: the text was written anew. Bounds the cost to about 0.2 s for two texts of kDraftBytesMax.
inline constexpr int64_t kEditDistanceMax = 4'000;
inline constexpr size_t kDraftBytesMax = 32u << 10;
// Levenshtein distance in code points of two valid UTF-8 texts, or kEditDistanceMax where it is more.
int64_t edit_distance(std::string_view a, std::string_view b);

struct Handover {
  std::string id;                                           // "handover_…"
  std::string conversation, answer_id, product;             // answer_id: what could not be answered; may be ""
  std::string reason;                                       // "low_confidence", "asked_for_a_person", "not_in_documents", … (64 bytes)
  std::string note;                                         // what the person should know: the question (4,000 bytes)
  std::string state = "waiting";                            // "waiting", "claimed", "done"
  std::string who;                                          // who claimed it
  std::string reply;                                        // of a done one
  int64_t created_ms = 0, claimed_ms = 0, done_ms = 0;
  bool simulated = false;
};

// An evaluator's word on one output. One per evaluator and output: the last. Counted in the week of the OUTPUT, so that a late judgement
// tells about the week in which people saw the answer.
struct Judgement {
  std::string id;                                           // "judge_…"
  std::string answer_id, product, who;
  bool correct = false, fabricated = false, unsafe = false; // fabricated: contains facts that are in no source
  int64_t output_ms = 0, at_ms = 0;
  bool simulated = false;
};

struct Satisfaction {                                       // a CSAT response
  std::string id;                                           // "csat_…"
  std::string conversation;                                 // one response per conversation: the last; "" of an imported one that names none
  std::string product;
  int score = 0;                                            // 1 to 5
  std::string source = "api";                               // "survey" (in the product), "api", "csv", "entered" (by a person, from elsewhere)
  int64_t at_ms = 0;
  bool simulated = false;
};

// A number from outside, for a product and a week. One per product, week and name: the last.
struct Fact {
  std::string id;                                           // "fact_…"
  std::string product;
  Week week;
  std::string name;                                         // one of fact_kinds()
  double value = 0;
  std::string source = "entered";                           // "csv", "api", "entered"
  std::string who;
  int64_t at_ms = 0;                                        // when it was recorded
  bool simulated = false;
};
struct FactKind {
  std::string_view name, unit, meaning;
  double least = 0, most = 0;
  bool standing = false;                                    // holds for later weeks too, until another is given (eligible_users)
};
const std::vector<FactKind>& fact_kinds();

struct DeveloperEvent {
  std::string id;                                           // "dev_…"
  std::string product, developer;
  std::string kind;                                         // "signup", "first_call", "production", "paid": one of each per developer and product: the first
  std::string source = "api";                               // "api", "csv", "entered", "observed" (first_call and production, by calls)
  int64_t at_ms = 0;
  bool simulated = false;
};
// One call that a program made on behalf of a product, by the public API.
struct Call {
  std::string id;                                           // "call_…"; made here
  std::string product;
  std::string route;                                        // "/v1/chat/completions"
  std::string developer;                                    // who built what called
  std::string key_id;                                       // of the API key; "" where none was used
  std::string end_user;                                     // whom it was made for; "": the developer
  bool production = false;                                  // from production: the developer's step into it, the first time
  bool generates = false;                                   // what came back is an output (Output), also where it failed
  std::string answer_id;                                    // of that output: the answer's, or made here
  std::string model;
  std::string status = "ok";                                // as an Output's
  int http_status = 200;                                    // 499: the client left
  double confidence = 0, first_text_ms = 0, total_ms = 0;
  double objective_ms = 0;                                  // of the product's spec at that time; 0: none
  int64_t prompt_tokens = 0, completion_tokens = 0;
  int64_t at_ms = 0;                                        // when it began
  bool simulated = false;
  bool late() const { return objective_ms > 0 && total_ms > objective_ms; }
};

struct DeveloperDay {                                       // API calls of one developer on one UTC day
  std::string product, developer;
  int64_t day_ms = 0;                                       // 00:00 UTC
  int64_t calls = 0;
  bool simulated = false;
};

// Which rows a list gives. `kind` and the time that [begin_ms, end_ms) means, per list:
//   conversations  an end's name, or "ended" (all but open), with the time of ending; "" any, with the time of opening
//   outputs        a status                                                         time at_ms
//   drafts         "open" by creation; "sent", "edited", "unmodified", "discarded", "decided" by decision; "" any, by creation
//   handovers      a state                                                          time of creation
//   judgements     "correct", "incorrect", "fabricated", "unsafe"                   time of the OUTPUT
//   satisfaction   a score as text                                                  time at_ms
//   facts          a fact's name                                                    the week's begin
//   developer_events  a kind                                                        time at_ms
//   calls          a status, "failed" (all but ok) or "late"                        time at_ms
struct Filter {
  std::string product;                                      // "": all
  int64_t begin_ms = 0, end_ms = INT64_MAX;
  std::string kind;                                         // "": any; an unknown one is kInvalidArgument with param "kind"
  std::string conversation, user;                           // "": any; where the list has such a column
  std::optional<bool> simulated;                            // none: both
  bool texts = false;                                       // drafts: with original and text
  static Filter of(std::string product, Week week, std::string kind = "") {
    return {.product = std::move(product), .begin_ms = week.begin_ms(), .end_ms = week.end_ms(), .kind = std::move(kind)};
  }
};

struct Removed {
  int64_t rows = 0;
  std::vector<std::string> conversations, answers;          // for product/feedback, whose rows the caller removes too
};

inline constexpr size_t kImportBytesMax = 1u << 20;         // a CSV: larger ones are several imports
inline constexpr int kImportRowsMax = 10'000;

std::vector<store::Migration> migrations();

class Outcomes {
 public:
  Outcomes(store::Store& store, const Clock& clock);

  // Makes it, or renames it where it exists. A product made for real stays real.
  Result<Product> put_product(const Context&, std::string id, std::string name, bool simulated = false);
  Result<Product> product(const Context&, const std::string& id);             // kNotFound gives the nearest id
  Result<std::vector<Product>> products(const Context&, int limit, std::string_view after);

  // The conversation's id, product, channel, user, end_user and simulated are taken; opened at at_ms. Again with the same id and
  // product: the row that stands (user and end_user are filled in where they were empty). With another product: kFailedPrecondition.
  Result<Conversation> open(const Context&, Conversation conversation, int64_t at_ms = 0);
  // Ends it, or corrects how it ended (the time of the first ending stays). kOpen opens it again. A conversation that was handed over
  // cannot end resolved or deflected (kFailedPrecondition): a person handled it. An open draft of it is left as it is.
  Result<Conversation> end(const Context&, const std::string& id, End end, int64_t at_ms = 0);
  Result<Conversation> conversation(const Context&, const std::string& id);
  Result<std::vector<Conversation>> conversations(const Context&, const Filter&, int limit, std::string_view after);
  // The product that a conversation belongs to, or nothing: most conversations of the chat belong to none.
  Result<std::optional<std::string>> product_of(const Context&, const std::string& conversation_id);

  // Where conversation is given, product, user (where empty) and simulated come from it. Again with the same id: the row that stands; a
  // simulated one moves to at_ms where that is given, so that an answer made just now can stand for one of last week.
  Result<Output> add_output(const Context&, Output output);
  Result<Output> output(const Context&, const std::string& id);
  Result<std::vector<Output>> outputs(const Context&, const Filter&, int limit, std::string_view after);

  // Of a conversation that exists; user "" is the conversation's. The original is `text`, at most kDraftBytesMax.
  Result<Draft> add_draft(const Context&, const std::string& conversation, std::string answer_id, std::string user, std::string text, int64_t at_ms = 0);
  Result<Draft> draft(const Context&, const std::string& id);
  Result<std::vector<Draft>> drafts(const Context&, const Filter&, int limit, std::string_view after);
  Result<Draft> save_draft(const Context&, const std::string& id, std::string text, int64_t at_ms = 0);   // while typing; open ones only
  // Sends `text`. `key` (1 to 128 bytes) makes it idempotent: the same key for the same draft again gives the draft as it was sent,
  // whatever the text; the key of another draft is kInvalidArgument with param "idempotency_key"; a sent or discarded draft with a new
  // key is kFailedPrecondition.
  Result<Draft> send_draft(const Context&, const std::string& id, std::string text, const std::string& key, int64_t at_ms = 0);
  Result<Draft> discard_draft(const Context&, const std::string& id, std::string reason, int64_t at_ms = 0);  // again: ok

  // Puts the conversation into the queue; where an item of it waits or is claimed already, that one. An ended conversation that did not
  // end escalated is kFailedPrecondition.
  Result<Handover> hand_over(const Context&, const std::string& conversation, std::string answer_id, std::string reason, std::string note, int64_t at_ms = 0);
  Result<Handover> handover(const Context&, const std::string& id);
  Result<std::vector<Handover>> handovers(const Context&, const Filter&, int limit, std::string_view after);
  Result<Handover> claim(const Context&, const std::string& id, const std::string& who, int64_t at_ms = 0);  // mine again: ok; another's: kFailedPrecondition
  Result<Handover> release(const Context&, const std::string& id, const std::string& who);  // back to waiting; of the claimer only
  // Of the claimer only. The conversation ends escalated where it is open. Again with the same reply: ok.
  Result<Handover> finish(const Context&, const std::string& id, const std::string& who, std::string reply, int64_t at_ms = 0);

  // Of an output that exists: id, product, output_ms and simulated come from it or are made. `who` must not be empty.
  Result<Judgement> judge(const Context&, Judgement judgement);
  Result<std::vector<Judgement>> judgements(const Context&, const Filter&, int limit, std::string_view after);

  // With a conversation: its product and simulated. Without: `product` must be given and the source be no "survey".
  Result<Satisfaction> add_satisfaction(const Context&, Satisfaction response);
  Status remove_satisfaction(const Context&, const std::string& id);
  Result<std::vector<Satisfaction>> satisfaction(const Context&, const Filter&, int limit, std::string_view after);

  Result<Fact> put_fact(const Context&, Fact fact);
  Status remove_fact(const Context&, const std::string& id);
  Result<std::vector<Fact>> facts(const Context&, const Filter&, int limit, std::string_view after);
  // The facts that hold in a week: of each name the week's own, and of a standing one the latest until then.
  Result<std::vector<Fact>> facts_of(const Context&, const std::string& product, Week week);

  // A developer's step; the first of its kind stays. `first_call` is also seen by count_calls.
  Result<DeveloperEvent> add_developer_event(const Context&, DeveloperEvent event);
  Status remove_developer_event(const Context&, const std::string& id);
  Result<std::vector<DeveloperEvent>> developer_events(const Context&, const Filter&, int limit, std::string_view after);
  Status count_calls(const Context&, const std::string& product, const std::string& developer, int64_t calls, int64_t at_ms = 0, bool simulated = false);
  Result<std::vector<DeveloperDay>> developer_days(const Context&, const Filter&);  // oldest first, at most 100,000; kind must be ""

  // One transaction: the calls, their outputs (one that stands already stays), developers' days, first calls, steps into production.
  // A time still to come is now. Gives how many were taken: none of a product that is gone. kInvalidArgument of what no call can be.
  Result<int> record_calls(const Context&, std::vector<Call> calls);
  Result<std::vector<Call>> calls(const Context&, const Filter&, int limit, std::string_view after);

  // RFC 4180 with a header line, UTF-8, in any order of columns, all or nothing in one transaction; gives the rows taken. Errors name
  // line, field, what was expected and the nearest name. Rows need not have `product`: then it is `product`.
  //   facts             week, name, value [, product]
  //   satisfaction      date (2026-11-22, or with time), score [, conversation, product]
  //   developer_events  date, developer, kind [, product]
  Result<int> import_facts(const Context&, const std::string& product, std::string_view csv, bool simulated = false);
  Result<int> import_satisfaction(const Context&, const std::string& product, std::string_view csv, bool simulated = false);
  Result<int> import_developer_events(const Context&, const std::string& product, std::string_view csv, bool simulated = false);

  // Everything simulated, of one product or ("") of all; a simulated product goes too where nothing real belongs to it.
  Result<Removed> remove_simulated(const Context&, const std::string& product = "");

 private:
  store::Store& store_;
  const Clock& clock_;
};

}  // namespace strata::outcome
