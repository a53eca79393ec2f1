#include "knowledge/tool/tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"
#include "base/span.h"

namespace strata::tool {
namespace {

using testing::HasSubstr;

Json json(const std::string& text) { return Json::parse(text).value(); }

// A person who has agreed to one digest, and says so however often one asks.
class OneGrant : public Approvals {
 public:
  std::string id, digest;
  Result<bool> granted(const Context&, const std::string& approval_id, const std::string& wanted, const std::string&) override {
    return approval_id == id && wanted == digest;
  }
};

class ToolTest : public testing::Test {
 protected:
  ToolTest() : folder_(std::filesystem::temp_directory_path() / make_id("tool-test")) { open(); }
  ~ToolTest() override {
    tools_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  // As after a crash: nothing but the rows remains.
  void open() {
    tools_.reset();
    store_.reset();
    store_ = store::Store::open(folder_, migrations()).value();
    tools_ = std::make_unique<Tools>(*store_, clock_);
  }
  Description refund() const {
    Description about;
    about.name = "refund";
    about.description = "Pays back an invoice";
    about.parameters = json(R"({"type":"object","properties":{"invoice":{"type":"string"},"cents":{"type":"integer","minimum":1}},
      "required":["invoice","cents"],"additionalProperties":false})");
    about.result = json(R"({"type":"object","properties":{"paid":{"type":"integer"}},"required":["paid"]})");
    about.risk = Risk::kHigh;
    about.changes = true, about.repeatable = false, about.dry_run = true;
    about.limits.calls_per_minute = 5;
    return about;
  }
  void add(Description about, strata::tool::Run run) {
    auto added = tools_->add(make_tool(std::move(about), std::move(run)));
    ASSERT_TRUE(added) << added.error().message;
  }
  void add_refund() {
    add(refund(), [this](const Context&, const Invocation& call) -> Result<Answer> {
      if (!call.dry_run) ++paid_;
      return Answer::of(Json::object({{"paid", call.arguments["cents"]}}));
    });
  }
  int64_t rows() {
    int64_t count = -1;
    EXPECT_TRUE(store_->read(context_, [&](store::Reader& reader) {
      return reader.query("SELECT count(*) FROM tool_calls", {}, [&](const store::Row& row) { return count = row.integer(0), true; });
    }));
    return count;
  }
  Outcome call(const std::string& name, const std::string& arguments, const std::string& key = "", const CallOptions& options = {}) {
    auto outcome = tools_->call(context_, name, json(arguments), key, options);
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *outcome : Outcome();
  }

  std::string folder_;
  ManualClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Tools> tools_;
  Context context_ = Context::background(clock_);
  int paid_ = 0;
};

const std::string kTen = R"({"invoice":"a","cents":10})";

TEST_F(ToolTest, WrongArgumentsNeverReachTheToolAndSayHowToMendThem) {
  add_refund();
  const Outcome out = call("refund", R"({"invoice":"a","cent":10})");
  EXPECT_EQ(out.state, State::kRefused);
  EXPECT_EQ(out.failure->code, "invalid_arguments");
  ASSERT_EQ(out.failure->problems.size(), 2u);
  EXPECT_EQ(out.failure->problems[0].text(), "/cents: expected 'cents', an integer, got nothing; did you mean 'cent'?");
  EXPECT_EQ(out.json()["error"]["problems"].as_array()->at(1)["nearest"], Json("cents"));
  EXPECT_EQ(call("refnd", kTen).failure->problems[0].nearest, "refund");
  EXPECT_EQ(paid_, 0);
}

TEST_F(ToolTest, AResultThatTheSchemaDoesNotAllowIsNeverPassedOn) {
  Description about = refund();
  about.limits.result_bytes = 64;
  Json answer = json(R"({"paid":"ten"})");
  add(about, [&](const Context&, const Invocation&) -> Result<Answer> { return Answer::of(answer); });
  Outcome out = call("refund", kTen);
  EXPECT_EQ(out.state, State::kFailed);
  EXPECT_EQ(out.failure->code, "invalid_result");
  EXPECT_THAT(out.failure->message, HasSubstr("what it did stands"));
  answer = Json::object({{"paid", 1}, {"note", std::string(100, 'x')}});
  out = call("refund", kTen);
  EXPECT_EQ(out.failure->code, "result_too_large");
  EXPECT_TRUE(out.result.is_null());
}

TEST_F(ToolTest, TheSameKeyHasOneEffectAlsoAfterARestart) {
  add_refund();
  EXPECT_EQ(call("refund", kTen, "k1").result["paid"], Json(10));
  const Outcome again = call("refund", R"({"cents":10,"invoice":"a"})", "k1");
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.result["paid"], Json(10));
  EXPECT_EQ(call("refund", R"({"invoice":"a","cents":11})", "k1").failure->code, "idempotency_key_reused");
  open();
  add_refund();
  EXPECT_TRUE(call("refund", kTen, "k1").repeated);
  EXPECT_EQ(paid_, 1);
}

TEST_F(ToolTest, ACallThatAnErrorCutShortIsUnknownUntilAPersonResolvesIt) {
  bool fails = true;
  add(refund(), [&](const Context&, const Invocation&) -> Result<Answer> {
    ++paid_;
    if (fails) return unavailable("the bank hung up");
    return Answer::of(Json::object({{"paid", 10}}));
  });
  EXPECT_EQ(call("refund", kTen, "k").state, State::kUnknown);
  EXPECT_EQ(call("refund", kTen, "k").state, State::kUnknown);
  EXPECT_EQ(paid_, 1);
  auto open = tools_->open_calls(context_).value();
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].arguments["invoice"], Json("a"));
  EXPECT_FALSE(tools_->resolve(context_, "refund", "k", true, json(R"({"paid":"?"})")));
  ASSERT_TRUE(tools_->resolve(context_, "refund", "k", true, json(R"({"paid":10})")));
  EXPECT_EQ(call("refund", kTen, "k").result["paid"], Json(10));
  EXPECT_EQ(paid_, 1);
  EXPECT_EQ(call("refund", kTen, "k3").state, State::kUnknown);
  ASSERT_TRUE(tools_->resolve(context_, "refund", "k3", true, Json())) << "it happened, and its result is not known";
  EXPECT_EQ(call("refund", kTen, "k3").state, State::kDone);
  EXPECT_EQ(call("refund", kTen, "k2").state, State::kUnknown);
  fails = false;
  ASSERT_TRUE(tools_->resolve(context_, "refund", "k2", false, Json()));
  EXPECT_EQ(call("refund", kTen, "k2").state, State::kDone);
}

TEST_F(ToolTest, ARepeatableCallThatFailedForNowRunsAgainUnderItsKey) {
  Description about = refund();
  about.repeatable = true;
  add(about, [&](const Context&, const Invocation& call) -> Result<Answer> {
    if (++paid_ == 1) return unavailable("later: " + call.idempotency_key);
    return Answer::of(Json::object({{"paid", 10}}));
  });
  const Outcome first = call("refund", kTen, "k");
  EXPECT_EQ(first.state, State::kFailed);
  EXPECT_TRUE(first.failure->retry);
  EXPECT_EQ(call("refund", kTen, "k").state, State::kDone);
}

TEST_F(ToolTest, AfterUntrustedTextARiskyToolWantsApprovalOfExactlyTheseArguments) {
  add_refund();
  const CallOptions untrusted{.untrusted = true};
  const Outcome held = call("refund", kTen, "k", untrusted);
  EXPECT_EQ(held.state, State::kNeedsApproval);
  EXPECT_EQ(held.digest, call_digest("refund", json(R"({"cents":10,"invoice":"a"})")));
  const CallOptions approved{.untrusted = true, .approval_id = "appr_1"};
  EXPECT_EQ(call("refund", kTen, "k", approved).failure->code, "approval_invalid") << "nobody keeps approvals yet";
  OneGrant grant;
  grant.id = "appr_1", grant.digest = held.digest;
  tools_->set_approvals(&grant);
  EXPECT_EQ(call("refund", R"({"invoice":"a","cents":9999})", "k3", approved).failure->code, "approval_invalid");
  EXPECT_EQ(paid_, 0);
  EXPECT_EQ(call("refund", kTen, "k", approved).state, State::kDone);
  EXPECT_EQ(call("refund", kTen, "k", approved).repeated, true);
  EXPECT_EQ(call("refund", kTen, "k4", approved).failure->code, "approval_invalid") << "used up";
  EXPECT_EQ(paid_, 1);
  EXPECT_EQ(call("refund", kTen, "", {.untrusted = true, .dry_run = true, .approval_id = ""}).state, State::kDone) << "a dry run does nothing";
  EXPECT_EQ(paid_, 1);
}

TEST_F(ToolTest, AnApprovalRunsOneCallOnceWhateverTheFlagsAndRestarts) {
  int ran = 0;
  auto add_script = [&] {
    Description about = refund();
    about.name = "script", about.changes = about.dry_run = false, about.repeatable = true, about.risk = Risk::kMedium, about.limits.calls_per_minute = 100;
    add(about, [&](const Context&, const Invocation&) -> Result<Answer> { return Answer::of(Json::object({{"paid", ++ran}})); });
  };
  add_script();
  ASSERT_TRUE(tools_->set_policy(context_, "script", {.permission = Permission::kAsk}));
  OneGrant grant;
  grant.id = "appr_1", grant.digest = call_digest("script", json(kTen));
  tools_->set_approvals(&grant);
  const CallOptions approved{.approval_id = "appr_1"}, dry{.dry_run = true, .approval_id = "appr_1"};
  EXPECT_EQ(call("script", kTen, "", {.dry_run = true}).state, State::kNeedsApproval) << "a dry run of what cannot do one is a run";
  EXPECT_EQ(call("script", kTen, "k", dry).state, State::kDone);
  for (const std::string key : {"k", "k", "other", ""}) {
    for (const CallOptions& options : {dry, approved}) {
      const Outcome again = call("script", kTen, key, options);
      EXPECT_TRUE(key == "k" ? again.repeated : again.failure && again.failure->code == "approval_invalid") << key;
    }
  }
  EXPECT_EQ(ran, 1);
  open();
  add_script();
  tools_->set_approvals(&grant);
  EXPECT_TRUE(call("script", kTen, "k", approved).repeated);
  EXPECT_EQ(call("script", kTen, "k2", approved).failure->code, "approval_invalid");
  clock_.advance_ms(86'400'000);
  ASSERT_TRUE(tools_->prune(context_, clock_.unix_ms()));
  EXPECT_EQ(call("script", kTen, "k", approved).failure->code, "approval_invalid") << "its outcome is forgotten, that it was used is not";
  EXPECT_EQ(ran, 1);
}

TEST_F(ToolTest, AnApprovalWithoutAKeyIsSpentByTheFirstCall) {
  add_refund();
  OneGrant grant;
  grant.id = "appr_1", grant.digest = call_digest("refund", json(kTen));
  tools_->set_approvals(&grant);
  const CallOptions approved{.untrusted = true, .approval_id = "appr_1"};
  EXPECT_EQ(call("refund", kTen, "", approved).state, State::kDone);
  EXPECT_EQ(call("refund", kTen, "", approved).failure->code, "approval_invalid");
  EXPECT_EQ(paid_, 1);
}

TEST_F(ToolTest, ACallThatTheOtherSideRefusedRunsAgainUnderItsKeyOnceThatIsMended) {
  bool mended = false;
  add(refund(), [&](const Context&, const Invocation&) -> Result<Answer> {
    if (!mended) return Answer::failed("http_409", "the invoice is locked");
    ++paid_;
    return Answer::of(Json::object({{"paid", 10}}));
  });
  OneGrant grant;
  grant.id = "appr_1", grant.digest = call_digest("refund", json(kTen));
  tools_->set_approvals(&grant);
  const CallOptions approved{.untrusted = true, .approval_id = "appr_1"};
  EXPECT_EQ(call("refund", kTen, "k", approved).failure->code, "http_409");
  EXPECT_EQ(rows(), 0);
  mended = true;
  EXPECT_EQ(call("refund", kTen, "k2", approved).failure->code, "approval_invalid") << "the grant is the first key's";
  EXPECT_EQ(call("refund", kTen, "k", approved).state, State::kDone) << "nothing had happened, so the approval still holds";
  EXPECT_EQ(paid_, 1);
}

TEST_F(ToolTest, AnEffectWhoseAnswerIsOfNoUseStandsIsNotDoneAgainAndCanBeSettled) {
  add(refund(), [&](const Context&, const Invocation&) -> Result<Answer> {
    ++paid_;
    return Answer::of(json(R"({"paid":"ten"})"));
  });
  for (const char* key : {"k", "k", "k2"}) {
    const Outcome out = call("refund", kTen, key);
    EXPECT_EQ(out.failure->code, "invalid_result");
    EXPECT_TRUE(out.failure->stands);
    EXPECT_EQ(out.json()["error"]["stands"], Json(true));
  }
  EXPECT_EQ(paid_, 2);
  ASSERT_TRUE(tools_->resolve(context_, "refund", "k", true, json(R"({"paid":10})")));
  EXPECT_EQ(call("refund", kTen, "k").result["paid"], Json(10));
  EXPECT_EQ(tools_->resolve(context_, "refund", "k", false, Json()).error().code, Code::kFailedPrecondition) << "that word stands";
  ASSERT_TRUE(tools_->resolve(context_, "refund", "k2", false, Json()));
  EXPECT_FALSE(call("refund", kTen, "k2").repeated) << "it may run again";
  EXPECT_EQ(paid_, 3);
}

TEST_F(ToolTest, WhatHasNoEffectLeavesNoRow) {
  Description about = refund();
  about.changes = false, about.repeatable = true;
  add(about, [&](const Context&, const Invocation&) -> Result<Answer> { return Answer::of(Json::object({{"paid", ++paid_}})); });
  EXPECT_FALSE(call("refund", kTen, "k").repeated);
  EXPECT_FALSE(call("refund", R"({"invoice":"b","cents":1})", "k").repeated);
  EXPECT_EQ(paid_, 2);
  EXPECT_EQ(rows(), 0);
}

TEST_F(ToolTest, ACallThatRunsCannotBeResolvedAndRunsOnce) {
  add(refund(), [&](const Context&, const Invocation& invocation) -> Result<Answer> {
    if (++paid_ == 1) {
      EXPECT_EQ(tools_->resolve(context_, "refund", invocation.idempotency_key, false, Json()).error().reason, "in_progress");
      EXPECT_EQ(call("refund", kTen, invocation.idempotency_key).failure->code, "in_progress");
    }
    return Answer::of(Json::object({{"paid", 10}}));
  });
  EXPECT_EQ(call("refund", kTen, "k").state, State::kDone);
  EXPECT_TRUE(call("refund", kTen, "k").repeated);
  EXPECT_EQ(paid_, 1);
}

TEST_F(ToolTest, PermissionsAreKeptAndEnforced) {
  add_refund();
  ASSERT_TRUE(tools_->set_policy(context_, "refund", {.permission = Permission::kDeny, .why = "audit"}));
  open();
  add_refund();
  EXPECT_EQ(call("refund", kTen).failure->code, "permission_denied");
  ASSERT_TRUE(tools_->set_policy(context_, "refund", {.permission = Permission::kAsk}));
  EXPECT_EQ(call("refund", kTen).state, State::kNeedsApproval);
  ASSERT_TRUE(tools_->set_policy(context_, "refund", {.roles = {"accountant"}}));
  EXPECT_EQ(call("refund", kTen).failure->code, "permission_denied");
  ASSERT_TRUE(tools_->set_policy(context_, "refund", {.roles = {"accountant", "admin"}}));
  EXPECT_EQ(call("refund", kTen).state, State::kDone);
  EXPECT_EQ(tools_->set_policy(context_, "refnd", {}).error().reason, "tool_not_found");
}

TEST_F(ToolTest, PastItsRateAToolWaitsForTheMinuteToEnd) {
  add_refund();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(call("refund", kTen).state, State::kDone);
  const Outcome held = call("refund", kTen);
  EXPECT_EQ(held.failure->code, "rate_limited");
  EXPECT_TRUE(held.failure->retry);
  clock_.advance_ms(60'001);
  EXPECT_EQ(call("refund", kTen).state, State::kDone);
}

struct KeptSpans : SpanSink {
  void take(SpanData span) override { spans.push_back(std::move(span)); }
  bool keeps_content() const override { return content; }
  std::map<std::string, SpanValue> last() const {
    std::map<std::string, SpanValue> all;
    for (auto& [key, value] : spans.back().attributes) all.emplace(key, value);
    return all;
  }
  bool content = false;
  std::vector<SpanData> spans;
};

TEST_F(ToolTest, EveryCallIsASpanWithItsSizeOutcomeAndCost) {
  const Json ten = json(kTen);
  Description about = refund();
  about.cost = 0.25;
  add(about, [](const Context&, const Invocation& call) -> Result<Answer> { return Answer::of(Json::object({{"paid", call.arguments["cents"]}})); });
  auto sink = std::make_shared<KeptSpans>();
  const Span root = Span::root(sink, clock_, "root", SpanKind::kServer);
  const Context context = root.in(Context::background(clock_));
  ASSERT_EQ(tools_->call(context, "refund", ten, "k1")->state, State::kDone);
  auto seen = sink->last();
  EXPECT_EQ(sink->spans.back().name, "execute_tool refund");
  EXPECT_EQ(std::get<std::string>(seen["gen_ai.operation.name"]), "execute_tool");
  EXPECT_EQ(std::get<std::string>(seen["gen_ai.tool.name"]), "refund");
  EXPECT_EQ(std::get<std::string>(seen["gen_ai.tool.call.id"]), "k1");
  EXPECT_EQ(std::get<int64_t>(seen["strata.tool.arguments_bytes"]), static_cast<int64_t>(ten.dump().size()));
  EXPECT_EQ(std::get<std::string>(seen["strata.tool.outcome"]), "done");
  EXPECT_DOUBLE_EQ(std::get<double>(seen["strata.cost"]), 0.25);
  EXPECT_TRUE(sink->spans.back().content.empty()) << "content only where it is kept";
  sink->content = true;
  ASSERT_TRUE(tools_->call(context, "refund", ten, "k1")->repeated);
  EXPECT_EQ(sink->last().count("strata.cost"), 0u) << "it was paid for once";
  EXPECT_EQ(sink->spans.back().content.size(), 2u);
  ASSERT_EQ(tools_->call(context, "refund", Json::object(), "")->state, State::kRefused);
  EXPECT_TRUE(sink->spans.back().failed);
  seen = sink->last();
  EXPECT_EQ(std::get<std::string>(seen["strata.tool.failure"]), "invalid_arguments");
  ASSERT_EQ(tools_->call(context, "refund", ten, "", {.untrusted = true})->state, State::kNeedsApproval);
  EXPECT_FALSE(sink->spans.back().failed) << "to be asked first is no failure";
  ASSERT_EQ(tools_->call(context, "refnd", ten, "")->state, State::kRefused);
  EXPECT_EQ(sink->spans.size(), 5u);
}

TEST_F(ToolTest, ToolsWithSchemasThatCannotBeCheckedAreNotAdded) {
  Description about = refund();
  about.parameters = json(R"({"type":"object","unevaluatedProperties":false})");
  EXPECT_THAT(tools_->add(make_tool(about, nullptr)).error().message, HasSubstr("unevaluatedProperties"));
  about = refund();
  about.name = "pay back";
  EXPECT_FALSE(tools_->add(make_tool(about, nullptr)));
  add_refund();
  EXPECT_EQ(tools_->add(make_tool(refund(), nullptr)).error().code, Code::kAlreadyExists);
}

}  // namespace
}  // namespace strata::tool
