// What people do once they have seen an answer.
#include <cmath>

#include "base/random.h"
#include "base/text.h"
#include "product/simulator/simulator.h"

namespace strata::simulator {
namespace {

// UNITS: minutes of an agent. Reading and sending a draft, mending it, writing anew, and a case that a specialist takes over.
constexpr double kSendMinutes = 4, kEditMinutes = 7, kWriteMinutes = 12, kSpecialistMinutes = 15, kTakeOverMinutes = 12;
constexpr double kJudgedShare = 0.4, kRatedShare = 0.35, kSurveyShare = 0.4;

// Each person's decisions about a ticket hang on nothing but the seed, the ticket and who decides.
Random decisions(uint64_t seed, const Ticket& ticket, uint64_t who) {
  uint64_t hash = 1469598103934665603ull;   // FNV-1a
  for (unsigned char c : ticket.key) hash = (hash ^ c) * 1099511628211ull;
  return Random(seed ^ hash ^ (who << 56));
}

// The draft without quotation marks and citation marks: what a person would send.
std::string plain_words(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("“") || text.substr(i).starts_with("”")) {
      i += 2;
      continue;
    }
    if (text[i] == '[') {
      size_t end = text.find(']', i);
      if (end != std::string_view::npos && end - i <= 4) {
        i = end;
        continue;
      }
    }
    out += text[i];
  }
  return std::string(trim(out));
}

// The policy's sentence that has the answer.
std::string right_sentence(const Question& question, std::string_view policy) {
  std::string lower = ascii_lower(policy);
  size_t at = lower.find(ascii_lower(question.expect));
  if (question.expect.empty() || at == std::string::npos) return "";
  size_t begin = policy.find_last_of(".\n", at), end = policy.find_first_of(".\n", at + question.expect.size());
  begin = begin == std::string_view::npos ? 0 : begin + 1;
  return std::string(trim(policy.substr(begin, end == std::string_view::npos ? end : end + 1 - begin)));
}

std::string letter(const Ticket& ticket, const std::string& words) { return "Hello,\n\n" + words + "\n\nKind regards,\n" + ticket.agent; }

int score(Random& random, bool right, bool by_person) {
  double mood = random.uniform();
  if (right) return mood < 0.50 ? 5 : mood < 0.90 ? 4 : 3;
  if (by_person) return mood < 0.20 ? 5 : mood < 0.60 ? 4 : mood < 0.90 ? 3 : 2;
  return mood < 0.20 ? 3 : mood < 0.70 ? 2 : 1;
}

// Numbers as they stand: "1,200", "16", "30".
std::vector<std::string> numbers_in(std::string_view text) {
  std::vector<std::string> out;
  std::string current;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    bool digit = c >= '0' && c <= '9';
    bool inside = c == ',' && !current.empty() && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9';
    if (digit || inside) current += c;
    else if (!current.empty()) out.push_back(std::move(current)), current.clear();
  }
  return out;
}

}  // namespace

double minutes_of(Reaction::Draft draft, Outcome outcome) {
  if (draft == Reaction::Draft::kNone) return outcome == Outcome::kEscalated ? kTakeOverMinutes : 0;
  double own = draft == Reaction::Draft::kSent ? kSendMinutes : draft == Reaction::Draft::kEdited ? kEditMinutes : kWriteMinutes;
  return own + (outcome == Outcome::kEscalated ? kSpecialistMinutes : 0);
}

bool is_right(const Question& question, const Answer& answer) {
  if (question.page.empty()) return !answer.answered;   // saying that it is not there is right
  return answer.answered && ascii_lower(answer.text).find(ascii_lower(question.expect)) != std::string::npos;
}

Reaction agent_handles(uint64_t seed, const Ticket& ticket, const Answer& answer, std::string_view policy) {
  Random random = decisions(seed, ticket, 1);
  Reaction reaction;
  bool right = is_right(ticket.question, answer) && answer.answered;
  // WHY: an agent mends every second draft at first, and fewer the more drafts have turned out well; some habits stay.
  double mends = 0.18 + 0.40 * std::exp(-ticket.drafts_seen / 5.0);
  bool knows = !policy.empty() && random.uniform() < 0.75;   // finds the right page without the draft
  bool mended = random.uniform() < mends, sent_wrong = random.uniform() < 0.15;
  if (right && !mended) {
    reaction.draft = Reaction::Draft::kSent, reaction.text = answer.text;
  } else if (right) {
    reaction.draft = Reaction::Draft::kEdited, reaction.text = letter(ticket, plain_words(answer.text));
  } else if (answer.answered && sent_wrong) {
    reaction.draft = Reaction::Draft::kSent, reaction.text = answer.text;
  } else if (answer.answered && knows) {
    reaction.draft = Reaction::Draft::kEdited, reaction.text = letter(ticket, right_sentence(ticket.question, policy));
    right = true;
  } else {
    reaction.draft = Reaction::Draft::kDiscarded;
    reaction.reason = answer.answered ? "wrong" : "nothing usable";
    right = knows;
  }
  double course = random.uniform();
  if (course < (right ? 0.88 : 0.25)) reaction.outcome = Outcome::kResolved;
  else if (course < (right ? 0.93 : 0.35)) reaction.outcome = Outcome::kAbandoned;
  else reaction.outcome = Outcome::kEscalated;
  if (random.uniform() < kRatedShare) reaction.rating = reaction.draft == Reaction::Draft::kDiscarded ? Rating::kDown : Rating::kUp;
  if (random.uniform() < kSurveyShare) reaction.satisfaction = score(random, right, reaction.outcome == Outcome::kEscalated);
  return reaction;
}

Reaction customer_reacts(uint64_t seed, const Ticket& ticket, const Answer& answer) {
  Random random = decisions(seed, ticket, 2);
  Reaction reaction;
  bool right = answer.answered && is_right(ticket.question, answer);
  double course = random.uniform();
  if (course < (right ? 0.90 : answer.answered ? 0.15 : 0.0)) reaction.outcome = Outcome::kDeflected;   // some are content with a wrong answer
  else if (course < (right ? 0.94 : 0.25)) reaction.outcome = Outcome::kAbandoned;
  else reaction.outcome = Outcome::kEscalated;
  reaction.text = "Hello,\n\nI have looked into this for you and will see it through.\n\nKind regards,\n" + ticket.agent;
  if (random.uniform() < kRatedShare) reaction.rating = right ? Rating::kUp : Rating::kDown;
  if (random.uniform() < kSurveyShare) reaction.satisfaction = score(random, right, reaction.outcome == Outcome::kEscalated);
  return reaction;
}

Judgement evaluator_judges(uint64_t seed, const Ticket& ticket, const Answer& answer, const std::vector<std::string_view>& pages) {
  Random random = decisions(seed, ticket, 3);
  Judgement judgement;
  judgement.judged = random.uniform() < kJudgedShare;
  judgement.correct = is_right(ticket.question, answer);
  std::string text = plain_words(answer.text);
  for (auto& number : numbers_in(text)) {
    bool known = ticket.question.text.find(number) != std::string::npos;
    for (auto page : pages) known = known || page.find(number) != std::string_view::npos;
    judgement.fabricated = judgement.fabricated || (answer.answered && !known);
  }
  return judgement;
}

}  // namespace strata::simulator
