// Where a run stands, folded from its log: pure, without clock, store or effects. Only this folder includes it.
//
// Invariants: (1) apply() of the same events gives the same machine, whoever appended them and whenever; (2) an event about a step that
// is no longer there (its block was left) changes nothing; (3) due() only reads.
//
// A frame walks one block: the flow's root, one item of a map, one branch, the root of a subflow. Its step's `path` names it in the log
// and in idempotency keys: "check", "review[3]/check", "both.left/ask", "sub/ask", and "check#2" when it comes by a second time.
//
// Events (kind → data):
//   run_started      flow, version, input, trigger          always the first
//   step_started     input, key                             before an effect that must not be repeated
//   step_finished    output, input, usage, cost, ms, attempt; cached, saved: where the cache answered
//   step_failed      error, code, attempt, at_ms (next try, `refused` where it counts as none) | final; then on_error's step, or the run has failed
//   routed           to, when, reason                       of a condition (decision)
//   escalated_model  from, to, reason                       a bigger model was asked (decision)
//   opened           items | branches | flow, version | driver, input, setup, untrusted, at_ms       a map, parallel, subflow or driven step begins
//   planned          at, step, reason, untrusted            a driver chose the next step of the driven step whose frame is `at` (decision)
//   waiting          until_ms, signal                       a wait step
//   approval_asked   message, who, tool, arguments, allow, deadline_ms, escalate_to     (decision)
//   escalated        who, deadline_ms                       (decision)
//   approval_decided decision, arguments, response, by, reason                          (decision)
//   outcome_unknown  tool, arguments, why                   (decision)
//   outcome_resolved decision, result, by, reason           (decision)
//   recorded         type, data                             (decision)
//   signalled        name, data
//   paused, resumed, cancel_asked, forked                   by, reason                  (decisions)
//   retried          by, reason                             what waited for a person is asked anew: its question closed with the run (decision)
//   state_set        values
//   run_failed       error        run_finished  result
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "infra/durable/durable.h"
#include "orchestration/flow/definition.h"

namespace strata::flow {

using DefinitionPtr = std::shared_ptr<const Definition>;
using Definitions = std::function<Result<DefinitionPtr>(const std::string& flow, int version)>;

enum class Phase {
  kReady,      // to be done now
  kRetrying,   // to be done at until_ms
  kStarted,    // announced; nobody knows how it ended unless it is being done right now
  kUnknown,    // a person must say what became of it
  kAsking,     // an approval is pending
  kDecided,    // … and was decided
  kWaiting,    // for until_ms or a signal
  kInside,     // its blocks work
};

struct Scope {             // what a flow's steps share
  DefinitionPtr flow;
  int version = 0;
  Json input = Json::object(), state = Json::object(), steps = Json::object();
  bool untrusted = false, chosen = false;   // see Machine
};

struct Frame {
  int64_t id = 0, parent = 0;
  std::string path;                 // with '/' at its end; "" of the root
  const Block* block = nullptr;
  std::shared_ptr<Scope> scope;
  std::string item_name;            // of a map's item
  std::shared_ptr<const Json> item;
  Json index;
  Json own_steps = Json::object();  // outputs inside a map's item or a branch: they hide those of the frames around it, and the scope's
  bool own = false;

  size_t at = 0;                    // of the step; block->steps.size(): done
  std::map<std::string, int> visits;
  Phase phase = Phase::kReady;
  int attempt = 1;
  int refusals = 0;                 // of the step, since it was last tried: see kNotYet
  int64_t until_ms = 0;
  Json data;                        // of the event that brought it here
  Json last_output;
  // Inside a driven step: the frame walks one planned step after another. `planned` also keeps alive what inner frames walk.
  bool driven = false, untrusted = false;
  std::shared_ptr<const Block> planned;
  Json plan;                        // of the event
  Json history = Json::array();     // of the steps that ended: see Driver::Seen

  std::vector<int64_t> inside;      // frames of its blocks, in order
  std::vector<std::string> inside_names;

  bool done() const { return at >= block->steps.size(); }
  const Step& step() const { return block->steps[at]; }
  std::string step_path() const;
};

// What can be done now.
struct Due {
  enum What { kRun, kUnknown, kDeadline, kFinish, kDrive } what = kRun;
  int64_t frame = 0;
};

class Machine {
 public:
  explicit Machine(Definitions definitions) : definitions_(std::move(definitions)) {}
  // kNotFound where a flow's version is gone; kDataLoss where the log does not fit.
  Status apply(const durable::Event& event);

  // What can be done at this time, in order; and when, if nothing changes, something more can be (kNever: a signal must come).
  std::vector<Due> due(int64_t now_ms) const;
  int64_t next_ms() const;
  std::string waits_for() const;    // as Run::waits_for

  const Frame* frame(int64_t id) const;
  Json variables(const Frame& frame) const;
  // The same for the frame's step: those that it names.
  Json variables_of_step(const Frame& frame) const;
  const Scope& scope() const { return *root_; }
  bool ended() const { return ended_; }                 // run_finished
  bool failed() const { return failed_; }
  bool paused() const { return paused_; }
  const Json& result() const { return result_; }
  const std::string& error() const { return error_; }
  int64_t steps() const { return steps_; }              // finished so far, failures that were handled included
  size_t frames() const { return frames_.size(); }      // alive now
  // Steps whose block was left while they waited for a person, since the last call: nobody waits for an answer any more.
  std::vector<std::string> take_left() { return std::exchange(left_, {}); }
  int64_t tokens() const { return tokens_; }
  int64_t started_ms() const { return started_ms_; }
  int version() const { return root_ ? root_->version : 0; }
  const std::string& flow_name() const { return flow_name_; }
  // Whether text that others wrote led to this step: of a plain step, whether a model, documents, a tool, or somebody from outside (a webhook, a
  // signal) have spoken in its flow, or in what led to the flow's input; of a planned one, what its driver says.
  bool untrusted(const Frame& frame) const;
  // Whether such text has had a say in which steps run: a condition, a map's items, an error's way were met after it came in.
  bool chosen(const Frame& frame) const { return frame.scope->chosen; }
  bool has_signal(const std::string& name) const { return mail_.count(name) && !mail_.at(name).empty(); }
  const Json& first_signal(const std::string& name) const { return mail_.at(name).front(); }
  int depth_of(const Frame& frame) const;               // of flows in flows

 private:
  Status begin(const durable::Event& event);
  Status about_run(const durable::Event& event, bool* known);
  Status about_step(Frame& frame, const durable::Event& event);
  Status open(Frame& frame, const durable::Event& event);
  Status plan(const durable::Event& event);
  void remember(Frame& frame, const durable::Event& event, const std::string& path, Json more);
  Status finish(Frame& frame, const durable::Event& event);
  Status fail(Frame& frame, const durable::Event& event);
  void go(Frame& frame, const std::string& next);
  void leave(Frame& frame);                             // forgets the frames inside
  void ask_again();
  Frame& add(Frame frame);
  Frame* find(const std::string& step_path);
  Json outputs(const Frame& frame) const;               // of the steps that it can name
  Json variables(const Frame& frame, bool input, bool state, bool steps) const;
  Frame* walking(std::string_view path);                // the frame of this path

  const Definitions definitions_;
  std::shared_ptr<Scope> root_;
  std::string flow_name_;
  std::map<int64_t, Frame> frames_;
  std::map<std::string, int64_t, std::less<>> frame_of_;   // by path: no two that are there have the same
  std::map<std::string, std::vector<Json>> mail_;
  std::vector<std::string> left_;
  int64_t frame_last_ = 0, steps_ = 0, tokens_ = 0, started_ms_ = 0;
  bool ended_ = false, failed_ = false, paused_ = false;
  Json result_;
  std::string error_;
  std::string run_id_;

 public:
  void set_run_id(std::string id) { run_id_ = std::move(id); }
};

}  // namespace strata::flow
