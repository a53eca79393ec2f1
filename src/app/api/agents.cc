// /strata/v1: agents and teams (texts, versions, runs), what an agent remembers, what members of a team wrote to each other.
#include "app/api/agents.h"

#include <algorithm>

#include "app/api/api.h"
#include "app/api/flows.h"
#include "app/api/reply.h"
#include "orchestration/agent/agent.h"
#include "orchestration/flow/flow.h"

namespace strata::api {
namespace {

using http::Request;

constexpr int kMessagesMost = 10'000;
constexpr size_t kEarlierBytesMost = 20'000;   // of what a follow-up is told of the runs before it

// A page of messages ends behind so many bytes; and of the log so much is read at once.
constexpr size_t kMessageBytesMost = 4u << 20;
constexpr int kEventsAtOnce = 1'000;

Result<Body> body_of(const Request& request, const std::vector<Field>& fields) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  return Body::parse(fields, json);
}

// Agents and teams are handled alike: what differs is here.
struct Shelved {
  const char* name;                     // "agent"
  agent::Shelf* Services::* shelf;
  Result<Json> (*check)(const std::string& text);
};

Json texts_json(const std::vector<std::string>& texts) {
  Json all = Json::array();
  for (auto& text : texts) all.push(text);
  return all;
}

Result<Json> check_agent_text(const std::string& text) {
  TRY_ASSIGN(auto checked, agent::check(text));
  return Json::object({{"name", checked.name},
                       {"description", checked.description},
                       {"pattern", checked.pattern},
                       {"tools", texts_json(checked.tools)},
                       {"definition", std::move(checked.definition)},
                       {"budget", std::move(checked.budget)}});
}
Result<Json> check_team_text(const std::string& text) {
  TRY_ASSIGN(auto checked, agent::check_team(text));
  return Json::object({{"name", checked.name},
                       {"description", checked.description},
                       {"pattern", checked.pattern},
                       {"members", texts_json(checked.members)},
                       {"definition", std::move(checked.definition)},
                       {"budget", std::move(checked.budget)},
                       {"roster", std::move(checked.roster)}});
}

constexpr Shelved kAgent{agent::kArtifactKind, &Services::agents, check_agent_text};
constexpr Shelved kTeam{agent::kTeamKind, &Services::teams, check_team_text};

Json kept_json(const Shelved& kind, const agent::Kept& kept) {
  return Json::object({{"object", kind.name},
                       {"id", kept.name},
                       {"name", kept.name},
                       {"version", kept.version},
                       {"description", kept.description},
                       {"text", kept.text},
                       {"who", kept.who},
                       {"why", kept.why},
                       {"created_at", seconds_of(kept.created_ms)}});
}

template <const Shelved& kind>
Result<Json> list_kept(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  TRY_ASSIGN(auto all, (services.*kind.shelf)->list(context, page.limit + 1, page.after));
  Json::Array items;
  for (auto& one : all) {
    Json item = kept_json(kind, one);
    item.erase("text");
    items.push_back(std::move(item));
  }
  return list_json(std::move(items), page.limit);
}

template <const Shelved& kind>
Result<Json> get_kept(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int version, version_of(request));
  TRY_ASSIGN(auto kept, (services.*kind.shelf)->get(context, request.captures[0], version));
  Json json = kept_json(kind, kept);
  if (auto checked = kind.check(kept.text))
    for (auto& [name, value] : *checked->as_object()) json.set(name, value);
  return json;
}

template <const Shelved& kind>
Result<Json> put_kept(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, agent_fields()));
  TRY_ASSIGN(auto kept,
             (services.*kind.shelf)->put(context, request.captures[0], body.text("text"), static_cast<int>(body.integer("base_version", 0)), body.text("why")));
  return kept_json(kind, kept);
}

template <const Shelved& kind>
Result<Json> check_text(const Services&, const Context&, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, agent_check_fields()));
  return kind.check(body.text("text"));
}

std::string text_of(const Json& json) { return json.is_string() ? *json.as_string() : json.is_null() ? "" : json.dump(); }

// What a follow-up is told of the run before it, the newest last; and that others' text led to it, where it did. A run that left no result
// says nothing of that: it counts as if.
Status follow(const Services& services, const Context& context, const std::string& flow, const std::string& id, Json& input) {
  TRY_ASSIGN(auto before, services.flows->view(context, id));
  if (before.run.flow != flow) return invalid_argument("follows: run '" + id + "' is of '" + before.run.flow + "', not of '" + flow + "'", "follows");
  if (!durable::finished(before.run.job.state)) return failed_precondition("follows: run '" + id + "' has not ended: wait for it, or cancel it");
  const Json& result = before.run.job.result;
  const std::string said = result.is_object() ? text_of(result["answer"]) : "(it ended without an answer)";
  std::string told = text_of(before.input["briefing"]) + "\nYou were asked: " + text_of(before.input["task"]) + "\nYou answered: " + said + "\n";
  if (told.size() > kEarlierBytesMost) {
    told.erase(0, told.size() - kEarlierBytesMost);
    while (!told.empty() && (static_cast<unsigned char>(told[0]) & 0xC0) == 0x80) told.erase(0, 1);   // not inside a character
  }
  input.set("briefing", told + text_of(input["briefing"]));
  input.set("follows", id);
  if (!result.is_object() || result["untrusted"] == Json(true)) input.set("untrusted", true);
  return {};
}

template <const Shelved& kind>
Result<Json> start_run(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, agent_run_fields()));
  TRY((services.*kind.shelf)->get(context, request.captures[0], static_cast<int>(body.integer("version", 0))));
  TRY(agent::check_budget(body["budget"]));
  Json input = Json::object({{"task", body["task"]}});
  for (auto name : {"material", "briefing", "budget"})
    if (body.has(name)) input.set(name, body[name]);
  if (body.has("follows")) TRY(follow(services, context, std::string(kind.name) + ":" + request.captures[0], body.text("follows"), input));
  flow::Start start{.flow = std::string(kind.name) + ":" + request.captures[0],
                    .version = static_cast<int>(body.integer("version", 0)),
                    .input = std::move(input),
                    .key = body.text("key")};
  if (start.key.empty()) start.key = std::string(request.header("idempotency-key"));
  TRY_ASSIGN(auto run, services.flows->start(context, start));
  return run_json(run);
}

template <const Shelved& kind>
Result<Json> list_kept_runs(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Json list, runs_json(services, context, request, std::string(kind.name) + ":" + request.captures[0]));
  Json data = Json::array();
  for (auto& one : *list["data"].as_array()) {
    Json row = one;
    auto first = services.flows->events(context, text_of(row["id"]), 0, 1);   // what was asked stands where the log begins
    if (!first && first.error().code != Code::kNotFound) return first.error();
    const Json input = !first || first->empty() ? Json() : (*first)[0].data["input"];   // forgotten meanwhile: no task
    row.set("task", input["task"]);
    row.set("follows", text_of(input["follows"]).empty() ? Json() : input["follows"]);
    data.push(std::move(row));
  }
  list.set("data", std::move(data));
  return list;
}

template <const std::vector<agent::Template>& (&templates)()>
Result<Json> list_templates(const Services&, const Context&, const Request&) {
  Json all = Json::array();
  for (auto& one : templates()) all.push(Json::object({{"name", one.name}, {"title", one.title}, {"text", one.text}}));
  return Json::object({{"object", "list"}, {"data", std::move(all)}, {"has_more", false}});
}

Json fact_json(const agent::Fact& fact) {
  return Json::object({{"object", "fact"},
                       {"id", fact.id},
                       {"agent", fact.agent},
                       {"text", fact.text},
                       {"source", fact.source},
                       {"untrusted", fact.untrusted},
                       {"created_at", seconds_of(fact.created_ms)},
                       {"updated_at", seconds_of(fact.updated_ms)}});
}

Result<Json> list_facts(const Services& services, const Context& context, const Request& request) {
  TRY(services.agents->get(context, request.captures[0], 0));
  TRY_ASSIGN(auto facts, services.memory->facts(context, request.captures[0], agent::kFactsMost));
  Json data = Json::array();
  for (auto& fact : facts) data.push(fact_json(fact));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> add_fact(const Services& services, const Context& context, const Request& request) {
  TRY(services.agents->get(context, request.captures[0], 0));
  TRY_ASSIGN(Body body, body_of(request, fact_text_fields()));
  agent::Fact fact;
  fact.agent = request.captures[0];
  fact.text = body.text("text");
  fact.source = Json::object({{"by", context.principal().user}});
  TRY_ASSIGN(auto kept, services.memory->add(context, std::move(fact)));
  return fact_json(kept);
}

Result<Json> edit_fact(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, fact_text_fields()));
  TRY_ASSIGN(auto fact, services.memory->edit(context, request.captures[0], request.captures[1], body.text("text")));
  return fact_json(fact);
}

Result<Json> remove_fact(const Services& services, const Context& context, const Request& request) {
  TRY(services.memory->remove(context, request.captures[0], request.captures[1]));
  return Json::object({{"id", request.captures[1]}, {"deleted", true}});
}

// What members of a team wrote to each other, oldest first: a page of the run's log, which is read a piece at a time.
Result<Json> list_messages(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int64_t after, number_of(request.parameter("after"), "after", 0));
  TRY_ASSIGN(const int64_t limit, number_of(request.parameter("limit"), "limit", kMessagesMost));
  const auto most = static_cast<size_t>(std::clamp<int64_t>(limit, 1, kMessagesMost));
  const std::string thread(request.parameter("thread"));
  Json data = Json::array();
  for (size_t bytes = 0;;) {
    TRY_ASSIGN(auto events, services.flows->events(context, request.captures[0], after, kEventsAtOnce, kMessageBytesMost));
    if (events.empty()) break;
    for (auto& event : events) {
      after = event.sequence;
      if (event.kind != "recorded" || event.data["type"] != Json(agent::kMessage)) continue;
      Json one = event.data["data"];
      if (!thread.empty() && one["thread"] != Json(thread)) continue;
      if (data.size() == most || bytes > kMessageBytesMost) return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", true}});
      bytes += one.dump().size();
      one.set("sequence", event.sequence);
      one.set("at", seconds_of(event.at_ms));
      data.push(std::move(one));
    }
  }
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

}  // namespace

std::vector<Field> agent_check_fields() { return {{"text", Kind::kString, "The agent or team, YAML or JSON.", true, 1, 1 << 20}}; }
std::vector<Field> agent_fields() {
  return {{"text", Kind::kString, "The agent or team, YAML or JSON.", true, 1, 1 << 20},
          {"base_version", Kind::kInteger, "The version that it was written on; 0: a new one. 409 where another came first.", false, 0, 1e9},
          {"why", Kind::kString, "Why it changed.", false, 0, 2000}};
}
std::vector<Field> agent_run_fields() {
  return {{"task", Kind::kString, "What is wanted, in your words.", true, 1, 100'000},
          {"material", Kind::kAny, "What others wrote: read as information. Risky tools then need a person's word."},
          {"briefing", Kind::kString, "What else it should know.", false, 0, 100'000},
          {"budget", Kind::kObject, "steps, tokens, money, seconds: narrows its own."},
          {"follows", Kind::kString, "A run of the same that has ended: this one is told what was asked and answered.", false, 1, 128},
          {"version", Kind::kInteger, "0: what the label 'live' points at, else the newest.", false, 0, 1e9},
          {"key", Kind::kString, "Idempotency key (or the header): the same key again is the same run.", false, 0, 256}};
}
std::vector<Field> fact_text_fields() { return {{"text", Kind::kString, "The fact.", true, 1, 1000}}; }

void add_agent_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const std::string& pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  auto add_kept = [&]<const Shelved & kind>() {
    const std::string path = std::string("/strata/v1/") + kind.name + "s";
    add("GET", path, list_kept<kind>);
    add("POST", path + "/check", check_text<kind>);
    add("GET", path + "/{}", get_kept<kind>);
    add("PUT", path + "/{}", put_kept<kind>);
    add("POST", path + "/{}/runs", start_run<kind>);
    add("GET", path + "/{}/runs", list_kept_runs<kind>);
  };
  add_kept.operator()<kAgent>();
  add_kept.operator()<kTeam>();
  add("GET", "/strata/v1/agent_templates", list_templates<agent::shipped_templates>);
  add("GET", "/strata/v1/team_templates", list_templates<agent::shipped_team_templates>);
  add("GET", "/strata/v1/agents/{}/memory", list_facts);
  add("POST", "/strata/v1/agents/{}/memory", add_fact);
  add("PATCH", "/strata/v1/agents/{}/memory/{}", edit_fact);
  add("DELETE", "/strata/v1/agents/{}/memory/{}", remove_fact);
  add("GET", "/strata/v1/runs/{}/messages", list_messages);
}

}  // namespace strata::api
