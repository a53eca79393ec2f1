#include "orchestration/agent/team_definition.h"

#include <algorithm>

#include "base/form.h"
#include "base/yaml.h"
#include "orchestration/agent/agent.h"

namespace strata::agent {
namespace {

constexpr std::pair<TeamPattern, std::string_view> kPatterns[] = {
    {TeamPattern::kSupervised, "supervised"}, {TeamPattern::kHandOff, "hand_off"}, {TeamPattern::kEnsemble, "ensemble"}};

constexpr char kReason[] = "invalid_team";

class Parser {
 public:
  Parser(const Json& top, form::Reader reader) : top_(top), reader_(std::move(reader)) {}

  Result<Team> parse() {
    const Json& top = top_;
    TRY(reader_.keys(top, "",
                     {{"team", "string", true},
                      {"description", "string"},
                      {"goal", "string", true},
                      {"pattern", "string"},
                      {"members", "array", true},
                      {"supervisor", "object"},
                      {"judge", "object"},
                      {"start", "string"},
                      {"rounds", "integer"},
                      {"max_tokens", "integer"},
                      {"budget", "object"}}));
    team_.spec = top;
    team_.description = text_of(top["description"]);
    team_.goal = text_of(top["goal"]);
    TRY(read_name(reader_, top, "team", team_.name));
    TRY(read_pattern(reader_, top["pattern"], kPatterns, team_.pattern));
    TRY(read_speaker(reader_, top["supervisor"], "supervisor", team_.supervisor_model, team_.supervisor_instructions));
    TRY(read_speaker(reader_, top["judge"], "judge", team_.judge_model, team_.judge_instructions));
    TRY(members(top["members"]));
    TRY(start(top["start"]));
    TRY(reader_.number(top, "", "rounds", 1, 100, team_.rounds));
    TRY(reader_.number(top, "", "max_tokens", 16, 1 << 16, team_.max_tokens));
    TRY(read_budget(reader_, top["budget"], int64_t{2} * kStepsLeast, team_.budget));
    return std::move(team_);
  }

 private:
  Status members(const Json& json) {
    if (json.size() == 0 || json.size() > kMembersMost) return reader_.wrong("members", "expected 1 to 16 members");
    for (size_t i = 0; i < json.size(); ++i) {
      const std::string here = "members[" + std::to_string(i) + "]";
      const Json& one = (*json.as_array())[i];
      TRY(reader_.keys(one, here, {{"name", "string", true}, {"role", "string"}, {"about", "string"}, {"agent", "any", true}}));
      Member made{.name = text_of(one["name"]),
                  .role = text_of(one["role"]),
                  .about = text_of(one["about"]),
                  .agent = one["agent"].is_string() ? text_of(one["agent"]) : "",
                  .spec = {}};
      if (!form::name_ok(made.name) || made.name == "supervisor" || made.name == "judge" || made.name == "done")
        return reader_.wrong(here + ".name", "expected lower-case letters, digits and '_', and not supervisor, judge or done, got '" + made.name + "'");
      if (team_.member(made.name)) return reader_.wrong(here + ".name", "there is another member '" + made.name + "'");
      if (one["agent"].is_object()) {
        made.spec = one["agent"];
        if (made.spec["agent"].is_null()) made.spec.set("agent", made.name);
        if (auto own = definition_from(made.spec); !own) {
          const std::string at = here + ".agent" + (own.error().param.empty() ? "" : "." + own.error().param);
          // Its path is told anew.
          const std::string told = own.error().param + ": ";
          const std::string& message = own.error().message;
          return reader_.wrong(at, message.starts_with(told) ? message.substr(told.size()) : message);
        }
      } else if (made.agent.empty()) {
        return reader_.wrong(here + ".agent", "expected an agent's name, or an agent as an object");
      }
      team_.members.push_back(std::move(made));
    }
    return {};
  }
  Status start(const Json& json) {
    team_.start = json.is_null() ? team_.members[0].name : text_of(json);
    std::vector<std::string_view> names;
    for (auto& member : team_.members) names.push_back(member.name);
    if (!team_.member(team_.start)) return reader_.wrong("start", "there is no member '" + team_.start + "'" + form::hint(team_.start, names));
    return {};
  }

  const Json& top_;
  const form::Reader reader_;
  Team team_;
};

}  // namespace

const Member* Team::member(std::string_view name) const {
  auto found = std::find_if(members.begin(), members.end(), [&](const Member& one) { return one.name == name; });
  return found == members.end() ? nullptr : &*found;
}

Result<Team> parse_team(std::string_view text) {
  TRY_ASSIGN(auto document, yaml::parse(text));
  return Parser(document.value, form::Reader(document, kReason)).parse();
}

Result<Team> team_from(const Json& spec) { return Parser(spec, form::Reader(kReason)).parse(); }

Result<Json> flow_of_team(const std::string& text) {
  TRY_ASSIGN(auto team, parse_team(text));
  return driven_flow(kTeamKind, team.name, team.description, team.spec);
}

Result<CheckedTeam> check_team(std::string_view text) {
  TRY_ASSIGN(auto team, parse_team(text));
  CheckedTeam checked{team.name, team.description, "", {}, team.spec, team.budget.json(), Json::array()};
  for (auto& [pattern, name] : kPatterns)
    if (pattern == team.pattern) checked.pattern = name;
  for (auto& member : team.members) {
    checked.members.push_back(member.name);
    Json one =
        Json::object({{"name", member.name}, {"role", member.role}, {"about", member.about}, {"agent", member.spec.is_null() ? Json(member.agent) : Json()}});
    if (!member.spec.is_null()) {
      TRY_ASSIGN(auto own, definition_from(member.spec));
      Json tools = Json::array();
      for (auto& name : own.tools) tools.push(name);
      for (auto& [field, value] : {std::pair("goal", Json(own.goal)),
                                   {"pattern", Json(std::string(pattern_name(own.pattern)))},
                                   {"model", Json(own.model)},
                                   {"tools", std::move(tools)},
                                   {"budget", own.budget.json()}})
        one.set(field, value);
    }
    checked.roster.push(std::move(one));
  }
  return checked;
}

}  // namespace strata::agent
