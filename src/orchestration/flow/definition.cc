#include "orchestration/flow/definition.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/form.h"
#include "base/text.h"
#include "base/yaml.h"
#include "infra/cache/cache.h"
#include "orchestration/flow/flow.h"

namespace strata::flow {
namespace {

using form::hint;
using form::join;
using form::Key;
using form::name_ok;

struct Form {
  StepKind kind;
  std::string_view name;
  std::vector<Key> keys;
};

// Every key of every kind of step, once: what is not here is an error with the nearest name.
const std::vector<Key> kCommon = {{"id", "string", true}, {"kind", "string", true}, {"title", "string"}, {"save", "string"},
                                  {"next", "step"},       {"on_error", "step"},     {"retry", "object"}, {"timeout_s", "number"}};
const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
      {StepKind::kModel,
       "model",
       {{"prompt", "text"},
        {"messages", "array"},
        {"system", "text"},
        {"model", "text"},
        {"max_tokens", "integer"},
        {"temperature", "number"},
        {"seed", "integer"},
        {"schema", "object"},
        {"choices", "array"},
        {"escalate", "object"},
        {"cache", "object"}}},
      {StepKind::kRetrieve, "retrieve", {{"query", "text", true}, {"bases", "any", true}, {"results", "integer"}, {"cache", "object"}}},
      {StepKind::kAnswer, "answer", {{"question", "text", true}, {"bases", "any", true}, {"mode", "string"}, {"model", "text"}, {"max_tokens", "integer"}}},
      {StepKind::kTool,
       "tool",
       {{"tool", "string", true},
        {"args", "object"},
        {"about", "text"},
        {"who", "array"},
        {"deadline_s", "number"},
        {"on_deadline", "string"},
        {"cache", "object"}}},
      {StepKind::kCondition, "condition", {{"cases", "array", true}, {"else", "step"}, {"reason", "text"}}},
      {StepKind::kSet, "set", {{"values", "object"}, {"value", "any"}}},
      {StepKind::kRecord, "record", {{"type", "string", true}, {"data", "any", true}}},
      {StepKind::kMap, "map", {{"over", "any", true}, {"as", "string"}, {"steps", "steps", true}, {"result", "any"}, {"at_once", "integer"}}},
      {StepKind::kParallel, "parallel", {{"branches", "object", true}}},
      {StepKind::kWait, "wait", {{"for_s", "any"}, {"until", "any"}, {"signal", "string"}}},
      {StepKind::kApproval,
       "approval",
       {{"message", "text", true},
        {"who", "array"},
        {"tool", "string"},
        {"args", "object"},
        {"allow", "array"},
        {"deadline_s", "number"},
        {"escalate_to", "array"},
        {"on_deadline", "string"}}},
      {StepKind::kSubflow, "subflow", {{"flow", "string", true}, {"version", "integer"}, {"input", "object"}}},
      {StepKind::kDriven, "driven", {{"driver", "string", true}, {"spec", "object", true}, {"input", "object"}}},
      {StepKind::kRespond, "respond", {{"result", "any", true}}}};
  return all;
}

constexpr size_t kTypeBytesMost = 200;   // of a record
// What a driver may choose: steps that need no expressions.
bool may_be_planned(StepKind kind) { return kind != StepKind::kCondition && kind != StepKind::kSet && kind != StepKind::kMap && kind != StepKind::kRespond; }

constexpr std::string_view kDecisions[] = {"accept", "edit", "respond", "ignore"};

// "{{ x }}" → " x "; empty where the text is more than one expression.
std::string_view whole_expression(std::string_view text) {
  std::string_view inner = trim(text);
  if (inner.size() < 5 || inner.substr(0, 2) != "{{" || inner.substr(inner.size() - 2) != "}}") return {};
  inner = inner.substr(2, inner.size() - 4);
  if (inner.find("{{") != std::string_view::npos || inner.find("}}") != std::string_view::npos || inner.find("{%") != std::string_view::npos) return {};
  return inner;
}
std::string source_of_value(std::string_view text) {
  auto inner = whole_expression(text);
  return inner.empty() ? std::string(text) : "{{ (" + std::string(inner) + ") | tojson }}";
}
std::string source_of_truth(std::string_view expression) { return "{% if " + std::string(expression) + " %}true{% else %}false{% endif %}"; }

bool any_template(const Json& json) {
  if (auto* text = json.as_string()) return is_template(*text);
  if (auto* items = json.as_array()) return std::any_of(items->begin(), items->end(), any_template);
  if (auto* members = json.as_object())
    return std::any_of(members->begin(), members->end(), [](const Json::Member& member) { return any_template(member.second); });
  return false;
}

class Parser {
 public:
  explicit Parser(const yaml::Document& document) : document_(document), reader_(document, "invalid_flow"), flow_(std::make_shared<Definition>()) {}

  Result<std::shared_ptr<const Definition>> parse() {
    const Json& top = document_.value;
    TRY(keys(top, "",
             {{"flow", "string", true}, {"description", "string"}, {"input", "object"}, {"state", "object"}, {"steps", "steps", true}, {"limits", "object"}}));
    flow_->name = *top["flow"].as_string();
    if (!name_ok(flow_->name, "-."))
      return wrong("flow", "expected a name of lower-case letters, digits, '-', '_' and '.', at most 64, got '" + flow_->name + "'");
    if (auto* text = top["description"].as_string()) flow_->description = *text;
    TRY_ASSIGN(flow_->input, variables(top["input"], "input", true));
    TRY_ASSIGN(flow_->state, variables(top["state"], "state", false));
    TRY(limits(top["limits"]));
    TRY(block(top["steps"], "steps", 0, flow_->root));
    TRY(targets(flow_->root, "steps"));
    return std::shared_ptr<const Definition>(flow_);
  }

  // A step that a driver chose: nothing in it is filled in.
  Result<std::shared_ptr<const Block>> parse_planned() {
    literal_ = true;
    auto one = std::make_shared<Block>();
    TRY(block(Json::array({document_.value}), "steps", 0, *one));
    TRY(targets(*one, "steps"));
    return std::shared_ptr<const Block>(one);
  }

 private:
  Error wrong(const std::string& path, const std::string& message) const { return reader_.wrong(path, message); }
  Status keys(const Json& value, const std::string& path, const std::vector<Key>& known) const { return reader_.keys(value, path, known); }

  Result<std::vector<Variable>> variables(const Json& json, const std::string& path, bool input) const {
    std::vector<Variable> all;
    if (json.is_null()) return all;
    for (auto& [name, member] : *json.as_object()) {
      std::string here = join(path, name);
      if (!name_ok(name)) return wrong(here, "expected a name of lower-case letters, digits and '_'");
      Variable variable{.name = name, .type = "any"};
      if (auto* type = member.as_string()) {
        variable.type = *type;
      } else {
        std::vector<Key> known = {{"type", "string"}, {"description", "string"}, {"enum", "array"}, {"default", "any"}};
        if (input) known.push_back({"required", "boolean"});
        TRY(keys(member, here, known));
        if (auto* type_name = member["type"].as_string()) variable.type = *type_name;
        if (auto* text = member["description"].as_string()) variable.description = *text;
        variable.choices = member["enum"];
        variable.fallback = member["default"];
        if (auto* required = member["required"].as_bool()) variable.required = *required;
      }
      static const std::vector<std::string_view> kTypes = {"string", "integer", "number", "boolean", "array", "object", "any"};
      if (std::find(kTypes.begin(), kTypes.end(), variable.type) == kTypes.end())
        return wrong(here, "there is no type '" + variable.type + "'" + hint(variable.type, kTypes));
      all.push_back(std::move(variable));
    }
    return all;
  }

  Status limits(const Json& json) {
    if (json.is_null()) return {};
    TRY(keys(json, "limits", {{"steps", "integer"}, {"tokens", "integer"}, {"seconds", "integer"}}));
    for (auto [name, to, most] : {std::tuple("steps", &flow_->steps_most, kStepsMost),
                                  {"tokens", &flow_->tokens_most, INT64_MAX},
                                  {"seconds", &flow_->seconds_most, static_cast<int64_t>(kWaitSecondsMost)}}) {
      if (json[name].is_null()) continue;
      TRY_ASSIGN(*to, json[name].to_int(name));
      if (*to < 1 || *to > most) return wrong(join("limits", name), "expected 1 to " + std::to_string(most));
    }
    return {};
  }

  Status block(const Json& json, const std::string& path, int depth, Block& out) {
    if (depth > kDepthMost) return wrong(path, "blocks may be nested at most " + std::to_string(kDepthMost) + " deep");
    if (json.size() == 0) return wrong(path, "expected at least one step");
    std::set<std::string> ids;
    for (size_t i = 0; i < json.size(); ++i) {
      std::string here = path + "[" + std::to_string(i) + "]";
      Step made;
      TRY(step((*json.as_array())[i], here, depth, made));
      if (!ids.insert(made.id).second) return wrong(here + ".id", "there is another step '" + made.id + "' in this block");
      if (++steps_ > kFileStepsMost) return wrong(here, "a flow may have at most " + std::to_string(kFileStepsMost) + " steps");
      out.steps.push_back(std::move(made));
    }
    return {};
  }

  Status step(const Json& json, const std::string& path, int depth, Step& out) {
    if (!json.is_object()) return wrong(path, "expected an object, got " + std::string(json.type_name()));
    auto* kind = json["kind"].as_string();
    std::vector<std::string_view> kinds;
    for (auto& form : forms()) kinds.push_back(form.name);
    if (!kind) return wrong(path, std::string("'kind' is missing") + hint("", kinds));
    auto form = std::find_if(forms().begin(), forms().end(), [&](const Form& f) { return f.name == *kind; });
    if (form == forms().end()) return wrong(path + ".kind", "there is no kind of step '" + *kind + "'" + hint(*kind, kinds));
    if (literal_ && !may_be_planned(form->kind)) return wrong(path + ".kind", "a step of kind '" + *kind + "' cannot be planned");
    std::vector<Key> known = kCommon;
    known.insert(known.end(), form->keys.begin(), form->keys.end());
    TRY(keys(json, path, known));
    out.kind = form->kind;
    out.spec = json;
    out.literal = literal_;
    out.templated = !literal_ && (out.kind == StepKind::kCondition || !json["escalate"].is_null() || any_template(json));
    if (out.templated) {
      const std::string text = json.dump();
      for (auto [name, to] : {std::pair("input", &out.names_input), {"state", &out.names_state}, {"steps", &out.names_steps}})
        *to = text.find(name) != text.npos;
    }
    out.id = *json["id"].as_string();
    if (!name_ok(out.id) || out.id == "end") return wrong(path + ".id", "expected lower-case letters, digits and '_', and not 'end', got '" + out.id + "'");
    for (auto [name, to] : {std::pair("title", &out.title), {"save", &out.save}, {"next", &out.next}, {"on_error", &out.on_error}})
      if (auto* text = json[name].as_string()) *to = *text;
    TRY(save(out, path));
    TRY(timing(json, path, out));
    TRY(caching(json, path, out));
    TRY(details(json, path, depth, out));
    return literal_ ? Status() : templates_in(json, path, form->keys);
  }

  Status save(const Step& step, const std::string& path) const {
    if (step.save.empty()) return {};
    std::vector<std::string_view> names;
    for (auto& variable : flow_->state) names.push_back(variable.name);
    if (std::find(names.begin(), names.end(), step.save) == names.end())
      return wrong(path + ".save",
                   "the state has no field '" + step.save + "'" + hint(step.save, names) + (names.empty() ? "none: declare it under 'state'" : ""));
    return {};
  }

  Status timing(const Json& json, const std::string& path, Step& out) const {
    if (auto& retry = json["retry"]; !retry.is_null()) {
      TRY(keys(retry, path + ".retry", {{"attempts", "integer"}, {"backoff_s", "number"}, {"factor", "number"}, {"backoff_s_max", "number"}}));
      auto number = [&](const char* name, double fallback) { return retry[name].is_null() ? fallback : *retry[name].to_double(name); };
      double attempts = number("attempts", 3), backoff = number("backoff_s", 1), most = number("backoff_s_max", 300);
      out.retry.factor = number("factor", 2);
      if (!(attempts >= 1 && attempts <= 100)) return wrong(path + ".retry.attempts", "expected 1 to 100");
      if (!(backoff >= 0 && backoff <= 86'400)) return wrong(path + ".retry.backoff_s", "expected 0 to 86400 seconds");
      if (!(most >= 0 && most <= 86'400)) return wrong(path + ".retry.backoff_s_max", "expected 0 to 86400 seconds");
      if (!(out.retry.factor >= 1 && out.retry.factor <= 10)) return wrong(path + ".retry.factor", "expected 1 to 10");
      out.retry.attempts = static_cast<int>(attempts);
      out.retry.backoff_ms = std::llround(backoff * 1000);
      out.retry.backoff_ms_max = std::llround(most * 1000);
    }
    if (json["timeout_s"].is_null()) return {};
    TRY_ASSIGN(double seconds, json["timeout_s"].to_double("timeout_s"));
    if (!(seconds > 0 && seconds <= kWaitSecondsMost)) return wrong(path + ".timeout_s", "expected more than 0 and at most 31536000 seconds");
    out.timeout_ms = std::max<int64_t>(1, std::llround(seconds * 1000));
    return {};
  }

  Status caching(const Json& json, const std::string& path, Step& out) const {
    const Json& cache = json["cache"];
    if (cache.is_null()) return {};
    std::vector<Key> known = {{"ttl_s", "number", true}};
    if (out.kind == StepKind::kModel) known.push_back({"sampled", "boolean"});
    TRY(keys(cache, path + ".cache", known));
    double seconds = 0;
    TRY(reader_.number(cache, path + ".cache", "ttl_s", 1.0, cache::kTtlSecondsMost, seconds));
    out.cache.ttl_ms = std::llround(seconds * 1000);
    const bool sampled = json["temperature"].is_number() && *json["temperature"].to_double("temperature") > 0 && json["seed"].is_null();
    if (sampled && cache["sampled"] != Json(true))
      return wrong(path + ".cache",
                   "a step with a temperature and without a seed answers otherwise each time: set 'seed', or 'cache.sampled: true' to keep one such answer");
    return {};
  }

  // What the keys of one kind must satisfy beyond their types.
  Status details(const Json& json, const std::string& path, int depth, Step& out) {
    switch (out.kind) {
      case StepKind::kModel:
        if (json["prompt"].is_null() == json["messages"].is_null()) return wrong(path, "a model step has either 'prompt' or 'messages'");
        if (auto& escalate = json["escalate"]; !escalate.is_null())
          TRY(keys(escalate, path + ".escalate", {{"model", "string", true}, {"when", "string"}, {"reason", "string"}}));
        return {};
      case StepKind::kCondition: return cases(json["cases"], path + ".cases");
      case StepKind::kSet:
        if (json["values"].is_null() == json["value"].is_null())
          return wrong(path, "a set step has either 'values' (fields of the state) or 'value' (its output)");
        return set_values(json["values"], path + ".values");
      case StepKind::kMap: {
        if (auto* name = json["as"].as_string(); name && !name_ok(*name)) return wrong(path + ".as", "expected lower-case letters, digits and '_'");
        if (auto& at_once = json["at_once"]; !at_once.is_null() && (*at_once.to_int("at_once") < 1 || *at_once.to_int("at_once") > kAtOnceMost))
          return wrong(path + ".at_once", "expected 1 to " + std::to_string(kAtOnceMost));
        return block(json["steps"], path + ".steps", depth + 1, out.blocks.emplace_back());
      }
      case StepKind::kParallel: {
        if (json["branches"].size() == 0 || json["branches"].size() > kBranchesMost)
          return wrong(path + ".branches", "expected 1 to 64 branches, each a list of steps");
        for (auto& [name, steps] : *json["branches"].as_object()) {
          std::string here = path + ".branches." + name;
          if (!name_ok(name)) return wrong(here, "expected a name of lower-case letters, digits and '_'");
          if (!steps.is_array()) return wrong(here, "expected a list of steps, got " + std::string(steps.type_name()));
          TRY(block(steps, here, depth + 1, out.blocks.emplace_back()));
          out.blocks.back().name = name;
        }
        return {};
      }
      case StepKind::kWait: {
        int given = !json["for_s"].is_null() + !json["until"].is_null();
        if (given + !json["signal"].is_null() == 0) return wrong(path, "a wait step has 'for_s', 'until' or 'signal'");
        if (given == 2) return wrong(path, "a wait step has 'for_s' or 'until', not both");
        return {};
      }
      case StepKind::kApproval: return approval(json, path);
      case StepKind::kRecord:
        if (json["type"].as_string()->size() > kTypeBytesMost) return wrong(path + ".type", "expected at most " + std::to_string(kTypeBytesMost) + " bytes");
        return {};
      case StepKind::kSubflow:
        if (json["version"].is_null()) return {};
        if (auto version = json["version"].to_int("version"); !version || *version < 1 || *version > 1'000'000'000)
          return wrong(path + ".version", "expected 1 to 1000000000");
        return {};
      default: return {};
    }
  }

  Status cases(const Json& json, const std::string& path) {
    if (json.size() == 0) return wrong(path, "expected at least one case");
    for (size_t i = 0; i < json.size(); ++i) {
      std::string here = path + "[" + std::to_string(i) + "]";
      const Json& one = (*json.as_array())[i];
      TRY(keys(one, here, {{"when", "expression", true}, {"next", "step", true}, {"reason", "text"}}));
      TRY(compile(source_of_truth(*one["when"].as_string()), here + ".when"));
      TRY(templates_in(one["reason"], here + ".reason"));
    }
    return {};
  }
  Status set_values(const Json& json, const std::string& path) const {
    if (json.is_null()) return {};
    for (auto& [name, value] : *json.as_object()) {
      std::vector<std::string_view> names;
      for (auto& variable : flow_->state) names.push_back(variable.name);
      if (std::find(names.begin(), names.end(), name) == names.end())
        return wrong(join(path, name), "the state has no field '" + name + "'" + hint(name, names));
    }
    return {};
  }
  Status approval(const Json& json, const std::string& path) const {
    std::vector<std::string_view> names(std::begin(kDecisions), std::end(kDecisions));
    auto* allow = json["allow"].as_array();
    if (allow && allow->empty()) return wrong(path + ".allow", "expected at least one decision" + hint("", names));
    if (allow)
      for (size_t i = 0; i < allow->size(); ++i) {
        auto* name = (*allow)[i].as_string();
        std::string here = path + ".allow[" + std::to_string(i) + "]";
        if (!name || std::find(names.begin(), names.end(), *name) == names.end())
          return wrong(here, "there is no decision '" + (name ? *name : (*allow)[i].dump()) + "'" + hint(name ? *name : "", names));
      }
    for (auto key : {"who", "escalate_to"})
      if (auto* people = json[key].as_array())
        for (auto& person : *people)
          if (!person.is_string()) return wrong(join(path, key), "expected names of people or roles");
    if (auto* what = json["on_deadline"].as_string(); what && *what != "fail" && *what != "ignore")
      return wrong(path + ".on_deadline", "expected 'fail' or 'ignore', got '" + *what + "'");
    if (!json["escalate_to"].is_null() && json["deadline_s"].is_null()) return wrong(path, "'escalate_to' needs 'deadline_s': when to escalate");
    return {};
  }

  Status compile(const std::string& source, const std::string& path) {
    if (flow_->templates.count(source)) return {};
    auto made = templates::Template::compile(source, {.source_bytes = 64u << 10, .work_bytes = 16u << 20, .steps = 1'000'000});
    if (!made) return wrong(path, made.error().message);
    flow_->templates.emplace(source, std::move(*made));
    return {};
  }
  Status templates_in(const Json& json, const std::string& path) {
    if (auto* text = json.as_string()) return is_template(*text) ? compile(source_of_value(*text), path) : Status();
    if (auto* items = json.as_array())
      for (size_t i = 0; i < items->size(); ++i) TRY(templates_in((*items)[i], path + "[" + std::to_string(i) + "]"));
    if (auto* members = json.as_object())
      for (auto& [name, member] : *members) TRY(templates_in(member, join(path, name)));
    return {};
  }
  Status templates_in(const Json& json, const std::string& path, const std::vector<Key>& form) {
    for (auto& key : form)
      if (key.type != "steps" && key.name != "branches" && key.name != "cases" && key.name != "schema" && key.name != "escalate" && key.name != "spec" &&
          key.name != "cache")
        TRY(templates_in(json[key.name], join(path, key.name)));
    TRY(templates_in(json["escalate"]["model"], path + ".escalate.model"));
    if (auto* when = json["escalate"]["when"].as_string()) TRY(compile(source_of_truth(*when), path + ".escalate.when"));
    return {};
  }

  // Second pass: every next, on_error, else names a step of its own block.
  Status targets(const Block& block, const std::string& path) const {
    std::vector<std::string_view> names = {"end"};
    for (auto& step : block.steps) names.push_back(step.id);
    auto known = [&](const Json& target, const std::string& here) -> Status {
      auto* name = target.as_string();
      if (!name || std::find(names.begin(), names.end(), *name) != names.end()) return {};
      return wrong(here, "there is no step '" + *name + "' in this block" + hint(*name, names));
    };
    for (size_t i = 0; i < block.steps.size(); ++i) {
      const Step& step = block.steps[i];
      std::string here = path + "[" + std::to_string(i) + "]";
      for (auto key : {"next", "on_error", "else"})
        if (step.spec[key].is_string()) TRY(known(step.spec[key], join(here, key)));
      if (step.kind == StepKind::kCondition)
        for (size_t c = 0; c < step.spec["cases"].size(); ++c)
          TRY(known((*step.spec["cases"].as_array())[c]["next"], here + ".cases[" + std::to_string(c) + "].next"));
      for (auto& inner : step.blocks) TRY(targets(inner, here + (step.kind == StepKind::kMap ? ".steps" : ".branches." + inner.name)));
    }
    return {};
  }

  const yaml::Document& document_;
  const form::Reader reader_;
  std::shared_ptr<Definition> flow_;
  int steps_ = 0;
  bool literal_ = false;
};

Status check_variable(const Variable& variable, const Json& value, const std::string& path) {
  bool ok = variable.type == "any" || value.type_name() == variable.type || (variable.type == "number" && value.is_number());
  if (!ok) return invalid_argument(path + ": expected " + variable.type + ", got " + std::string(value.type_name()) + " " + value.dump().substr(0, 80), path);
  if (auto* choices = variable.choices.as_array(); choices && std::find(choices->begin(), choices->end(), value) == choices->end())
    return invalid_argument(path + ": expected one of " + variable.choices.dump() + ", got " + value.dump().substr(0, 80), path);
  return {};
}

Error failed_template(Error error, const std::string& source) { return annotate(std::move(error), "the template '" + source.substr(0, 120) + "'"); }

}  // namespace

std::string_view step_kind_name(StepKind kind) {
  for (auto& form : forms())
    if (form.kind == kind) return form.name;
  return "";
}

int64_t Retry::pause_ms(int attempt) const {
  double pause = static_cast<double>(backoff_ms) * std::pow(factor, attempt - 1);
  return static_cast<int64_t>(std::min(pause, static_cast<double>(backoff_ms_max)));
}

size_t Block::index_of(std::string_view id) const {
  auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.id == id; });
  return static_cast<size_t>(found - steps.begin());
}

bool is_template(std::string_view text) { return text.find("{{") != text.npos || text.find("{%") != text.npos; }

Result<std::shared_ptr<const Definition>> parse_definition(std::string_view text) {
  TRY_ASSIGN(auto document, yaml::parse(text));
  return Parser(document).parse();
}

Result<std::shared_ptr<const Definition>> definition_of(const Json& flow) {
  yaml::Document document{.value = flow, .place = {}};
  return Parser(document).parse();
}

Result<std::shared_ptr<const Block>> parse_planned(const Json& step) {
  yaml::Document document{.value = step, .place = {}};
  return Parser(document).parse_planned();
}

Result<Json> fill(const Step& step, const Definition& flow, const Json& spec, const Json& variables) {
  return step.literal ? Result<Json>(spec) : flow.value_of(spec, variables);
}

Result<Json> Definition::check_input(const Json& given) const {
  if (!given.is_null() && !given.is_object()) return invalid_argument("input: expected an object, got " + std::string(given.type_name()), "input");
  std::vector<std::string_view> names;
  for (auto& variable : input) names.push_back(variable.name);
  if (auto* members = given.as_object())
    for (auto& [name, value] : *members)
      if (std::find(names.begin(), names.end(), name) == names.end())
        return invalid_argument("input." + name + ": the flow '" + this->name + "' has no such input" + (names.empty() ? "; it has none" : hint(name, names)),
                                "input." + name);
  Json all = Json::object();
  for (auto& variable : input) {
    const Json& value = given[variable.name];
    if (value.is_null()) {
      if (variable.required)
        return invalid_argument("input." + variable.name + ": is missing" + (variable.description.empty() ? "" : " (" + variable.description + ")"),
                                "input." + variable.name);
      all.set(variable.name, variable.fallback);
      continue;
    }
    TRY(check_variable(variable, value, "input." + variable.name));
    all.set(variable.name, value);
  }
  return all;
}

Status Definition::check_state(const std::string& field, const Json& value) const {
  for (auto& variable : state)
    if (variable.name == field) return check_variable(variable, value, "state." + field);
  return invalid_argument("the state has no field '" + field + "'", "state." + field);
}

Json Definition::initial_state() const {
  Json all = Json::object();
  for (auto& variable : state) all.set(variable.name, variable.fallback);
  return all;
}

Result<Json> Definition::value_of(const Json& spec, const Json& variables) const {
  if (auto* text = spec.as_string()) {
    if (!is_template(*text)) return spec;
    auto found = templates.find(source_of_value(*text));
    if (found == templates.end()) return internal_error("the template '" + *text + "' was not compiled");
    auto rendered = found->second.render(variables);
    if (!rendered) return failed_template(std::move(rendered.error()), *text);
    if (whole_expression(*text).empty()) return Json(std::move(rendered->text));
    auto value = Json::parse(rendered->text);
    if (!value) return invalid_argument("the template '" + *text + "' gave no value: is what it names there?");
    return value;
  }
  if (auto* items = spec.as_array()) {
    Json::Array all;
    for (auto& item : *items) {
      TRY_ASSIGN(Json value, value_of(item, variables));
      all.push_back(std::move(value));
    }
    return Json(std::move(all));
  }
  if (auto* members = spec.as_object()) {
    Json::Object all;
    for (auto& [name, member] : *members) {
      TRY_ASSIGN(Json value, value_of(member, variables));
      all.emplace_back(name, std::move(value));
    }
    return Json(std::move(all));
  }
  return spec;
}

Result<bool> Definition::truth_of(const std::string& expression, const Json& variables) const {
  auto found = templates.find(source_of_truth(expression));
  if (found == templates.end()) return internal_error("the condition '" + expression + "' was not compiled");
  auto rendered = found->second.render(variables);
  if (!rendered) return failed_template(std::move(rendered.error()), expression);
  return rendered->text == "true";
}

}  // namespace strata::flow
