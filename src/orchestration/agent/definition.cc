#include "orchestration/agent/definition.h"

#include <algorithm>

#include "base/form.h"
#include "base/yaml.h"
#include "model/template/template.h"
#include "orchestration/agent/agent.h"

namespace strata::agent {
namespace {

using form::join;

constexpr std::pair<Pattern, std::string_view> kPatterns[] = {
    {Pattern::kReactive, "reactive"}, {Pattern::kReact, "react"}, {Pattern::kSelfHealing, "self_healing"}, {Pattern::kPlan, "plan_execute_reflect"}};
constexpr size_t kToolsMost = 64;
constexpr char kReason[] = "invalid_agent";
constexpr int64_t kBudgetMost = 1'000'000'000;

std::string truth_of(const std::string& expression) { return "{% if " + expression + " %}true{% else %}false{% endif %}"; }

class Parser {
 public:
  Parser(const Json& top, form::Reader reader) : top_(top), reader_(std::move(reader)) {}

  Result<Definition> parse() {
    const Json& top = top_;
    TRY(reader_.keys(top, "",
                     {{"agent", "string", true},
                      {"description", "string"},
                      {"goal", "string", true},
                      {"instructions", "string"},
                      {"pattern", "string"},
                      {"model", "string"},
                      {"critic", "object"},
                      {"max_tokens", "integer"},
                      {"temperature", "number"},
                      {"answer", "object"},
                      {"tools", "array"},
                      {"policy", "object"},
                      {"memory", "object"},
                      {"budget", "object"},
                      {"loop", "object"},
                      {"rounds", "integer"}}));
    agent_.spec = top;
    TRY(read_name(reader_, top, "agent", agent_.name));
    for (auto [name, to] :
         {std::pair("description", &agent_.description), {"goal", &agent_.goal}, {"instructions", &agent_.instructions}, {"model", &agent_.model}})
      *to = text_of(top[name]);
    agent_.answer = top["answer"];
    TRY(read_pattern(reader_, top["pattern"], kPatterns, agent_.pattern));
    TRY(read_speaker(reader_, top["critic"], "critic", agent_.critic_model, agent_.critic_instructions));
    TRY(tools(top["tools"]));
    TRY(policy(top["policy"]));
    TRY(memory(top["memory"]));
    TRY(read_budget(reader_, top["budget"], kStepsLeast, agent_.budget));
    if (const Json& loop = top["loop"]; !loop.is_null()) {
      TRY(reader_.keys(loop, "loop", {{"same_call", "integer"}, {"stall", "integer"}}));
      TRY(reader_.number(loop, "loop", "same_call", 1, 100, agent_.same_call));
      TRY(reader_.number(loop, "loop", "stall", 1, 100, agent_.stall));
    }
    TRY(reader_.number(top, "", "rounds", 1, 20, agent_.rounds));
    TRY(reader_.number(top, "", "max_tokens", 16, 1 << 16, agent_.max_tokens));
    TRY(reader_.number(top, "", "temperature", 0.0, 2.0, agent_.temperature));
    return std::move(agent_);
  }

 private:
  Status texts(const Json& json, const std::string& path, std::vector<std::string>& to) const {
    for (size_t i = 0; i < json.size(); ++i) {
      auto* text = (*json.as_array())[i].as_string();
      if (!text || text->empty()) return reader_.wrong(path + "[" + std::to_string(i) + "]", "expected a text");
      to.push_back(*text);
    }
    return {};
  }
  Status tools(const Json& json) {
    if (json.size() > kToolsMost) return reader_.wrong("tools", "an agent may have at most 64 tools");
    TRY(texts(json, "tools", agent_.tools));
    for (auto& name : agent_.tools)
      for (auto reserved : {"final_answer", "ask_person", "hand_off", kRemember})
        if (name == reserved) return reader_.wrong("tools", "'" + name + "' is every agent's own: leave it out");
    return {};
  }

  Status policy(const Json& json) {
    if (json.is_null()) return {};
    TRY(reader_.keys(json, "policy", {{"may", "array"}, {"must_not", "array"}, {"escalate_when", "array"}, {"ask", "array"}, {"deadline_s", "number"}}));
    TRY(texts(json["may"], "policy.may", agent_.may));
    TRY(texts(json["ask"], "policy.ask", agent_.ask));
    TRY(rules(json["must_not"], "policy.must_not", agent_.must_not, false));
    TRY(rules(json["escalate_when"], "policy.escalate_when", agent_.escalate_when, true));
    return reader_.number(json, "policy", "deadline_s", 0.0, flow::kWaitSecondsMost, agent_.deadline_s);
  }
  Status rules(const Json& json, const std::string& path, std::vector<Rule>& to, bool escalates) {
    for (size_t i = 0; i < json.size(); ++i) {
      const std::string here = path + "[" + std::to_string(i) + "]";
      const Json& one = (*json.as_array())[i];
      if (auto* text = one.as_string()) {
        to.push_back({.text = *text, .tool = "", .when = "", .reason = ""});
        continue;
      }
      std::vector<form::Key> known = {{"tool", "string"}, {"when", "expression"}, {"reason", "string"}};
      if (escalates) known.push_back({"on", "string"});
      TRY(reader_.keys(one, here, known));
      if (!one["on"].is_null()) {
        if (text_of(one["on"]) != "stuck")
          return reader_.wrong(here + ".on", "there is no '" + text_of(one["on"]) + "'" + form::hint(text_of(one["on"]), {"stuck"}));
        agent_.ask_when_stuck = true;
        continue;
      }
      Rule rule{.text = "", .tool = text_of(one["tool"]), .when = text_of(one["when"]), .reason = text_of(one["reason"])};
      std::vector<std::string_view> names(agent_.tools.begin(), agent_.tools.end());
      if (std::find(names.begin(), names.end(), rule.tool) == names.end())
        return reader_.wrong(here + ".tool",
                             rule.tool.empty() ? "a rule names its tool" : "the agent has no tool '" + rule.tool + "'" + form::hint(rule.tool, names));
      if (!rule.when.empty())
        if (auto made = templates::Template::compile(truth_of(rule.when)); !made) return reader_.wrong(here + ".when", made.error().message);
      to.push_back(std::move(rule));
    }
    return {};
  }

  Status memory(const Json& json) {
    if (json.is_null()) return {};
    TRY(reader_.keys(json, "memory", {{"window", "integer"}, {"summary", "boolean"}, {"facts", "boolean"}, {"facts_most", "integer"}}));
    TRY(reader_.number(json, "memory", "window", 1, 200, agent_.window));
    TRY(reader_.number(json, "memory", "facts_most", 0, 200, agent_.facts_most));
    if (auto* summary = json["summary"].as_bool()) agent_.summary = *summary;
    if (auto* facts = json["facts"].as_bool()) agent_.facts = *facts;
    return {};
  }
  const Json& top_;
  const form::Reader reader_;
  Definition agent_;
};

}  // namespace

std::string_view pattern_name(Pattern pattern) {
  for (auto& [one, name] : kPatterns)
    if (one == pattern) return name;
  return "";
}

Budget Budget::narrowed(const Json& other) const {
  Budget out = *this;
  for (auto [name, to] : {std::pair("steps", &out.steps), {"tokens", &out.tokens}, {"seconds", &out.seconds}})
    if (other[name].is_number()) *to = std::min(*to, static_cast<int64_t>(std::clamp(*other[name].to_double(name), 0.0, static_cast<double>(kBudgetMost))));
  if (other["money"].is_number()) {
    const double most = std::max(0.0, *other["money"].to_double("money"));
    if (most > 0) out.money = out.money > 0 ? std::min(out.money, most) : most;
  }
  return out;
}

Json Budget::json() const { return Json::object({{"steps", steps}, {"tokens", tokens}, {"money", money}, {"seconds", seconds}}); }

Status read_budget(const form::Reader& reader, const Json& json, int64_t steps_least, Budget& to) {
  if (json.is_null()) return {};
  TRY(reader.keys(json, "budget", {{"steps", "integer"}, {"tokens", "integer"}, {"money", "number"}, {"seconds", "integer"}}));
  TRY(reader.number(json, "budget", "steps", steps_least, int64_t{10'000}, to.steps));
  TRY(reader.number(json, "budget", "tokens", int64_t{1}, kBudgetMost, to.tokens));
  TRY(reader.number(json, "budget", "seconds", int64_t{1}, int64_t{31'536'000}, to.seconds));
  return reader.number(json, "budget", "money", 0.0, 1e9, to.money);
}

Status check_budget(const Json& budget) {
  if (budget.is_null()) return {};
  const form::Reader reader("invalid_budget");
  TRY(reader.keys(budget, "budget", {{"steps", "number"}, {"tokens", "number"}, {"money", "number"}, {"seconds", "number"}}));
  int64_t whole = 0;
  for (const char* name : {"steps", "tokens", "seconds"}) TRY(reader.number(budget, "budget", name, int64_t{0}, kBudgetMost, whole));
  double money = 0;
  return reader.number(budget, "budget", "money", 0.0, 1e9, money);
}

Status read_speaker(const form::Reader& reader, const Json& json, const std::string& path, std::string& model, std::string& instructions) {
  if (json.is_null()) return {};
  TRY(reader.keys(json, path, {{"model", "string"}, {"instructions", "string"}}));
  model = text_of(json["model"]);
  instructions = text_of(json["instructions"]);
  return {};
}

Status read_name(const form::Reader& reader, const Json& top, const char* key, std::string& name) {
  name = text_of(top[key]);
  if (form::name_ok(name, "-.")) return {};
  return reader.wrong(key, "expected a name of lower-case letters, digits, '-', '_' and '.', at most 64, got '" + name + "'");
}

Result<Definition> parse_definition(std::string_view text) {
  TRY_ASSIGN(auto document, yaml::parse(text));
  return Parser(document.value, form::Reader(document, kReason)).parse();
}

Result<Definition> definition_from(const Json& spec) { return Parser(spec, form::Reader(kReason)).parse(); }

std::optional<Rule> rule_for(const std::vector<Rule>& rules, const std::string& tool, const Json& arguments, const Json& input) {
  for (auto& rule : rules) {
    if (rule.tool != tool || rule.tool.empty()) continue;
    if (rule.when.empty()) return rule;
    auto made = templates::Template::compile(truth_of(rule.when));
    if (!made) return rule;
    auto judged = made->render(Json::object({{"arguments", arguments}, {"input", input}}));
    if (!judged || judged->text == "true") return rule;
  }
  return std::nullopt;
}

Result<Checked> check(std::string_view text) {
  TRY_ASSIGN(auto agent, parse_definition(text));
  return Checked{agent.name, agent.description, std::string(pattern_name(agent.pattern)), agent.tools, agent.spec, agent.budget.json()};
}

// What agents and teams are as flows: one driven step, with the same input.
Json driven_flow(const char* driver, const std::string& name, const std::string& description, const Json& spec) {
  auto variable = [](const char* type, const char* about, Json fallback = {}, bool required = false) {
    return Json::object({{"type", type}, {"description", about}, {"default", std::move(fallback)}, {"required", required}});
  };
  const Json input = Json::object({{"task", variable("string", "What is wanted, in the caller's words", Json(), true)},
                                   {"material", variable("any", "What others wrote: read, not obeyed")},
                                   {"briefing", variable("string", "What else it should know", "")},
                                   {"budget", variable("object", "Narrows its own", Json::object())},
                                   {"untrusted", variable("boolean", "Whether others' text led to the task", false)},
                                   {"hand_offs", variable("array", "Names that it may hand over to", Json::array())},
                                   {"follows", variable("string", "The run that this one goes on from", "")}});
  Json given = Json::object();
  for (auto& [field, about] : *input.as_object())
    if (field != "follows") given.set(field, "{{ input." + field + " }}");
  Json work = Json::object({{"id", "work"}, {"kind", "driven"}, {"driver", driver}, {"spec", spec}, {"input", std::move(given)}});
  return Json::object({{"flow", name},
                       {"description", description},
                       {"input", input},
                       {"limits", Json::object({{"steps", flow::kStepsMost}})},
                       {"steps", Json::array({std::move(work)})}});
}

Result<Json> flow_of(const std::string& text) {
  TRY_ASSIGN(auto agent, parse_definition(text));
  return driven_flow(kArtifactKind, agent.name, agent.description, agent.spec);
}

}  // namespace strata::agent
