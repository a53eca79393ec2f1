#include <algorithm>

#include "base/json.h"
#include "product/simulator/simulator.h"

namespace strata::simulator {

Result<std::vector<Question>> questions_from(std::string_view text) {
  TRY_ASSIGN(Json json, Json::parse(text));
  if (!json.is_array() || json.size() == 0) return invalid_argument("tickets: expected a list of questions");
  std::vector<Question> out;
  for (auto& entry : *json.as_array()) {
    std::string where = "tickets[" + std::to_string(out.size()) + "]";
    Question question;
    TRY_ASSIGN(question.page, entry["page"].to_string(where + ".page"));
    TRY_ASSIGN(question.text, entry["text"].to_string(where + ".text"));
    TRY_ASSIGN(question.expect, entry["expect"].to_string(where + ".expect"));
    TRY_ASSIGN(int64_t weight, entry["weight"].to_int(where + ".weight"));
    if (question.text.empty()) return invalid_argument(where + ".text must not be empty");
    if (question.page.empty() != question.expect.empty()) return invalid_argument(where + ": a page and what to expect of it go together");
    if (!question.page.empty() && sample_file("policies/" + question.page).empty())
      return invalid_argument(where + ".page: there is no policy " + question.page);
    if (weight < 1 || weight > 100) return invalid_argument(where + ".weight: expected 1 to 100");
    question.weight = static_cast<int>(weight);
    out.push_back(std::move(question));
  }
  return out;
}

std::string_view sample_file(std::string_view path) {
  for (auto& file : sample_files())
    if (file.path == path) return file.bytes;
  return {};
}

}  // namespace strata::simulator
