#include "orchestration/flow/cached.h"

namespace strata::flow {
namespace {

bool wanted(const Flows::Core& core, const Work& work) { return core.options.effects.cache && work.step->cache.ttl_ms > 0; }

double cost_so_far(const Outcome& outcome) { return outcome.cost + outcome.usage.cost; }

}  // namespace

std::optional<cache::Key> model_key(Flows::Core& core, const Context& context, const Work& work, const ModelCall& call) {
  if (!wanted(core, work)) return std::nullopt;
  const std::string model = core.options.effects.models->version(context, call.model);
  if (model.empty()) return std::nullopt;
  cache::Key key("flow.model", context.principal());
  key.add("model", model);
  for (auto& message : call.messages) key.add("role", message.role).add("content", message.content);
  key.add("max_tokens", std::to_string(call.max_tokens)).add_json("temperature", Json(call.temperature)).add("seed", std::to_string(call.seed));
  key.add_json("schema", call.schema);   // as it is written: the order of its properties is the output's
  for (auto& choice : call.choices) key.add("choice", choice);
  return key;
}

std::optional<cache::Key> retrieval_key(Flows::Core& core, const Context& context, const Work& work, const std::vector<std::string>& bases) {
  if (!wanted(core, work)) return std::nullopt;
  const std::string index = core.options.effects.library->version(context, bases);
  if (index.empty()) return std::nullopt;
  cache::Key key("flow.retrieve", context.principal());
  key.add("index", index).add_json("input", work.input);
  return key;
}

std::optional<cache::Key> tool_key(Flows::Core& core, const Context& context, const Work& work) {
  // What a person decided is done for that decision.
  if (!wanted(core, work) || work.effect != Effect::kReads || work.tool_version.empty() || !work.decided.is_null()) return std::nullopt;
  cache::Key key("flow.tool", context.principal());
  key.add("user", context.principal().user);   // a tool may answer by who asks
  // Where it came from decides whether a person is asked first, so it never answers for the other kind.
  key.add("tool", work.tool).add("version", work.tool_version).add("untrusted", work.untrusted ? "1" : "0").add_json("arguments", work.input);
  return key;
}

Result<Json> cached(Flows::Core& core, const Context& context, Outcome& outcome, std::optional<cache::Key> key, const std::function<Result<Json>()>& ask) {
  if (!key) {
    ++outcome.asked;
    return ask();
  }
  cache::Cache& cache = *core.options.effects.cache;
  const std::string name = key->hex();
  if (outcome.work.attempt == 1) {
    if (auto hit = cache.find(context, name)) {
      ++outcome.hits;
      outcome.saved += hit->cost;
      return std::move(hit->value);
    }
  }
  ++outcome.asked;
  const double before = cost_so_far(outcome);
  TRY_ASSIGN(Json value, ask());
  cache.keep(context, key->tenant(), name, {.value = value, .cost = cost_so_far(outcome) - before, .ttl_ms = outcome.work.step->cache.ttl_ms});
  return value;
}

}  // namespace strata::flow
