// Every setting of the program, declared once (settings.cc): key, range, default, meaning. `strata config` prints them.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"

namespace strata::app {

struct Settings {
  std::string address, user;
  int port = 0;
  std::vector<std::string> hosts;
  bool behind_proxy = false;
  std::string data_folder, models_folder, demo_documents;
  std::string language_model;     // an id in the models folder, the path of a .gguf file, or NAME=either
  std::vector<std::string> served_models, model_aliases;
  bool models_on_demand = true, keep_packed = true;
  int64_t memory_budget_mib = 0;
  int load_queue = 32;
  std::string embedding_model;
  std::vector<std::string> adapters;   // "name=path"
  std::string adapters_folder;
  std::string embedder_precision = "f32";
  int threads = 0, sequences_max = 8, queue_max = 64, context_tokens = 0;
  std::string kv_cache = "f16";   // or "q8"
  int cache_tokens = 0;
  int ingest_workers = 1;
  int chunk_tokens = 200, chunk_overlap = 40;
  int64_t drain_ms = 10'000;
  std::string hub_endpoint;
  bool traces_content = false;
  int traces_keep_days = 30;
  int64_t traces_keep_mb = 512;
  std::string traces_export_url, traces_export_format;
};

const std::vector<config::Field>& setting_fields();
Settings settings_from(const config::Config& config);

// Reads the file (--config, else data folder's strata.toml where it exists), the environment and the command line.
Result<config::Config> load_settings(const std::string& config_path, const std::map<std::string, std::string>& command_line);

std::string default_data_folder();
std::string default_models_folder();

}  // namespace strata::app
