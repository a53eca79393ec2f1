// The comparison: three questions (for what, leaning to what, sparing what), each with its points and its reason.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "product/landscape/landscape.h"

namespace strata::landscape {
namespace {

constexpr double kUseWeight = 0.5, kLeanWeight = 0.25, kFavourWeight = 0.25;
static_assert(kUseWeight + kLeanWeight + kFavourWeight == 1.0);
constexpr double kMiddle = 0.5;                           // what an unknown counts as
constexpr double kCheapest = 0.05, kDearest = 30;         // dollars a million tokens
constexpr double kSlow = 2, kFast = 100;                  // tokens a second

// 1 at `best`, 0 at `worst`, by logarithm between them.
double log_scale(double value, double worst, double best) {
  if (value <= 0) return best < worst ? 1 : 0;
  return std::clamp((std::log(value) - std::log(worst)) / (std::log(best) - std::log(worst)), 0.0, 1.0);
}

std::string shown(double value, const char* format) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string said_by(const Catalogue& catalogue, const Fact& fact) {
  std::string by = fact.source;
  for (auto& source : catalogue.sources)
    if (source.id == fact.source) by = source.title;
  if (fact.source == "ours") by = "Strata's own judgement";
  std::string out = by.empty() ? "" : " by " + by;
  if (!fact.as_of.empty()) out += " (" + fact.as_of + ")";
  return out;
}

Part grade_part(const Catalogue& catalogue, const Model* model, Field field, std::string axis, double weight) {
  Part part{std::move(axis), weight, kMiddle, false, "unknown: counted as the middle"};
  if (!model || !(*model)[field].known()) return part;
  const Fact& fact = (*model)[field];
  part.known = true;
  part.points = (*fact.number() - 1) / 4;
  part.reason = fact.text() + " of 5" + said_by(catalogue, fact);
  return part;
}

Part cost_part(const Model* model, bool runs_here, double weight) {
  Part part{"cost", weight, kMiddle, false, "unknown price: counted as the middle"};
  if (runs_here) return {"cost", weight, 1, true, "runs on this machine: no price per token"};
  if (!model || !(*model)[Field::kPriceIn].known() || !(*model)[Field::kPriceOut].known()) {
    if (model && model->open_weights) part.reason = "open weights: costs what your hardware or host costs; counted as the middle";
    return part;
  }
  const Fact& in = (*model)[Field::kPriceIn];
  double blended = (3 * *in.number() + *(*model)[Field::kPriceOut].number()) / 4;
  part.known = true;
  part.points = log_scale(blended, kDearest, kCheapest);
  part.reason = "$" + in.text() + " in, $" + (*model)[Field::kPriceOut].text() + " out a million tokens: $" + shown(blended, "%.2f") +
                " at three read for one written" + (in.as_of.empty() ? "" : " (" + in.as_of + ")");
  return part;
}

Part latency_part(const Catalogue& catalogue, const Model* model, double tokens_per_s, double weight) {
  if (tokens_per_s > 0)
    return {"latency", weight, log_scale(tokens_per_s, kSlow, kFast), true, shown(tokens_per_s, "%.1f") + " tokens a second, measured here"};
  return grade_part(catalogue, model, Field::kSpeed, "latency", weight);
}

Field use_field(const std::string& use) {
  if (use == "analytics") return Field::kAnalytics;
  if (use == "coding") return Field::kCoding;
  return use == "agents" ? Field::kAgents : Field::kChat;
}

struct Candidate {
  const Model* model = nullptr;
  std::vector<const Installed*> here;
};

Row score(const Catalogue& catalogue, const Candidate& candidate, const Wish& wish) {
  Row row;
  row.model = candidate.model;
  row.id = candidate.model ? candidate.model->id : candidate.here[0]->id;
  row.name = candidate.model ? candidate.model->name : candidate.here[0]->id;
  bool runs_here = false;
  double rate = 0;
  for (auto* installed : candidate.here) {
    row.here.push_back(installed->id);
    runs_here = runs_here || !installed->remote;
    rate = std::max(rate, installed->decode_tokens_per_s);
  }
  auto share = [](const std::string& wanted, const char* one, const char* other, double weight) {
    return wanted == one ? weight : wanted == other ? 0 : weight / 2;
  };
  double reasoning = share(wish.lean, "reasoning", "creativity", kLeanWeight), cost = share(wish.favour, "cost", "latency", kFavourWeight);
  row.parts.push_back(grade_part(catalogue, candidate.model, use_field(wish.use), "fit for " + wish.use, kUseWeight));
  if (reasoning > 0) row.parts.push_back(grade_part(catalogue, candidate.model, Field::kReasoning, "reasoning", reasoning));
  if (reasoning < kLeanWeight) row.parts.push_back(grade_part(catalogue, candidate.model, Field::kCreativity, "creativity", kLeanWeight - reasoning));
  if (cost > 0) row.parts.push_back(cost_part(candidate.model, runs_here, cost));
  if (cost < kFavourWeight) row.parts.push_back(latency_part(catalogue, candidate.model, rate, kFavourWeight - cost));
  for (auto& part : row.parts) row.score += 100 * part.weight * part.points;
  return row;
}

// Why a candidate is out; empty where it is in.
std::string out_because(const Candidate& candidate, const Wish& wish) {
  const Model* model = candidate.model;
  if (model && std::find(model->output.begin(), model->output.end(), "text") == model->output.end()) return "does not write text";
  if (wish.here_only && candidate.here.empty()) return "not in this installation";
  if (wish.open_weights_only && !(model ? model->open_weights : !candidate.here[0]->remote)) return "its weights are not open";
  if (model && candidate.here.empty() && !wish.with_retired && (*model)[Field::kStatus].text() == "retired") {
    const Fact& status = (*model)[Field::kStatus];
    return "retired by its maker" + (status.note.empty() ? "" : ": " + status.note);
  }
  if (wish.context_tokens_min <= 0) return "";
  int64_t tokens =
      model && model->facts[static_cast<size_t>(Field::kContextTokens)].known() ? static_cast<int64_t>(*(*model)[Field::kContextTokens].number()) : 0;
  for (auto* installed : candidate.here)
    if (installed->context_tokens > 0) tokens = installed->context_tokens;   // what it is run with here counts
  if (tokens == 0) return "its context length is unknown, and you ask for " + std::to_string(wish.context_tokens_min);
  if (tokens < wish.context_tokens_min)
    return "its context of " + std::to_string(tokens) + " tokens is under the " + std::to_string(wish.context_tokens_min) + " that you ask for";
  return "";
}

Status check_word(const std::string& word, const std::vector<std::string_view>& known, const char* param) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return {};
  std::string all;
  for (auto name : known) all += (all.empty() ? "'" : ", '") + std::string(name) + "'";
  std::string_view nearest = nearest_name(word, known);
  return invalid_argument(std::string(param) + ": expected one of " + all + ", got '" + word.substr(0, 100) + "'" +
                              (nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?"),
                          param, "invalid_value");
}

std::vector<Candidate> candidates(const Catalogue& catalogue, const std::vector<Installed>& installed) {
  std::vector<Candidate> all;
  for (auto& model : catalogue.models) all.push_back({&model, {}});
  for (auto& here : installed) {
    const Model* model = match(catalogue, here);
    if (!model && here.embedder) continue;
    auto known = std::find_if(all.begin(), all.end(), [&](const Candidate& c) { return model && c.model == model; });
    if (known != all.end()) known->here.push_back(&here);
    else all.push_back({nullptr, {&here}});
  }
  return all;
}

}  // namespace

const std::vector<std::string_view>& uses() {
  static const std::vector<std::string_view> kAll = {"chat", "analytics", "coding", "agents"};
  return kAll;
}
const std::vector<std::string_view>& leans() {
  static const std::vector<std::string_view> kAll = {"balanced", "reasoning", "creativity"};
  return kAll;
}
const std::vector<std::string_view>& favours() {
  static const std::vector<std::string_view> kAll = {"balanced", "cost", "latency"};
  return kAll;
}

Result<Comparison> compare(const Catalogue& catalogue, const std::vector<Installed>& installed, const Wish& wish) {
  TRY(check_word(wish.use, uses(), "use"));
  TRY(check_word(wish.lean, leans(), "lean"));
  TRY(check_word(wish.favour, favours(), "favour"));
  std::vector<const Model*> chosen;
  std::vector<std::string> chosen_here;
  for (auto& name : wish.models) {
    bool here = std::any_of(installed.begin(), installed.end(), [&](const Installed& i) { return i.id == name; });
    if (here) chosen_here.push_back(name);
    else {
      TRY_ASSIGN(const Model* model, catalogue.find(name));
      chosen.push_back(model);
    }
  }
  auto wanted = [&](const Candidate& candidate) {
    if (wish.models.empty()) return true;
    if (candidate.model && std::find(chosen.begin(), chosen.end(), candidate.model) != chosen.end()) return true;
    return std::any_of(candidate.here.begin(), candidate.here.end(),
                       [&](const Installed* i) { return std::find(chosen_here.begin(), chosen_here.end(), i->id) != chosen_here.end(); });
  };
  Comparison out;
  for (auto& candidate : candidates(catalogue, installed)) {
    if (!wanted(candidate)) continue;
    std::string because = out_because(candidate, wish);
    if (because.empty()) out.rows.push_back(score(catalogue, candidate, wish));
    else out.left.push_back({candidate.model ? candidate.model->id : candidate.here[0]->id, because});
  }
  std::stable_sort(out.rows.begin(), out.rows.end(), [](const Row& a, const Row& b) {
    if (a.score != b.score) return a.score > b.score;
    if (a.here.empty() != b.here.empty()) return b.here.empty();
    return a.name < b.name;
  });
  return out;
}

}  // namespace strata::landscape
