// The driver of agents: what it needs from outside is fetched once; the rest is Mind.
#include "base/text.h"
#include "orchestration/agent/mind.h"

namespace strata::agent {
namespace {

class AgentDriver : public flow::Driver {
 public:
  AgentDriver(flow::Tools& tools, Memory& memory) : tools_(tools), memory_(memory) {}

  Result<Json> prepare(const Context& context, const Json& spec, const Json& input) override {
    TRY_ASSIGN(auto agent, definition_from(spec));
    TRY(check_budget(input["budget"]));
    Json tools = Json::array(), facts = Json::array();
    for (auto& name : agent.tools) {
      TRY_ASSIGN(auto info, tools_.describe(context, name));
      const Json parameters = info.parameters.is_null() ? Json::object({{"type", "object"}}) : std::move(info.parameters);
      tools.push(Json::object({{"name", name}, {"about", info.about}, {"parameters", parameters}, {"risk", info.risk}, {"untrusted", info.untrusted}}));
    }
    if (agent.facts && agent.facts_most > 0) {
      TRY_ASSIGN(auto known, memory_.facts(context, agent.name, agent.facts_most));
      for (auto& fact : known) facts.push(Json::object({{"id", fact.id}, {"text", fact.text}, {"source", fact.source}, {"untrusted", fact.untrusted}}));
    }
    return Json::object({{"tools", std::move(tools)}, {"facts", std::move(facts)}});
  }

  Result<Next> next(const Seen& seen) override {
    TRY_ASSIGN(auto agent, definition_from(seen.spec));
    return Mind(agent, seen).next();
  }

 private:
  flow::Tools& tools_;
  Memory& memory_;
};

}  // namespace

std::unique_ptr<flow::Driver> make_driver(flow::Tools& tools, Memory& memory) { return std::make_unique<AgentDriver>(tools, memory); }

}  // namespace strata::agent
