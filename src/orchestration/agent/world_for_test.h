// A platform with agents: a scripted model, and tools whose calls are counted and which keep the registry's rules.
#pragma once

#include <deque>

#include "orchestration/agent/agent.h"
#include "orchestration/flow/world_for_test.h"

namespace strata::agent {

// What a model decides.
inline Json decide(const std::string& tool, Json arguments, const std::string& thought = "because") {
  return Json::object({{"thought", thought}, {"tool", tool}, {"arguments", std::move(arguments)}});
}
inline Json answer(const std::string& text) { return decide("final_answer", Json::object({{"answer", text}})); }

class Box : public flow::Tools {
 public:
  struct One {
    flow::Effect effect = flow::Effect::kReads;
    std::string risk = "low";
    bool untrusted = false;
    std::function<Result<Json>(const Json& arguments)> run;
  };
  std::mutex mutex;
  std::map<std::string, One> tools;
  std::map<std::string, int> asked;               // by tool
  std::map<std::string, std::map<std::string, int>> effects;   // by tool and key
  std::vector<Call> calls;

  Result<Info> describe(const Context&, const std::string& name) override {
    auto found = tools.find(name);
    if (found == tools.end()) return not_found("there is no tool '" + name + "'");
    const Json parameters = Json::object({{"type", "object"}, {"properties", Json::object({{"q", Json::object({{"type", "string"}})}})}});
    return Info{found->second.effect, found->second.risk, "does " + name, parameters, found->second.untrusted};
  }
  Result<Reply> call(const Context& context, const Call& call) override {
    TRY(context.check());
    std::lock_guard lock(mutex);
    One& one = tools.at(call.name);
    // The registry's rule of untrusted text.
    if (call.untrusted && one.risk == "high" && call.approval_id.empty())
      return Error{Code::kFailedPrecondition, "what led to it holds text that others wrote", "", flow::kNeedsApproval};
    ++asked[call.name];
    calls.push_back(call);
    TRY(before(call));
    TRY_ASSIGN(Json result, one.run(call.arguments));
    if (one.effect != flow::Effect::kReads) ++effects[call.name][call.key];
    TRY(after(call));
    return Reply{std::move(result), 0.01, one.untrusted};
  }
  Status settled(const Context&, const std::string&, const std::string&, bool, const Json&) override { return {}; }
  std::function<Status(const Call&)> before = [](const Call&) { return Status(); }, after = before;
};

class House {
 public:
  explicit House(std::string disk = "")
      : platform(std::move(disk), {.migrations = migrations(), .adjust = [this](flow::Platform& p, flow::Options& options) { adjust(p, options); }}) {
    box.tools["look"] = {.run = [](const Json& arguments) -> Result<Json> { return Json::object({{"found", "fact about " + arguments["q"].dump()}}); }};
    box.tools["mail"] = {.run = [](const Json& arguments) -> Result<Json> { return Json::object({{"text", "letter " + arguments["q"].dump()}}); }};
    box.tools["mail"].untrusted = true;
    box.tools["pay"] = {.effect = flow::Effect::kKeyed, .risk = "high", .run = [](const Json&) -> Result<Json> { return Json::object({{"paid", true}}); }};
    box.tools["send"] = {.effect = flow::Effect::kOnce, .risk = "high", .run = [](const Json&) -> Result<Json> { return Json::object({{"sent", true}}); }};
    platform.models.script = [this](const Context&, const flow::ModelCall& call) { return speak(call); };
  }
  void adjust(flow::Platform& p, flow::Options& options) {
    memory = std::make_unique<Memory>(p.store(), system_clock());
    tools = with_memory(box, *memory);
    driver = make_driver(*tools, *memory);
    options.effects.tools = tools.get();
    options.effects.drivers[kArtifactKind] = driver.get();
    options.effects.drivers[kTeamKind] = teams.get();
    options.forms[kArtifactKind] = flow_of;
    options.forms[kTeamKind] = flow_of_team;
  }

  // The replies in order; then the last one again. Texts stand for themselves, Json for what a schema asked for.
  Result<flow::ModelReply> speak(const flow::ModelCall& call) {
    std::lock_guard lock(mutex);
    prompts.push_back(call);
    flow::ModelReply reply;
    reply.model = call.model.empty() ? "small" : call.model;
    reply.finish = "stop";
    reply.prompt_tokens = tokens - 5;
    reply.completion_tokens = 5;
    reply.cost = cost;
    Json said = script ? script(call) : next();
    reply.text = said.is_string() ? *said.as_string() : said.dump();
    return reply;
  }
  Json next() {
    if (replies.empty()) return "nothing more to say";
    Json said = replies.front();
    if (replies.size() > 1) replies.pop_front();
    return said;
  }

  void put(const std::string& name, const std::string& text) {
    auto kept = make_shelf(platform.registry()).put(platform.context, name, text, 0, "test");
    if (!kept) throw std::runtime_error(kept.error().message);
  }
  void put_team(const std::string& name, const std::string& text) {
    auto kept = make_team_shelf(platform.registry()).put(platform.context, name, text, 0, "test");
    if (!kept) throw std::runtime_error(kept.error().message);
  }
  std::string start(const std::string& name, Json input, const char* kind = kArtifactKind) {
    if (input.is_string()) input = Json::object({{"task", input}});
    auto run = platform.start(std::string(kind) + ":" + name, std::move(input));
    if (!run) throw std::runtime_error(run.error().message);
    return run->id;
  }
  // Runs it to its end.
  Json run(const std::string& name, Json input, const char* kind = kArtifactKind) {
    auto view = platform.finished(start(name, std::move(input), kind));
    if (view.run.job.state != durable::State::kSucceeded) throw std::runtime_error(view.run.job.error);
    return view.run.job.result;
  }
  // The last prompt, as one text.
  std::string heard(size_t from_last = 0) {
    std::lock_guard lock(mutex);
    std::string all;
    for (auto& message : prompts.at(prompts.size() - 1 - from_last).messages) all += message.role + ": " + message.content + "\n";
    return all;
  }

  std::mutex mutex;
  std::deque<Json> replies;
  std::function<Json(const flow::ModelCall&)> script;
  std::vector<flow::ModelCall> prompts;
  int64_t tokens = 15;               // of each call
  double cost = 0.001;
  Box box;
  std::unique_ptr<Memory> memory;
  std::unique_ptr<flow::Tools> tools;
  std::unique_ptr<flow::Driver> driver, teams = make_team_driver();
  flow::Platform platform;           // last: it opens, and uses the above
};

}  // namespace strata::agent
