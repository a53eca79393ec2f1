// The exact cache in flows: what is the same is answered once; what differs in anything that matters never is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestration/flow/world_for_test.h"

namespace strata::flow {
namespace {

using ::testing::HasSubstr;

std::string model_flow(const std::string& more = "cache: {ttl_s: 60}") {
  return "flow: ask\ninput: {q: string, model: {type: string, default: ''}}\nsteps:\n"
         "  - {id: x, kind: model, prompt: '{{ input.q }}', model: '{{ input.model }}', " +
         more + "}\n  - {id: r, kind: respond, result: '{{ steps.x }}'}\n";
}

Json asks(const std::string& question, const std::string& model = "") { return Json::object({{"q", question}, {"model", model}}); }

Json step(const RunView& view, size_t i) { return (*view.steps.as_array())[i]; }

TEST(FlowCacheTest, TheSameQuestionIsAnsweredOnceAndTheHitIsInTheLogThePictureAndTheImpact) {
  Platform platform;
  ASSERT_TRUE(platform.put("ask", model_flow()));
  const auto first = platform.finished(platform.start("ask", asks("hi"))->id), second = platform.finished(platform.start("ask", asks("hi"))->id);
  EXPECT_EQ(platform.models.calls, 1);
  EXPECT_EQ(second.run.job.result, first.run.job.result);
  EXPECT_TRUE(step(first, 0)["cached"].is_null());
  EXPECT_EQ(step(second, 0)["cached"], Json(true));
  EXPECT_EQ(step(second, 0)["cost"], Json(0));
  EXPECT_NEAR(*step(second, 0)["saved"].to_double(""), 0.001, 1e-12);
  EXPECT_EQ(second.totals["tokens"], Json(0));
  const auto events = platform.journal().events(platform.context, second.run.id, 0, 100);
  EXPECT_EQ((*events)[1].data["cached"], Json(true));
  const Json impact = *platform.flows().impact(platform.context, "ask", 0);
  const Json& x = (*impact["steps"].as_array())[1];
  EXPECT_EQ(x["step"], Json("x"));
  EXPECT_EQ(x["cached"], Json(1));
  EXPECT_NEAR(*x["saved"].to_double(""), 0.001, 1e-12);
  EXPECT_NEAR(*x["cost"].to_double(""), 0.001, 1e-12) << "paid once";
}

TEST(FlowCacheTest, WhatIsKeptOutlivesTheProgramButNotItsTime) {
  durable::SharedClock clock;
  Platform platform("", {.migrations = {}, .adjust = {}, .clock = &clock});
  ASSERT_TRUE(platform.put("ask", model_flow()));
  platform.finished(platform.start("ask", asks("hi"))->id);
  platform.close();
  ASSERT_TRUE(platform.open());
  platform.finished(platform.start("ask", asks("hi"))->id);
  EXPECT_EQ(platform.models.calls, 1);
  clock.advance_ms(61'000);
  platform.finished(platform.start("ask", asks("hi"))->id);
  EXPECT_EQ(platform.models.calls, 2);
}

TEST(FlowCacheTest, AnythingThatDecidesTheOutputMakesItAnotherQuestion) {
  Platform platform;
  ASSERT_TRUE(platform.put("ask", model_flow()));
  auto run = [&](const std::string& question, const std::string& model = "") { platform.finished(platform.start("ask", asks(question, model))->id); };
  run("hi");
  run("ho");
  run("hi", "large");
  EXPECT_EQ(platform.models.calls, 3);
  platform.models.weights = "2";
  run("hi");
  EXPECT_EQ(platform.models.calls, 4) << "other weights under the same name";
  platform.models.weights = "";
  run("hi");
  run("hi");
  EXPECT_EQ(platform.models.calls, 6) << "what nobody knows the version of is not kept";
  platform.models.weights = "1";
  for (auto more : {"cache: {ttl_s: 60}, max_tokens: 9", "cache: {ttl_s: 60}, system: be kind", "cache: {ttl_s: 60}, choices: [a, b]",
                    "cache: {ttl_s: 60}, temperature: 1, seed: 4", "cache: {ttl_s: 60}, temperature: 1, seed: 5"}) {
    ASSERT_TRUE(platform.put("ask", model_flow(more)));
    const int before = platform.models.calls;
    run("hi");
    EXPECT_EQ(platform.models.calls, before + 1) << more;
    run("hi");
    EXPECT_EQ(platform.models.calls, before + 1) << more;
  }
}

TEST(FlowCacheTest, NoTenantSeesAnothers) {
  Platform platform;
  ASSERT_TRUE(platform.put("ask", model_flow()));
  auto run_as = [&](const std::string& tenant) {
    Principal principal;
    principal.tenant = tenant;
    const Context context = Context::make(system_clock(), principal, "req", std::make_shared<CancelFlag>());
    platform.finished(platform.flows().start(context, {.flow = "ask", .version = 0, .input = asks("hi"), .key = ""})->id);
  };
  run_as("local");
  run_as("other");
  EXPECT_EQ(platform.models.calls, 2);
  run_as("other");
  EXPECT_EQ(platform.models.calls, 2);
}

TEST(FlowCacheTest, WhatIsSampledIsKeptOnlyWhereThatIsAskedFor) {
  EXPECT_THAT(check(model_flow("temperature: 0.7, cache: {ttl_s: 60}")).error().message, HasSubstr("set 'seed', or 'cache.sampled: true'"));
  EXPECT_THAT(check(model_flow("cache: {ttl_s: 0}")).error().message, HasSubstr("steps[0].cache.ttl_s: expected 1"));
  EXPECT_THAT(check(model_flow("cache: {ttl: 60}")).error().message, HasSubstr("did you mean 'ttl_s'?"));
  EXPECT_THAT(check("flow: a\nsteps:\n  - {id: t, kind: tool, tool: read, cache: {ttl_s: 1, sampled: true}}\n").error().message, HasSubstr("sampled"));
  Platform platform;
  ASSERT_TRUE(platform.put("ask", model_flow("temperature: 0.7, cache: {ttl_s: 60, sampled: true}")));
  platform.finished(platform.start("ask", asks("hi"))->id);
  platform.finished(platform.start("ask", asks("hi"))->id);
  EXPECT_EQ(platform.models.calls, 1);
}

TEST(FlowCacheTest, RetrievalIsAskedAnewWhenTheDocumentsChange) {
  Platform platform;
  ASSERT_TRUE(platform.put("find",
                           "flow: find\ninput: {q: string}\nsteps:\n  - {id: f, kind: retrieve, query: '{{ input.q }}', bases: [b], cache: {ttl_s: 60}}\n"
                           "  - {id: r, kind: respond, result: '{{ steps.f[0].text }}'}\n"));
  auto run = [&](const std::string& question) { return platform.finished(platform.start("find", Json::object({{"q", question}}))->id); };
  run("leave");
  EXPECT_EQ(run("leave").run.job.result, Json("about leave"));
  EXPECT_EQ(platform.library.searches, 1);
  platform.library.contents = "2";
  run("leave");
  EXPECT_EQ(platform.library.searches, 2);
  run("travel");
  EXPECT_EQ(platform.library.searches, 3);
}

TEST(FlowCacheTest, AToolThatReadsIsCalledOncePerVersionAndOneThatChangesSomethingCannotBeCached) {
  Platform platform;
  auto flow = [](const std::string& tool) {
    return "flow: t\ninput: {n: integer}\nsteps:\n  - {id: c, kind: tool, tool: " + tool + ", args: {n: '{{ input.n }}'}, cache: {ttl_s: 60}}\n";
  };
  ASSERT_TRUE(platform.put("t", flow("read")));
  auto run = [&](int n) { return platform.finished(platform.start("t", Json::object({{"n", n}}))->id); };
  run(1);
  const auto again = run(1);
  EXPECT_EQ(platform.world.asked["read"], 1);
  EXPECT_EQ(step(again, 0)["output"]["with"]["n"], Json(1));
  EXPECT_NEAR(*step(again, 0)["saved"].to_double(""), 0.01, 1e-12);
  run(2);
  platform.world.read_version = "2";   // another schema, or another permission
  run(1);
  EXPECT_EQ(platform.world.asked["read"], 3);
  ASSERT_TRUE(platform.put("t", flow("keyed")));
  const auto refused = run(1);
  EXPECT_EQ(refused.run.job.state, durable::State::kFailed);
  EXPECT_THAT(refused.run.job.error, HasSubstr("the tool 'keyed' changes something"));
  EXPECT_EQ(platform.world.asked["keyed"], 0);
}

// A tool above the risk line asks a person where untrusted text led to its call: what it told a trusted step is no way around that.
TEST(FlowCacheTest, WhatATrustedStepWasToldIsNotToldToAnUntrustedOne) {
  Platform platform;
  ASSERT_TRUE(platform.put("trusted", "flow: trusted\nsteps:\n  - {id: c, kind: tool, tool: read, args: {q: x}, cache: {ttl_s: 60}}\n"));
  platform.finished(platform.start("trusted")->id);
  platform.world.needs["read"] = "high";
  ASSERT_TRUE(
      platform.put("led",
                   "flow: led\nsteps:\n  - {id: m, kind: model, prompt: hi}\n  - {id: c, kind: tool, tool: read, args: {q: \"{{ 'x' if steps.m else 'y' "
                   "}}\"}, cache: {ttl_s: 60}}\n"));
  const auto view = platform.parked(platform.start("led")->id);
  EXPECT_EQ(view.run.waits_for, "approval") << view.run.job.error;
}

TEST(FlowCacheTest, AnAttemptAfterAFailureAsksAnew) {
  Platform platform;
  ASSERT_TRUE(platform.put("a",
                           "flow: a\nstate: {n: integer}\nsteps:\n  - {id: x, kind: model, prompt: hi, schema: {type: integer}, save: n, retry: {attempts: 2, "
                           "backoff_s: 0}, cache: {ttl_s: 60}}\n"));
  platform.models.script = [&](const Context&, const ModelCall&) -> Result<ModelReply> {
    ModelReply reply;
    reply.text = platform.models.calls == 1 ? "\"no number\"" : "7";
    reply.model = "small";
    return reply;
  };
  EXPECT_EQ(platform.finished(platform.start("a")->id).state["n"], Json(7));
  EXPECT_EQ(platform.models.calls, 2);
  platform.finished(platform.start("a")->id);
  EXPECT_EQ(platform.models.calls, 2) << "and replaced what was kept";
}

TEST(FlowCacheTest, AStepThatAskedABiggerModelIsCachedWhereBothAnswersAre) {
  Platform platform;
  ASSERT_TRUE(platform.put("ask", model_flow("escalate: {model: large, when: \"output != ''\"}, cache: {ttl_s: 60}")));
  platform.finished(platform.start("ask", asks("hi"))->id);
  EXPECT_EQ(platform.models.calls, 2);
  const auto again = platform.finished(platform.start("ask", asks("hi"))->id);
  EXPECT_EQ(platform.models.calls, 2);
  EXPECT_EQ(step(again, 0)["cached"], Json(true));
  const auto part = platform.finished(platform.start("ask", asks("ho"))->id);
  EXPECT_TRUE(step(part, 0)["cached"].is_null());
}

}  // namespace
}  // namespace strata::flow
