// A world for tests of flows: a scripted model, tools whose effects are counted, and a platform that can crash and come back.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "infra/cache/cache.h"
#include "infra/durable/clock_for_test.h"
#include "infra/store/crash_for_test.h"
#include "orchestration/flow/flow.h"

namespace strata::flow {

class ScriptedModels : public Models {
 public:
  std::function<Result<ModelReply>(const Context&, const ModelCall&)> script = [](const Context&, const ModelCall& call) -> Result<ModelReply> {
    ModelReply reply;
    reply.text = call.choices.empty() ? "reply to: " + call.messages.back().content : call.choices[0];
    reply.model = call.model.empty() ? "small" : call.model;
    reply.finish = "stop";
    reply.prompt_tokens = 10;
    reply.completion_tokens = 5;
    reply.cost = 0.001;
    return reply;
  };
  std::atomic<int> calls{0};
  Result<ModelReply> generate(const Context& context, const ModelCall& call) override {
    ++calls;
    return script(context, call);
  }
  std::string weights = "1";
  std::string version(const Context&, const std::string& model) override { return weights.empty() ? "" : model + "@" + weights; }
};

class ScriptedLibrary : public Library {
 public:
  std::atomic<int> searches{0};
  std::string contents = "1";
  std::string version(const Context&, const std::vector<std::string>&) override { return contents; }
  Result<Json> retrieve(const Context&, const std::string& query, const std::vector<std::string>&, int) override {
    ++searches;
    return Json::array({Json::object({{"text", "about " + query}, {"filename", "a.md"}, {"score", 0.9}})});
  }
  Result<Reply> answer(const Context&, const AnswerCall& call) override {
    return Reply{Json::object({{"text", "answer to " + call.question}, {"confidence", 0.8}}), {}};
  }
};

// Tools "read", "keyed" (honours its key) and "once" (does not); what they do is written down here, outside of any process that crashes.
class World : public Tools {
 public:
  std::mutex mutex;
  std::map<std::string, int> keyed, once;         // effects by key
  std::map<std::string, int> asked;               // calls by tool
  std::map<std::string, std::string> needs;       // tools that want an approval
  std::map<std::string, bool> untrusted;          // what the last call of a tool said of its arguments
  std::string read_version = "1";                 // of the tool "read"
  size_t pad = 0;                                 // bytes of nothing in each result
  std::function<Status(const Call&, bool before)> trouble = [](const Call&, bool) { return Status(); };

  Result<Info> describe(const Context&, const std::string& name) override {
    if (name == "read") return Info{.effect = Effect::kReads, .risk = "low", .untrusted = false, .version = read_version};
    if (name == "keyed") return Info{Effect::kKeyed, "high"};
    if (name == "once") return Info{Effect::kOnce, "high"};
    return not_found("no tool '" + name + "'");
  }
  Result<Reply> call(const Context& context, const Call& call) override {
    TRY(context.check());
    std::lock_guard lock(mutex);
    if (needs.count(call.name) && call.approval_id.empty()) return Error{Code::kFailedPrecondition, "it sends something out", "", kNeedsApproval};
    ++asked[call.name];
    untrusted[call.name] = call.untrusted;
    TRY(trouble(call, true));
    if (call.name == "keyed") keyed.emplace(call.key, 1);   // the same key again changes nothing
    if (call.name == "once") ++once[call.key];
    TRY(trouble(call, false));
    Json result = Json::object({{"did", call.name}, {"with", call.arguments}});
    if (pad > 0) result.set("pad", std::string(pad, 'x'));
    return Reply{std::move(result), 0.01};
  }
  Status settled(const Context&, const std::string&, const std::string&, bool, const Json&) override { return {}; }
};

class Platform;
// What other rooms add: called at each opening. And a clock that the test moves, instead of the machine's.
struct PlatformMore {
  std::vector<store::Migration> migrations = {};
  std::function<void(Platform&, Options&)> adjust = {};
  durable::SharedClock* clock = nullptr;
};

class Platform {
 public:
  explicit Platform(std::string disk = "", PlatformMore more = {})
      : disk_(std::move(disk)), folder_((std::filesystem::temp_directory_path() / make_id("flow-test")).string()), more_(std::move(more)) {
    open();
  }
  ~Platform() {
    close();
    std::filesystem::remove_all(folder_);
  }
  // False where the disk has crashed meanwhile.
  bool open(int threads = 4) {
    std::vector<store::Migration> all;
    for (auto& part : {durable::Journal::migrations(), registry::migrations(), migrations(), more_.migrations}) all.insert(all.end(), part.begin(), part.end());
    auto store = store::Store::open(folder_, all, disk_);
    if (!store) return false;
    store_ = std::move(*store);
    const Clock& clock = more_.clock ? static_cast<const Clock&>(*more_.clock) : system_clock();
    // A short lease makes a short heartbeat, which looks at the moved clock often.
    journal_ = std::move(*durable::Journal::open(*store_, clock, durable::Options{.workers = 1, .lease_ms = more_.clock ? 30 : 15'000}));
    registry_ = std::make_unique<registry::Registry>(*store_, clock);
    Options options;
    options.threads = threads;
    cache_ = std::move(*cache::Cache::open(folder_ + "/cache.db", clock));
    options.effects = {&models, &library, &world};
    options.effects.cache = cache_.get();
    options.secrets.set = [this](const Context&, const std::string& name, const std::string& value) { return secrets[name] = value, Status(); };
    options.secrets.get = [this](const Context&, const std::string& name) -> Result<std::string> {
      return secrets.count(name) ? Result<std::string>(secrets[name]) : not_found(name);
    };
    options.secrets.remove = [this](const Context&, const std::string& name) { return secrets.erase(name), Status(); };
    options.deliver = [this](const Context&, const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body) {
      return deliver(url, headers, body);
    };
    if (more_.adjust) more_.adjust(*this, options);
    flows_ = std::make_unique<Flows>(*store_, *journal_, *registry_, clock, std::move(options));
    flows_->register_jobs();
    journal_->start();
    return true;
  }
  void close() {
    if (journal_) journal_->stop();
    flows_.reset();
    registry_.reset();
    cache_.reset();
    journal_.reset();
    store_.reset();
  }
  Flows& flows() { return *flows_; }
  durable::Journal& journal() { return *journal_; }
  cache::Cache& cache() { return *cache_; }
  store::Store& store() { return *store_; }
  registry::Registry& registry() { return *registry_; }
  // Each version on top of the one before.
  Result<Flow> put(const std::string& name, const std::string& text) { return flows().put(context, name, text, versions_[name]++, "test"); }
  Result<Run> start(const std::string& name, Json input = {}) {
    return flows().start(context, {.flow = name, .version = 0, .input = std::move(input), .key = ""});
  }
  RunView finished(const std::string& id) {
    (void)journal().wait(context, id);
    return *flows().view(context, id);
  }
  // Waits until the run is parked, or over.
  RunView parked(const std::string& id) {
    for (;;) {
      auto run = flows().run(context, id);
      if (run && run->job.state != durable::State::kQueued && run->job.state != durable::State::kRunning) return *flows().view(context, id);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  // The same while time passes, so much at once.
  RunView finished(const std::string& id, int64_t step_ms) {
    for (;;) {
      auto run = flows().run(context, id);
      if (run && durable::finished(run->job.state)) return *flows().view(context, id);
      more_.clock->advance_ms(step_ms);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  std::vector<Approval> pending() {
    auto all = flows().approvals(context, "pending", "", 100);
    return all ? *all : std::vector<Approval>();
  }

  Context context = Context::background();
  ScriptedModels models;
  ScriptedLibrary library;
  World world;
  std::map<std::string, std::string> secrets;
  std::function<Status(const std::string&, const std::vector<std::pair<std::string, std::string>>&, const std::string&)> deliver = [](auto&, auto&, auto&) {
    return Status();
  };

 private:
  const std::string disk_, folder_;
  const PlatformMore more_;
  std::map<std::string, int> versions_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<durable::Journal> journal_;
  std::unique_ptr<cache::Cache> cache_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<Flows> flows_;
};

}  // namespace strata::flow
