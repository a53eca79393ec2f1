// product/simulator: the people of a simulated support desk. Which tickets come in, who works on them, and what customers, agents and an
// evaluator do once they have seen an answer. Pure: the same seed gives the same tickets, and the same answer the same reaction.
// Whoever drives it (strata simulate) puts the tickets to the real API and tells the people what came back.
//
//   sample files ──questions()──▶ plan(seed, weeks) ──▶ tickets, week by week
//   ticket + answer ──▶ agent_handles() | customer_reacts() ──▶ sent, edited, discarded · how it ended · rating · satisfaction · minutes
//                   └─▶ evaluator_judges()
//
// Nothing here states a metric. Numbers come about: agents learn to trust drafts as they see more of them, more of them join, the
// knowledge base grows by a page a week, and what is wrong or missing in an answer makes work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace strata::simulator {

// The files of examples/support-copilot, embedded: "policies/refunds.md", "tickets.json", "spec.yaml".
struct SampleFile {
  std::string_view path, bytes;
};
const std::vector<SampleFile>& sample_files();
std::string_view sample_file(std::string_view path);   // empty where there is none

struct Question {
  std::string page;      // the policy that answers it; "": none does
  std::string text;
  std::string expect;    // a right answer contains it, whatever the case
  int weight = 1;        // how often it is asked
};
// [{"page", "text", "expect", "weight"}]. Errors name the entry.
Result<std::vector<Question>> questions_from(std::string_view json);

struct Options {
  uint64_t seed = 1;
  int weeks = 8;               // [1, 52]
  int tickets = 60;            // in the last week; the first has about half as many. [1, 2000]
  int64_t first_week_ms = 0;   // Monday 00:00 UTC of the first week
};

struct Ticket {
  std::string key;             // "w3-017": unique in its plan
  int week = 0;                // from 0
  int64_t at_ms = 0;
  bool self_service = false;   // the customer asks the help centre; else an agent works on it with a draft
  std::string customer, agent; // agent: also who takes over where the help centre has no answer
  Question question;
  int drafts_seen = 0;         // by this agent before: experience
};
struct Plan {
  std::vector<std::vector<Ticket>> weeks;   // each in order of time
  std::vector<std::vector<std::string>> pages;   // sample files that are published at the beginning of each week
  int agents = 0, customers = 0;            // who could use the product
};
Plan plan(const Options& options, const std::vector<Question>& questions);

// What the product answered.
struct Answer {
  std::string text;
  bool answered = false;       // else it said that the documents do not
};
bool is_right(const Question& question, const Answer& answer);

enum class Rating { kNone, kUp, kDown };
enum class Outcome { kResolved, kEscalated, kAbandoned, kDeflected };
struct Reaction {
  enum class Draft { kNone, kSent, kEdited, kDiscarded } draft = Draft::kNone;   // kNone: self-service
  std::string text;            // as sent
  std::string reason;          // of a discarded one
  Rating rating = Rating::kNone;
  Outcome outcome = Outcome::kResolved;
  int satisfaction = 0;        // 1 to 5; 0: the customer did not answer
};
// `policy`: the text of the page that answers, which the agent may look up; "" for none.
Reaction agent_handles(uint64_t seed, const Ticket& ticket, const Answer& answer, std::string_view policy);
Reaction customer_reacts(uint64_t seed, const Ticket& ticket, const Answer& answer);

// Of people's time, for a case that went this way. UNITS: minutes.
double minutes_of(Reaction::Draft draft, Outcome outcome);

struct Judgement {
  bool judged = false;         // the evaluator looks at a part of the answers
  bool correct = false;
  bool fabricated = false;     // states a number that is in no page and not in the question
};
Judgement evaluator_judges(uint64_t seed, const Ticket& ticket, const Answer& answer, const std::vector<std::string_view>& pages);

// What a minute of an agent's time costs, and a resolved ticket before there was a copilot. UNITS: US dollars.
inline constexpr double kDollarsPerMinute = 0.55;
inline constexpr double kBaselinePerResolution = 9.10;
inline constexpr double kManualMinutesPerReply = 12;

}  // namespace strata::simulator
