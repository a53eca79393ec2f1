// Our side of bench/flow. argv: a folder to make, chains, waiting flows. Prints {"name", "value"} lines.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "orchestration/flow/flow.h"

namespace strata {
namespace {

constexpr int kSteps = 200, kAtOnce = 16;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void print(const char* name, double value) { std::printf("%s\n", Json::object({{"name", name}, {"value", value}}).dump().c_str()); }

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * 4096 / (1 << 20);
}

std::string chain() {
  std::string text = "flow: chain\nstate: {n: {type: integer, default: 0}}\nsteps:\n";
  for (int i = 0; i < kSteps; ++i) text += "  - {id: s" + std::to_string(i) + ", kind: set, values: {n: \"{{ state.n + 1 }}\"}}\n";
  return text + "  - {id: r, kind: respond, result: \"{{ state.n }}\"}\n";
}

struct Bench {
  Context context = Context::background();
  std::mutex mutex;
  std::condition_variable changed;
  int64_t ended = 0;   // guarded by mutex: runs
  std::unique_ptr<store::Store> store;
  std::unique_ptr<durable::Journal> journal;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<flow::Flows> flows;

  Status open(const std::string& folder) {
    std::vector<store::Migration> all;
    for (auto& part : {durable::Journal::migrations(), registry::migrations(), flow::migrations()}) all.insert(all.end(), part.begin(), part.end());
    TRY_ASSIGN(store, store::Store::open(folder, all));
    TRY_ASSIGN(journal, durable::Journal::open(*store, system_clock(), 1));
    registry = std::make_unique<registry::Registry>(*store, system_clock());
    flows = std::make_unique<flow::Flows>(*store, *journal, *registry, system_clock(),
                                          flow::Options{.threads = kAtOnce, .effects = {}, .secrets = {}, .deliver = {}});
    flows->register_jobs();
    journal->on_change([this](const durable::Job& job) {
      if (!durable::finished(job.state)) return;
      const std::lock_guard lock(mutex);
      ++ended;
      changed.notify_one();
    });
    journal->start();
    TRY(flows->put(context, "chain", chain(), 0, ""));
    return {};
  }
  ~Bench() {
    if (journal) journal->stop();
  }

  // Without asking for each again and again: that would be work that no user's flows have.
  void wait_for(int64_t runs) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ended >= runs; });
  }
  Status check_all(const std::vector<std::string>& ids, const Json& expected) {
    for (auto& id : ids) {
      TRY_ASSIGN(auto job, journal->get(context, id));
      if (job.result != expected) return internal_error("run " + id + " gave " + job.result.dump() + ": " + job.error);
    }
    return {};
  }

  Status steps(int chains) {
    std::vector<std::string> ids;
    double begin = now_s();
    for (int i = 0; i < chains; ++i) {
      TRY_ASSIGN(auto run, flows->start(context, {.flow = "chain", .version = 0, .input = {}, .key = ""}));
      ids.push_back(run.id);
    }
    wait_for(chains);
    print("steps_per_s", static_cast<double>(chains) * kSteps / (now_s() - begin));
    return check_all(ids, Json(kSteps));
  }

  // All wait for the same moment, half a second for each thousand from now, so that all are parked before it comes.
  Status waiting(int count) {
    int64_t at = system_clock().unix_ms() + 10'000 + count * 3LL;
    TRY(flows->put(context, "sleep",
                   "flow: sleep\nsteps:\n  - {id: w, kind: wait, until: " + std::to_string(at / 1000) + "}\n  - {id: r, kind: respond, result: awake}\n", 0,
                   ""));
    at = at / 1000 * 1000;
    std::vector<std::string> ids;
    double before = resident_mib();
    const int64_t before_ended = ended;
    for (int i = 0; i < count; ++i) {
      TRY_ASSIGN(auto run, flows->start(context, {.flow = "sleep", .version = 0, .input = {}, .key = ""}));
      ids.push_back(run.id);
    }
    for (auto& id : ids)
      for (;;) {
        TRY_ASSIGN(auto job, journal->get(context, id));
        if (job.state == durable::State::kWaiting) break;
        if (durable::finished(job.state)) return internal_error("the moment came before all were waiting: the machine is too slow for this bench");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    print("waiting", count);
    print("waiting_mib", resident_mib() - before);
    while (system_clock().unix_ms() < at) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    double begin = now_s();
    wait_for(before_ended + count);
    print("wake_s", now_s() - begin);
    return check_all(ids, Json("awake"));
  }
};

int run(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: strata_flow_bench FOLDER CHAINS WAITING\n"), 2;
  Bench bench;
  Status status = bench.open(argv[1]);
  if (status) status = bench.steps(std::atoi(argv[2]));
  if (status) status = bench.waiting(std::atoi(argv[3]));
  if (status) return 0;
  return std::fprintf(stderr, "%s\n", status.error().message.c_str()), 1;
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) { return strata::run(argc, argv); }
