// /strata/v1/calibration: how the confidence of answers is calibrated, how well, and refitting it on the answers rated here.
#include "app/api/api.h"
#include "app/api/reply.h"
#include "product/confidence/confidence.h"
#include "product/feedback/feedback.h"
#include "product/outcome/outcome.h"

namespace strata::api {
namespace {

using Pairs = std::vector<confidence::Pair>;

constexpr int kRatedMost = 10'000;   // of each rating, the newest: older ones tell of older documents

// What simulated people thought teaches nothing about real answers.
bool simulated(const Services& services, const Context& context, const feedback::StoredAnswer& answer) {
  const auto output = services.outcomes->output(context, answer.id);
  return output && output->simulated;
}

// Answers with a thumb: raw confidence and whether it was up. Refusals hold no answer that could be right.
Result<Pairs> rated_pairs(const Services& services, const Context& context) {
  Pairs pairs;
  for (const auto rating : {feedback::Rating::kUp, feedback::Rating::kDown}) {
    TRY_ASSIGN(auto answers, services.feedback->answers(context, {.rating = rating}, kRatedMost, ""));
    for (const auto& answer : answers)
      if ((answer.outcome == "answered" || answer.outcome == "stale") && !simulated(services, context, answer))
        pairs.push_back({answer.raw_confidence, rating == feedback::Rating::kUp});
  }
  return pairs;
}

Json reliability_json(const confidence::Reliability& reliability) {
  Json bins = Json::array();
  for (const auto& bin : reliability.bins)
    bins.push(Json::object({{"from", bin.from},
                            {"to", bin.to},
                            {"count", bin.count},
                            {"mean_confidence", bin.count > 0 ? Json(bin.mean_confidence) : Json()},
                            {"accuracy", bin.count > 0 ? Json(bin.accuracy) : Json()}}));
  return Json::object({{"count", reliability.count}, {"error", reliability.count > 0 ? Json(reliability.error) : Json()}, {"bins", std::move(bins)}});
}

Json table_json(const confidence::Table& table) {
  Json points = Json::array();
  for (const auto& point : table.points) points.push(Json::object({{"raw", point.raw}, {"calibrated", point.calibrated}}));
  return Json::object({{"method", table.method},
                       {"source", table.source},
                       {"fitted_on", table.fitted_on},
                       {"tested_on", table.tested_on},
                       {"error", table.error},
                       {"fitted_at", table.fitted_ms > 0 ? Json(seconds_of(table.fitted_ms)) : Json()},
                       {"points", std::move(points)}});
}

Result<Json> show(const Services& services, const Context& context, const http::Request&) {
  TRY_ASSIGN(Pairs pairs, rated_pairs(services, context));
  const auto table = services.calibrator->table();
  Pairs calibrated;
  int right = 0;
  for (const auto& pair : pairs) calibrated.push_back({(*table)(pair.raw), pair.right}), right += pair.right ? 1 : 0;
  Json rated = reliability_json(confidence::reliability_of(calibrated));
  rated.set("right", right);
  rated.set("needed", confidence::kPairsLeast);
  rated.set("needed_each", confidence::kEachLeast);
  return Json::object({{"own", table->fitted_ms > 0},
                       {"table", table_json(*table)},
                       {"held_out", reliability_json(confidence::built_in_reliability())},
                       {"rated", std::move(rated)}});
}

Result<Json> refit(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Pairs pairs, rated_pairs(services, context));
  TRY(services.calibrator->refit(context, pairs));
  return show(services, context, request);
}

Result<Json> reset(const Services& services, const Context& context, const http::Request& request) {
  TRY(services.calibrator->reset(context));
  return show(services, context, request);
}

}  // namespace

void add_calibration_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, Function function) {
    server.route(method, "/strata/v1/calibration",
                 [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
                   send(*responder, function(services, context, request));
                 });
  };
  add("GET", show);
  add("POST", refit);
  add("DELETE", reset);
}

}  // namespace strata::api
