#include "app/cli/cli.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "base/text.h"

namespace strata::cli {

void add_tool(CLI::App& app, Common& common, Chosen& chosen);   // tool list, call
void add_predictor(CLI::App& app, Common& common, Chosen& chosen);   // predictor train, list, use, remove

Result<app::Settings> Common::load() const {
  TRY_ASSIGN(config::Config config, app::load_settings(config_path, settings));
  return app::settings_from(config);
}

int fail(const Common& common, const Error& error) {
  if (common.json) {
    Json json = Json::object(
        {{"error", Json::object({{"message", error.message}, {"code", code_name(error.code)}, {"param", error.param.empty() ? Json() : Json(error.param)}})}});
    std::fprintf(stderr, "%s\n", json.dump().c_str());
  } else {
    std::fprintf(stderr, "%s %s\n", colour("error:", 31).c_str(), error.message.c_str());
  }
  switch (error.code) {
    case Code::kInvalidArgument: return kWrongUse;
    case Code::kNotFound:
    case Code::kUnavailable: return kMissing;
    default: return kFailed;
  }
}

bool on_terminal() { return isatty(STDOUT_FILENO); }

std::string colour(std::string_view text, int code) {
  if (!on_terminal() || std::getenv("NO_COLOR")) return std::string(text);
  return "\x1b[" + std::to_string(code) + "m" + std::string(text) + "\x1b[0m";
}

void progress_bar(const std::string& label, int64_t done, int64_t total) {
  if (!isatty(STDERR_FILENO) || total <= 0) return;
  constexpr int kWidth = 30;
  int filled = static_cast<int>(kWidth * done / total);
  std::string bar(static_cast<size_t>(filled), '#');
  bar.resize(kWidth, '.');
  std::fprintf(stderr, "\r\x1b[K%s [%s] %lld/%lld", label.substr(0, 40).c_str(), bar.c_str(), static_cast<long long>(done), static_cast<long long>(total));
}

void progress_end() {
  if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\r\x1b[K");
}

constexpr size_t kFileBytesMax = 4u << 20;  // over what any of them may have: the reader says the exact limit

Result<std::string> read_text(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return not_found("cannot read " + path);
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(kFileBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return not_found("cannot read " + path + ": is it a file?");
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Strata: ask your documents, on a model of your own, from one program.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong use, 3 nothing found, 4 something needed is not there.");
  app.require_subcommand(1);
  app.fallthrough();
  Common common;
  Chosen chosen;
  auto setting = [&](const char* flag, const char* key, const char* meaning) {
    app.add_option_function<std::string>(flag, [&common, key](const std::string& value) { common.settings[key] = value; }, meaning);
  };
  app.add_option("--config", common.config_path, "Configuration file (TOML); default: strata.toml in the data folder");
  app.add_flag("--json", common.json, "Print JSON");
  setting("--data", "data.folder", "Data folder");
  setting("--models", "models.folder", "Models folder");
  app.add_option_function<std::vector<std::string>>(
         "--model",
         [&common](const std::vector<std::string>& names) {
           common.settings["models.language"] = names.front();
           std::string others;
           for (size_t i = 1; i < names.size(); ++i) others += (i > 1 ? "," : "") + names[i];
           if (!others.empty()) common.settings["models.serve"] = others;
         },
         "Language model: an id in the models folder, a .gguf file, or NAME[@VERSION]=either. Again: one more, which `serve` loads on demand")
      ->allow_extra_args(false);
  app.add_option_function<std::vector<std::string>>(
         "--adapter",
         [&common](const std::vector<std::string>& values) {
           for (const std::string& value : values) {
             std::string& all = common.settings["adapters.load"];
             all += (all.empty() ? "" : ",") + value;
           }
         },
         "A LoRA adapter as NAME=PATH (a PEFT folder or a GGUF file); may be given several times. Outside serve the first is used")
      ->allow_extra_args(false);
  setting("--embedder-precision", "models.embedder_precision", "Arithmetic of the embedding model: f32 or int8");
  setting("--threads", "engine.threads", "Compute threads");
  setting("--kv-cache", "engine.kv_cache", "Keys and values of running texts: f16 (default) or q8");
  add_serve(app, common, chosen);
  add_generation(app, common, chosen);
  add_knowledge(app, common, chosen);
  add_models(app, common, chosen);
  add_spec(app, common, chosen);
  add_landscape(app, common, chosen);
  add_simulate(app, common, chosen);
  add_flow(app, common, chosen);
  add_agent(app, common, chosen);
  add_batch(app, common, chosen);
  add_answer(app, common, chosen);
  add_product(app, common, chosen);
  add_predictor(app, common, chosen);
  add_trace(app, common, chosen);
  add_backup(app, common, chosen);
  add_tool(app, common, chosen);
  add_mcp(app, common, chosen);
  add_machine(app, common, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? kDone : kWrongUse;
  }
  return chosen ? chosen() : kWrongUse;
}

}  // namespace strata::cli
