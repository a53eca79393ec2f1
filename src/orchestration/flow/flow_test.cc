#include "orchestration/flow/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestration/flow/world_for_test.h"

namespace strata::flow {
namespace {

using durable::State;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> kinds(Platform& platform, const std::string& run) {
  std::vector<std::string> all;
  auto events = platform.flows().events(platform.context, run, 0, 1000);
  for (auto& event : *events) all.push_back(event.kind + (event.name.empty() ? "" : ":" + event.name));
  return all;
}

std::string check_error(const std::string& text) {
  auto parsed = check(text);
  return parsed ? "ok" : parsed.error().message;
}

TEST(FlowFileTest, AMistakeIsToldWithLinePathAndTheNearestName) {
  EXPECT_EQ(check_error("flow: a\nsteps:\n  - {id: x, kind: modle, prompt: hi}\n"),
            "line 3: steps[0].kind: there is no kind of step 'modle': did you mean 'model'?");
  EXPECT_EQ(check_error("flow: a\nsteps:\n  - id: x\n    kind: model\n    promt: hi\n"),
            "line 5: steps[0].promt: there is no 'promt' here: did you mean 'prompt'?");
  EXPECT_EQ(check_error("flow: a\nstate: {category: string}\nsteps:\n  - {id: x, kind: model, prompt: hi, save: categry}\n"),
            "line 4: steps[0].save: the state has no field 'categry': did you mean 'category'?");
  EXPECT_EQ(check_error("flow: a\nsteps:\n  - {id: x, kind: set, value: 1, next: therr}\n  - {id: there, kind: set, value: 1}\n"),
            "line 3: steps[0].next: there is no step 'therr' in this block: did you mean 'there'?");
  EXPECT_THAT(check_error("flow: a\nsteps:\n  - id: m\n    kind: map\n    over: '{{ input.x }}'\n    steps:\n      - {id: y, kind: tool}\n"),
              HasSubstr("steps[0].steps[0]: 'tool' is missing"));
  EXPECT_THAT(check_error("flow: a\nsteps:\n  - {id: x, kind: set, value: '{{ input.x '}\n"), HasSubstr("steps[0].value"));
  EXPECT_THAT(check_error("flow: a\nsteps:\n  - {id: x, kind: set, value: 1}\n  - {id: x, kind: set, value: 1}\n"), HasSubstr("another step 'x'"));
}

TEST(FlowFileTest, JsonIsTheSameForm) { EXPECT_EQ(check_error(R"({"flow": "a", "steps": [{"id": "x", "kind": "respond", "result": "{{ input }}"}]})"), "ok"); }

TEST(FlowFileTest, ShippedTemplatesAreRightAndTheFirstTwoAreTheChainsOfO01) {
  auto& all = shipped_templates();
  ASSERT_GE(all.size(), 2u);
  EXPECT_EQ(all[0].title, "classify -> retrieve -> call LLM -> post-process -> save -> respond");
  EXPECT_EQ(all[1].title, "Classify -> retrieve docs -> call LLM -> summarize -> format JSON");
  for (auto& one : all) EXPECT_EQ(check_error(one.text), "ok") << one.name;
}

TEST(FlowTest, TheShippedChainsRunStepByStep) {
  Platform platform;
  for (auto& one : {shipped_templates()[0], shipped_templates()[1]}) {
    ASSERT_TRUE(platform.put(one.name, one.text));
    auto run = platform.start(one.name, Json::object({{"question", "How many days?"}, {"bases", Json::array({"vs_1"})}}));
    ASSERT_TRUE(run) << run.error().message;
    auto view = platform.finished(run->id);
    EXPECT_EQ(view.run.job.state, State::kSucceeded) << view.run.job.error;
    EXPECT_TRUE(view.run.job.result.is_object()) << view.run.job.result.dump();
    EXPECT_EQ(*view.run.job.result["sources"].as_array(), Json::Array{"a.md"});
  }
  auto runs = platform.flows().runs(platform.context, "classify-answer-save", 10, "");
  EXPECT_THAT(kinds(platform, runs->at(0).id),
              ElementsAre("run_started", "step_finished:classify", "step_finished:retrieve", "step_finished:call_llm", "step_finished:post_process",
                          "recorded:save", "step_finished:save", "step_finished:respond", "run_finished"));
}

TEST(FlowTest, AnInputIsCheckedByNameAndType) {
  Platform platform;
  ASSERT_TRUE(platform.put("a", "flow: a\ninput: {n: {type: integer, required: true}}\nsteps:\n  - {id: x, kind: respond, result: '{{ input.n + 1 }}'}\n"));
  EXPECT_THAT(platform.start("a", Json::object({{"n", "x"}})).error().message, HasSubstr("input.n: expected integer, got string"));
  EXPECT_THAT(platform.start("a", Json::object({{"m", 1}})).error().message, HasSubstr("no such input"));
  EXPECT_THAT(platform.start("a").error().message, HasSubstr("input.n: is missing"));
  auto run = platform.start("a", Json::object({{"n", 4}}));
  EXPECT_EQ(platform.finished(run->id).run.job.result, Json(5));   // an expression keeps its type
}

TEST(FlowTest, ARunKeepsTheVersionThatItBeganWith) {
  Platform platform;
  ASSERT_TRUE(platform.put("a", "flow: a\nsteps:\n  - {id: w, kind: wait, signal: go}\n  - {id: x, kind: respond, result: one}\n"));
  auto old = platform.start("a");
  platform.parked(old->id);
  ASSERT_TRUE(platform.put("a", "flow: a\nsteps:\n  - {id: x, kind: respond, result: two}\n"));
  auto fresh = platform.start("a");
  EXPECT_EQ(platform.finished(fresh->id).run.job.result, Json("two"));
  ASSERT_TRUE(platform.flows().signal(platform.context, old->id, "go", Json()));
  EXPECT_EQ(platform.finished(old->id).run.job.result, Json("one"));
}

TEST(FlowTest, ARouteIsADecisionWithItsReasonAndIsFound) {
  Platform platform;
  ASSERT_TRUE(platform.put("a", R"(flow: a
input: {amount: integer}
steps:
  - id: risk
    kind: condition
    cases: [{when: "input.amount > 100", next: high, reason: "{{ input.amount }} dollars are at stake"}]
    else: low
  - {id: low, kind: respond, result: low}
  - {id: high, kind: respond, result: high}
)"));
  auto run = platform.start("a", Json::object({{"amount", 500}}));
  EXPECT_EQ(platform.finished(run->id).run.job.result, Json("high"));
  durable::Journal::Search search{.kind = "routed", .job_id = "", .text = "AT STAKE"};
  auto found = platform.flows().search(platform.context, search, 10);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->at(0).job_id, run->id);
  EXPECT_EQ(found->at(0).event.data["reason"], Json("500 dollars are at stake"));
}

TEST(FlowTest, MapAndBranchesRunAtTheSameTimeAndKeepTheirOrder) {
  Platform platform;
  std::atomic<int> now{0}, most{0};
  platform.models.script = [&](const Context&, const ModelCall& call) -> Result<ModelReply> {
    int at = ++now;
    for (int seen = most; at > seen && !most.compare_exchange_weak(seen, at);) {}
    // Two calls meet: each waits until another is there, or has been.
    while (most < 2) std::this_thread::yield();
    --now;
    ModelReply reply;
    reply.text = call.messages.back().content;
    reply.model = "small";
    return reply;
  };
  ASSERT_TRUE(platform.put("a", R"(flow: a
steps:
  - id: m
    kind: map
    over: [a, b, c]
    as: letter
    steps:
      - {id: say, kind: model, prompt: "{{ letter }}{{ index }}"}
  - id: p
    kind: parallel
    branches:
      left: [{id: x, kind: set, value: 1}]
      right: [{id: x, kind: set, value: "{{ steps.m | length }}"}]
  - {id: end_it, kind: respond, result: {m: "{{ steps.m }}", p: "{{ steps.p }}"}}
)"));
  auto view = platform.finished(platform.start("a")->id);
  EXPECT_EQ(view.run.job.result.dump(), R"({"m":["a0","b1","c2"],"p":{"left":1,"right":3}})") << view.run.job.error;
  EXPECT_GE(most, 2);
}

TEST(FlowTest, ALoopComesByAgainAndEndsAtItsLimit) {
  Platform platform;
  ASSERT_TRUE(platform.put("count", R"(flow: count
state: {n: {type: integer, default: 0}}
steps:
  - {id: add, kind: set, values: {n: "{{ state.n + 1 }}"}}
  - {id: again, kind: condition, cases: [{when: "state.n < 3", next: add}]}
  - {id: done, kind: respond, result: "{{ state.n }}"}
)"));
  auto view = platform.finished(platform.start("count")->id);
  EXPECT_EQ(view.run.job.result, Json(3));
  EXPECT_THAT(kinds(platform, view.run.id), ::testing::Contains("step_finished:add#3"));
  ASSERT_TRUE(platform.put("forever", "flow: forever\nlimits: {steps: 20}\nsteps:\n  - {id: x, kind: set, value: 1, next: x}\n"));
  auto endless = platform.finished(platform.start("forever")->id);
  EXPECT_EQ(endless.run.job.state, State::kFailed);
  EXPECT_THAT(endless.run.job.error, HasSubstr("limit of 20 steps"));
}

TEST(FlowTest, AFailureIsTriedAgainWithinItsAttemptsAndThenHandled) {
  Platform platform;
  std::atomic<int> fails{2};
  platform.models.script = [&](const Context&, const ModelCall&) -> Result<ModelReply> {
    if (fails-- > 0) return unavailable("the model is away");
    ModelReply reply;
    reply.text = "there";
    reply.model = "small";
    return reply;
  };
  ASSERT_TRUE(platform.put(
      "a",
      "flow: a\nsteps:\n  - {id: x, kind: model, prompt: hi, retry: {attempts: 3, backoff_s: 0.01}}\n  - {id: r, kind: respond, result: '{{ steps.x }}'}\n"));
  auto view = platform.finished(platform.start("a")->id);
  EXPECT_EQ(view.run.job.result, Json("there"));
  EXPECT_EQ(platform.models.calls, 3);
  fails = 1;
  ASSERT_TRUE(platform.put("b",
                           "flow: b\nsteps:\n  - {id: x, kind: model, prompt: hi, on_error: sorry}\n  - {id: r, kind: respond, result: yes}\n  - {id: sorry, "
                           "kind: respond, result: '{{ steps.x.error }}'}\n"));
  EXPECT_EQ(platform.finished(platform.start("b")->id).run.job.result, Json("the model is away"));
  fails = 1;
  ASSERT_TRUE(platform.put("c", "flow: c\nsteps:\n  - {id: x, kind: model, prompt: hi}\n"));
  auto failed = platform.finished(platform.start("c")->id);
  EXPECT_EQ(failed.run.job.state, State::kFailed);
  EXPECT_EQ(failed.run.job.error, "x: the model is away");
  ASSERT_TRUE(platform.flows().retry(platform.context, failed.run.id, "it is back"));
  EXPECT_EQ(platform.finished(failed.run.id).run.job.result, Json("there"));
}

TEST(FlowTest, TheSmallModelGoesFirstAndTheBigOneIsAskedForAReason) {
  Platform platform;
  platform.models.script = [](const Context&, const ModelCall& call) -> Result<ModelReply> {
    ModelReply reply;
    reply.model = call.model.empty() ? "small" : call.model;
    reply.text = call.model == "big" ? "a proper answer" : "?";
    return reply;
  };
  ASSERT_TRUE(platform.put("a", R"(flow: a
steps:
  - {id: x, kind: model, prompt: hi, escalate: {model: big, when: "(output | length) < 5", reason: too short}}
  - {id: r, kind: respond, result: "{{ steps.x }}"}
)"));
  auto view = platform.finished(platform.start("a")->id);
  EXPECT_EQ(view.run.job.result, Json("a proper answer")) << view.run.job.error;
  auto found = platform.flows().search(platform.context, {.kind = "escalated_model", .job_id = view.run.id, .text = ""}, 10);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->at(0).event.data["reason"], Json("too short"));
}

constexpr char kApproval[] = R"(flow: pay
input: {amount: integer}
steps:
  - {id: ask, kind: approval, message: "Pay {{ input.amount }}?", tool: once, args: {amount: "{{ input.amount }}"}, who: [boss]}
  - {id: r, kind: respond, result: "{{ steps.ask }}"}
)";

TEST(ApprovalTest, TheActionRunsAfterTheDecisionWithTheArgumentsThatThePersonSaw) {
  Platform platform;
  ASSERT_TRUE(platform.put("pay", kApproval));
  auto run = platform.start("pay", Json::object({{"amount", 7}}));
  EXPECT_EQ(platform.parked(run->id).run.waits_for, "approval");
  EXPECT_EQ(platform.world.asked["once"], 0);
  platform.close();
  platform.open();   // pending across a restart
  auto pending = platform.pending();
  ASSERT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending[0].message, "Pay 7?");
  ASSERT_TRUE(platform.flows().decide(platform.context, pending[0].id, {.decision = "accept", .arguments = {}, .response = "", .reason = "fine"}));
  auto view = platform.finished(run->id);
  EXPECT_EQ(view.run.job.result["result"].dump(), R"({"did":"once","with":{"amount":7}})") << view.run.job.error;
  EXPECT_EQ(platform.world.once.size(), 1u);
  auto again = platform.flows().decide(platform.context, pending[0].id, {.decision = "accept", .arguments = {}, .response = "", .reason = ""});
  EXPECT_EQ(again.error().code, Code::kFailedPrecondition);
}

TEST(ApprovalTest, EditSendsTheNewArgumentsRespondAndIgnoreSendNone) {
  Platform platform;
  ASSERT_TRUE(platform.put("pay", kApproval));
  auto decide = [&](Decision decision) {
    auto run = platform.start("pay", Json::object({{"amount", 7}}));
    platform.parked(run->id);
    auto pending = platform.pending();
    EXPECT_TRUE(platform.flows().decide(platform.context, pending.at(0).id, decision));
    return platform.finished(run->id).run.job.result;
  };
  auto edited = decide({.decision = "edit", .arguments = Json::object({{"amount", 3}}), .response = "", .reason = ""});
  EXPECT_EQ(edited["result"]["with"]["amount"], Json(3));
  auto told = decide({.decision = "respond", .arguments = {}, .response = "ask me tomorrow", .reason = ""});
  EXPECT_EQ(told["response"], Json("ask me tomorrow"));
  EXPECT_EQ(decide({.decision = "ignore", .arguments = {}, .response = "", .reason = ""})["decision"], Json("ignore"));
  EXPECT_EQ(platform.world.asked["once"], 1);
}

TEST(ApprovalTest, OnlyWhoWasAskedDecides) {
  Platform platform;
  ASSERT_TRUE(platform.put("pay", kApproval));
  platform.parked(platform.start("pay", Json::object({{"amount", 7}}))->id);
  Principal clerk{.tenant = "local", .user = "clerk", .key_id = "", .roles = {"staff"}};
  auto context = Context::make(system_clock(), clerk, "r", std::make_shared<CancelFlag>());
  auto denied = platform.flows().decide(context, platform.pending().at(0).id, {.decision = "accept", .arguments = {}, .response = "", .reason = ""});
  EXPECT_EQ(denied.error().code, Code::kPermissionDenied);
}

TEST(ApprovalTest, NobodyInTimeEscalatesAndThenIgnores) {
  durable::SharedClock clock;
  Platform platform("", {.clock = &clock});
  ASSERT_TRUE(platform.put("a", R"(flow: a
input: {team: string}
steps:
  - {id: ask, kind: approval, message: "?", who: [clerk], deadline_s: 3600, escalate_to: ["boss of {{ input.team }}"], on_deadline: ignore}
  - {id: r, kind: respond, result: "{{ steps.ask.decision }} by {{ steps.ask.by }}"}
)"));
  auto run = platform.start("a", Json::object({{"team", "sales"}}));
  platform.parked(run->id);
  clock.advance_ms(3'600'000);
  while (platform.pending().empty() || !platform.pending()[0].escalated) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(platform.pending()[0].who.dump(), R"(["boss of sales"])");
  auto view = platform.finished(run->id, 3'600'000);
  EXPECT_EQ(view.run.job.result, Json("ignore by deadline")) << view.run.job.error;
  EXPECT_THAT(kinds(platform, view.run.id), ::testing::Contains("escalated:ask"));
  EXPECT_TRUE(platform.pending().empty());
}

TEST(ApprovalTest, AToolThatWantsAPersonsWordIsAskedForAndThenRuns) {
  Platform platform;
  platform.world.needs["keyed"] = "risk";
  ASSERT_TRUE(
      platform.put("a", "flow: a\nsteps:\n  - {id: x, kind: tool, tool: keyed, args: {to: you}}\n  - {id: r, kind: respond, result: '{{ steps.x.did }}'}\n"));
  auto run = platform.start("a");
  EXPECT_EQ(platform.parked(run->id).run.waits_for, "approval");
  auto pending = platform.pending();
  EXPECT_EQ(pending.at(0).arguments.dump(), R"({"to":"you"})");
  EXPECT_FALSE(*platform.flows().granted(platform.context, pending[0].id, "keyed", pending[0].arguments));
  ASSERT_TRUE(platform.flows().decide(platform.context, pending[0].id, {.decision = "accept", .arguments = {}, .response = "", .reason = ""}));
  EXPECT_TRUE(*platform.flows().granted(platform.context, pending[0].id, "keyed", pending[0].arguments));
  EXPECT_FALSE(*platform.flows().granted(platform.context, pending[0].id, "keyed", Json::object({{"to", "them"}})));
  EXPECT_EQ(platform.finished(run->id).run.job.result, Json("keyed"));
}

TEST(OutcomeTest, AnUnclearFailureOfAnUnrepeatableToolWaitsForAPerson) {
  for (std::string said : {"happened", "not_happened", "fail"}) {
    Platform platform;
    std::atomic<int> troubles{1};
    platform.world.trouble = [&](const Tools::Call& call, bool before) -> Status {
      if (call.name == "once" && before && troubles-- > 0) return unavailable("the connection broke");
      return {};
    };
    ASSERT_TRUE(
        platform.put("a", "flow: a\nsteps:\n  - {id: x, kind: tool, tool: once, retry: {attempts: 5}}\n  - {id: r, kind: respond, result: '{{ steps.x }}'}\n"));
    auto run = platform.start("a");
    EXPECT_EQ(platform.parked(run->id).run.waits_for, "outcome");
    auto pending = platform.pending();
    ASSERT_EQ(pending.size(), 1u);
    EXPECT_EQ(pending[0].kind, "outcome");
    ASSERT_TRUE(platform.flows().decide(platform.context, pending[0].id,
                                        {.decision = said, .arguments = Json("seen on the statement"), .response = "", .reason = "I looked"}));
    auto view = platform.finished(run->id);
    if (said == "happened") EXPECT_EQ(view.run.job.result, Json("seen on the statement"));
    if (said == "not_happened") EXPECT_EQ(view.run.job.result["did"], Json("once"));
    if (said == "fail") EXPECT_EQ(view.run.job.state, State::kFailed);
    EXPECT_EQ(platform.world.once.size(), said == "not_happened" ? 1u : 0u);
  }
}

TEST(ControlTest, PauseHoldsResumeGoesOnCancelReachesTheModel) {
  Platform platform;
  std::atomic<bool> inside{false}, told{false};
  platform.models.script = [&](const Context& context, const ModelCall&) -> Result<ModelReply> {
    inside = true;
    while (!context.cancelled()) std::this_thread::yield();
    told = true;
    return cancelled();
  };
  ASSERT_TRUE(platform.put("a", "flow: a\nsteps:\n  - {id: w, kind: wait, signal: go}\n  - {id: x, kind: model, prompt: hi}\n"));
  auto run = platform.start("a");
  platform.parked(run->id);
  ASSERT_TRUE(platform.flows().pause(platform.context, run->id, "wait a moment"));
  ASSERT_TRUE(platform.flows().signal(platform.context, run->id, "go", Json()));
  EXPECT_EQ(platform.parked(run->id).run.waits_for, "paused");
  EXPECT_FALSE(inside);
  ASSERT_TRUE(platform.flows().resume(platform.context, run->id, "go on"));
  while (!inside) std::this_thread::yield();
  ASSERT_TRUE(platform.flows().cancel(platform.context, run->id, "enough"));
  EXPECT_EQ(platform.finished(run->id).run.job.state, State::kCancelled);
  EXPECT_TRUE(told);
}

TEST(ControlTest, AForkKeepsWhatCameBeforeAndRunsTheRestAnew) {
  Platform platform;
  ASSERT_TRUE(platform.put("a", R"(flow: a
state: {tone: {type: string, default: plain}}
steps:
  - {id: first, kind: model, prompt: one}
  - {id: second, kind: model, prompt: "two in a {{ state.tone }} tone"}
  - {id: r, kind: respond, result: "{{ steps.first }} | {{ steps.second }}"}
)"));
  auto run = platform.start("a");
  platform.finished(run->id);
  EXPECT_EQ(platform.models.calls, 2);
  auto fork = platform.flows().fork(platform.context, run->id, "second", Json::object({{"tone", "merry"}}));
  ASSERT_TRUE(fork) << fork.error().message;
  auto view = platform.finished(fork->id);
  EXPECT_EQ(view.run.job.result, Json("reply to: one | reply to: two in a merry tone"));
  EXPECT_EQ(platform.models.calls, 3);   // the first is not asked again
  EXPECT_EQ(view.run.parent, run->id);
  EXPECT_THAT(platform.flows().fork(platform.context, run->id, "secnd", Json()).error().message, HasSubstr("did you mean 'second'"));
}

TEST(ControlTest, ASignalThatComesEarlyIsNotLost) {
  Platform platform;
  ASSERT_TRUE(platform.put("a",
                           "flow: a\nsteps:\n  - {id: v, kind: wait, signal: first}\n  - {id: w, kind: wait, signal: paid, timeout_s: 60}\n  - {id: r, kind: "
                           "respond, result: '{{ steps.w.data.sum }}'}\n"));
  auto run = platform.start("a");
  ASSERT_TRUE(platform.flows().signal(platform.context, run->id, "paid", Json::object({{"sum", 12}})));
  ASSERT_TRUE(platform.flows().signal(platform.context, run->id, "first", Json()));
  EXPECT_EQ(platform.finished(run->id).run.job.result, Json(12));
}

TEST(ControlTest, AFlowInAFlowHasItsOwnStateAndVersion) {
  Platform platform;
  ASSERT_TRUE(platform.put("inner",
                           "flow: inner\ninput: {x: integer}\nstate: {y: integer}\nsteps:\n  - {id: s, kind: set, values: {y: '{{ input.x * 2 }}'}}\n  - {id: "
                           "r, kind: respond, result: '{{ state.y }}'}\n"));
  ASSERT_TRUE(platform.put(
      "outer", "flow: outer\nsteps:\n  - {id: call, kind: subflow, flow: inner, input: {x: 21}}\n  - {id: r, kind: respond, result: '{{ steps.call }}'}\n"));
  auto view = platform.finished(platform.start("outer")->id);
  EXPECT_EQ(view.run.job.result, Json(42)) << view.run.job.error;
  EXPECT_THAT(kinds(platform, view.run.id), ::testing::Contains("step_finished:call/s"));
}

TEST(ViewTest, ARunsPictureHoldsTheStepsOfTheFlowsThatItEntered) {
  Platform platform;
  ASSERT_TRUE(platform.put("inner", "flow: inner\nsteps:\n  - {id: s, kind: set, value: 1}\n  - {id: t, kind: set, value: 2}\n"));
  ASSERT_TRUE(platform.put("middle",
                           "flow: middle\nsteps:\n  - {id: each, kind: map, over: [1, 2], steps: [{id: deep, kind: subflow, flow: inner}]}\n"
                           "  - {id: wait, kind: wait, signal: go}\n"));
  ASSERT_TRUE(platform.put("outer", "flow: outer\nsteps:\n  - {id: call, kind: subflow, flow: middle}\n  - {id: later, kind: subflow, flow: inner}\n"));
  auto view = platform.parked(platform.start("outer")->id);
  ASSERT_TRUE(platform.put("inner", "flow: inner\nsteps:\n  - {id: other, kind: set, value: 1}\n"));   // this run keeps what it entered
  view = *platform.flows().view(platform.context, view.run.id);
  auto inside = [](const Json& step) { return (*step["blocks"].as_array())[0]["steps"]; };
  const Json& call = (*view.graph["steps"].as_array())[0];
  const Json each = (*inside(call).as_array())[0], deep = (*inside(each).as_array())[0];
  EXPECT_EQ(deep["id"], Json("deep"));
  EXPECT_EQ((*inside(deep).as_array())[1]["id"], Json("t"));
  EXPECT_TRUE((*view.graph["steps"].as_array())[1]["blocks"].is_null()) << "not entered yet";
  std::vector<std::string> paths;
  for (auto& step : *view.steps.as_array()) paths.push_back(*step["path"].as_string());
  EXPECT_THAT(paths, ::testing::IsSupersetOf({"call/each[0]/deep/s", "call/each[1]/deep/t", "call/wait"}));
}

TEST(ViewTest, StepsShowWhatTheyCostAndImpactSumsThemUp) {
  Platform platform;
  ASSERT_TRUE(platform.put("a", "flow: a\nsteps:\n  - {id: x, kind: model, prompt: hi}\n  - {id: y, kind: tool, tool: read}\n"));
  auto first = platform.finished(platform.start("a")->id);
  platform.finished(platform.start("a")->id);
  EXPECT_EQ(first.totals["tokens"], Json(15));
  EXPECT_NEAR(*first.totals["cost"].to_double(""), 0.011, 1e-9);
  auto impact = platform.flows().impact(platform.context, "a", 0);
  ASSERT_TRUE(impact);
  const Json& x = (*(*impact)["steps"].as_array())[0];
  EXPECT_EQ(x["step"], Json("x"));
  EXPECT_EQ(x["runs"], Json(2));
  EXPECT_EQ(x["tokens"], Json(30));
}

TEST(ScheduleTest, CronSaysTheNextTime) {
  constexpr int64_t kSunday = 1'795'348'800'000;   // 2026-11-22T12:00:00Z
  auto next = [&](const char* cron) { return iso8601(*next_time(cron, kSunday)); };
  EXPECT_EQ(next("* * * * *"), "2026-11-22T12:01:00.000Z");
  EXPECT_EQ(next("*/15 * * * *"), "2026-11-22T12:15:00.000Z");
  EXPECT_EQ(next("30 6 * * mon-fri"), "2026-11-23T06:30:00.000Z");
  EXPECT_EQ(next("0 0 1 jan *"), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(next("0 12 29 2 *"), "2028-02-29T12:00:00.000Z");
  EXPECT_EQ(next("0 9 1 * sun"), "2026-11-29T09:00:00.000Z");   // day or weekday
  EXPECT_THAT(next_time("61 * * * *", 0).error().message, HasSubstr("cron: minute: expected 0 to 59"));
  EXPECT_THAT(next_time("0 0 30 2 *", 0).error().message, HasSubstr("never comes"));
  EXPECT_THAT(next_time("0 0 1", 0).error().message, HasSubstr("five fields"));
}

TEST(WebhookTest, SignaturesAreThoseOfStandardWebhooks) {
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", id = "msg_p5jXN8AQM9LWM0D4loKWxJek", body = R"({"test": 2432232314})";
  std::string signature = sign_webhook(secret, id, 1614265330, body);
  EXPECT_EQ(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");   // the example of the specification
  int64_t now = 1614265330'000;
  EXPECT_TRUE(verify_webhook(secret, id, "1614265330", "v1,other " + signature, body, now));
  EXPECT_FALSE(verify_webhook(secret, id, "1614265330", signature, body + " ", now));
  EXPECT_FALSE(verify_webhook(secret, id, "1614265331", signature, body, now));
  EXPECT_FALSE(verify_webhook(secret, id, "1614265330", signature, body, now + kReplayWindowMs + 1));
  EXPECT_FALSE(verify_webhook(secret, id, "", signature, body, now));
}

TEST(WebhookTest, ACallStartsARunAndTheSameCallAgainIsTheSameRun) {
  Platform platform;
  ASSERT_TRUE(platform.put("a", "flow: a\ninput: {order: object}\nsteps:\n  - {id: r, kind: respond, result: '{{ input.order.id }}'}\n"));
  auto hook = platform.flows().add_hook(platform.context, "a", "order");
  ASSERT_TRUE(hook) << hook.error().message;
  int64_t now = system_clock().unix_ms() / 1000;
  Flows::HookCall call{.id = "msg_1", .timestamp = std::to_string(now), .signature = "", .body = R"({"id": 5})"};
  call.signature = sign_webhook(hook->secret, call.id, now, call.body);
  auto run = platform.flows().called(platform.context, hook->id, call);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(platform.flows().called(platform.context, hook->id, call)->id, run->id);
  EXPECT_EQ(platform.finished(run->id).run.job.result, Json(5));
  call.body = R"({"id": 6})";
  EXPECT_EQ(platform.flows().called(platform.context, hook->id, call).error().code, Code::kUnauthenticated);
}

TEST(WebhookTest, SubscribersHearSignedOfWhatTheyAskedFor) {
  durable::SharedClock clock;
  Platform platform("", {.clock = &clock});
  std::mutex mutex;
  std::vector<std::string> bodies;
  std::atomic<int> failures{5}, good{0};
  std::string secret;
  platform.deliver = [&](const std::string&, const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body) -> Status {
    if (failures-- > 0) return unavailable("the receiver is away");
    std::lock_guard lock(mutex);
    bodies.push_back(body);
    good += bool(verify_webhook(secret, headers[1].second, headers[2].second, headers[3].second, body, clock.unix_ms()));
    return {};
  };
  secret = platform.flows().subscribe(platform.context, "http://example.test/hook", {"saved"})->secret;
  ASSERT_TRUE(platform.put("a", "flow: a\nsteps:\n  - {id: s, kind: record, type: saved, data: {n: 1}}\n  - {id: t, kind: record, type: other, data: {}}\n"));
  auto run = platform.start("a");
  platform.finished(run->id);
  const int64_t begun = clock.unix_ms();
  for (; good == 0; std::this_thread::sleep_for(std::chrono::milliseconds(2))) clock.advance_ms(60'000);
  EXPECT_GE(clock.unix_ms() - begun, 27'305'000);   // away for 5 s, 5 min, 30 min, 2 h and 5 h
  std::lock_guard lock(mutex);
  ASSERT_EQ(bodies.size(), 1u);
  EXPECT_EQ((*Json::parse(bodies[0]))["data"]["n"], Json(1));
}

TEST(WaitingTest, ManyWaitAtOnceWithoutThreadsAndAllAreWoken) {
  Platform platform;
  constexpr int kMany = 300;
  ASSERT_TRUE(platform.put("a", "flow: a\nsteps:\n  - {id: w, kind: wait, signal: go}\n  - {id: r, kind: respond, result: '{{ steps.w.data }}'}\n"));
  std::vector<std::string> ids;
  for (int i = 0; i < kMany; ++i) ids.push_back(platform.start("a")->id);
  for (auto& id : ids) EXPECT_EQ(platform.parked(id).run.waits_for, "signal");
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(platform.flows().signal(platform.context, ids[static_cast<size_t>(i)], "go", Json(i)));
  for (int i = 0; i < kMany; ++i) EXPECT_EQ(platform.finished(ids[static_cast<size_t>(i)]).run.job.result, Json(i));
}

}  // namespace
}  // namespace strata::flow
