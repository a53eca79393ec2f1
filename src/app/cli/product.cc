// strata metrics health, strata report stakeholder: a week's metrics in a file, without a server.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "app/cli/cli.h"
#include "product/metrics/metrics.h"
#include "product/report/report.h"

namespace strata::cli {
namespace {

constexpr size_t kFileBytesMax = 64u << 10;  // nine numbers

struct Wanted {
  std::string path;
  int week = 0;
};

Result<product_metrics::LLMProductMetrics> read_metrics(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return not_found("cannot read " + path);
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return not_found("cannot read " + path + ": is it a file?");
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kFileBytesMax) return invalid_argument(path + ": expected an object of nine numbers, got more than 64 KiB");
  auto json = Json::parse(text);
  if (!json) return annotate(std::move(json.error()), path);
  auto metrics = product_metrics::metrics_from(*json);
  if (!metrics) return annotate(std::move(metrics.error()), path);
  return metrics;
}

int run_health(const Common& common, const Wanted& wanted) {
  auto metrics = read_metrics(wanted.path);
  if (!metrics) return fail(common, metrics.error());
  Json json = Json::object();
  for (auto& check : product_metrics::health_check(*metrics)) {
    json.set(std::string(check.metric), product_metrics::health_name(check.health));
    if (!common.json) std::printf(" %-15s %s\n", std::string(check.metric).c_str(), std::string(product_metrics::health_name(check.health)).c_str());
  }
  if (common.json) std::printf("%s\n", json.dump().c_str());
  return kDone;
}

int run_stakeholder(const Common& common, const Wanted& wanted) {
  auto metrics = read_metrics(wanted.path);
  if (!metrics) return fail(common, metrics.error());
  std::string text = report::generate_stakeholder_update(*metrics, wanted.week);
  if (common.json) std::printf("%s\n", Json::object({{"week", wanted.week}, {"text", text}}).dump().c_str());
  else std::printf("%s\n", text.c_str());
  return kDone;
}

}  // namespace

void add_product(CLI::App& app, Common& common, Chosen& chosen) {
  auto wanted = std::make_shared<Wanted>();
  auto* metrics = app.add_subcommand("metrics", "A week's product metrics")->require_subcommand(1);
  auto* health = metrics->add_subcommand("health", "The health check of a file with the nine metrics");
  health->add_option("file", wanted->path, "JSON with the nine metrics, or - for standard input")->required();
  health->callback([&, wanted] { chosen = [&, wanted] { return run_health(common, *wanted); }; });
  auto* report = app.add_subcommand("report", "Reports on a product")->require_subcommand(1);
  auto* stakeholder = report->add_subcommand("stakeholder", "The weekly update for stakeholders, from a file with the nine metrics");
  stakeholder->add_option("file", wanted->path, "JSON with the nine metrics, or - for standard input")->required();
  stakeholder->add_option("--week", wanted->week, "The week's number")->required();
  stakeholder->callback([&, wanted] { chosen = [&, wanted] { return run_stakeholder(common, *wanted); }; });
}

}  // namespace strata::cli
