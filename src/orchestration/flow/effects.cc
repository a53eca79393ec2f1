#include "orchestration/flow/effects.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/span.h"
#include "orchestration/flow/cached.h"

namespace strata::flow {
namespace {

Result<std::vector<std::string>> texts_of(const Json& json, const std::string& what) {
  std::vector<std::string> all;
  if (auto* one = json.as_string()) all.push_back(*one);
  else if (auto* items = json.as_array())
    for (auto& item : *items) {
      TRY_ASSIGN(std::string text, item.to_string(what));
      all.push_back(std::move(text));
    }
  else return invalid_argument(what + ": expected a text or a list of texts, got " + std::string(json.type_name()), what);
  return all;
}

Result<ModelCall> model_call(const Json& input) {
  ModelCall call;
  if (auto* system = input["system"].as_string()) call.messages.push_back({"system", *system});
  if (!input["prompt"].is_null()) {
    // A prompt that is one expression keeps its type; a model reads text.
    call.messages.push_back({"user", input["prompt"].is_string() ? *input["prompt"].as_string() : input["prompt"].dump()});
  } else if (auto* messages = input["messages"].as_array()) {
    for (auto& message : *messages) {
      TRY_ASSIGN(std::string role, message["role"].to_string("messages.role"));
      const Json& content = message["content"];
      call.messages.push_back({role, content.is_string() ? *content.as_string() : content.dump()});
    }
  }
  if (auto* model = input["model"].as_string()) call.model = *model;
  if (!input["max_tokens"].is_null()) {
    TRY_ASSIGN(int64_t most, input["max_tokens"].to_int("max_tokens"));
    call.max_tokens = static_cast<int>(std::clamp<int64_t>(most, 1, 1 << 20));
  }
  if (!input["temperature"].is_null()) {
    TRY_ASSIGN(call.temperature, input["temperature"].to_double("temperature"));
  }
  if (!input["seed"].is_null()) {
    TRY_ASSIGN(int64_t seed, input["seed"].to_int("seed"));
    call.seed = static_cast<uint64_t>(seed);
  }
  call.schema = input["schema"];
  if (!input["choices"].is_null()) {
    TRY_ASSIGN(call.choices, texts_of(input["choices"], "choices"));
  }
  return call;
}

Result<Json> model_output(const ModelCall& call, const ModelReply& reply) {
  if (call.schema.is_null()) return Json(reply.text);
  auto json = Json::parse(reply.text);
  if (!json)
    return Error{
        Code::kInternal,
        "the model's output is not the JSON that 'schema' asks for" + std::string(reply.finish == "length" ? ": it was cut off, raise max_tokens" : ""), "",
        "invalid_output"};
  return json;
}

void add_usage(ModelReply& total, const ModelReply& reply) {
  total.model = reply.model;
  total.finish = reply.finish;
  total.prompt_tokens += reply.prompt_tokens;
  total.cached_tokens += reply.cached_tokens;
  total.completion_tokens += reply.completion_tokens;
  total.cost += reply.cost;
}

Result<Json> ask(Flows::Core& core, const Context& context, const ModelCall& call, Outcome& outcome) {
  return cached(core, context, outcome, model_key(core, context, outcome.work, call), [&]() -> Result<Json> {
    TRY_ASSIGN(ModelReply reply, core.options.effects.models->generate(context, call));
    add_usage(outcome.usage, reply);
    return model_output(call, reply);
  });
}

// The small model first; the bigger one where the small one fails, or where the expression over its output says so.
Result<Json> ask_with_escalation(Flows::Core& core, const Context& context, Outcome& outcome) {
  if (!core.options.effects.models) return failed_precondition("no language model is wired to flows");
  const Work& work = outcome.work;
  TRY_ASSIGN(ModelCall call, model_call(work.input));
  Result<Json> first = ask(core, context, call, outcome);
  const Json& escalate = work.step->spec["escalate"];
  if (escalate.is_null() || context.cancelled()) return first;
  std::string reason;
  if (!first) {
    reason = "the first model failed: " + first.error().message;
  } else if (auto* when = escalate["when"].as_string()) {
    Json variables = work.variables;
    variables.set("output", *first);
    TRY_ASSIGN(bool go_on, work.scope->flow->truth_of(*when, variables));
    if (!go_on) return first;
    reason = escalate["reason"].is_string() ? *escalate["reason"].as_string() : *when;
  } else {
    return first;
  }
  TRY_ASSIGN(Json named, work.scope->flow->value_of(escalate["model"], work.variables));
  std::string bigger = named.is_string() ? *named.as_string() : "";
  outcome.notes.push_back(
      {.kind = "escalated_model", .name = work.path, .data = Json::object({{"from", call.model}, {"to", bigger}, {"reason", reason}}), .decision = true});
  call.model = bigger;
  return ask(core, context, call, outcome);
}

Result<Json> call_library(Flows::Core& core, const Context& context, Outcome& outcome) {
  if (!core.options.effects.library) return failed_precondition("no documents are wired to flows");
  Library& library = *core.options.effects.library;
  const Json& input = outcome.work.input;
  TRY_ASSIGN(auto bases, texts_of(input["bases"], "bases"));
  if (outcome.work.step->kind == StepKind::kRetrieve) {
    TRY_ASSIGN(std::string query, input["query"].to_string("query"));
    int64_t results = 5;
    if (!input["results"].is_null()) {
      TRY_ASSIGN(results, input["results"].to_int("results"));
    }
    return cached(core, context, outcome, retrieval_key(core, context, outcome.work, bases),
                  [&] { return library.retrieve(context, query, bases, static_cast<int>(std::clamp<int64_t>(results, 1, 100))); });
  }
  AnswerCall call;
  call.bases = std::move(bases);
  TRY_ASSIGN(call.question, input["question"].to_string("question"));
  if (auto* mode = input["mode"].as_string()) call.mode = *mode;
  if (auto* model = input["model"].as_string()) call.model = *model;
  if (!input["max_tokens"].is_null()) {
    TRY_ASSIGN(int64_t most, input["max_tokens"].to_int("max_tokens"));
    call.max_tokens = static_cast<int>(std::clamp<int64_t>(most, 1, 1 << 20));
  }
  TRY_ASSIGN(auto reply, library.answer(context, call));
  add_usage(outcome.usage, reply.usage);
  return std::move(reply.answer);
}

Result<Json> call_tool(Flows::Core& core, const Context& context, Outcome& outcome) {
  const Work& work = outcome.work;
  Tools::Call call{.name = work.tool, .arguments = work.input, .key = work.key, .approval_id = "", .untrusted = work.untrusted};
  if (auto* id = work.decided["approval_id"].as_string()) call.approval_id = *id;
  TRY_ASSIGN(Json reply, cached(core, context, outcome, tool_key(core, context, work), [&]() -> Result<Json> {
               TRY_ASSIGN(auto said, core.options.effects.tools->call(context, call));
               outcome.cost += said.cost;
               return Json::object({{"result", std::move(said.result)}, {"untrusted", said.untrusted}});
             }));
  outcome.untrusted = reply["untrusted"] == Json(true);
  return std::move(*reply.find("result"));
}

}  // namespace

std::string idempotency_key(const std::string& run_id, const std::string& step_path) { return sha256_hex(run_id + "\n" + step_path).substr(0, 40); }

bool outcome_unclear(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
    case Code::kFailedPrecondition:
    case Code::kResourceExhausted:
    case Code::kUnimplemented: return false;
    default: return true;
  }
}

Result<Work> prepare(Flows::Core& core, const Context& context, const Machine& machine, const Frame& frame, const std::string& run_id) {
  const Step& step = frame.step();
  Work work;
  work.frame = frame.id;
  work.path = frame.step_path();
  work.step = &step;
  work.scope = frame.scope;
  work.planned = frame.planned;
  work.driven = frame.driven;
  work.attempt = frame.attempt;
  work.refusals = frame.refusals;
  work.key = idempotency_key(run_id, work.path);
  Json variables = machine.variables_of_step(frame);
  const Definition& flow = *frame.scope->flow;
  if (step.kind == StepKind::kTool || step.kind == StepKind::kApproval) {
    work.tool = *step.spec["tool"].as_string();
    if (!core.options.effects.tools) return failed_precondition("no tools are wired to flows");
    if (frame.data["decision"].is_string()) {
      work.decided = frame.data;
      work.input = frame.data["arguments"];   // exactly what the person saw, or wrote
    } else {
      const Json written = step.spec["args"].is_null() ? Json::object() : step.spec["args"];
      TRY_ASSIGN(work.input, fill(step, flow, written, variables));
      // Arguments that the flow's author wrote out are the author's, as long as it is the author too who says that the step runs.
      work.untrusted = machine.untrusted(frame) && (step.literal || machine.chosen(frame) || !(work.input == written));
    }
    TRY_ASSIGN(work.about, fill(step, flow, step.spec["about"], variables));
    TRY_ASSIGN(auto info, core.options.effects.tools->describe(context, work.tool));
    work.effect = info.effect;
    work.tool_version = std::move(info.version);
    if (step.cache.ttl_ms > 0 && work.effect != Effect::kReads)
      return failed_precondition("cache: the tool '" + work.tool + "' changes something, so each call must reach it: take 'cache' off this step");
    return work;
  }
  Json input = Json::object();
  for (auto& [name, member] : *step.spec.as_object()) {
    static const std::vector<std::string_view> kOwn = {"id", "kind", "title", "save", "next", "on_error", "retry", "timeout_s", "escalate", "cache"};
    if (std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end() || member.is_null()) continue;
    if (name == "schema") {
      input.set(name, member);
      continue;
    }
    TRY_ASSIGN(Json value, fill(step, flow, member, variables));
    input.set(name, std::move(value));
  }
  work.input = std::move(input);
  if (!step.spec["escalate"].is_null()) work.variables = std::move(variables);
  return work;
}

Outcome perform(Flows::Core& core, const Context& context, Work work) {
  Outcome outcome{.work = std::move(work), .output = {}, .usage = {}, .notes = {}};
  int64_t begin = core.clock.monotonic_ns();
  const Step& step = *outcome.work.step;
  Span span(context, "step " + outcome.work.path);
  Context bounded = span.in(step.timeout_ms > 0 ? context.with_timeout_ms(step.timeout_ms) : context);
  switch (step.kind) {
    case StepKind::kModel: outcome.output = ask_with_escalation(core, bounded, outcome); break;
    case StepKind::kRetrieve:
    case StepKind::kAnswer:
      outcome.output = call_library(core, bounded, outcome);
      outcome.untrusted = true;
      break;
    default: outcome.output = call_tool(core, bounded, outcome);
  }
  if (outcome.cached()) span.set("strata.cached", true);
  span.outcome(outcome.output);
  outcome.cost += outcome.usage.cost;
  outcome.ms = (core.clock.monotonic_ns() - begin) / 1'000'000;
  return outcome;
}

}  // namespace strata::flow
