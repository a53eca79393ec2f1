// The promises of flows hold over the real registry of tools: what was cut short, refused, limited or left standing reaches the run as such.
#include "app/flow_effects.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "app/tool_rig_for_test.h"

namespace strata::app {
namespace {

using durable::State;

tool::Description about(const std::string& name, bool changes, bool repeatable) {
  tool::Description out;
  out.name = name;
  out.parameters = Json::parse(R"({"type":"object","properties":{"cents":{"type":"integer"}},"additionalProperties":false})").value();
  out.result = Json::parse(R"({"type":"object","properties":{"paid":{"type":"integer"}},"required":["paid"]})").value();
  out.risk = changes ? tool::Risk::kHigh : tool::Risk::kLow;
  out.changes = changes, out.repeatable = repeatable;
  return out;
}

tool::Answer paid(int cents) { return tool::Answer::of(Json::object({{"paid", cents}})); }

const std::string kPay = "flow: pay\nsteps:\n  - {id: pay, kind: tool, tool: pay, args: {cents: 10}}\n";

class FlowEffects : public testing::Test {
 protected:
  // One tool "pay".
  void use(bool changes, bool repeatable, tool::Run run, tool::Limits limits = {}) {
    rig_ = std::make_unique<ToolRig>([=](tool::Tools& tools) {
      tool::Description pay = about("pay", changes, repeatable);
      pay.limits = limits;
      ASSERT_TRUE(tools.add(tool::make_tool(pay, run)));
    });
  }
  ToolRig& rig() { return *rig_; }

  std::atomic<int> calls_{0};
  std::unique_ptr<ToolRig> rig_;
};

// The first call runs until it is cut short.
tool::Run blocking_once(std::atomic<int>& calls, std::promise<void>& begun) {
  return [&](const Context& context, const tool::Invocation&) -> Result<tool::Answer> {
    if (++calls > 1) return paid(10);
    begun.set_value();
    while (context.check()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return cancelled();
  };
}

TEST_F(FlowEffects, AStopInsideAToolThatMayBeCalledAgainFailsNothingAndTheRunGoesOnAfterwards) {
  for (const bool changes : {false, true}) {
    std::promise<void> begun;
    calls_ = 0;
    use(changes, true, blocking_once(calls_, begun));
    rig().put("pay", kPay);
    const std::string run = rig().start("pay");
    begun.get_future().wait();
    rig().close();
    rig().open();
    EXPECT_EQ(rig().settled(run).run.job.state, State::kSucceeded);
    EXPECT_EQ(rig().count(run, "step_failed"), 0) << "nothing failed";
    EXPECT_EQ(calls_, 2);
  }
}

TEST_F(FlowEffects, ACancelInsideAToolIsNoFailureOfItsStep) {
  std::promise<void> begun;
  use(false, true, blocking_once(calls_, begun));
  rig().put("pay", kPay);
  const std::string run = rig().start("pay");
  begun.get_future().wait();
  ASSERT_TRUE(rig().flows().cancel(rig().context, run, "enough"));
  EXPECT_EQ(rig().settled(run).run.job.state, State::kCancelled);
  EXPECT_EQ(rig().count(run, "step_failed"), 0);
}

TEST_F(FlowEffects, AnEffectBehindAnAnswerOfNoUseIsSettledByAPersonAndNeverDoneOnceMore) {
  use(true, false, [this](const Context&, const tool::Invocation&) -> Result<tool::Answer> {
    ++calls_;
    return tool::Answer::of(Json("thank you"));
  });
  rig().put("pay",
            "flow: pay\nsteps:\n  - {id: pay, kind: tool, tool: pay, args: {cents: 10}, on_error: again, next: end}\n"
            "  - {id: again, kind: tool, tool: pay, args: {cents: 10}}\n");
  const std::string run = rig().start("pay");
  EXPECT_EQ(rig().settled(run).run.waits_for, "outcome");
  const auto asked = rig().pending(run);
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_TRUE(
      rig().flows().decide(rig().context, asked[0].id, {.decision = "happened", .arguments = Json::object({{"paid", 10}}), .response = "", .reason = "seen"}));
  EXPECT_EQ(rig().settled(run).run.job.state, State::kSucceeded);
  EXPECT_EQ(calls_, 1);
}

TEST_F(FlowEffects, ARunThatARefusalFailedSucceedsWhenItIsRetriedAfterThatIsMended) {
  for (const bool repeatable : {true, false}) {
    std::atomic<bool> mended{false};
    calls_ = 0;
    use(true, repeatable, [&](const Context&, const tool::Invocation&) -> Result<tool::Answer> {
      if (!mended) return tool::Answer::failed("http_409", "the account is locked");
      ++calls_;
      return paid(10);
    });
    rig().put("pay", kPay);
    const std::string run = rig().start("pay");
    ASSERT_EQ(rig().settled(run).run.job.state, State::kFailed);
    mended = true;
    ASSERT_TRUE(rig().flows().retry(rig().context, run, "unlocked"));
    EXPECT_EQ(rig().settled(run).run.job.state, State::kSucceeded);
    EXPECT_EQ(calls_, 1);
  }
}

TEST_F(FlowEffects, AnApprovalFromTheInboxRunsItsCallOnceWhoeverHoldsIt) {
  use(false, true, [this](const Context&, const tool::Invocation&) -> Result<tool::Answer> { return paid(++calls_); });
  rig().put("pay", kPay);
  ASSERT_TRUE(rig().tools().set_policy(rig().context, "pay", {.permission = tool::Permission::kAsk, .roles = {}, .why = "", .who = "", .updated_ms = 0}));
  const std::string run = rig().start("pay");
  ASSERT_EQ(rig().settled(run).run.waits_for, "approval");
  const auto asked = rig().pending(run);
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_TRUE(rig().flows().decide(rig().context, asked[0].id, {.decision = "accept", .arguments = Json(), .response = "", .reason = ""}));
  EXPECT_EQ(rig().settled(run).run.job.state, State::kSucceeded);
  const Json arguments = Json::object({{"cents", 10}});
  for (const bool dry_run : {false, true}) {
    for (const std::string& key : {asked[0].key, std::string("another"), std::string()}) {
      const tool::CallOptions options{.untrusted = false, .dry_run = dry_run, .approval_id = asked[0].id};
      const auto again = rig().tools().call(rig().context, "pay", arguments, key, options);
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->repeated || again->state == tool::State::kRefused);
    }
  }
  EXPECT_EQ(calls_, 1);
}

TEST_F(FlowEffects, CallsPastAToolsLimitsWaitForTheirTurnAndFailNothing) {
  std::promise<std::string> started;
  const auto id = started.get_future().share();
  // The first call holds its place until the registry has turned another one away.
  use(false, true,
      [this, id](const Context&, const tool::Invocation&) -> Result<tool::Answer> {
        if (++calls_ == 1)
          while (rig().count(id.get(), "step_failed") == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return paid(1);
      },
      {.time_ms = 30'000, .calls_per_minute = 1'000, .at_once = 1});
  rig().put("pay",
            "flow: pay\ninput: {rows: array}\nsteps:\n  - id: all\n    kind: map\n    over: \"{{ input.rows }}\"\n    at_once: 3\n    steps:\n"
            "      - {id: pay, kind: tool, tool: pay, args: {cents: 10}}\n");
  const std::string run = rig().start("pay", Json::object({{"rows", Json::array({1, 2, 3})}}));
  started.set_value(run);
  const auto view = rig().settled(run);
  EXPECT_EQ(view.run.job.state, State::kSucceeded) << view.run.job.error;
  EXPECT_EQ(calls_, 3);
}

}  // namespace
}  // namespace strata::app
