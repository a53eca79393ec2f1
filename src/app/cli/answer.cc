// strata answer: the label and treatment of a confidence, an AIResponse printed, and the calibration of this installation.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

#include "app/api/answer_json.h"
#include "app/api/params.h"
#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"
#include "base/text.h"
#include "product/confidence/confidence.h"

namespace strata::cli {
namespace {

struct Options {
  std::string confidence, file, server;
  bool reset = false, show = false;
};

Result<double> parse_confidence(const std::string& text) {
  // WHY not the command line library's own conversion: it rounds twice, and the thresholds are exact.
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1))
    return invalid_argument("confidence: expected a number from 0.0 to 1.0, got '" + text.substr(0, 60) + "'", "confidence");
  return value;
}

Result<int> run_label(const Common& common, const Options& options) {
  TRY_ASSIGN(const double value, parse_confidence(options.confidence));
  const auto label = confidence::label_of(value);
  if (common.json) {
    std::printf("%s\n", Json::object({{"label", confidence::label_name(label)}, {"treatment", api::treatment_json(value)}}).dump().c_str());
    return kDone;
  }
  std::printf("Confidence: %s\nUX treatment: %s\n", std::string(confidence::label_name(label)).c_str(),
              confidence::python_dict(confidence::treatment_of(label)).c_str());
  return kDone;
}

Result<confidence::Source> parse_source(const Json& json, const std::string& where) {
  using api::Kind;
  TRY_ASSIGN(api::Body body, api::Body::parse({{"source", Kind::kString, "", true}, {"page", Kind::kInteger, "", false, 1, 1e9}, {"text", Kind::kString, ""}},
                                              json, where + "."));
  confidence::Source out{.source = body.text("source")};
  if (body.has("page")) out.page = static_cast<int>(body.integer("page", 0));
  if (body.has("text")) out.text = body.text("text");
  return out;
}

Result<confidence::AIResponse> parse_response(const Json& json) {
  using api::Kind;
  TRY_ASSIGN(api::Body body, api::Body::parse({{"content", Kind::kString, "", true},
                                               {"confidence", Kind::kNumber, "", true, 0, 1},
                                               {"citations", Kind::kArray, "", true, 0, 10'000},
                                               {"suggested_actions", Kind::kArray, "", true, 0, 1'000},
                                               {"requires_human_review", Kind::kBoolean, "", true}},
                                              json));
  confidence::AIResponse out{
      .content = body.text("content"), .confidence = body.number("confidence", 0), .requires_human_review = body.flag("requires_human_review", false)};
  int at = 0;
  for (const Json& item : *body["citations"].as_array()) {
    TRY_ASSIGN(confidence::Source source, parse_source(item, "citations[" + std::to_string(at++) + "]"));
    out.citations.push_back(std::move(source));
  }
  at = 0;
  for (const Json& item : *body["suggested_actions"].as_array()) {
    TRY_ASSIGN(std::string action, item.to_string("suggested_actions[" + std::to_string(at++) + "]"));
    out.suggested_actions.push_back(std::move(action));
  }
  return out;
}

Result<int> run_show(const Common& common, const Options& options) {
  std::ifstream file(options.file, std::ios::binary);
  if (!file) return not_found("cannot read " + options.file);
  auto json = api::parse_object(std::string(std::istreambuf_iterator<char>(file), {}));
  auto response = json ? parse_response(*json) : Result<confidence::AIResponse>(json.error());
  if (!response) return annotate(std::move(response.error()), options.file);
  if (common.json) {
    json->set("confidence_label", response->confidence_label());
    json->set("ux_treatment", api::treatment_json(response->confidence));
    std::printf("%s\n", json->dump().c_str());
    return kDone;
  }
  std::printf("Confidence: %s\nUX treatment: %s\n", std::string(response->confidence_label()).c_str(),
              confidence::python_dict(response->ux_treatment()).c_str());
  return kDone;
}

void print_reliability(const char* title, const Json& reliability) {
  std::printf("\n%s: %s answers", title, reliability["count"].dump().c_str());
  if (reliability["count"] == Json(0)) return void(std::printf("\n"));
  std::printf(", calibration error %.3f\n  confidence   answers   mean confidence   right\n", *reliability["error"].to_double("error"));
  for (const Json& bin : *reliability["bins"].as_array()) {
    if (bin["count"] == Json(0)) continue;
    std::printf("  %.1f to %.1f   %7s   %15.3f   %5.3f\n", *bin["from"].to_double(""), *bin["to"].to_double(""), bin["count"].dump().c_str(),
                *bin["mean_confidence"].to_double(""), *bin["accuracy"].to_double(""));
  }
}

Result<int> run_calibrate(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  const std::string path = "/strata/v1/calibration";
  auto answer = options.show ? client->get(path) : options.reset ? client->remove(path) : client->post(path, Json::object());
  if (!answer) return answer.error();
  if (common.json) {
    std::printf("%s\n", answer->dump().c_str());
    return kDone;
  }
  const Json& table = (*answer)["table"];
  std::printf("%s: %s, fitted on %s answers, error %.3f on %s (%s)\n", *(*answer)["own"].as_bool() ? "This installation's own table" : "The built-in table",
              table["method"].as_string()->c_str(), table["fitted_on"].dump().c_str(), *table["error"].to_double("error"), table["tested_on"].dump().c_str(),
              table["source"].as_string()->c_str());
  print_reliability("Answers rated here", (*answer)["rated"]);
  return kDone;
}

}  // namespace

void add_answer(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  auto choose = [&common, &chosen, options](CLI::App* command, Result<int> (*function)(const Common&, const Options&)) {
    run_where_chosen(*command, common, chosen, [&common, options, function] { return function(common, *options); });
  };
  auto* answer = app.add_subcommand("answer", "Confidence: labels, treatments, calibration");
  answer->require_subcommand(1);
  answer->fallthrough();
  auto* label = answer->add_subcommand("label", "The label and treatment of a confidence");
  label->fallthrough();
  label->add_option("confidence", options->confidence, "0.0 to 1.0")->required();
  choose(label, run_label);
  auto* show = answer->add_subcommand("show", "The label and treatment of an AIResponse");
  show->fallthrough();
  show->add_option("file", options->file, "JSON: content, confidence, citations, suggested_actions, requires_human_review")->required();
  choose(show, run_show);
  auto* calibrate = answer->add_subcommand("calibrate", "Refit confidence on the answers rated in this installation");
  calibrate->fallthrough();
  add_server_option(*calibrate, options->server);
  auto* reset = calibrate->add_flag("--reset", options->reset, "Back to the built-in table");
  calibrate->add_flag("--show", options->show, "Only say which table is in use, and how well it does on the rated answers")->excludes(reset);
  choose(calibrate, run_calibrate);
}

}  // namespace strata::cli
