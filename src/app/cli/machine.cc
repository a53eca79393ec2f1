// strata doctor, config, openapi, version.
#include <sys/statvfs.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "app/api/openapi.h"
#include "app/cli/cli.h"
#include "app/load_models.h"
#include "app/wire.h"
#include "base/text.h"
#include "infra/compute/compute.h"
#include "knowledge/document/document.h"

namespace strata::cli {
namespace {

struct Finding {
  std::string level;    // "ok", "slow", "unsafe", "missing"
  std::string what, fix;
};

void check_cpu(std::vector<Finding>& out, const compute::Machine& machine) {
  auto isa = compute::best_isa();
  std::string name = machine.cpu_name + ", " + std::to_string(machine.cores) + " cores, kernels: " + std::string(compute::isa_name(isa));
  if (isa == compute::Isa::kScalar) out.push_back({"slow", name, "this CPU has no AVX2: answers from the model will be slow"});
  else if (isa != compute::Isa::kAvx512Vnni) out.push_back({"ok", name + " (VNNI would make prompts faster)", ""});
  else out.push_back({"ok", name, ""});
  if (machine.memory_bytes < (2ull << 30)) out.push_back({"slow", "memory: " + human_bytes(machine.memory_bytes), "2 GiB or more are recommended"});
  else out.push_back({"ok", "memory: " + human_bytes(machine.memory_bytes), ""});
  for (auto& name : machine.accelerators) out.push_back({"ok", "accelerator seen, not used by this version: " + name, ""});
}

void check_models(std::vector<Finding>& out, const app::Settings& settings) {
  auto add = [&](const Result<std::string>& found) {
    if (found) out.push_back({"ok", "model: " + *found, ""});
    else out.push_back({"missing", found.error().message, "./start --setup-only"});
  };
  std::vector<std::string> named = {settings.language_model};
  named.insert(named.end(), settings.served_models.begin(), settings.served_models.end());
  for (const std::string& name : named) {
    const auto found = app::find_language_model(settings, name);
    add(found ? Result<std::string>(found->path) : Result<std::string>(found.error()));
  }
  add(app::find_embedding_model(settings));
}

void check_folder(std::vector<Finding>& out, const app::Settings& settings) {
  std::error_code error;
  auto status = std::filesystem::status(settings.data_folder, error);
  if (!std::filesystem::exists(status)) {
    out.push_back({"ok", "data folder " + settings.data_folder + " (made at the first start)", ""});
    return;
  }
  bool open_to_others = (status.permissions() & (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) != std::filesystem::perms::none;
  if (open_to_others) out.push_back({"unsafe", "others may read the data folder " + settings.data_folder, "chmod 700 " + settings.data_folder});
  else out.push_back({"ok", "data folder " + settings.data_folder, ""});
  struct statvfs space{};
  if (statvfs(settings.data_folder.c_str(), &space) == 0) {
    uint64_t free = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
    if (free < (1ull << 30))
      out.push_back({"unsafe", "only " + human_bytes(free) + " free for the data folder", "make room: writes fail when the disk is full"});
  }
}

void check_workers(std::vector<Finding>& out) {
  auto confinement = document::confinement(app::workers_folder());
  if (!confinement) return out.push_back({"missing", "document parsers: " + confinement.error().message, "./start --setup-only"}), void();
  if (confinement->landlock_abi == 0) out.push_back({"ok", "document parsers are confined by seccomp (this kernel has no Landlock, a second wall)", ""});
  else out.push_back({"ok", "document parsers are confined by seccomp and Landlock", ""});
}

void check_safety(std::vector<Finding>& out, const app::Settings& settings) {
  if (settings.address != "127.0.0.1" && settings.address != "localhost" && settings.address != "::1")
    out.push_back({settings.behind_proxy ? "ok" : "unsafe", "listens on " + settings.address,
                   settings.behind_proxy ? "" : "set server.behind_proxy only behind TLS and authentication"});
}

int doctor(const Common& common) {
  auto settings = common.load();
  if (!settings) return fail(common, settings.error());
  compute::Machine machine = compute::inspect_machine();
  std::vector<Finding> findings;
  check_cpu(findings, machine);
  double bandwidth = compute::measure_memory_gb_per_s(machine.cores);
  findings.push_back({bandwidth < 8 ? "slow" : "ok", "memory bandwidth: " + std::to_string(static_cast<int>(bandwidth)) + " GB/s",
                      bandwidth < 8 ? "decoding reads the whole model per token" : ""});
  check_models(findings, *settings);
  check_folder(findings, *settings);
  check_workers(findings);
  check_safety(findings, *settings);
  Json rows = Json::array();
  bool well = true;
  for (auto& f : findings) {
    well = well && (f.level == "ok" || f.level == "slow");
    rows.push(Json::object({{"level", f.level}, {"what", f.what}, {"fix", f.fix}}));
    int paint = f.level == "ok" ? 32 : f.level == "slow" ? 33 : 31;
    if (!common.json)
      std::printf("%s %s%s%s\n", colour((f.level + "       ").substr(0, 7), paint).c_str(), f.what.c_str(), f.fix.empty() ? "" : " → ", f.fix.c_str());
  }
  if (common.json) {
    Json sets = Json::array();
    for (auto& name : machine.instruction_sets) sets.push(name);
    std::printf("%s\n", Json::object({{"findings", std::move(rows)},
                                      {"cpu", machine.cpu_name},
                                      {"cores", machine.cores},
                                      {"memory_bytes", machine.memory_bytes},
                                      {"instruction_sets", std::move(sets)},
                                      {"isa", compute::isa_name(compute::best_isa())},
                                      {"memory_gb_per_s", bandwidth}})
                            .dump()
                            .c_str());
  }
  return well ? kDone : kMissing;
}

int config(const Common& common) {
  auto config = app::load_settings(common.config_path, common.settings);
  if (!config) return fail(common, config.error());
  if (!common.json) {
    std::printf("%s", config::describe(app::setting_fields(), *config).c_str());
    return kDone;
  }
  Json rows = Json::array();
  for (auto& field : app::setting_fields()) rows.push(Json::object({{"key", field.key}, {"meaning", field.meaning}, {"origin", config->origin(field.key)}}));
  std::printf("%s\n", rows.dump().c_str());
  return kDone;
}

int openapi(const Common&) {
  std::printf("%s\n", api::openapi_document(STRATA_VERSION).dump().c_str());
  return kDone;
}

int version(const Common& common) {
  if (common.json) std::printf("%s\n", Json::object({{"version", STRATA_VERSION}, {"isa", compute::isa_name(compute::best_isa())}}).dump().c_str());
  else std::printf("strata %s\n", STRATA_VERSION);
  return kDone;
}

}  // namespace

void add_machine(CLI::App& app, Common& common, Chosen& chosen) {
  auto add = [&](const char* name, const char* meaning, int (*function)(const Common&)) {
    app.add_subcommand(name, meaning)->callback([&common, &chosen, function] { chosen = [&common, function] { return function(common); }; });
  };
  add("doctor", "What is missing, slow or unsafe on this machine, and its devices", doctor);
  add("config", "Every setting with its meaning, range, value and origin, as a configuration file", config);
  add("openapi", "The API's OpenAPI document, as /openapi.json serves it", openapi);
  add("version", "The version", version);
}

}  // namespace strata::cli
