// strata spec check, recommend, show: a product's specification in a file, without a server.
#include "product/spec/spec.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "app/cli/cli.h"

namespace strata::cli {
namespace {

Json report_json(const spec::Checked& checked) {
  Json problems = Json::array(), missing = Json::array();
  for (auto& p : checked.problems)
    problems.push(
        Json::object({{"line", p.line ? Json(p.line) : Json()}, {"column", p.line ? Json(p.column) : Json()}, {"field", p.field}, {"message", p.message}}));
  for (auto& field : checked.missing) missing.push(field);
  return Json::object({{"complete", checked.spec.has_value()}, {"problems", std::move(problems)}, {"missing", std::move(missing)}});
}

// Says what keeps the text from being a spec, as compilers do: FILE:LINE:COLUMN.
int report(const Common& common, const std::string& path, const spec::Checked& checked) {
  if (common.json) {
    std::printf("%s\n", report_json(checked).dump().c_str());
  } else {
    std::string file = path == "-" ? "standard input" : path;
    for (auto& p : checked.problems) {
      std::string where = p.line ? file + ":" + std::to_string(p.line) + ":" + std::to_string(p.column) : file;
      std::fprintf(stderr, "%s: %s%s%s\n", where.c_str(), p.field.c_str(), p.field.empty() ? "" : ": ", p.message.c_str());
    }
    for (auto& field : checked.missing) std::fprintf(stderr, "%s: missing: %s\n", file.c_str(), field.c_str());
  }
  if (!checked.problems.empty()) return kFailed;
  return checked.missing.empty() ? kDone : kNothing;
}

using Print = std::string (*)(const spec::LLMProductSpec&);

int run_print(const Common& common, const std::string& path, Print print, const char* json_name) {
  auto text = read_text(path);
  if (!text) return fail(common, text.error());
  spec::Checked checked = spec::check_text(*text);
  if (!checked.spec) return report(common, path, checked);
  std::string printed = print(*checked.spec);
  if (!common.json) std::fputs(printed.c_str(), stdout);
  else if (print == spec::shown) std::printf("%s\n", spec::to_json(*checked.spec).dump().c_str());
  else std::printf("%s\n", Json::object({{json_name, printed.substr(0, printed.size() - 1)}}).dump().c_str());
  return kDone;
}

int run_check(const Common& common, const std::string& path) {
  auto text = read_text(path);
  if (!text) return fail(common, text.error());
  spec::Checked checked = spec::check_text(*text);
  int code = report(common, path, checked);
  if (code == kDone && !common.json) std::printf("%s is a complete spec: %s\n", path.c_str(), checked.name.c_str());
  return code;
}

}  // namespace

void add_spec(CLI::App& app, Common& common, Chosen& chosen) {
  auto* group = app.add_subcommand("spec", "A product's specification: check it, see what it asks of a model");
  group->require_subcommand(1);
  auto add = [&](const char* name, const char* meaning, std::function<int(const Common&, const std::string&)> function) {
    auto path = std::make_shared<std::string>();
    auto* command = group->add_subcommand(name, meaning);
    command->add_option("file", *path, "YAML or JSON; - is standard input")->required();
    command->callback([&common, &chosen, path, function] { chosen = [&common, path, function] { return function(common, *path); }; });
  };
  add("check", "Exit code 0: complete; 1: wrong, each problem by line; 3: a draft, what is missing by name", run_check);
  add("recommend", "The model tier that it asks for", [](const Common& c, const std::string& path) {
    return run_print(c, path, [](const spec::LLMProductSpec& s) { return s.model_tier_recommendation() + "\n"; }, "recommendation");
  });
  add("show", "Product, model recommendation, accuracy target", [](const Common& c, const std::string& path) { return run_print(c, path, spec::shown, ""); });
}

}  // namespace strata::cli
