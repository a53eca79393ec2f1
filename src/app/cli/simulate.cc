// strata simulate fill | remove: customers and agents who use the real API, plainly marked as simulated.
//
// Each ticket becomes a conversation titled with its key; ending it is the last thing that happens to it. So a fill that was cut goes on
// where it stopped: what has ended is left alone, what is open is finished with the answer that it has.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"
#include "app/cli/stand_in.h"
#include "base/clock.h"
#include "base/text.h"
#include "product/outcome/outcome.h"
#include "product/simulator/simulator.h"

namespace strata::cli {
namespace {

namespace sim = simulator;

constexpr const char* kStandInId = "scripted-simulation";
constexpr const char* kEvaluator = "evaluator (simulated)";
constexpr const char* kSpecialist = "specialist (simulated)";
constexpr int64_t kMinuteMs = 60'000;

struct Options {
  std::string server, product = "support-copilot", model;
  int weeks = 8, tickets = 60;
  uint64_t seed = 1;
  bool scripted = false;
};

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }
double seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

std::string path_of(const std::string& product, const std::string& rest = "") { return "/strata/v1/products/" + path_segment(product) + rest; }

// The knowledge base that belongs to this product's simulation, or "".
Result<std::string> simulated_base(Client& client, const std::string& product) {
  TRY_ASSIGN(Json list, client.get("/v1/vector_stores?limit=100"));
  for (auto& base : *list["data"].as_array())
    if (text_of(base["metadata"]["simulated"]) == product) return text_of(base["id"]);
  return std::string();
}

Result<std::map<std::string, std::string>> files_of(Client& client, const std::string& base) {   // filename → file id
  TRY_ASSIGN(Json list, client.get("/strata/v1/documents?limit=1000&vector_store_id=" + base));
  std::map<std::string, std::string> out;
  for (auto& row : *list["data"].as_array()) out[text_of(row["filename"])] = text_of(row["file_id"]);
  return out;
}

// One fill. Counts what it did, for the summary.
class Fill {
 public:
  Fill(Client& client, const Options& options, sim::Plan plan, outcome::Week first)
      : client_(client), options_(options), plan_(std::move(plan)), first_(first) {}

  Status run() {
    TRY(prepare());
    for (size_t week = 0; week < plan_.weeks.size(); ++week) {
      TRY(publish(plan_.pages[week]));
      double minutes = 0;
      for (auto& ticket : plan_.weeks[week]) {
        TRY_ASSIGN(double spent, work_on(ticket));
        minutes += spent;
        progress_bar("simulating", ++done_, total_);
      }
      TRY(put_facts(static_cast<int>(week), minutes));
    }
    progress_end();
    return {};
  }

  int made() const { return made_; }
  int64_t total() const { return total_; }

 private:
  // --- once ---
  Status prepare() {
    for (auto& week : plan_.weeks) total_ += static_cast<int64_t>(week.size());
    TRY_ASSIGN(Json product, client_.post("/strata/v1/products", Json::object({{"id", options_.product}, {"name", product_name()}, {"simulated", true}})));
    auto* simulated = product["simulated"].as_bool();
    TRY(write_spec(simulated && *simulated));
    TRY_ASSIGN(base_, simulated_base(client_, options_.product));
    if (base_.empty()) {
      TRY_ASSIGN(Json made, client_.post("/v1/vector_stores", Json::object({{"name", product_name() + " policies (simulated)"},
                                                                            {"metadata", Json::object({{"simulated", options_.product}})}})));
      base_ = text_of(made["id"]);
    }
    return read_state();
  }

  // A spec of somebody's own stays as it is.
  Status write_spec(bool simulated_product) {
    auto there = client_.get(path_of(options_.product, "/spec"));
    if (there || !simulated_product) return {};
    if (there.error().code != Code::kNotFound) return std::move(there.error());
    Json body = Json::object({{"text", spec_text()}, {"base_version", 0}, {"who", "simulator"}, {"why", "sample of the simulated desk"}});
    TRY(client_.put(path_of(options_.product, "/spec"), body));
    return {};
  }

  // The sample's spec, under this product's name.
  std::string spec_text() const {
    std::string text(sim::sample_file("spec.yaml"));
    size_t at = text.find("name: Support Copilot");
    return text.replace(at, std::string_view("name: Support Copilot").size(), "name: " + product_name());
  }

  std::string product_name() const { return options_.product == "support-copilot" ? "Support Copilot" : options_.product; }

  // Which tickets have a conversation already: key → id.
  Status read_state() {
    std::string after;
    for (;;) {
      TRY_ASSIGN(Json page, client_.get("/strata/v1/conversations?limit=1000" + (after.empty() ? "" : "&after=" + after)));
      for (auto& row : *page["data"].as_array()) {
        std::string title = text_of(row["title"]);
        size_t mark = title.rfind(mark_);
        if (mark != std::string::npos) known_[title.substr(mark + mark_.size())] = text_of(row["id"]);
        after = text_of(row["id"]);
      }
      auto* more = page["has_more"].as_bool();
      if (!more || !*more) return {};
    }
  }

  // --- the knowledge base grows ---
  Status publish(const std::vector<std::string>& pages) {
    TRY_ASSIGN(auto have, files_of(client_, base_));
    for (auto& page : pages) {
      std::string name = page.substr(page.rfind('/') + 1);
      published_.push_back(sim::sample_file(page));
      if (have.count(name)) continue;
      TRY_ASSIGN(Json file, client_.upload(name, sim::sample_file(page)));
      TRY(client_.post("/v1/vector_stores/" + base_ + "/files", Json::object({{"file_id", file["id"]}})));
    }
    for (;;) {
      TRY_ASSIGN(Json row, client_.get("/v1/vector_stores/" + base_));
      TRY_ASSIGN(int64_t running, row["file_counts"]["in_progress"].to_int("in_progress"));
      TRY_ASSIGN(int64_t failed, row["file_counts"]["failed"].to_int("failed"));
      if (failed > 0) return failed_precondition("a sample policy could not be ingested: see /strata/v1/documents?vector_store_id=" + base_);
      if (running == 0) return {};
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  // --- one ticket ---
  std::string key_of(const sim::Ticket& ticket) const {
    return std::to_string(options_.seed) + "/" + first_.plus(ticket.week).text() + "/" + ticket.key.substr(ticket.key.find('-') + 1);
  }

  // Gives the minutes that people spent on it.
  Result<double> work_on(const sim::Ticket& ticket) {
    auto known = known_.find(key_of(ticket));
    Json view;
    if (known != known_.end()) {
      TRY_ASSIGN(view, client_.get("/strata/v1/conversations/" + known->second + "/product"));
      if (text_of(view["outcome"]) != "open") return spent_on(view);
    } else {
      TRY_ASSIGN(view, open(ticket));
    }
    ++made_;
    return ticket.self_service ? self_service(ticket, text_of(view["id"])) : with_agent(ticket, text_of(view["id"]), view);
  }

  Result<Json> open(const sim::Ticket& ticket) {
    return client_.post(path_of(options_.product, "/conversations"), Json::object({{"title", ticket.question.text + mark_ + key_of(ticket)},
                                                                                   {"channel", ticket.self_service ? "customer" : "agent"},
                                                                                   {"user", ticket.self_service ? "" : ticket.agent},
                                                                                   {"end_user", ticket.customer},
                                                                                   {"simulated", true},
                                                                                   {"at", seconds(ticket.at_ms)}}));
  }

  // What an ended conversation cost, from what the API says of it.
  static double spent_on(const Json& view) {
    sim::Reaction::Draft draft = sim::Reaction::Draft::kNone;
    if (view["drafts"].size()) {
      const Json& row = (*view["drafts"].as_array())[0];
      bool edited = row["edited"].as_bool() && *row["edited"].as_bool();
      draft = text_of(row["state"]) == "discarded" ? sim::Reaction::Draft::kDiscarded : edited ? sim::Reaction::Draft::kEdited : sim::Reaction::Draft::kSent;
    }
    return sim::minutes_of(draft, text_of(view["outcome"]) == "escalated" ? sim::Outcome::kEscalated : sim::Outcome::kResolved);
  }

  struct Given {
    std::string answer_id, draft_id;
    sim::Answer answer;
  };

  Result<double> with_agent(const sim::Ticket& ticket, const std::string& id, const Json& view) {
    Given given;
    if (view["drafts"].size()) {
      TRY_ASSIGN(given, earlier_draft((*view["drafts"].as_array())[0]));
    } else {
      TRY_ASSIGN(given, new_draft(ticket, id));
    }
    sim::Reaction reaction = sim::agent_handles(options_.seed, ticket, given.answer, sim::sample_file("policies/" + ticket.question.page));
    int64_t at = ticket.at_ms + static_cast<int64_t>(sim::minutes_of(reaction.draft, sim::Outcome::kResolved)) * kMinuteMs;
    std::string draft = "/strata/v1/drafts/" + given.draft_id;
    if (reaction.draft == sim::Reaction::Draft::kDiscarded)
      TRY(client_.post(draft + "/discard", Json::object({{"reason", reaction.reason}, {"at", seconds(at)}})));
    else TRY(client_.post(draft + "/send", Json::object({{"text", reaction.text}, {"idempotency_key", key_of(ticket)}, {"at", seconds(at)}})));
    TRY(finish(ticket, id, given, reaction, at));
    return sim::minutes_of(reaction.draft, reaction.outcome);
  }

  Result<Given> earlier_draft(const Json& row) {
    Given given{text_of(row["answer_id"]), text_of(row["id"]), {text_of(row["original"]), false}};
    TRY_ASSIGN(Json answer, client_.get("/strata/v1/answers/" + given.answer_id));
    given.answer.answered = text_of(answer["outcome"]) == "answered";
    return given;
  }

  Result<Given> new_draft(const sim::Ticket& ticket, const std::string& id) {
    Json body = Json::object(
        {{"conversation_id", id}, {"user", ticket.agent}, {"vector_store_ids", Json::array({base_})}, {"simulated", true}, {"at", seconds(ticket.at_ms)}});
    // A question that was stored by an earlier try is not stored twice: without content the last one is answered.
    TRY_ASSIGN(Json talk, client_.get("/strata/v1/conversations/" + id));
    if (talk["messages"].size() == 0) body.set("content", ticket.question.text);
    if (!options_.model.empty()) body.set("model", options_.model);
    Given given;
    TRY(client_.stream(path_of(options_.product, "/tickets"), body, [&](const Json& chunk) {
      if (!chunk["choices"].is_array() || chunk["choices"].size() == 0) return;
      const Json& choice = (*chunk["choices"].as_array())[0];
      given.answer.text += text_of(choice["delta"]["content"]);
      const Json& strata = choice["message"]["strata"].is_object() ? choice["message"]["strata"]
                           : choice["strata"].is_object()          ? choice["strata"]
                                                                   : chunk["strata"];
      if (!strata.is_object() || text_of(strata["draft_id"]).empty()) return;
      given.draft_id = text_of(strata["draft_id"]);
      given.answer_id = text_of(strata["answer_id"]);
      given.answer.answered = text_of(strata["outcome"]) == "answered";
    }));
    if (given.draft_id.empty()) return internal_error("the ticket " + key_of(ticket) + " got no draft");
    return given;
  }

  // The help centre shows the pages' own words: quotes only, no model.
  Result<double> self_service(const sim::Ticket& ticket, const std::string& id) {
    Json tool = Json::object({{"type", "file_search"}, {"vector_store_ids", Json::array({base_})}, {"generate", false}});
    TRY_ASSIGN(Json response,
               client_.post("/v1/responses", Json::object({{"input", ticket.question.text}, {"tools", Json::array({std::move(tool)})}, {"store", false}})));
    Given given;
    given.answer_id = text_of(response["strata"]["answer_id"]);
    given.answer.answered = text_of(response["strata"]["outcome"]) == "answered";
    for (auto& item : *response["output"].as_array())
      for (size_t i = 0; i < item["content"].size(); ++i) given.answer.text += text_of((*item["content"].as_array())[i]["text"]);
    TRY(client_.post(path_of(options_.product, "/outputs"),
                     Json::object({{"answer_id", given.answer_id}, {"conversation_id", id}, {"simulated", true}, {"at", seconds(ticket.at_ms)}})));
    sim::Reaction reaction = sim::customer_reacts(options_.seed, ticket, given.answer);
    TRY(finish(ticket, id, given, reaction, ticket.at_ms + kMinuteMs));
    return sim::minutes_of(reaction.draft, reaction.outcome);
  }

  // Rating, judgement, satisfaction; last the ending.
  Status finish(const sim::Ticket& ticket, const std::string& id, const Given& given, const sim::Reaction& reaction, int64_t at) {
    std::string answer = "/strata/v1/answers/" + given.answer_id, conversation = "/strata/v1/conversations/" + id;
    if (reaction.rating != sim::Rating::kNone)
      TRY(client_.post(answer + "/feedback", Json::object({{"rating", reaction.rating == sim::Rating::kUp ? "up" : "down"}, {"comment", "simulated"}})));
    sim::Judgement judgement = sim::evaluator_judges(options_.seed, ticket, given.answer, published_);
    if (judgement.judged)
      TRY(client_.post(answer + "/judgements",
                       Json::object({{"correct", judgement.correct}, {"fabricated", judgement.fabricated}, {"who", kEvaluator}, {"at", seconds(at)}})));
    if (reaction.satisfaction > 0)
      TRY(client_.post(conversation + "/satisfaction",
                       Json::object({{"score", reaction.satisfaction}, {"source", "survey"}, {"at", seconds(at + 30 * kMinuteMs)}})));
    if (reaction.outcome == sim::Outcome::kEscalated) return escalate(ticket, conversation, given, reaction, at);
    const char* outcome = reaction.outcome == sim::Outcome::kResolved ? "resolved" : reaction.outcome == sim::Outcome::kDeflected ? "deflected" : "abandoned";
    TRY(client_.post(conversation + "/outcome", Json::object({{"outcome", outcome}, {"at", seconds(at + kMinuteMs)}})));
    return {};
  }

  // Into the queue, and a person takes it from there: an agent from the help centre, a specialist from an agent.
  Status escalate(const sim::Ticket& ticket, const std::string& conversation, const Given& given, const sim::Reaction& reaction, int64_t at) {
    std::string who = ticket.self_service ? ticket.agent : kSpecialist;
    TRY_ASSIGN(Json handover,
               client_.post(conversation + "/escalate", Json::object({{"answer_id", given.answer_id},
                                                                      {"reason", given.answer.answered ? "asked_for_a_person" : "not_in_documents"},
                                                                      {"note", ticket.question.text},
                                                                      {"at", seconds(at + kMinuteMs)}})));
    std::string item = "/strata/v1/handovers/" + text_of(handover["id"]);
    TRY(client_.post(item + "/claim", Json::object({{"who", who}, {"at", seconds(at + 5 * kMinuteMs)}})));
    std::string words = ticket.self_service ? reaction.text : "Hello,\n\nI have taken this over and settled it with you by phone.\n\nKind regards,\n" + who;
    TRY(client_.post(item + "/reply", Json::object({{"who", who}, {"text", words}, {"at", seconds(at + 15 * kMinuteMs)}})));
    return {};
  }

  // --- what comes from outside, per week ---
  Status put_facts(int week, double minutes) {
    auto put = [&](const char* name, double value) -> Status {
      TRY(client_.post(path_of(options_.product, "/facts"),
                       Json::object({{"week", first_.plus(week).text()}, {"name", name}, {"value", value}, {"source", "api"}, {"simulated", true}})));
      return {};
    };
    TRY(put("human_cost", std::round(minutes * sim::kDollarsPerMinute * 100) / 100));
    if (week > 0) return {};
    TRY(put("eligible_users", plan_.agents + plan_.customers));   // these hold until others are given
    TRY(put("baseline_cost_per_resolution", sim::kBaselinePerResolution));
    return put("manual_minutes_per_reply", sim::kManualMinutesPerReply);
  }

  Client& client_;
  const Options& options_;
  sim::Plan plan_;
  outcome::Week first_;
  std::string base_;
  const std::string mark_ = " · simulated ";
  std::map<std::string, std::string> known_;
  std::vector<std::string_view> published_;
  int64_t done_ = 0, total_ = 0;
  int made_ = 0;
};

// The scripted model, as a provider for the length of a fill.
class Scripted {
 public:
  static Result<std::unique_ptr<Scripted>> start(Client& client) {
    std::unique_ptr<Scripted> out(new Scripted(client));
    TRY_ASSIGN(out->stand_in_, StandIn::start());
    TRY(client.post("/strata/v1/providers",
                    Json::object({{"id", kStandInId}, {"base_url", out->stand_in_->base_url()}, {"model", "scripted"}, {"key", "none"}, {"residency", "US"}})));
    return out;
  }
  ~Scripted() { (void)client_.remove(std::string("/strata/v1/providers/") + kStandInId); }

 private:
  explicit Scripted(Client& client) : client_(client) {}
  Client& client_;
  std::unique_ptr<StandIn> stand_in_;
};

Result<int> fill(const Common& common, const Options& given) {
  Options options = given;
  TRY_ASSIGN(auto questions, sim::questions_from(sim::sample_file("tickets.json")));
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  std::unique_ptr<Scripted> scripted;
  if (options.scripted) {
    TRY_ASSIGN(scripted, Scripted::start(*client));
    options.model = kStandInId;
  }
  // Whole weeks, the last of which ended last Sunday: none of it lies in the future.
  outcome::Week first = outcome::Week::of(system_clock().unix_ms()).plus(-options.weeks);
  sim::Plan plan = sim::plan({.seed = options.seed, .weeks = options.weeks, .tickets = options.tickets, .first_week_ms = first.begin_ms()}, questions);
  Fill fill(*client, options, std::move(plan), first);
  auto status = fill.run();
  progress_end();
  if (!status) return std::move(status.error());
  std::string last = first.plus(options.weeks - 1).text();
  if (common.json)
    std::printf("%s\n", Json::object(
                            {{"product", options.product}, {"first_week", first.text()}, {"last_week", last}, {"tickets", fill.total()}, {"made", fill.made()}})
                            .dump()
                            .c_str());
  else
    std::printf("%s: %lld simulated tickets from %s to %s, %d of them new. `strata simulate remove` takes them away.\n", options.product.c_str(),
                static_cast<long long>(fill.total()), first.text().c_str(), last.c_str(), fill.made());
  return kDone;
}

// The base and its files; the files first, since a base does not take its files along.
Result<int> remove_base(Client& client, const std::string& product) {
  int removed = 0;
  for (;;) {
    TRY_ASSIGN(std::string base, simulated_base(client, product));
    if (base.empty()) return removed;
    TRY_ASSIGN(auto files, files_of(client, base));
    for (auto& [name, id] : files) {
      TRY(client.remove("/v1/files/" + id));
      ++removed;
    }
    TRY(client.remove("/v1/vector_stores/" + base));
  }
}

Result<int> remove(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  int64_t rows = 0;
  auto removed = client->remove("/strata/v1/simulated?product=" + path_segment(options.product));
  if (removed) {
    TRY_ASSIGN(rows, (*removed)["rows"].to_int("rows"));
  } else if (removed.error().code != Code::kNotFound) {
    return std::move(removed.error());   // no such product: nothing of it to remove
  }
  TRY_ASSIGN(int files, remove_base(*client, options.product));
  (void)client->remove(std::string("/strata/v1/providers/") + kStandInId);   // of a fill that was cut
  if (common.json) std::printf("%s\n", Json::object({{"rows", rows}, {"files", files}}).dump().c_str());
  else std::printf("removed %lld simulated rows and %d sample pages\n", static_cast<long long>(rows), files);
  return kDone;
}

}  // namespace

void add_simulate(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  auto* group = app.add_subcommand("simulate", "A simulated support desk, so that dashboards and updates can be seen on the first day");
  group->require_subcommand(1);
  auto add = [&](const char* name, const char* meaning, Result<int> (*function)(const Common&, const Options&)) {
    auto* command = group->add_subcommand(name, meaning);
    command->add_option("--server", options->server, "URL of a running server");
    command->add_option("--product", options->product, "The product; made where it is missing");
    run_where_chosen(*command, common, chosen, [&common, options, function] { return function(common, *options); });
    return command;
  };
  auto* fill_command = add("fill", "Customers and agents work through past weeks by the real API; goes on where it was cut", fill);
  fill_command->add_option("--weeks", options->weeks, "Whole weeks, up to last Sunday")->check(CLI::Range(1, 52));
  fill_command->add_option("--tickets", options->tickets, "Tickets in the last week; the first has about half as many")->check(CLI::Range(1, 2000));
  fill_command->add_option("--seed", options->seed, "Other people, other tickets");
  fill_command->add_flag("--scripted", options->scripted, "A scripted stand-in answers instead of the real model: quick, and the same every time");
  add("remove", "Takes everything simulated away, and nothing else", remove);
}

}  // namespace strata::cli
