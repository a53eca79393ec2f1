// Kill tests: a run is crashed again and again, at every commit and inside tools, on a disk that forgets what was not synced. Whatever
// happened, it ends with the same state; effects are neither lost nor doubled.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "orchestration/flow/world_for_test.h"

namespace strata::flow {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSeeds = 30;
#else
constexpr int kSeeds = 300;
#endif
constexpr int kCrashesMost = 4;

// STRATA_CRASH_SEEDS=FIRST-LAST runs others, to look into one.
std::pair<int, int> seeds() {
  int first = 1, last = kSeeds;
  if (const char* given = std::getenv("STRATA_CRASH_SEEDS")) std::sscanf(given, "%d-%d", &first, &last);
  return {first, last};
}

constexpr char kFlow[] = R"(flow: order
input: {goods: array}
state:
  kind: string
  sent: array
  total: {type: integer, default: 0}
steps:
  - {id: classify, kind: model, prompt: "{{ input.goods }}", choices: [books, toys], save: kind}
  - {id: reserve, kind: tool, tool: keyed, args: {kind: "{{ state.kind }}"}}
  - id: send
    kind: map
    over: "{{ input.goods }}"
    as: item
    at_once: 2
    steps:
      - {id: pack, kind: tool, tool: keyed, args: {item: "{{ item }}"}}
      - {id: post, kind: tool, tool: once, args: {item: "{{ item }}"}}
    result: "{{ item }}"
    save: sent
  - {id: add, kind: set, values: {total: "{{ state.total + 1 }}"}}
  - {id: again, kind: condition, cases: [{when: "state.total < 3", next: add}]}
  - {id: pause, kind: wait, for_s: 0.01}
  - {id: pay, kind: approval, message: Pay?, tool: once, args: {sum: "{{ state.total }}"}}
  - {id: done, kind: respond, result: {kind: "{{ state.kind }}", sent: "{{ state.sent }}", total: "{{ state.total }}", paid: "{{ steps.pay.result.with.sum }}", by: "{{ steps.pay.decision }}"}}
)";
constexpr char kExpected[] = R"({"kind":"books","sent":["a","b","c"],"total":3,"paid":3,"by":"accept"})";

// A person who says yes, and who looks up what became of an effect before answering.
void decide(Platform& platform) {
  for (auto& one : platform.pending()) {
    Decision decision{.decision = "accept", .arguments = {}, .response = "", .reason = "seen"};
    if (one.kind == "outcome") {
      std::lock_guard lock(platform.world.mutex);
      bool happened = platform.world.once.count(one.key) > 0;
      decision.decision = happened ? "happened" : "not_happened";
      if (happened) decision.arguments = Json::object({{"did", "once"}, {"with", one.arguments}});
    }
    (void)platform.flows().decide(platform.context, one.id, decision);
  }
}

class Crashing {
 public:
  explicit Crashing(uint64_t seed) : random_(seed), platform_(disk_.name()) {
    platform_.world.trouble = [this](const Tools::Call&, bool before) -> Status {
      if (disk_.crashed()) return unavailable("this process is no more");
      if (before ? crash_before_ == 0 : crash_after_ == 0) disk_.crash();
      if (before) --crash_before_;
      else --crash_after_;
      if (before && disk_.crashed()) return unavailable("this process is no more");
      return {};
    };
  }

  void run() {
    ASSERT_TRUE(platform_.put("order", kFlow));
    std::string id;
    for (int crashes = 0;; ++crashes) {
      if (crashes < kCrashesMost) plan();
      if (work(id)) break;
      platform_.close();
      disk_.forget(random_.next(), random_.uniform());
      calm();
      ASSERT_TRUE(platform_.open());
    }
    check(id);
  }

 private:
  // One of: at a commit; before an effect; after an effect and before it is recorded.
  void plan() {
    switch (random_.below(3)) {
      case 0: disk_.crash_after(static_cast<int64_t>(1 + random_.below(40))); break;
      case 1: crash_before_ = static_cast<int>(random_.below(6)); break;
      default: crash_after_ = static_cast<int>(random_.below(6));
    }
  }
  void calm() {
    std::lock_guard lock(platform_.world.mutex);
    crash_before_ = crash_after_ = -1;
  }
  // False where it crashed.
  bool work(std::string& id) {
    // A start that was not acknowledged is asked for again with its key: it is the same run.
    auto run = platform_.flows().start(platform_.context,
                                       {.flow = "order", .version = 0, .input = Json::object({{"goods", Json::array({"a", "b", "c"})}}), .key = "one"});
    if (run) {
      EXPECT_TRUE(id.empty() || id == run->id) << "an acknowledged run was lost";
      id = run->id;
    }
    while (!disk_.crashed()) {
      decide(platform_);
      auto now = run ? platform_.flows().run(platform_.context, run->id) : Result<Run>(run.error());
      if (now && durable::finished(now->job.state)) return !disk_.crashed();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  void check(const std::string& id) {
    auto view = platform_.flows().view(platform_.context, id);
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_EQ(view->run.job.result.dump(), kExpected) << view->run.job.error;
    EXPECT_EQ(platform_.world.keyed.size(), 4u);
    EXPECT_EQ(platform_.world.once.size(), 4u);
    for (auto& [key, times] : platform_.world.once) EXPECT_EQ(times, 1) << "an effect was doubled";
    EXPECT_EQ(platform_.flows().runs(platform_.context, "", 100, "")->size(), 1u);
    EXPECT_TRUE(platform_.pending().empty());
  }

  Random random_;
  store::CrashDisk disk_;
  std::atomic<int> crash_before_{-1}, crash_after_{-1};
  Platform platform_;   // goes before its disk
};

TEST(CrashTest, EveryRunEndsWithTheSameStateAndNoEffectIsLostOrDoubled) {
  auto [first, last] = seeds();
  for (int seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Crashing(static_cast<uint64_t>(seed)).run();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace strata::flow
