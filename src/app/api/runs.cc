// /strata/v1: runs of flows, their events (also as a stream), decisions across runs, approvals.
#include <algorithm>
#include <mutex>

#include "app/api/api.h"
#include "app/api/flows.h"
#include "app/api/reply.h"
#include "base/text.h"
#include "orchestration/flow/flow.h"

namespace strata::api {
namespace {

using http::Request;

constexpr int kEventsMost = 1'000;   // of one page, and of one piece of a stream
// The same in bytes: a page ends, and says that there is more; a stream's next piece is read once the client has taken this one.
constexpr size_t kPageBytesMost = 4u << 20, kPieceBytesMost = 256u << 10;

Json time_json(int64_t ms) { return ms == 0 || ms == durable::kNever ? Json() : Json(static_cast<double>(ms) / 1000); }

Result<Body> body_of(const Request& request, const std::vector<Field>& fields) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  return Body::parse(fields, json);
}

Json event_json(const durable::Event& event) {
  return Json::object({{"sequence", event.sequence},
                       {"kind", event.kind},
                       {"step", event.name},
                       {"data", event.data},
                       {"decision", event.decision},
                       {"at", time_json(event.at_ms)}});
}

Result<Json> start_run(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, run_fields()));
  flow::Start start{.flow = request.captures[0], .version = static_cast<int>(body.integer("version", 0)), .input = body["input"], .key = body.text("key")};
  if (start.key.empty()) start.key = std::string(request.header("idempotency-key"));
  TRY_ASSIGN(auto run, services.flows->start(context, start));
  return run_json(run);
}

Status check_state(const std::string& name) {
  using durable::State;
  std::string all;
  for (State state : {State::kQueued, State::kRunning, State::kWaiting, State::kSucceeded, State::kFailed, State::kCancelled}) {
    if (name.empty() || durable::state_name(state) == name) return {};
    all += (all.empty() ? "" : ", ") + std::string(durable::state_name(state));
  }
  return invalid_argument("state: expected one of " + all + ", got '" + name + "'", "state");
}

Result<Json> list_runs(const Services& services, const Context& context, const Request& request) { return runs_json(services, context, request, ""); }
Result<Json> list_flow_runs(const Services& services, const Context& context, const Request& request) {
  return runs_json(services, context, request, request.captures[0]);
}

Result<Json> one_run(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto view, services.flows->view(context, request.captures[0]));
  Json json = run_json(view.run);
  json.set("waits_for", view.run.waits_for.empty() ? Json() : Json(view.run.waits_for));
  json.set("input", std::move(view.input));
  json.set("values", std::move(view.state));   // the flow's typed state
  json.set("steps", std::move(view.steps));
  json.set("graph", std::move(view.graph));
  json.set("totals", std::move(view.totals));
  return json;
}

using Verb = Status (flow::Flows::*)(const Context&, const std::string&, const std::string&);
template <Verb verb>
Result<Json> control(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, reason_fields()));
  TRY((services.flows->*verb)(context, request.captures[0], body.text("reason")));
  return one_run(services, context, request);
}

Result<Json> signal_run(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, signal_fields()));
  TRY(services.flows->signal(context, request.captures[0], request.captures[1], body["data"]));
  return one_run(services, context, request);
}

Result<Json> fork_run(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, fork_fields()));
  TRY_ASSIGN(auto run, services.flows->fork(context, request.captures[0], body.text("step"), body["values"]));
  return run_json(run);
}

Result<Json> list_events(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int64_t after, number_of(request.parameter("after"), "after", 0));
  TRY_ASSIGN(int64_t limit, number_of(request.parameter("limit"), "limit", 100));
  int most = static_cast<int>(std::clamp<int64_t>(limit, 1, kEventsMost));
  TRY_ASSIGN(auto events, services.flows->events(context, request.captures[0], after, most, kPageBytesMost));
  bool more = false;
  if (!events.empty()) {
    TRY_ASSIGN(auto next, services.flows->events(context, request.captures[0], events.back().sequence, 1));
    more = !next.empty();
  }
  Json data = Json::array();
  for (auto& event : events) data.push(event_json(event));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", more}});
}

// A run's events as they come, each with its sequence as the event's id, so that a client that lost the connection goes on with
// Last-Event-ID. Written at the client's pace, a piece at a time. Ends after the run has, or when the client leaves.
class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(const Services& services, Context context, std::string run, int64_t after, std::shared_ptr<http::Responder> responder)
      : services_(services), context_(std::move(context)), run_(std::move(run)), seen_(after), responder_(std::move(responder)) {}

  void begin() {
    responder_->begin_stream(sse_head());
    auto self = shared_from_this();   // the journal keeps the stream until its end
    auto on_events = services_.journal->on_events([self, run = run_](const std::string& id) {
      if (id == run) self->wake();
    });
    auto on_change = services_.journal->on_change([self, run = run_](const durable::Job& job) {
      if (job.id == run) self->wake();
    });
    bool over = false;
    {
      std::lock_guard lock(mutex_);
      over = over_;
      if (!over) watchers_ = {on_events, on_change};
    }
    if (over) {   // it ended while these were made
      for (uint64_t watcher : {on_events, on_change}) services_.journal->remove_watcher(watcher);
      return;
    }
    responder_->on_ready([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->taken();
    });
    wake();
  }

 private:
  // Journal threads only ask for the work: what reads the store runs in the background, once however often it was asked for.
  void wake() {
    std::lock_guard lock(mutex_);
    wake_locked();
  }
  // The client has taken all, or has left.
  void taken() {
    std::lock_guard lock(mutex_);
    if (!sending_ && !context_.cancelled()) return;
    sending_ = false;
    wake_locked();
  }
  void wake_locked() {
    if (asked_ || over_ || sending_) return;
    asked_ = true;
    services_.background([self = shared_from_this()] { self->pump(); });
  }
  void pump() {
    {
      std::lock_guard lock(mutex_);
      if (over_) return;
      asked_ = false;
    }
    if (context_.cancelled()) return end(nullptr);
    Context context = Context::background(*services_.clock);
    auto run = services_.flows->run(context, run_);
    auto events = services_.flows->events(context, run_, seen_, kEventsMost, kPieceBytesMost);
    if (!run || !events) return end(run ? &events.error() : &run.error());
    if (events->empty()) return durable::finished(run->job.state) ? end(nullptr) : void();
    std::string piece;
    for (auto& event : *events) piece += "id: " + std::to_string(event.sequence) + "\n" + sse(event_json(event), event.kind);
    seen_ = events->back().sequence;
    {
      std::lock_guard lock(mutex_);
      sending_ = true;   // until taken(), which looks for more
    }
    if (!responder_->write(std::move(piece))) end(nullptr);
  }
  void end(const Error* error) {
    if (error) responder_->write(sse(error_json(*error), "error"));
    else responder_->write("data: [DONE]\n\n");
    responder_->end();
    std::vector<uint64_t> watchers;
    {
      std::lock_guard lock(mutex_);
      watchers = std::move(watchers_);
      watchers_.clear();
      over_ = true;
    }
    for (uint64_t watcher : watchers) services_.journal->remove_watcher(watcher);
  }

  const Services& services_;
  const Context context_;
  const std::string run_;
  int64_t seen_;                          // of pump(), which runs one at a time
  std::shared_ptr<http::Responder> responder_;
  std::mutex mutex_;                      // guards what follows
  std::vector<uint64_t> watchers_;
  bool over_ = false;
  bool asked_ = false;
  bool sending_ = false;
};

void events(const Services& services, const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
  bool stream = request.parameter("stream") == "true" || request.header("accept").find("text/event-stream") != std::string_view::npos;
  if (!stream) return send(*responder, list_events(services, context, request));
  std::string_view from = request.header("last-event-id").empty() ? request.parameter("after") : request.header("last-event-id");
  auto after = number_of(from, "after", 0);
  auto run = services.flows->run(context, request.captures[0]);
  if (!after || !run) return responder->send(error_response(after ? run.error() : after.error()));
  std::make_shared<EventStream>(services, context, request.captures[0], *after, std::move(responder))->begin();
}

Result<Json> search_decisions(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int64_t limit, number_of(request.parameter("limit"), "limit", 50));
  TRY_ASSIGN(int64_t before, number_of(request.parameter("before"), "before", durable::kNever));
  durable::Journal::Search search{.kind = std::string(request.parameter("kind")),
                                  .job_id = std::string(request.parameter("run")),
                                  .text = std::string(request.parameter("q")),
                                  .before_id = before};
  TRY_ASSIGN(auto found, services.flows->search(context, search, static_cast<int>(std::clamp<int64_t>(limit, 1, kEventsMost))));
  Json data = Json::array();
  for (auto& one : found) {
    Json json = event_json(one.event);
    json.set("id", one.id);
    json.set("run_id", one.job_id);
    data.push(std::move(json));
  }
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", static_cast<int64_t>(found.size()) == limit}});
}

Json approval_json(const flow::Approval& a) {
  return Json::object({{"object", "approval"},
                       {"id", a.id},
                       {"kind", a.kind},
                       {"run_id", a.run_id},
                       {"flow", a.flow},
                       {"step", a.step},
                       {"message", a.message},
                       {"tool", a.tool.empty() ? Json() : Json(a.tool)},
                       {"arguments", a.arguments},
                       {"who", a.who},
                       {"allow", a.allow},
                       {"deadline_at", time_json(a.deadline_ms)},
                       {"escalated", a.escalated},
                       {"state", a.state},
                       {"decision", a.decision.empty() ? Json() : Json(a.decision)},
                       {"decided_by", a.decided_by.empty() ? Json() : Json(a.decided_by)},
                       {"reason", a.reason},
                       {"created_at", time_json(a.created_ms)},
                       {"decided_at", time_json(a.decided_ms)}});
}

Result<Json> list_approvals(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int64_t limit, number_of(request.parameter("limit"), "limit", 50));
  int most = static_cast<int>(std::clamp<int64_t>(limit, 1, kEventsMost));
  TRY_ASSIGN(auto all, services.flows->approvals(context, std::string(request.parameter("state")), std::string(request.parameter("run")), most + 1));
  Json::Array items;
  for (auto& one : all) items.push_back(approval_json(one));
  return list_json(std::move(items), most);
}

Result<Json> one_approval(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto one, services.flows->approval(context, request.captures[0]));
  return approval_json(one);
}

Result<Json> decide(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, decision_fields()));
  flow::Decision decision{.decision = body.text("decision"), .arguments = body["arguments"], .response = body.text("response"), .reason = body.text("reason")};
  TRY_ASSIGN(auto one, services.flows->decide(context, request.captures[0], decision));
  return approval_json(one);
}

}  // namespace

Result<int64_t> number_of(std::string_view text, const char* name, int64_t fallback) {
  if (text.empty()) return fallback;
  int64_t value = 0;
  for (char c : text) value = c >= '0' && c <= '9' && value >= 0 && value < 1'000'000'000'000'000 ? value * 10 + (c - '0') : -1;
  if (value < 0) return invalid_argument(std::string(name) + ": expected a number, got '" + std::string(text) + "'", name);
  return value;
}

Json run_json(const flow::Run& run) {
  return Json::object({{"object", "run"},
                       {"id", run.id},
                       {"flow", run.flow},
                       {"version", run.version},
                       {"state", durable::state_name(run.job.state)},
                       {"trigger", run.trigger},
                       {"parent", run.parent.empty() ? Json() : Json(run.parent)},
                       {"note", run.job.note},
                       {"result", run.job.result},
                       {"error", run.job.error.empty() ? Json() : Json(run.job.error)},
                       {"wakes_at", time_json(run.job.wake_ms)},
                       {"created_at", time_json(run.job.created_ms)},
                       {"updated_at", time_json(run.job.updated_ms)}});
}

Result<Json> runs_json(const Services& services, const Context& context, const Request& request, const std::string& flow) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  std::string state(request.parameter("state"));
  TRY(check_state(state));
  TRY_ASSIGN(auto runs, services.flows->runs(context, flow, page.limit + 1, page.after, state));
  Json::Array items;
  for (auto& run : runs) items.push_back(run_json(run));
  return list_json(std::move(items), page.limit);
}

std::vector<Field> run_fields() {
  return {{"input", Kind::kObject, "The flow's input."},
          {"version", Kind::kInteger, "0: what the label 'live' points at, else the newest.", false, 0, 1e9},
          {"key", Kind::kString, "Idempotency key (or the header): the same key again is the same run.", false, 0, 256}};
}
std::vector<Field> reason_fields() { return {{"reason", Kind::kString, "Why; kept with the decision.", false, 0, 4000}}; }
std::vector<Field> signal_fields() { return {{"data", Kind::kAny, "What the waiting step gets."}}; }
std::vector<Field> fork_fields() {
  return {{"step", Kind::kString, "The path of the step to run anew, from the run's steps.", true, 1, 2000},
          {"values", Kind::kObject, "Fields of the state to change first."}};
}
std::vector<Field> decision_fields() {
  return {{"decision", Kind::kString, "accept, edit, respond or ignore; of an outcome: happened, not_happened or fail.", true, 1, 0x40},
          {"arguments", Kind::kAny, "Of edit: the whole new arguments. Of happened: the result, where it is known."},
          {"response", Kind::kString, "Of respond: what the flow is told.", false, 0, 65536},
          {"reason", Kind::kString, "Why; kept with the decision.", false, 0, 4000}};
}

void add_run_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("POST", "/strata/v1/flows/{}/runs", start_run);
  add("GET", "/strata/v1/flows/{}/runs", list_flow_runs);
  add("GET", "/strata/v1/runs", list_runs);
  add("GET", "/strata/v1/runs/{}", one_run);
  add("POST", "/strata/v1/runs/{}/pause", control<&flow::Flows::pause>);
  add("POST", "/strata/v1/runs/{}/resume", control<&flow::Flows::resume>);
  add("POST", "/strata/v1/runs/{}/cancel", control<&flow::Flows::cancel>);
  add("POST", "/strata/v1/runs/{}/retry", control<&flow::Flows::retry>);
  add("POST", "/strata/v1/runs/{}/signals/{}", signal_run);
  add("POST", "/strata/v1/runs/{}/fork", fork_run);
  add("GET", "/strata/v1/decisions", search_decisions);
  add("GET", "/strata/v1/approvals", list_approvals);
  add("GET", "/strata/v1/approvals/{}", one_approval);
  add("POST", "/strata/v1/approvals/{}/decide", decide);
  server.route("GET", "/strata/v1/runs/{}/events", [&services](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
    events(services, context, request, std::move(responder));
  });
}

}  // namespace strata::api
