// strata backup, strata restore: the data folder as one file, and back.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/backup.h"
#include "app/cli/cli.h"
#include "base/text.h"

namespace strata::cli {
namespace {

struct Wanted {
  std::string file;
  bool without_key = false, replace = false;
};

int run_backup(const Common& common, const Wanted& wanted) {
  auto settings = common.load();
  if (!settings) return fail(common, settings.error());
  auto report = app::backup(Context::background(),
                            {.data_folder = settings->data_folder, .file = wanted.file, .with_key = !wanted.without_key, .version = STRATA_VERSION});
  if (!report) return fail(common, report.error());
  if (common.json) {
    std::printf("%s\n", Json::object({{"file", wanted.file}, {"bytes", report->bytes}, {"files", report->files}, {"has_key", report->has_key}}).dump().c_str());
    return kDone;
  }
  std::printf("%s: %s, %zu stored files, read back and found whole.\n", wanted.file.c_str(), human_bytes(report->bytes).c_str(), report->files);
  std::printf("%s\n", report->has_key ? "It holds the key of your stored secrets: keep it as you would keep them."
                                      : "Without the key of the stored secrets: keep secret.key of the data folder elsewhere; a restored folder needs it.");
  return kDone;
}

int run_restore(const Common& common, const Wanted& wanted) {
  auto settings = common.load();
  if (!settings) return fail(common, settings.error());
  auto report = app::restore(Context::background(), {.file = wanted.file, .data_folder = settings->data_folder, .replace = wanted.replace});
  if (!report) return fail(common, report.error());
  if (common.json) {
    std::printf("%s\n", Json::object({{"data_folder", settings->data_folder},
                                      {"files", report->files},
                                      {"aside", report->aside.empty() ? Json() : Json(report->aside)},
                                      {"has_key", report->has_key}})
                            .dump()
                            .c_str());
    return kDone;
  }
  std::printf("%s: restored, checked against its hashes.\n", settings->data_folder.c_str());
  if (!report->aside.empty()) std::printf("What was there is now %s.\n", report->aside.c_str());
  if (!report->has_key) std::printf("The backup holds no secret.key: put yours into the folder before you start.\n");
  return kDone;
}

}  // namespace

void add_backup(CLI::App& app, Common& common, Chosen& chosen) {
  auto wanted = std::make_shared<Wanted>();
  auto* backup = app.add_subcommand("backup", "The whole data folder as one file, also while a server uses it");
  backup->add_option("file", wanted->file, "The file to make (a tar archive)")->required();
  backup->add_flag("--without-key", wanted->without_key, "Leave out the key of the stored secrets");
  backup->callback([&common, &chosen, wanted] { chosen = [&common, wanted] { return run_backup(common, *wanted); }; });
  auto* restore = app.add_subcommand("restore", "A data folder from such a file; nothing may use the folder");
  restore->add_option("file", wanted->file, "The backup")->required();
  restore->add_flag("--replace", wanted->replace, "Move what is in the data folder aside");
  restore->callback([&common, &chosen, wanted] { chosen = [&common, wanted] { return run_restore(common, *wanted); }; });
}

}  // namespace strata::cli
