// orchestration/flow: durable workflows. A flow is a typed state graph from one YAML (or JSON) file; a run of it is a job of
// infra/durable whose log of typed events is the whole truth: state, position, results, decisions. A step's input, output, usage and
// cost are committed before the next step begins, so a process killed at any instant resumes where it was, and recorded results of
// models and tools are never asked for twice.
//
//   file ──parse──▶ Definition (registry, kind "flow", versions)          people, timers, webhooks
//                        │                                                     │ signal: an event
//   start ──▶ run = job ──▶ engine: ready steps → effect → event → next …  ◀───┘
//                        └─ nothing ready: parked, without a thread, until a time or a signal
//
// The form (docs/flows.md has examples; every mistake is told with line, path and the nearest name):
//   flow, description
//   input, state   name: type, or name: {type, description, enum, default, required}; types string, integer, number, boolean, array,
//                  object, any. `save: field` puts a step's output into the state, checked against its type.
//   limits         {steps, tokens, seconds}: a run that goes past one fails and says which
//   steps          each {id, kind, …} and, all optional: title, save, next (a step of the same block, or "end"; default: the one that
//                  follows), on_error (as next), retry {attempts, backoff_s, factor, backoff_s_max}, timeout_s
//     model        prompt | messages, system, model, max_tokens, temperature, seed, schema | choices (the output is held to it), cache,
//                  escalate {model, when, reason}: asks a bigger model where the expression over `output` holds, or on an error
//     retrieve     query, bases, results, cache     answer     question, bases, mode, model, max_tokens
//     tool         tool, args, cache                condition  cases [{when, next, reason}], else, reason
//     set          values {field: …} | value        record     type, data: an event of your own, searchable, sent to subscribers
//     map          over, as, steps, result, at_once parallel   branches {name: [steps]}
//     wait         for_s | until, signal            approval   message, who, tool, args, allow, deadline_s, escalate_to, on_deadline
//     subflow      flow, version, input             respond    result: ends the run with it
// Texts may hold Jinja templates over input, state, steps (outputs by id), run {id, flow, version}, and in a map its item and index. A
// text that is one {{ expression }} keeps the expression's type.
//
// Effects (Tools::Info::effect): kReads and kKeyed are asked again after a crash, kKeyed with the same idempotency key (of run and step,
// not of attempt): exactly once where the tool honours it. kOnce is announced in the log before it is asked; a crash or an unclear
// failure in between leaves `outcome unknown`, which waits for a person: happened, not_happened (asked again), or fail.
//
// `cache: {ttl_s}` of a model, retrieve or tool step: for so long the same again is answered by what was answered before, at no cost (infra/cache; its
// step_finished says `cached`, and what it `saved`). The same is: tenant and roles, the model or tool in its version, every parameter, the index's
// contents. A tool must only read. What is sampled (a temperature and no seed) is kept only with `sampled: true`. An attempt after a failure asks anew.
//
// Approvals wait durably; the decision is an event with who and why. After accept or edit the step's tool runs, under the rule above.
//
// Errors: kNotFound names the id, kInvalidArgument the field, kFailedPrecondition the state that forbids it. THREADS: safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/durable/durable.h"
#include "infra/store/store.h"
#include "orchestration/registry/registry.h"

namespace strata::cache { class Cache; }

namespace strata::flow {

inline constexpr char kArtifactKind[] = "flow";
inline constexpr int64_t kStepsMost = 100'000;             // of one run, whatever its limits say
inline constexpr int kFileStepsMost = 500;                 // in one file
inline constexpr int kDepthMost = 8;                       // of blocks in blocks, and of flows in flows
inline constexpr size_t kBranchesMost = 64;
inline constexpr size_t kItemsMost = 10'000;               // of one map
inline constexpr size_t kFramesMost = 20'000;              // items, branches and inner flows of one run that are there at the same time
inline constexpr int kAtOnceMost = 16;                     // effects of one run at the same time; 4 where a map does not say
inline constexpr int kRunsLookedAt = 10'000;               // by one search for runs in a state
inline constexpr double kWaitSecondsMost = 31'536'000;     // a year

// ---- what steps do to the world; wired in app/wire.cc, scripted in tests ----

struct ModelCall {
  struct Message {
    std::string role, content;
  };
  std::vector<Message> messages;
  std::string model;                // "": the default
  int max_tokens = 512;
  double temperature = 0;
  uint64_t seed = 0;
  Json schema;                      // JSON Schema that the text is held to, or null
  std::vector<std::string> choices; // or the whole text is one of these
};
struct ModelReply {
  std::string text, model, finish;  // finish: "stop", "length"
  int64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  double cost = 0;                  // UNITS: US dollars
};
struct AnswerCall {
  std::string question, mode, model;
  std::vector<std::string> bases;
  int max_tokens = 256;
};
// What steps ask of models and documents. Every call blocks on a thread of the flows' own and ends soon after its context is over.
class Models {
 public:
  virtual ~Models() = default;
  virtual Result<ModelReply> generate(const Context& context, const ModelCall& call) = 0;
  // What would answer a call that names this model, exactly: another text where weights, adapter or version are others. Empty: nobody knows, so
  // nothing of it is cached.
  virtual std::string version(const Context&, const std::string&) { return ""; }
};
class Library {
 public:
  virtual ~Library() = default;
  // An array of {text, score, document_id, filename, title, heading, begin, end, page}, best first.
  virtual Result<Json> retrieve(const Context& context, const std::string& query, const std::vector<std::string>& bases, int results) = 0;
  struct Reply {
    Json answer;                    // {text, outcome, confidence, citations, requires_human_review}
    ModelReply usage;
  };
  virtual Result<Reply> answer(const Context& context, const AnswerCall& call) = 0;
  // Of what retrieve() finds in these bases: another text where their contents, or how they are searched, are others. Empty: as Models::version.
  virtual std::string version(const Context&, const std::vector<std::string>&) { return ""; }
};
enum class Effect { kReads, kKeyed, kOnce };
class Tools {
 public:
  virtual ~Tools() = default;
  struct Info {
    Effect effect = Effect::kOnce;
    std::string risk;               // for the approval's page
    std::string about = "";         // for a model: what it does, and when to use it
    Json parameters = {};           // JSON Schema of its arguments
    bool untrusted = false;         // its results hold text that others wrote
    std::string version = "";       // of what it does and who may call it; empty: as Models::version
  };
  virtual Result<Info> describe(const Context& context, const std::string& name) = 0;   // kNotFound names the nearest
  // A failure whose code is kInvalidArgument, kNotFound, kPermissionDenied, kUnauthenticated, kFailedPrecondition, kResourceExhausted or
  // kUnimplemented promises that nothing happened; after any other the outcome of a kOnce tool is unknown.
  // A tool that needs a person's approval of exactly these arguments says so with the reason kNeedsApproval (kFailedPrecondition): the step
  // then asks for it, and calls again with the approval's id.
  // A tool that takes no call just now (its rate, its calls at once) says so with the reason kNotYet (kResourceExhausted): the step asks again
  // later, which is none of its attempts.
  struct Call {
    std::string name;
    Json arguments;
    std::string key;                // idempotency: the same for every attempt of a step
    std::string approval_id;        // of the person's decision behind these arguments; may be empty
    bool untrusted = false;         // what models, documents or tools said is in the arguments, or had the call made
  };
  struct Reply {
    Json result;
    double cost = 0;
    bool untrusted = false;         // the result holds text that others wrote
  };
  virtual Result<Reply> call(const Context& context, const Call& call) = 0;
  // Whether the tool takes these arguments: kInvalidArgument says what is wrong, and where. Nothing is called.
  virtual Status check(const Context&, const std::string&, const Json&) { return {}; }
  // A person has said what became of a call whose outcome was unknown.
  virtual Status settled(const Context& context, const std::string& name, const std::string& key, bool happened, const Json& result) = 0;
};
inline constexpr char kNeedsApproval[] = "needs_approval";
inline constexpr char kNotYet[] = "not_yet";

// Chooses the steps of a `driven` step, one by one: agents and teams. What it chooses is an event (`planned`: the step, the reason) before it is
// done, so a resume never asks the driver again about what was chosen, and each choice is found by search. Planned steps are ordinary ones
// (model, retrieve, answer, tool, approval, record, wait, subflow, driven, parallel of these) with everything that goes with them; nothing in
// them is a template. A planned step that fails for good does not fail the run: the driver sees it.
class Driver {
 public:
  virtual ~Driver() = default;
  // Once, as the step begins: what next() needs from outside (what tools there are, what is remembered). Kept in the log.
  virtual Result<Json> prepare(const Context& context, const Json& spec, const Json& input) = 0;
  struct Seen {
    const Json& spec;
    const Json& input;
    const Json& setup;
    // Each {id, path, step, reason, output | error, code and error_reason, usage, cost, ms, at_ms, untrusted, decided: a person's decision}.
    const Json& history;
    const std::string& run;         // its id
    bool untrusted = false;         // the input holds text that others wrote
    int64_t begun_ms = 0, now_ms = 0;
  };
  struct Next {
    Json step;                      // null: it is over, with `result`
    std::string reason;
    bool untrusted = false;         // text that others wrote led to this step. Once said, it stands
    Json result;
  };
  // Pure: of what it is given and nothing else.
  virtual Result<Next> next(const Seen& seen) = 0;
};

struct Effects {
  Models* models = nullptr;         // any may be null: then its steps fail and say so
  Library* library = nullptr;
  Tools* tools = nullptr;
  std::map<std::string, Driver*> drivers = {};   // by name
  cache::Cache* cache = nullptr;    // null: steps with `cache` ask every time
};

// ---- what the rest of the house sees ----

struct Flow {
  std::string name, description;
  int version = 0;
  std::string text;                 // as it was written
  std::string who, why;
  int64_t created_ms = 0;
};
struct Checked {                    // of a text that is right
  std::string name;
  int steps = 0;
  Json graph;                       // {steps: [{id, kind, title, next: […], blocks: …}]}, for pictures
  Json input;                       // JSON Schema of the input
};

struct Run {
  std::string id, flow;
  int version = 0;
  std::string trigger;              // "api", "schedule:…", "webhook:…", "fork"
  std::string parent;               // the run that it was forked from
  durable::Job job;                 // state, result, error, times
  std::string waits_for;            // "approval", "outcome", "signal", "time", "paused"; empty while it works or has ended
};
// A run with what its log says of it.
struct RunView {
  Run run;
  Json input, state;
  Json steps;                       // per step occurrence: {path, kind, status, attempts, ms, tokens, cost, cached, input, output, error}
  Json graph;                       // as Checked::graph, with the steps of the flows that it entered inside the steps that did
  Json totals;                      // {steps, ms, tokens, cost}
};

// Reads a flow's text. kInvalidArgument: "line 12: steps[2].query: …", with the path as param.
Result<Checked> check(std::string_view text);

struct Start {
  std::string flow;
  int version = 0;                  // 0: what the label "live" points at, else the newest
  Json input;
  std::string key;                  // idempotency: the same key of the same flow again is the same run
  std::string trigger = "api";
};

struct Approval {
  std::string id, run_id, flow, step;
  std::string kind;                 // "approval", or "outcome": what became of an effect is unknown
  std::string message, tool;
  Json who, arguments, allow;       // who: names of people or roles, empty: anybody
  int64_t deadline_ms = 0;          // 0: none
  bool escalated = false;
  std::string state = "pending";    // "pending", "decided", "closed" (the run went on or ended without it)
  std::string decision, decided_by, reason;
  std::string key;                  // the idempotency key of the tool's call
  int64_t created_ms = 0, decided_ms = 0;
};
struct Decision {
  std::string decision;             // accept, edit, respond, ignore; of an outcome: happened, not_happened, fail
  Json arguments;                   // of edit: the whole new arguments. Of happened: the result, where it is known
  std::string response;             // of respond
  std::string reason;
};

struct Schedule {
  std::string id, flow, cron;       // five fields, UTC
  Json input;
  bool enabled = true;              // false: its job was cancelled
  int64_t next_ms = 0, created_ms = 0;
  std::string problem;              // why the last time started no run; empty where it did
};
// Five fields (minute hour day month weekday): numbers, *, lists, ranges, steps, names of months and days. Day and weekday both given:
// either matches, as cron(8) has it. kInvalidArgument names the field.
Result<int64_t> next_time(std::string_view cron, int64_t after_ms);

// Webhooks in and out are signed as Standard Webhooks have it: headers webhook-id, webhook-timestamp (seconds), webhook-signature
// ("v1,base64 of HMAC-SHA256 over id.timestamp.body"); secrets are "whsec_" and base64.
struct Hook {
  std::string id, flow, input_field;  // the body becomes this input field; "": the body is the input
  std::string secret;                 // only when it is made
  int64_t created_ms = 0;
};
struct Subscription {
  std::string id, url;
  std::vector<std::string> events;    // "run_succeeded", "run_failed", "run_cancelled", "approval_asked", "outcome_unknown", or a record's type; empty: all
  std::string secret;                 // only when it is made
  int64_t created_ms = 0;
};
inline constexpr int64_t kReplayWindowMs = 300'000;
std::string sign_webhook(std::string_view secret, std::string_view id, int64_t timestamp_s, std::string_view body);
Status verify_webhook(std::string_view secret, std::string_view id, std::string_view timestamp, std::string_view signatures, std::string_view body,
                      int64_t now_ms);

// Sends one delivery to a subscriber: POST, true for a 2xx. What is kUnavailable, kDeadlineExceeded or kResourceExhausted is tried again after
// 5 s, 5 min, 30 min, 2 h, 5 h and 10 h; anything else fails the delivery. Data of more than 64 KiB are left out: {"truncated": true}. The app's goes through infra/egress.
using Deliver =
    std::function<Status(const Context&, const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body)>;
// Where secrets of hooks and subscriptions lie (infra/secret in the program).
struct SecretBox {
  std::function<Status(const Context&, const std::string& name, const std::string& value)> set;
  std::function<Result<std::string>(const Context&, const std::string& name)> get;
  std::function<Status(const Context&, const std::string& name)> remove;
};

struct Template {
  std::string name, title, text;
};
const std::vector<Template>& shipped_templates();          // the two chains of requirement O01 first

struct Options {
  int threads = 16;                 // runs that work at once; waiting ones need none
  Effects effects;
  SecretBox secrets;
  Deliver deliver;
  // Other kinds of artifact that are flows, too: from their text to a flow as JSON. A run of the artifact `triage` of kind "agent" is one of "agent:triage".
  std::map<std::string, std::function<Result<Json>(const std::string& text)>> forms = {};
};

std::vector<store::Migration> migrations();

class Flows {
 public:
  Flows(store::Store& store, durable::Journal& journal, registry::Registry& registry, const Clock& clock, Options options);
  ~Flows();
  void register_jobs();             // before the journal starts

  Result<Flow> put(const Context&, const std::string& name, const std::string& text, int base_version, const std::string& why);
  Result<Flow> get(const Context&, const std::string& name, int version);     // 0: the newest
  Result<std::vector<Flow>> list(const Context&, int limit, const std::string& after);

  Result<Run> start(const Context&, const Start& start);    // committed when it returns
  Result<Run> run(const Context&, const std::string& id);
  Result<RunView> view(const Context&, const std::string& id);
  // Newest first; flow "": all. With a state ("waiting", …) those in it, among the newest kRunsLookedAt that come after `after`.
  Result<std::vector<Run>> runs(const Context&, const std::string& flow, int limit, const std::string& after, const std::string& state = "");
  Result<std::vector<durable::Event>> events(const Context&, const std::string& id, int64_t after, int limit, size_t bytes_most = SIZE_MAX);
  Result<std::vector<durable::Journal::FoundEvent>> search(const Context&, const durable::Journal::Search& search, int limit);

  Status pause(const Context&, const std::string& id, const std::string& reason);    // after the steps that work now
  Status resume(const Context&, const std::string& id, const std::string& reason);
  Status cancel(const Context&, const std::string& id, const std::string& reason);   // reaches the model and the tool
  Status retry(const Context&, const std::string& id, const std::string& reason);    // of a failed run: the failed step again
  Status signal(const Context&, const std::string& id, const std::string& name, Json data);
  // A new run with what happened before `step` (a path from the log), which then runs anew; `state` changes fields first.
  Result<Run> fork(const Context&, const std::string& id, const std::string& step, const Json& state);

  Result<std::vector<Approval>> approvals(const Context&, const std::string& state, const std::string& run_id, int limit);
  Result<Approval> approval(const Context&, const std::string& id);
  // kPermissionDenied where it asks for other people; kFailedPrecondition where it is no longer pending, or does not allow this;
  // kInvalidArgument where the tool would not take the edited arguments.
  Result<Approval> decide(const Context&, const std::string& id, const Decision& decision);

  // Whether a person let this tool run with these arguments: for the tools' own check.
  Result<bool> granted(const Context&, const std::string& approval_id, const std::string& tool, const Json& arguments);

  // What each step adds, over the newest runs of a version (0: all), measured: per step runs, failures, p50 and p95 of ms, tokens, cost, how many were
  // answered by the cache, and what that saved.
  Result<Json> impact(const Context&, const std::string& flow, int version);

  Result<Schedule> add_schedule(const Context&, const std::string& flow, const std::string& cron, const Json& input);
  Result<std::vector<Schedule>> schedules(const Context&, const std::string& flow);
  Status remove_schedule(const Context&, const std::string& id);

  Result<Hook> add_hook(const Context&, const std::string& flow, const std::string& input_field);
  Result<std::vector<Hook>> hooks(const Context&, const std::string& flow);
  Status remove_hook(const Context&, const std::string& id);
  // A signed call from outside starts a run; the same webhook-id again is the same run. kUnauthenticated where the signature is not right.
  struct HookCall {
    std::string id, timestamp, signature, body;
  };
  Result<Run> called(const Context&, const std::string& hook_id, const HookCall& call);

  Result<Subscription> subscribe(const Context&, const std::string& url, const std::vector<std::string>& events);
  Result<std::vector<Subscription>> subscriptions(const Context&);
  Status unsubscribe(const Context&, const std::string& id);

  struct Core;                      // of this folder only

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace strata::flow
