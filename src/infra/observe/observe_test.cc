#include "infra/observe/observe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "base/text.h"
#include "infra/egress/egress.h"
#include "infra/observe/exporter.h"
#include "infra/observe/protobuf.h"
#include "infra/observe/queue.h"

namespace strata::observe {
namespace {

namespace fs = std::filesystem;

SpanData a_span(uint64_t trace, uint64_t id, std::string name, bool root = false) {
  SpanData span;
  span.trace = {1, trace};
  span.id = id;
  span.name = std::move(name);
  span.root = root;
  span.start_ns = system_clock().unix_ms() * 1'000'000 + static_cast<int64_t>(trace) * 1'000'000;
  span.duration_ns = 3'000'000;
  return span;
}

class ObserverTest : public ::testing::Test {
 protected:
  ObserverTest() : folder_(fs::temp_directory_path() / make_id("observe")) { open(); }
  ~ObserverTest() override {
    observer_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    observer_.reset();
    store_.reset();
    auto store = store::Store::open(folder_.string(), Observer::migrations());
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    Observer::Parts parts;
    parts.store = store_.get();
    parts.clock = &system_clock();
    parts.path = (folder_ / "telemetry.db").string();
    parts.redact = [](std::string_view text) {
      std::string out(text);
      for (size_t at; (at = out.find("SECRET")) != std::string::npos;) out.replace(at, 6, "[masked]");
      return out;
    };
    parts.settings.content = true;
    auto observer = Observer::open(std::move(parts));
    ASSERT_TRUE(observer) << observer.error().message;
    observer_ = std::move(*observer);
  }
  std::vector<Summary> all(Query query = {}) {
    observer_->flush();
    auto rows = observer_->list(context_, query);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows.value_or(std::vector<Summary>{});
  }

  const Context context_ = Context::background();
  const fs::path folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Observer> observer_;
};

TEST_F(ObserverTest, ATraceIsTheSumOfItsSpansWhateverTheirOrder) {
  auto sink = observer_->sink();
  SpanData call = a_span(7, 2, "chat m");
  call.parent = 1;
  call.attributes = {{"gen_ai.operation.name", std::string("chat")},
                     {"gen_ai.request.model", std::string("m")},
                     {"gen_ai.usage.input_tokens", int64_t{11}},
                     {"gen_ai.usage.output_tokens", int64_t{5}},
                     {"strata.cost", 0.25}};
  SpanData root = a_span(7, 1, "POST /v1/chat/completions", true);
  root.attributes = {{"http.route", std::string("/v1/chat/completions")}, {"strata.answer_id", std::string("ans_1")}};
  SpanData late = call;   // ends after its root: a client that left
  late.id = 3;
  late.failed = true;
  sink->take(call);
  sink->take(root);
  sink->take(late);
  auto rows = all();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].name, "POST /v1/chat/completions");
  EXPECT_EQ(rows[0].spans, 3);
  EXPECT_EQ(rows[0].model_calls, 2);
  EXPECT_EQ(rows[0].input_tokens, 22);
  EXPECT_EQ(rows[0].output_tokens, 10);
  EXPECT_TRUE(rows[0].failed);
  EXPECT_THAT(rows[0].models, ::testing::ElementsAre("m"));
  EXPECT_DOUBLE_EQ(*rows[0].cost, 0.5);
  EXPECT_EQ(*observer_->trace_of_answer(context_, "ans_1"), rows[0].id);
  auto spans = observer_->spans(context_, rows[0].id);
  ASSERT_TRUE(spans);
  EXPECT_EQ(spans->size(), 3u);
  EXPECT_EQ(observer_->summary(context_, "nope").error().code, Code::kNotFound);
}

TEST_F(ObserverTest, FiltersAndPagesFindWhatTheyName) {
  for (uint64_t i = 1; i <= 5; ++i) {
    SpanData root = a_span(i, i, i % 2 ? "POST /a" : "POST /b", true);
    root.attributes = {{"http.route", std::string(i % 2 ? "/a" : "/b")}, {"strata.product", std::string("desk")}};
    root.failed = i == 4;
    root.message = i == 4 ? "100%_broken" : "";
    observer_->sink()->take(root);
  }
  EXPECT_EQ(all({.route = "/a"}).size(), 3u);
  EXPECT_EQ(all({.product = "desk"}).size(), 5u);
  EXPECT_EQ(all({.status = "error"}).size(), 1u);
  EXPECT_EQ(all({.text = "100%_broken"}).size(), 1u);
  EXPECT_EQ(all({.text = "100%xbroken"}).size(), 0u) << "% and _ are letters";
  EXPECT_EQ(all({.min_ms = 4}).size(), 0u);
  auto first = all({.limit = 3});
  auto second = all({.limit = 3, .after = first.back().id});
  ASSERT_EQ(first.size() + second.size(), 5u);
  EXPECT_GT(first[0].started_ms, second[1].started_ms);
  EXPECT_EQ(observer_->list(context_, {.after = "gone"}).error().param, "after");
}

TEST_F(ObserverTest, ContentIsMaskedAndAReceiptBesidePersonalDataIsWithheld) {
  SpanData clean = a_span(1, 1, "clean", true), dirty = a_span(2, 2, "dirty", true);
  clean.content = {{"gen_ai.input.messages", R"([{"content":"hello"}])"}};
  clean.receipt = R"({"version":1})";
  dirty.content = {{"gen_ai.input.messages", "[{\"content\":\"a\\nSECRET\"}]"}};
  dirty.receipt = R"({"version":1})";
  dirty.attributes = {{"url.path", std::string("/SECRET")}};
  observer_->sink()->take(clean);
  observer_->sink()->take(dirty);
  auto rows = all();
  ASSERT_EQ(rows.size(), 2u);
  auto kept = observer_->spans(context_, rows[1].id), masked = observer_->spans(context_, rows[0].id);
  EXPECT_FALSE((*kept)[0].receipt.is_null());
  EXPECT_TRUE((*masked)[0].receipt.is_null());
  EXPECT_EQ(*(*masked)[0].content["gen_ai.input.messages"].as_string(), "[{\"content\":\"a\\n[masked]\"}]");
  EXPECT_EQ((*masked)[0].attributes["url.path"], Json("/[masked]"));
}

TEST_F(ObserverTest, PersonalDataInListsAndInAReceiptsStopsIsFoundToo) {
  SpanData list = a_span(1, 1, "list", true), stops = a_span(2, 2, "stops", true);
  list.attributes = {{"gen_ai.request.stop_sequences", std::vector<std::string>{"a", "SECRET"}}};
  list.receipt = R"({"version":1})";
  stops.receipt = R"({"version":1,"stop":["SECRET"]})";
  observer_->sink()->take(list);
  observer_->sink()->take(stops);
  for (auto& row : all()) {
    auto spans = observer_->spans(context_, row.id);
    EXPECT_TRUE((*spans)[0].receipt.is_null()) << row.name;
    EXPECT_EQ((*spans)[0].attributes.dump().find("SECRET"), std::string::npos) << row.name;
  }
}

TEST_F(ObserverTest, RetentionTakesTheOldestFirst) {
  for (uint64_t i = 1; i <= 60; ++i) {
    SpanData root = a_span(i, i, "big", true);
    root.content = {{"gen_ai.input.messages", std::string(40'000, static_cast<char>('a' + i % 20))}};
    observer_->sink()->take(root);
  }
  const size_t before = all({.limit = 100}).size();
  ASSERT_EQ(before, 60u);
  Settings settings = observer_->settings();
  settings.keep_mb = 1;
  ASSERT_TRUE(observer_->save(context_, settings));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(observer_->prune(context_));
  auto left = all({.limit = 100});
  EXPECT_LT(left.size(), 30u);
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left[0].id, trace_hex({1, 60}));
  SpanData old = a_span(99, 99, "old", true);
  old.start_ns -= 40LL * 24 * 3600 * 1'000'000'000;
  observer_->sink()->take(old);
  observer_->flush();
  ASSERT_TRUE(observer_->prune(context_));
  EXPECT_FALSE(observer_->summary(context_, trace_hex({1, 99})));
}

TEST_F(ObserverTest, SpendAndSettingsSurviveARestartAndNeedNoSpans) {
  auto prices = parse_prices("[models.m]\ninput = 1\noutput = 2\n", "prices.toml");
  ASSERT_TRUE(prices);
  observer_->set_prices(*prices);
  EXPECT_DOUBLE_EQ(*observer_->charge({.model = "m", .product = "desk", .remote = true, .input_tokens = 1'000'000, .output_tokens = 500'000}), 2.0);
  EXPECT_FALSE(observer_->charge({.model = "other", .remote = true, .input_tokens = 5}));
  Settings settings = observer_->settings();
  settings.keep_days = 3;
  ASSERT_TRUE(observer_->save(context_, settings));
  open();
  EXPECT_EQ(observer_->settings().keep_days, 3);
  auto rows = observer_->usage(context_, By::kModel, "2000-01-01", "2999-01-01");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].key, "m");
  EXPECT_DOUBLE_EQ((*rows)[0].cost, 2.0);
  EXPECT_EQ((*rows)[1].unpriced, 1);
}

TEST_F(ObserverTest, ACopyHoldsTheRowsOfTheTenantThatAsksAndOfNobodyElse) {
  observer_->charge({.model = "mine", .remote = true, .input_tokens = 5});
  observer_->charge({.model = "theirs", .tenant = "other", .remote = true, .input_tokens = 7});
  int trace = 1;
  for (const char* tenant : {"local", "other", ""}) {
    SpanData span = a_span(static_cast<uint64_t>(trace), static_cast<uint64_t>(trace), std::string("of ") + tenant, true);
    if (*tenant) span.attributes.emplace_back("strata.tenant", std::string(tenant));
    observer_->sink()->take(span);
    ++trace;
  }
  // Two tenants send the same trace id: the trace is neither's.
  for (const char* tenant : {"local", "other"}) {
    SpanData span = a_span(7, tenant[0] == 'l' ? 71u : 72u, "shared", true);
    span.attributes.emplace_back("strata.tenant", std::string(tenant));
    observer_->sink()->take(span);
  }
  const std::string path = (folder_ / "copy.db").string();
  const auto read = [&](const char* sql) {
    std::vector<std::string> out;
    const Status status = store::inspect_database(
        context_, path, [&](store::Reader& reader) { return reader.query(sql, {}, [&](const store::Row& row) { return out.push_back(row.text(0)), true; }); });
    EXPECT_TRUE(status);
    return out;
  };
  for (int i = 0; i < 2; ++i) {   // again, over the one that is there
    ASSERT_TRUE(observer_->copy_for_tenant(context_, path));
    EXPECT_EQ(read("SELECT model FROM spend"), std::vector<std::string>{"mine"});
    EXPECT_EQ(read("SELECT name FROM requests"), std::vector<std::string>{"of local"});
  }
  EXPECT_FALSE(fs::exists(path + ".building"));
  const Context other = Context::make(system_clock(), {.tenant = "other"}, "", std::make_shared<CancelFlag>());
  ASSERT_TRUE(observer_->copy_for_tenant(other, path));
  EXPECT_EQ(read("SELECT model FROM spend"), std::vector<std::string>{"theirs"});
}

TEST_F(ObserverTest, ADamagedDatabaseIsSetAsideAndSoIsANewerOne) {
  observer_->sink()->take(a_span(1, 1, "before", true));
  EXPECT_EQ(all().size(), 1u);
  observer_.reset();
  store_.reset();
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(folder_ / (std::string("telemetry.db") + suffix));
  std::ofstream(folder_ / "telemetry.db", std::ios::binary) << std::string(20'000, 'x');
  open();
  EXPECT_EQ(all().size(), 0u);
  observer_->sink()->take(a_span(2, 2, "after", true));
  EXPECT_EQ(all().size(), 1u);
  EXPECT_TRUE(fs::exists(folder_ / "telemetry.db.damaged"));
}

TEST(QueueTest, WhatThereIsNoRoomForIsDroppedAndCounted) {
  Queue queue(3, 1 << 20);
  for (uint64_t i = 0; i < 5; ++i) queue.take(a_span(1, i + 1, "s"));
  EXPECT_EQ(queue.taken(), 5u);
  EXPECT_EQ(queue.dropped(), 2u);
  EXPECT_EQ(queue.gather(0).size(), 3u);
  SpanData huge = a_span(1, 9, "huge");
  huge.content = {{"gen_ai.input.messages", std::string(2 << 20, 'x')}};
  queue.take(huge);
  EXPECT_EQ(queue.dropped(), 3u);
  queue.stop();
  queue.take(a_span(1, 10, "late"));
  EXPECT_EQ(queue.dropped(), 4u);
}

// A collector that nothing is heard of.
class Deaf : public egress::Client {
 public:
  Result<egress::Response> fetch(const Context&, const egress::Request& request, const std::function<bool(std::string_view)>&) override {
    largest = std::max(largest.load(), request.body.size());
    return unavailable("nobody is there");
  }
  std::atomic<size_t> largest{0};
};

TEST(ExporterTest, WhatWaitsForACollectorIsBoundedInBytesAndHoldsNoReceipts) {
  Deaf client;
  Exporter exporter(client, system_clock(), {"1", "here"});
  exporter.configure({.export_url = "http://collector"});
  std::vector<SpanData> spans;
  for (uint64_t i = 0; i < 300; ++i) {
    spans.push_back(a_span(1, i + 1, "span"));
    spans.back().content = {{"gen_ai.input.messages", std::string(1u << 20, 'x')}};
    spans.back().receipt = std::string(1u << 20, 'y');
  }
  exporter.put(std::move(spans));
  EXPECT_LE(exporter.bytes(), Exporter::kBytesMax);
  EXPECT_GE(exporter.dropped(), 300u - 64u);
  for (int i = 0; i < 100'000; ++i) exporter.put({a_span(1, 1, "small")});
  EXPECT_LE(exporter.bytes(), Exporter::kBytesMax);
  EXPECT_LE(client.largest.load(), size_t{5} << 20);
}

TEST(PricesTest, ErrorsNameTheLineAndTheNearestName) {
  auto wrong = parse_prices("[models.m]\ninpt = 1\n", "prices.toml");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, ::testing::HasSubstr("prices.toml:2"));
  EXPECT_THAT(wrong.error().message, ::testing::HasSubstr("input"));
  EXPECT_FALSE(parse_prices("[models.m]\ninput = -1\n", "p"));
  EXPECT_FALSE(parse_prices("[models.m]\ninput = \"free\"\n", "p"));
  EXPECT_FALSE(parse_prices("[local]\ngpu_hour = 1\n", "p"));
  EXPECT_FALSE(parse_prices("curency = \"EUR\"\n", "p"));
  EXPECT_TRUE(parse_prices("", "p"));
}

TEST(PricesTest, CachedInputHasItsOwnPriceAndIsPartOfTheInput) {
  auto prices = parse_prices("[models.a]\ninput = 10\ncached = 1\noutput = 20\n[models.b]\ninput = 10\noutput = 0\n[local]\ncpu_hour = 3.6\n", "p");
  ASSERT_TRUE(prices);
  EXPECT_DOUBLE_EQ(*cost_of(*prices, {.model = "a", .input_tokens = 1000, .cached_tokens = 600, .output_tokens = 100}), (400 * 10 + 600 * 1 + 100 * 20) / 1e6);
  EXPECT_DOUBLE_EQ(*cost_of(*prices, {.model = "b", .input_tokens = 1000, .cached_tokens = 600}), 1000 * 10 / 1e6);
  EXPECT_DOUBLE_EQ(*cost_of(*prices, {.model = "here", .cpu_s = 2}), 2 * 0.001);
  EXPECT_FALSE(cost_of(*prices, {.model = "far", .remote = true, .cpu_s = 2}));
}

// SOURCE: protobuf.dev/programming-guides/encoding: its own examples.
TEST(ProtobufTest, WritesTheBytesOfTheSpecificationsExamples) {
  Protobuf number, text, outer;
  number.varint(1, 150);
  outer.message(3, number);
  text.bytes(2, "testing");
  EXPECT_EQ(hex(outer.take()), "1a03089601");
  EXPECT_EQ(hex(number.take()), "089601");
  EXPECT_EQ(hex(text.take()), "120774657374696e67");
}

}  // namespace
}  // namespace strata::observe
