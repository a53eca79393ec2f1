#include "model/network/peft_config.h"

#include <algorithm>
#include <string>

#include "base/json.h"
#include "model/network/adapter.h"

namespace strata::network {
namespace {

// UNITS: bytes. Real ones have one or two thousand.
constexpr size_t kConfigBytesMax = 1 << 20;

// What says nothing about how the weights are applied, or is read here.
constexpr std::string_view kHarmless[] = {"peft_type",
                                          "r",
                                          "lora_alpha",
                                          "use_rslora",
                                          "target_modules",
                                          "bias",
                                          "task_type",
                                          "init_lora_weights",  // read
                                          "auto_mapping",
                                          "base_model_name_or_path",
                                          "revision",
                                          "inference_mode",
                                          "lora_dropout",
                                          "peft_version",
                                          "exclude_modules",
                                          "layers_to_transform",
                                          "layers_pattern",
                                          "loftq_config",
                                          "eva_config",
                                          "corda_config",
                                          "megatron_config",
                                          "megatron_core",
                                          "runtime_config",
                                          "qalora_group_size",
                                          "ensure_weight_tying",
                                          "torch_dtype",
                                          "alora_offset"};

// Ways to begin a training that leave the base's weights as they were. The others (PiSSA, OLoRA, CorDA, LoftQ) subtract from them.
constexpr std::string_view kPlainStarts[] = {"gaussian", "eva", "orthogonal"};

template <class Names>
bool among(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool switched_off(const Json& value) {
  if (value.is_null()) return true;
  if (const bool* flag = value.as_bool()) return !*flag;
  if (const std::string* text = value.as_string()) return text->empty();
  if (value.is_array() || value.is_object()) return value.size() == 0;
  return false;
}

Error refused(const std::string& what, const std::string& option, const Json& value, const std::string& instead) {
  return unimplemented(what + ": " + option + ": " + value.dump().substr(0, 100) + " is not supported; " + instead, option);
}

Status check_kind(const Json& json, const std::string& what) {
  const std::string* type = json["peft_type"].as_string();
  if (!type || *type != "LORA") return refused(what, "peft_type", json["peft_type"], "expected \"LORA\"");
  if (const std::string* task = json["task_type"].as_string(); task && *task != "CAUSAL_LM")
    return refused(what, "task_type", json["task_type"], "expected \"CAUSAL_LM\" or null");
  if (const Json& bias = json["bias"]; !bias.is_null() && bias != Json("none")) return refused(what, "bias", bias, "expected \"none\"");
  if (const std::string* start = json["init_lora_weights"].as_string(); start && !among(kPlainStarts, *start)) {
    return refused(what, "init_lora_weights", json["init_lora_weights"],
                   "it changes the base model's weights too; convert the adapter to a plain one with PEFT's path_initial_model_for_weight_conversion");
  }
  for (const auto& [option, value] : *json.as_object()) {
    if (!among(kHarmless, option) && !switched_off(value)) return refused(what, option, value, "train or merge the adapter without it");
  }
  return {};
}

}  // namespace

Result<PeftConfig> parse_peft_config(std::string_view text, const std::string& what) {
  auto json = Json::parse(text, {.bytes = kConfigBytesMax, .depth = 16});
  if (!json) return annotate(json.error(), what);
  if (!json->is_object()) return invalid_argument(what + ": expected a JSON object, got " + std::string(json->type_name()));
  TRY(check_kind(*json, what));
  PeftConfig config;
  TRY_ASSIGN(const int64_t rank, (*json)["r"].to_int("r"));
  if (rank < 1 || rank > Adapter::kRankMax)
    return invalid_argument(what + ": r: expected 1 to " + std::to_string(Adapter::kRankMax) + ", got " + std::to_string(rank), "r");
  config.rank = static_cast<int>(rank);
  TRY_ASSIGN(config.alpha, (*json)["lora_alpha"].to_double("lora_alpha"));
  if (!(config.alpha > -1e6 && config.alpha < 1e6)) return invalid_argument(what + ": lora_alpha: expected a number below a million", "lora_alpha");
  if (const Json& stabilized = (*json)["use_rslora"]; !stabilized.is_null()) {
    TRY_ASSIGN(config.rank_stabilized, stabilized.to_bool("use_rslora"));
  }
  return config;
}

}  // namespace strata::network
