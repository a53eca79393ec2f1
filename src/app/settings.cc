#include "app/settings.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

extern char** environ;

namespace strata::app {
namespace {

std::string from_home(const char* variable, const char* fallback) {
  const char* base = std::getenv(variable);
  if (base && *base) return std::string(base) + "/strata";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : ".") + fallback + "/strata";
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    std::string_view line(*entry);
    size_t equals = line.find('=');
    if (line.starts_with("STRATA_") && equals != line.npos) out[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  return out;
}

}  // namespace

std::string default_data_folder() {
  if (geteuid() == 0) return "/var/lib/strata/data";  // a root's home is closed to the user that serves
  return from_home("XDG_DATA_HOME", "/.local/share");
}
std::string default_models_folder() { return from_home("XDG_CACHE_HOME", "/.cache") + "/models"; }

const std::vector<config::Field>& setting_fields() {
  using Texts = std::vector<std::string>;
  static const std::vector<config::Field> fields = {
      {"server.address", std::string("127.0.0.1"), "Address to listen on; beyond loopback needs server.behind_proxy."},
      {"server.port", int64_t{8080}, "Port to listen on; 0 takes any free one.", 0, 65535},
      {"server.hosts", Texts{}, "Host names that are answered beside localhost, 127.0.0.1 and [::1]."},
      {"server.behind_proxy", false, "A proxy in front of this server does TLS and authentication: allows an address beyond loopback."},
      {"server.user", std::string(), "User to become when started as root; empty takes 'strata' if there is one, else 'nobody'."},
      {"server.drain_ms", int64_t{10'000}, "Milliseconds that running requests get at shutdown.", 0, 600'000},
      {"data.folder", default_data_folder(), "The data folder."},
      {"models.folder", default_models_folder(), "The models folder; the server writes nothing into it but packed weights (models.keep_packed)."},
      {"models.language", std::string("smollm2-135m-instruct"),
       "Default language model: an id in the models folder, the path of a .gguf file, or NAME=either; NAME may be NAME@VERSION."},
      {"models.serve", Texts{}, "More language models, written like models.language; each is loaded when a request names it."},
      {"models.on_demand", true, "Serve every other language model of the models folder too, loaded when a request names it."},
      {"models.aliases", Texts{}, "Other names of models: ALIAS=NAME."},
      {"models.keep_packed", true, "Keep repacked weights on disk, beside the model or else in the data folder, so that the next start maps them."},
      {"models.embedding", std::string("all-minilm-l6-v2"), "Embedding model: an id in the models folder."},
      {"models.hub_endpoint", std::string("https://huggingface.co"), "Where `strata model pull` downloads from."},
      {"models.embedder_precision",
       std::string("f32"),
       "Arithmetic of the embedding model: int8 is about twice as fast, at a cosine of 0.999 and more; changing it embeds all documents again.",
       -1e18,
       1e18,
       {"f32", "int8"}},
      {"adapters.load", Texts{}, "LoRA adapters of the language model to load at start, each as name=path: a PEFT folder or a GGUF file."},
      {"adapters.folder", std::string(),
       "The folder whose adapters /v1/load_lora_adapter may load while the server runs; empty takes adapters/ in the models folder."},
      {"engine.threads", int64_t{0}, "Compute threads; 0 takes one per core.", 0, 256},
      {"engine.sequences", int64_t{8}, "Sequences decoded together in one step.", 1, 64},
      {"engine.queue", int64_t{64}, "Requests that may wait; past it a request gets 429.", 1, 10'000},
      {"engine.memory_budget_mib", int64_t{0}, "What all models together may take, weights and KV caches, in MiB; 0 takes three quarters of the memory.", 0,
       1e9},
      {"engine.load_queue", int64_t{32}, "Requests that may wait for models to be loaded; past it a request gets 503.", 1, 10'000},
      {"engine.context_tokens", int64_t{0}, "Longest prompt and answer in tokens; 0 takes the model's own.", 0, 1'048'576},
      {"engine.kv_cache",
       std::string("f16"),
       "How keys and values of the texts that run are kept: f16, or q8 in little more than half the memory (8 bits, a scale for each 32 values).",
       -1e18,
       1e18,
       {"f16", "q8"}},
      {"engine.cache_tokens", int64_t{0},
       "Tokens whose keys and values all running texts hold together; 0 takes what engine.sequences full contexts need, as far as memory goes. Where it "
       "runs out, the youngest text waits and is computed again later.",
       0, 1 << 30},
      {"ingest.workers", int64_t{1}, "Documents ingested at once.", 1, 16},
      {"ingest.chunk_tokens", int64_t{200}, "Longest chunk in tokens of the embedding model.", 32, 4096},
      {"ingest.chunk_overlap", int64_t{40}, "Tokens repeated from the chunk before.", 0, 2048},
      {"traces.content", false, "Keep prompts, answers and receipts with traces, personal data masked; also in the app, which wins."},
      {"traces.keep_days", int64_t{30}, "Days that traces are kept.", 1, 3650},
      {"traces.keep_mb", int64_t{512}, "MiB that traces may take; past it the oldest go.", 1, 1'000'000},
      {"traces.export_url", std::string(), "OTLP/HTTP endpoint of an OpenTelemetry collector, without /v1/traces; empty: none."},
      {"traces.export_format", std::string("protobuf"), "How spans are sent to it.", -1e18, 1e18, {"protobuf", "json"}},
      {"demo.documents", std::string(), "Folder of demo documents to ingest once, in the background, into their own knowledge base."},
  };
  return fields;
}

Settings settings_from(const config::Config& c) {
  Settings s;
  s.address = c.text("server.address");
  s.user = c.text("server.user");
  s.port = static_cast<int>(c.integer("server.port"));
  s.hosts = c.list("server.hosts");
  s.behind_proxy = c.flag("server.behind_proxy");
  s.drain_ms = c.integer("server.drain_ms");
  s.data_folder = c.text("data.folder");
  s.models_folder = c.text("models.folder");
  s.language_model = c.text("models.language");
  s.served_models = c.list("models.serve");
  s.model_aliases = c.list("models.aliases");
  s.models_on_demand = c.flag("models.on_demand");
  s.keep_packed = c.flag("models.keep_packed");
  s.memory_budget_mib = c.integer("engine.memory_budget_mib");
  s.load_queue = static_cast<int>(c.integer("engine.load_queue"));
  s.embedding_model = c.text("models.embedding");
  s.embedder_precision = c.text("models.embedder_precision");
  s.adapters = c.list("adapters.load");
  s.adapters_folder = c.text("adapters.folder").empty() ? s.models_folder + "/adapters" : c.text("adapters.folder");
  s.hub_endpoint = c.text("models.hub_endpoint");
  s.threads = static_cast<int>(c.integer("engine.threads"));
  s.sequences_max = static_cast<int>(c.integer("engine.sequences"));
  s.queue_max = static_cast<int>(c.integer("engine.queue"));
  s.context_tokens = static_cast<int>(c.integer("engine.context_tokens"));
  s.kv_cache = c.text("engine.kv_cache");
  s.cache_tokens = static_cast<int>(c.integer("engine.cache_tokens"));
  s.ingest_workers = static_cast<int>(c.integer("ingest.workers"));
  s.chunk_tokens = static_cast<int>(c.integer("ingest.chunk_tokens"));
  s.chunk_overlap = static_cast<int>(c.integer("ingest.chunk_overlap"));
  s.traces_content = c.flag("traces.content");
  s.traces_keep_days = static_cast<int>(c.integer("traces.keep_days"));
  s.traces_keep_mb = c.integer("traces.keep_mb");
  s.traces_export_url = c.text("traces.export_url");
  s.traces_export_format = c.text("traces.export_format");
  s.demo_documents = c.text("demo.documents");
  return s;
}

Result<config::Config> load_settings(const std::string& config_path, const std::map<std::string, std::string>& command_line) {
  std::string path = config_path;
  if (path.empty()) {
    auto data = command_line.find("data.folder");
    std::string implied = (data == command_line.end() ? default_data_folder() : data->second) + "/strata.toml";
    if (access(implied.c_str(), R_OK) == 0) path = implied;
  }
  std::string text;
  if (!path.empty()) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return not_found("the configuration file " + path + " cannot be read");
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  return config::load(setting_fields(), text, path, environment(), command_line);
}

}  // namespace strata::app
