// In-context, retrieval (RAG), fine-tuning, or the last two together.
//
// Retrieval is called for by the needs that the matrix gives to it (private documents, dynamic data), unless everything fits into the
// prompt and stays as it is. Fine-tuning is called for by the needs that the matrix gives to it (style, jargon), and pays only where
// all four conditions hold; until then, examples in the prompt stand in for it.
#include <algorithm>

#include "product/landscape/landscape.h"

namespace strata::landscape {
namespace {

std::string grouped(int64_t number) {
  std::string out = std::to_string(number);
  for (int at = static_cast<int>(out.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) out.insert(static_cast<size_t>(at), ",");
  return out;
}

std::vector<MatrixRow> called(const Situation& s) {
  const bool needs[] = {s.private_docs, s.style_consistency, s.domain_jargon, s.dynamic_data};
  std::vector<MatrixRow> out;
  for (size_t i = 0; i < matrix().size(); ++i)
    if (needs[i]) out.push_back(matrix()[i]);
  return out;
}

std::vector<Condition> conditions(const Situation& s) {
  return {
      {"narrow task", s.narrow_task, s.narrow_task ? "one task, again and again" : "many different tasks: a tuned model gives up some of its generality"},
      {"high volume", s.daily_requests > kHighVolume, grouped(s.daily_requests) + " requests a day; high volume is more than " + grouped(kHighVolume)},
      {"consistent style or decisions", s.style_consistency, s.style_consistency ? "answers must be alike" : "nothing that examples would have to teach"},
      {"enough labelled examples", s.labelled_examples >= kExamplesEnough,
       grouped(s.labelled_examples) + " examples; enough is " + grouped(kExamplesEnough) + " or more, by our judgement"},
  };
}

bool all_met(const std::vector<Condition>& all) {
  return std::all_of(all.begin(), all.end(), [](const Condition& c) { return c.met; });
}

struct Calls {
  bool retrieval = false, tuning = false, tuning_pays = false;
};

Calls calls(const Situation& s) {
  Calls out;
  for (auto& row : called(s)) {
    out.retrieval = out.retrieval || (row.rag == Fit::kYes);
    out.tuning = out.tuning || row.fine_tune == Fit::kYes;
  }
  if (s.fits_in_prompt && !s.dynamic_data) out.retrieval = false;
  out.tuning_pays = all_met(conditions(s));
  // The matrix gives jargon partly to retrieval: where tuning does not pay, that part is what can be had.
  if (s.domain_jargon && !out.tuning_pays && !s.fits_in_prompt) out.retrieval = true;
  return out;
}

std::string approach_of(const Situation& s) {
  Calls c = calls(s);
  bool tune = c.tuning && c.tuning_pays;
  if (tune) return c.retrieval ? "rag_and_fine_tune" : "fine_tune";
  return c.retrieval ? "rag" : "in_context";
}

void cell_reasons(const Situation& s, std::vector<std::string>& out) {
  for (auto& row : called(s))
    out.push_back(std::string(row.need) + ": retrieval " + std::string(fit_name(row.rag)) + ", fine-tuning " + std::string(fit_name(row.fine_tune)) + ".");
}

std::string missing(const std::vector<Condition>& all) {
  std::string out;
  for (auto& condition : all)
    if (!condition.met) out += (out.empty() ? "" : ", ") + condition.name;
  return out;
}

std::vector<std::string> reasons(const Situation& s) {
  Calls c = calls(s);
  std::vector<Condition> all = conditions(s);
  std::vector<std::string> out;
  cell_reasons(s, out);
  if (s.fits_in_prompt && s.private_docs && !s.dynamic_data)
    out.push_back("All that must be known fits into the prompt and stays as it is: put it there, and there is nothing to search.");
  if (s.fits_in_prompt && s.dynamic_data) out.push_back("It fits into a prompt today, but it changes: retrieval reads the newest version by itself.");
  if (c.tuning && c.tuning_pays)
    out.push_back("All four conditions of fine-tuning hold: narrow task, high volume, consistent style or decisions, enough labelled examples.");
  if (c.tuning && !c.tuning_pays)
    out.push_back("Fine-tuning would help, but does not pay yet; not met: " + missing(all) + ". Until then, put rules and examples into the prompt.");
  if (s.domain_jargon && !c.tuning_pays && !s.fits_in_prompt)
    out.push_back("Retrieved passages bring the field's own words into the prompt: a part of what fine-tuning would do.");
  if (called(s).empty())
    out.push_back(
        "Nothing here calls for documents or for training: a good prompt with a few examples is the cheapest thing that works, and the quickest to change.");
  if (approach_of(s) == "rag_and_fine_tune") out.push_back("They do different work: retrieval brings the facts, the tuned model the manner.");
  return out;
}

// One answer the other way: a yes for a no, a number on the other side of its threshold.
std::vector<std::pair<std::string, Situation>> flips(const Situation& s) {
  std::vector<std::pair<std::string, Situation>> out;
  auto flip = [&](bool Situation::* member) {
    Situation other = s;
    other.*member = !(s.*member);
    out.push_back({other.*member ? "yes" : "no", other});
  };
  for (auto member : {&Situation::private_docs, &Situation::dynamic_data, &Situation::style_consistency, &Situation::domain_jargon, &Situation::narrow_task,
                      &Situation::fits_in_prompt})
    flip(member);
  Situation other = s;
  other.daily_requests = s.daily_requests > kHighVolume ? kHighVolume : kHighVolume + 1;
  out.push_back({std::to_string(other.daily_requests), other});
  other = s;
  other.labelled_examples = s.labelled_examples >= kExamplesEnough ? kExamplesEnough - 1 : kExamplesEnough;
  out.push_back({std::to_string(other.labelled_examples), other});
  return out;
}

}  // namespace

std::string_view fit_name(Fit fit) { return fit == Fit::kYes ? "yes" : fit == Fit::kPartly ? "partly" : "no"; }

const std::array<MatrixRow, 4>& matrix() {
  static const std::array<MatrixRow, 4> kRows = {{
      {"Private docs", Fit::kYes, Fit::kNo},
      {"Style consistency", Fit::kNo, Fit::kYes},
      {"Domain jargon", Fit::kPartly, Fit::kYes},
      {"Dynamic data", Fit::kYes, Fit::kNo},
  }};
  return kRows;
}

const std::array<Question, 8>& questions() {   // in the order of flips()
  static const std::array<Question, 8> kAll = {{
      {"private_docs", "Must answers come from your own documents?", "No model was trained on them; a citation needs the passage.", false},
      {"dynamic_data", "Do the facts change between two trainings?", "What was trained in stays as old as the training.", false},
      {"style_consistency", "Must answers be alike in style, or decisions alike in like cases?", "Examples teach a manner better than instructions do.", false},
      {"domain_jargon", "Does your field speak its own language?", "Words that a general model misreads.", false},
      {"narrow_task", "Is it one narrow task?", "A tuned model gets better at one thing.", false},
      {"fits_in_prompt", "Does all that must be known fit into one prompt?", "Then there is nothing to search.", false},
      {"daily_requests", "How many requests a day?", "Training costs once; volume pays it back.", true},
      {"labelled_examples", "How many labelled examples are there?", "Question and right answer, checked by a person.", true},
  }};
  return kAll;
}

std::string_view approach_title(std::string_view approach) {
  if (approach == "rag") return "Retrieval (RAG)";
  if (approach == "fine_tune") return "Fine-tuning";
  if (approach == "rag_and_fine_tune") return "Retrieval and fine-tuning together";
  return "In-context: a prompt with instructions and examples";
}

Advice decide(const Situation& situation) {
  Advice advice;
  advice.approach = approach_of(situation);
  advice.title = approach_title(advice.approach);
  advice.reasons = reasons(situation);
  advice.cells = called(situation);
  advice.conditions = conditions(situation);
  auto others = flips(situation);
  for (size_t i = 0; i < others.size(); ++i)
    if (std::string then = approach_of(others[i].second); then != advice.approach) advice.changes.push_back({questions()[i].id, others[i].first, then});
  return advice;
}

}  // namespace strata::landscape
