#include "app/receipt.h"

#include <algorithm>
#include <charconv>

namespace strata::app {
namespace {

constexpr int64_t kVersion = 1;

Json ids_json(const std::vector<int32_t>& ids) {
  Json out = Json::array();
  for (const int32_t id : ids) out.push(id);
  return out;
}

Result<std::vector<int32_t>> ids_from(const Json& json, const std::string& name) {
  const auto* items = json.as_array();
  if (!items) return invalid_argument(name + ": expected a list of token ids, got " + std::string(json.type_name()), name);
  std::vector<int32_t> out;
  for (const Json& item : *items) {
    TRY_ASSIGN(const int64_t id, item.to_int(name));
    if (id < 0 || id > INT32_MAX) return invalid_argument(name + ": " + std::to_string(id) + " is no token id", name);
    out.push_back(static_cast<int32_t>(id));
  }
  return out;
}

Json sampling_json(const model::Sampling& s) {
  Json bias = Json::object();
  for (const auto& [id, value] : s.logit_bias) bias.set(std::to_string(id), value);
  return Json::object({{"temperature", s.temperature},
                       {"top_k", s.top_k},
                       {"top_p", s.top_p},
                       {"min_p", s.min_p},
                       {"frequency_penalty", s.frequency_penalty},
                       {"presence_penalty", s.presence_penalty},
                       {"repetition_penalty", s.repetition_penalty},
                       {"seed", std::to_string(s.seed)},
                       {"logit_bias", std::move(bias)}});
}

template <class T>
Status read_integer(const std::string& text, const std::string& name, T* out) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (failure == std::errc() && end == text.data() + text.size()) return {};
  return invalid_argument(name + ": expected a whole number, got '" + text + "'", name);
}

Result<model::Sampling> sampling_from(const Json& json) {
  model::Sampling s;
  TRY_ASSIGN(s.temperature, json["temperature"].to_double("sampling.temperature"));
  TRY_ASSIGN(const int64_t top_k, json["top_k"].to_int("sampling.top_k"));
  s.top_k = static_cast<int>(std::clamp<int64_t>(top_k, INT32_MIN, INT32_MAX));
  TRY_ASSIGN(s.top_p, json["top_p"].to_double("sampling.top_p"));
  TRY_ASSIGN(s.min_p, json["min_p"].to_double("sampling.min_p"));
  TRY_ASSIGN(s.frequency_penalty, json["frequency_penalty"].to_double("sampling.frequency_penalty"));
  TRY_ASSIGN(s.presence_penalty, json["presence_penalty"].to_double("sampling.presence_penalty"));
  TRY_ASSIGN(s.repetition_penalty, json["repetition_penalty"].to_double("sampling.repetition_penalty"));
  TRY_ASSIGN(const std::string seed, json["seed"].to_string("sampling.seed"));
  TRY(read_integer(seed, "sampling.seed", &s.seed));
  if (const auto* bias = json["logit_bias"].as_object()) {
    for (const auto& [key, value] : *bias) {
      int32_t id = 0;
      TRY(read_integer(key, "sampling.logit_bias", &id));
      TRY_ASSIGN(s.logit_bias[id], value.to_double("sampling.logit_bias"));
    }
  }
  return s;
}

// The receipt itself, or where a response carries it.
const Json* find_receipt(const Json& json) {
  if (!json["model_sha256"].is_null()) return &json;
  if (!json["strata"]["receipt"].is_null()) return &json["strata"]["receipt"];
  if (!json["receipt"].is_null()) return &json["receipt"];
  if (const auto* choices = json["choices"].as_array(); choices && !choices->empty()) {
    const Json& message = choices->front()["message"];
    if (!message["strata"]["receipt"].is_null()) return &message["strata"]["receipt"];
  }
  return nullptr;
}

}  // namespace

Json receipt_json(const model::Receipt& r) {
  Json stop = Json::array();
  for (const std::string& text : r.stop) stop.push(text);
  return Json::object({{"version", kVersion},
                       {"model", r.model},
                       {"model_sha256", r.model_sha256},
                       {"template_sha256", r.template_sha256.empty() ? Json() : Json(r.template_sha256)},
                       {"adapter", r.adapter.empty() ? Json() : Json(r.adapter)},
                       {"adapter_sha256", r.adapter_sha256.empty() ? Json() : Json(r.adapter_sha256)},
                       {"isa", r.isa},
                       {"kv_cache", r.kv_cache},
                       {"prompt", ids_json(r.prompt)},
                       {"output", ids_json(r.output)},
                       {"sampling", sampling_json(r.sampling)},
                       {"max_tokens", r.max_tokens},
                       {"stop", std::move(stop)},
                       {"ignore_eos", r.ignore_eos}});
}

Result<model::Receipt> receipt_from(const Json& whole) {
  const Json* json = find_receipt(whole);
  if (!json) return invalid_argument("expected a receipt, or a response that was asked for with \"receipt\": true; found neither", "receipt");
  TRY_ASSIGN(const int64_t version, (*json)["version"].to_int("version"));
  if (version != kVersion) return invalid_argument("version: this program reads receipts of version 1, got " + std::to_string(version), "version");
  model::Receipt r;
  TRY_ASSIGN(r.model, (*json)["model"].to_string("model"));
  TRY_ASSIGN(r.model_sha256, (*json)["model_sha256"].to_string("model_sha256"));
  if (!(*json)["template_sha256"].is_null()) {
    TRY_ASSIGN(r.template_sha256, (*json)["template_sha256"].to_string("template_sha256"));
  }
  if (!(*json)["adapter_sha256"].is_null()) {
    TRY_ASSIGN(r.adapter_sha256, (*json)["adapter_sha256"].to_string("adapter_sha256"));
    TRY_ASSIGN(r.adapter, (*json)["adapter"].to_string("adapter"));
  }
  TRY_ASSIGN(r.isa, (*json)["isa"].to_string("isa"));
  if (!(*json)["kv_cache"].is_null()) {  // receipts without it were made before there was another
    TRY_ASSIGN(r.kv_cache, (*json)["kv_cache"].to_string("kv_cache"));
  }
  TRY_ASSIGN(r.prompt, ids_from((*json)["prompt"], "prompt"));
  TRY_ASSIGN(r.output, ids_from((*json)["output"], "output"));
  TRY_ASSIGN(r.sampling, sampling_from((*json)["sampling"]));
  TRY_ASSIGN(const int64_t max_tokens, (*json)["max_tokens"].to_int("max_tokens"));
  if (max_tokens < 1 || max_tokens > INT32_MAX) return invalid_argument("max_tokens: expected at least 1, got " + std::to_string(max_tokens), "max_tokens");
  r.max_tokens = static_cast<int>(max_tokens);
  if (const auto* stop = (*json)["stop"].as_array()) {
    for (const Json& text : *stop) {
      TRY_ASSIGN(std::string one, text.to_string("stop"));
      r.stop.push_back(std::move(one));
    }
  }
  TRY_ASSIGN(r.ignore_eos, (*json)["ignore_eos"].to_bool("ignore_eos"));
  return r;
}

Result<Replay> replay(const Context& context, model::LanguageModel& model, const model::Receipt& receipt) {
  if (model.info().sha256 != receipt.model_sha256) {
    return failed_precondition("the receipt is of model " + receipt.model + " with SHA-256 " + receipt.model_sha256 + ", but " + model.info().id +
                               " here has " + (model.info().sha256.empty() ? "none" : model.info().sha256) + "; name the receipt's own file with --model");
  }
  if (model.info().adapter_sha256 != receipt.adapter_sha256) {
    const std::string here = model.info().adapter_sha256.empty() ? "none is loaded here" : model.info().id + " here has " + model.info().adapter_sha256;
    return failed_precondition(receipt.adapter_sha256.empty() ? "the receipt was made without an adapter, but " + here
                                                              : "the receipt is of adapter " + receipt.adapter + " with SHA-256 " + receipt.adapter_sha256 +
                                                                    ", but " + here + "; name its files with --adapter NAME=PATH");
  }
  model::GenerateRequest request;
  request.prompt = receipt.prompt;
  request.max_tokens = receipt.max_tokens;
  request.sampling = receipt.sampling;
  request.stop = receipt.stop;
  request.ignore_eos = receipt.ignore_eos;
  request.receipt = true;
  TRY_ASSIGN(const model::Generated out, model::generate(context, model, std::move(request)));
  if (!out.finish.receipt) return failed_precondition("this model gives no receipts: it runs elsewhere");
  Replay result;
  result.output = out.finish.receipt->output;
  const auto [ours, theirs] = std::mismatch(result.output.begin(), result.output.end(), receipt.output.begin(), receipt.output.end());
  result.same = ours == result.output.end() && theirs == receipt.output.end();
  if (result.same) return result;
  if (out.finish.receipt->kv_cache != receipt.kv_cache) {
    return failed_precondition("the receipt was made with a KV cache of " + receipt.kv_cache + ", this engine keeps it in " + out.finish.receipt->kv_cache +
                               ", and outputs are the same in one format only: set engine.kv_cache to " + receipt.kv_cache);
  }
  result.first_difference = static_cast<int>(ours - result.output.begin());
  result.difference = "output token " + std::to_string(result.first_difference) + " is " + (ours == result.output.end() ? "missing" : std::to_string(*ours)) +
                      " here, " + (theirs == receipt.output.end() ? "missing" : std::to_string(*theirs)) + " in the receipt";
  if (out.finish.receipt->isa != receipt.isa) {
    result.difference += "; the receipt was made with " + receipt.isa + " instructions, this machine runs " + out.finish.receipt->isa +
                         ", and outputs are the same at one level only (STRATA_ISA can lower it)";
  }
  return result;
}

}  // namespace strata::app
