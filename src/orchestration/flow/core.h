// What the room's files share: the services, the cache of definitions, the rows. Only this folder includes it.
#pragma once

#include <map>
#include <mutex>

#include "orchestration/flow/definition.h"
#include "orchestration/flow/flow.h"
#include "orchestration/flow/machine.h"

namespace strata::flow {

inline constexpr char kRunKind[] = "flow";
inline constexpr char kDeliveryKind[] = "flow_delivery";
inline constexpr char kScheduleKind[] = "flow_schedule";

struct Flows::Core {
  store::Store& store;
  durable::Journal& journal;
  registry::Registry& registry;
  const Clock& clock;
  Options options;

  std::mutex mutex;   // guards what follows
  std::map<std::pair<std::string, int>, DefinitionPtr> definitions;   // versions never change
  std::vector<Subscription> subscriptions;                            // without secrets; all there are
  bool subscriptions_known = false;

  // kNotFound where there is no such version. 0: live, else the newest; `version` gets its number.
  Result<DefinitionPtr> definition(const Context& context, const std::string& name, int* version);
  Result<DefinitionPtr> definition(const std::string& name, int version);
  // kNotFound where there is no such flow; "" stands for all of them.
  Status known(const Context& context, const std::string& name);

  Result<Run> start_in(store::Transaction& transaction, const Principal& principal, const DefinitionPtr& flow, int version, const Json& input,
                       const std::string& key, const std::string& trigger);
  // Queues a delivery for each subscriber to this event, in the transaction that makes it true.
  Status announce(store::Transaction& transaction, const std::string& event, const std::string& run_id, const Json& data);
  Result<Json> deliver(durable::Run& job);
  Result<Json> keep_schedule(durable::Run& job);
  Result<int64_t> run_schedule(durable::Run& job);
  Status wake_schedules();
  Status load_subscriptions(const Context& context);
};

// rows.cc
Status insert_run(store::Transaction& transaction, const Run& run, int64_t now_ms);
Result<std::optional<Run>> find_run(store::Reader& reader, const std::string& id);            // without job
Result<std::vector<Run>> list_runs(store::Reader& reader, const std::string& flow, int version, int limit, const std::string& after);
Status forget_runs(store::Transaction& transaction, const std::vector<std::string>& ids);      // with their approvals
Status insert_approval(store::Transaction& transaction, const Approval& approval);
Status move_approval(store::Transaction& transaction, const Approval& approval);              // its who, deadline, escalated, state, decision
Status close_approvals(store::Transaction& transaction, const std::string& run_id, const std::string& step);  // pending ones; step "": all
Result<std::vector<Approval>> find_approvals(store::Reader& reader, const std::string& id, const std::string& state, const std::string& run_id, int limit);

// The worker of a run: see engine.cc.
Result<Json> walk(Flows::Core& core, durable::Run& job);

// "a1b2…" of run and step: the same for every attempt, and after every crash.
std::string idempotency_key(const std::string& run_id, const std::string& step_path);

// Steps and arrows, for pictures. A step of another flow holds that flow's steps where `entered` names it, by its path in the file.
using Entered = std::map<std::string, DefinitionPtr>;
Json graph_of(const Block& block, const Entered& entered = {}, const std::string& prefix = "");
Json input_schema(const Definition& flow);

}  // namespace strata::flow
