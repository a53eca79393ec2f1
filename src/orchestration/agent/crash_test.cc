// An agent is killed again and again, at commits and around its tools: it ends with the same answer, nothing is asked of the model twice that
// was recorded, and effects are neither lost nor doubled.
#include <gtest/gtest.h>

#include "base/random.h"
#include "orchestration/agent/world_for_test.h"

namespace strata::agent {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSeeds = 10;
#else
constexpr int kSeeds = 60;
#endif
constexpr int kCrashesMost = 3;

constexpr char kAgent[] = "agent: a\ngoal: g\ntools: [look, pay, send]\npolicy:\n  escalate_when:\n    - {tool: send}\n";

// Decides by what it has seen, so that the same transcript always leads to the same decision.
Json model(const flow::ModelCall& call) {
  auto seen = [&](const char* text) {
    for (auto& message : call.messages)
      if (message.role == "user" && message.content.find(text) != std::string::npos) return true;
    return false;
  };
  auto q = [](const char* text) { return Json::object({{"q", text}}); };
  if (!seen("fact about")) return decide("look", q("account"));
  if (!seen("\"paid\"")) return decide("pay", q("80"));
  if (!seen("\"sent\"")) return decide("send", q("letter"));
  return answer("looked, paid, sent");
}

class Crashing {
 public:
  explicit Crashing(uint64_t seed) : random_(seed), house_(disk_.name()) {
    house_.script = model;
    auto trouble = [this](std::atomic<int>& count) -> Status {
      if (disk_.crashed()) return unavailable("this process is no more");
      if (count-- == 0) {
        disk_.crash();
        return unavailable("this process is no more");
      }
      return {};
    };
    house_.box.before = [this, trouble](const flow::Tools::Call&) { return trouble(before_); };
    house_.box.after = [this, trouble](const flow::Tools::Call&) { return trouble(after_); };
  }

  void run() {
    house_.put("a", kAgent);
    std::string id;
    for (int crashes = 0;; ++crashes) {
      if (crashes < kCrashesMost) plan();
      if (work(id)) break;
      house_.platform.close();
      disk_.forget(random_.next(), random_.uniform());
      before_ = after_ = -1;
      ASSERT_TRUE(house_.platform.open());
    }
    auto view = house_.platform.flows().view(house_.platform.context, id);
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_EQ(view->run.job.result["answer"], Json("looked, paid, sent")) << view->run.job.error;
    EXPECT_EQ(view->run.job.result["spent"]["steps"], Json(7));
    for (auto name : {"pay", "send"}) {
      EXPECT_EQ(house_.box.effects[name].size(), 1u) << name << ": lost, or done under two keys";
      if (name == std::string("send")) {
        for (auto& [key, times] : house_.box.effects[name]) EXPECT_EQ(times, 1) << "an effect was doubled";
      }
    }
    EXPECT_EQ(house_.platform.flows().runs(house_.platform.context, "", 100, "")->size(), 1u);
    EXPECT_TRUE(house_.platform.pending().empty());
  }

 private:
  void plan() {
    switch (random_.below(3)) {
      case 0: disk_.crash_after(static_cast<int64_t>(1 + random_.below(25))); break;
      case 1: before_ = static_cast<int>(random_.below(3)); break;
      default: after_ = static_cast<int>(random_.below(3));
    }
  }
  void decide_all() {
    for (auto& one : house_.platform.pending()) {
      flow::Decision decision{.decision = "accept", .arguments = {}, .response = "", .reason = "seen"};
      if (one.kind == "outcome") {
        std::lock_guard lock(house_.box.mutex);
        bool happened = house_.box.effects[one.tool].count(one.key) > 0;
        decision.decision = happened ? "happened" : "not_happened";
        if (happened) decision.arguments = Json::object({{"sent", true}});
      }
      (void)house_.platform.flows().decide(house_.platform.context, one.id, decision);
    }
  }
  bool work(std::string& id) {
    auto run =
        house_.platform.flows().start(house_.platform.context, {.flow = flow_name("a"), .version = 0, .input = Json::object({{"task", "t"}}), .key = "one"});
    if (run) {
      EXPECT_TRUE(id.empty() || id == run->id) << "an acknowledged run was lost";
      id = run->id;
    }
    while (!disk_.crashed()) {
      decide_all();
      auto now = run ? house_.platform.flows().run(house_.platform.context, run->id) : Result<flow::Run>(run.error());
      if (now && durable::finished(now->job.state)) return !disk_.crashed();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  Random random_;
  store::CrashDisk disk_;
  std::atomic<int> before_{-1}, after_{-1};
  House house_;   // goes before its disk
};

TEST(AgentCrashTest, EveryRunEndsWithTheSameAnswerAndNoEffectIsLostOrDoubled) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Crashing(static_cast<uint64_t>(seed)).run();
    if (::testing::Test::HasFailure()) return;
  }
}

// Two houses over one log: the second process knows from the log what the first one was told.
TEST(AgentCrashTest, WhatTheModelSaidBeforeAKillIsNotAskedForAgain) {
  House house;
  house.put("a", kAgent);
  house.script = model;
  const std::string id = house.start("a", "t");
  EXPECT_EQ(house.platform.parked(id).run.waits_for, "approval");
  EXPECT_EQ(house.platform.models.calls, 3);
  house.platform.close();
  ASSERT_TRUE(house.platform.open());
  auto asked = house.platform.pending();
  ASSERT_TRUE(house.platform.flows().decide(house.platform.context, asked.at(0).id, {.decision = "accept", .arguments = {}, .response = "", .reason = ""}));
  EXPECT_EQ(house.platform.finished(id).run.job.result["outcome"], Json("done"));
  EXPECT_EQ(house.platform.models.calls, 4);
}

}  // namespace
}  // namespace strata::agent
