#include "model/pool/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

namespace strata::pool {
namespace {

// A model whose requests end when the test says so.
class FakeModel : public model::LanguageModel {
 public:
  explicit FakeModel(const std::string& id) { info_.id = id; }
  const model::ModelInfo& info() const override { return info_; }
  Result<std::shared_ptr<model::Handle>> submit(const Context& context, model::GenerateRequest, std::shared_ptr<model::Sink> sink) override {
    TRY(context.check());
    const std::lock_guard lock(mutex_);
    sinks_.push_back(std::move(sink));
    changed_.notify_all();
    return std::shared_ptr<model::Handle>(std::make_shared<Nothing>());
  }
  Result<int> count_tokens(const model::Prompt&) const override { return 1; }
  Result<std::vector<int32_t>> tokenize(std::string_view, bool) const override { return std::vector<int32_t>{1}; }
  Result<std::string> detokenize(const std::vector<int32_t>&) const override { return std::string("x"); }

  // Waits for the next request, and gives its sink.
  std::shared_ptr<model::Sink> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !sinks_.empty(); });
    auto sink = std::move(sinks_.front());
    sinks_.erase(sinks_.begin());
    return sink;
  }
  // As the engine does with what still runs on a model that goes.
  void end_all() {
    std::vector<std::shared_ptr<model::Sink>> sinks;
    {
      const std::lock_guard lock(mutex_);
      sinks.swap(sinks_);
    }
    model::Finish finish;
    finish.reason = model::FinishReason::kCancelled;
    for (auto& sink : sinks) sink->on_finish(finish);
  }

 private:
  struct Nothing : model::Handle {
    void cancel() override {}
  };
  model::ModelInfo info_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<model::Sink>> sinks_;
};

struct Waiting : model::Sink {
  std::promise<model::Finish> done;
  std::future<model::Finish> finished = done.get_future();
  void on_token(const model::TokenEvent&) override {}
  void on_finish(const model::Finish& finish) override { done.set_value(finish); }
};

bool ready(const std::future<model::Finish>& future) { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

class PoolTest : public ::testing::Test {
 protected:
  // Models of these needs, under a budget of 100.
  void start(const std::vector<std::pair<std::string, uint64_t>>& needs, Options options = {}, const std::vector<Alias>& aliases = {}) {
    std::vector<Model> models;
    for (const auto& [id, need] : needs) models.push_back(make(id, need));
    options.budget_bytes = 100;
    pool_ = Pool::make(options, std::move(models), aliases).value();
  }
  Model make(const std::string& id, uint64_t need) {
    fakes_[id] = std::make_unique<FakeModel>(id);
    Model model;
    model.info.id = id;
    model.need_bytes = need;
    model.load = [this, id, need]() -> Result<model::LanguageModel*> {
      {
        std::unique_lock lock(mutex_);
        ++loads_[id];
        changed_.notify_all();
        changed_.wait(lock, [&] { return !held_.contains(id); });
        if (broken_.contains(id)) return data_loss(id + " is damaged");
        in_memory_ += need;
        most_ = std::max(most_, in_memory_);
      }
      return fakes_[id].get();
    };
    model.unload = [this, id, need] {
      fakes_[id]->end_all();
      const std::lock_guard lock(mutex_);
      in_memory_ -= need;
      unloaded_.push_back(id);
      changed_.notify_all();
    };
    return model;
  }
  std::shared_ptr<Waiting> ask(const std::string& id) {
    auto sink = std::make_shared<Waiting>();
    const auto submitted = pool_->find(id).value()->submit(Context::background(), {}, sink);
    EXPECT_TRUE(submitted) << submitted.error().message;
    return sink;
  }
  // Lets the next request of the model run to its end.
  void finish(const std::string& id) { fakes_[id]->next()->on_finish({}); }
  void hold(const std::string& id) {
    const std::lock_guard lock(mutex_);
    held_.insert(id);
  }
  void let_go(const std::string& id) {
    const std::lock_guard lock(mutex_);
    held_.erase(id);
    changed_.notify_all();
  }
  void wait_for_load(const std::string& id, int times = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return loads_[id] >= times; });
  }
  State state(const std::string& id) const {
    for (const Listed& listed : pool_->list())
      if (listed.info.id == id) return listed.state;
    ADD_FAILURE() << id;
    return State::kOnDisk;
  }

  std::map<std::string, std::unique_ptr<FakeModel>> fakes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> held_, broken_;
  std::map<std::string, int> loads_;
  std::vector<std::string> unloaded_;
  uint64_t in_memory_ = 0, most_ = 0;
  std::unique_ptr<Pool> pool_;   // last: its thread uses the others
};

TEST_F(PoolTest, ModelIsLoadedWhenARequestNamesIt) {
  start({{"a", 40}, {"b", 40}});
  EXPECT_EQ(state("a"), State::kOnDisk);
  auto asked = ask("a");
  finish("a");
  asked->finished.wait();
  EXPECT_EQ(state("a"), State::kLoaded);
  EXPECT_EQ(state("b"), State::kOnDisk);
  EXPECT_EQ(pool_->used_bytes(), 40u);
}

TEST_F(PoolTest, IdleModelUsedLongestAgoGivesWay) {
  start({{"a", 40}, {"b", 40}, {"c", 40}});
  ASSERT_TRUE(pool_->load("a"));
  ASSERT_TRUE(pool_->load("b"));
  auto asked = ask("a");   // used after b
  finish("a");
  asked->finished.wait();
  ASSERT_TRUE(pool_->load("c"));
  EXPECT_EQ(unloaded_, std::vector<std::string>{"b"});
  EXPECT_EQ(state("a"), State::kLoaded);
  EXPECT_EQ(most_, 80u);
}

TEST_F(PoolTest, RunningRequestIsNeverDroppedByASwap) {
  start({{"a", 80}, {"b", 80}});
  auto first = ask("a");
  auto running = fakes_["a"]->next();
  auto second = ask("b");   // wants a's memory
  auto third = ask("a");    // comes while a drains, or before: it is served either way
  EXPECT_FALSE(ready(first->finished));
  EXPECT_TRUE(unloaded_.empty());
  running->on_finish({});
  EXPECT_EQ(first->finished.get().reason, model::FinishReason::kStop);
  // Both are served, whoever comes first; the swap goes both ways.
  auto serve_b = std::async(std::launch::async, [&] { finish("b"); });
  auto serve_a = std::async(std::launch::async, [&] { finish("a"); });
  EXPECT_EQ(second->finished.get().reason, model::FinishReason::kStop);
  EXPECT_EQ(third->finished.get().reason, model::FinishReason::kStop);
  EXPECT_LE(most_, 100u);
}

TEST_F(PoolTest, LoadingBlocksNoOtherModelsRequests) {
  start({{"a", 40}, {"b", 40}});
  ASSERT_TRUE(pool_->load("a"));
  hold("b");
  auto waits = ask("b");
  wait_for_load("b");
  EXPECT_EQ(state("b"), State::kLoading);
  auto other = ask("a");
  finish("a");
  EXPECT_EQ(other->finished.get().reason, model::FinishReason::kStop);
  EXPECT_FALSE(ready(waits->finished));
  let_go("b");
  finish("b");
  EXPECT_EQ(waits->finished.get().reason, model::FinishReason::kStop);
}

TEST_F(PoolTest, MoreThanMayWaitAreToldToComeAgain) {
  start({{"a", 40}}, {.waiting_max = 2, .blocking_max = 1});
  hold("a");
  auto one = ask("a"), two = ask("a");
  const auto refused = pool_->find("a").value()->submit(Context::background(), {}, std::make_shared<Waiting>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(refused.error().reason, "model_loading");
  const auto counted = pool_->find("a").value()->count_tokens(std::string("x"));
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().code, Code::kUnavailable);
  let_go("a");
  finish("a");
  finish("a");
  one->finished.wait();
  two->finished.wait();
  auto after = ask("a");
  finish("a");
  EXPECT_EQ(after->finished.get().reason, model::FinishReason::kStop);
}

TEST_F(PoolTest, ModelThatCanNeverFitIsRefusedUntriedWithTheNumbers) {
  start({{"small", 10}, {"huge", 101}});
  const auto found = pool_->find("huge");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, "insufficient_memory");
  EXPECT_NE(found.error().message.find("101 B"), std::string::npos) << found.error().message;
  EXPECT_NE(found.error().message.find("100 B"), std::string::npos) << found.error().message;
  EXPECT_EQ(loads_["huge"], 0);
  EXPECT_NE(pool_->list()[1].problem, "");
  EXPECT_TRUE(pool_->find("small"));
}

TEST_F(PoolTest, FailedLoadIsToldToAllWhoWaitedAndTriedAgainLater) {
  start({{"a", 40}});
  broken_.insert("a");
  hold("a");
  auto one = ask("a"), two = ask("a");
  let_go("a");
  EXPECT_EQ(one->finished.get().error.code, Code::kDataLoss);
  EXPECT_EQ(two->finished.get().error.code, Code::kDataLoss);
  EXPECT_EQ(pool_->used_bytes(), 0u);
  EXPECT_NE(pool_->list()[0].problem.find("damaged"), std::string::npos);
  broken_.clear();
  auto again = ask("a");
  finish("a");
  EXPECT_EQ(again->finished.get().reason, model::FinishReason::kStop);
  EXPECT_EQ(pool_->list()[0].problem, "");
}

TEST_F(PoolTest, SessionThatHasCountedKeepsItsModel) {
  start({{"a", 80}, {"b", 80}});
  auto session = pool_->find("a").value();
  ASSERT_TRUE(session->count_tokens(std::string("x")));
  auto wants = ask("b");
  auto sink = std::make_shared<Waiting>();
  ASSERT_TRUE(session->submit(Context::background(), {}, sink));   // at once, though a drains
  session.reset();
  EXPECT_TRUE(unloaded_.empty());
  finish("a");
  sink->finished.wait();
  finish("b");
  EXPECT_EQ(wants->finished.get().reason, model::FinishReason::kStop);
  EXPECT_EQ(unloaded_, std::vector<std::string>{"a"});
}

TEST_F(PoolTest, RequestCancelledWhileItsModelLoadsNeverReachesIt) {
  start({{"a", 40}});
  hold("a");
  auto sink = std::make_shared<Waiting>();
  auto handle = pool_->find("a").value()->submit(Context::background(), {}, sink).value();
  handle->cancel();
  auto other = ask("a");
  let_go("a");
  EXPECT_EQ(sink->finished.get().reason, model::FinishReason::kCancelled);
  finish("a");   // the other's: it is the only one there
  EXPECT_EQ(other->finished.get().reason, model::FinishReason::kStop);
}

TEST_F(PoolTest, WhoWaitsAtTheEndIsCancelledAndEverythingUnloaded) {
  start({{"a", 40}, {"b", 40}});
  ASSERT_TRUE(pool_->load("a"));
  hold("b");
  auto waits = ask("b");
  wait_for_load("b");
  auto late = ask("b");
  auto end = std::async(std::launch::async, [&] { pool_.reset(); });
  let_go("b");
  end.wait();
  (void)waits->finished.get();   // served or cancelled, but told
  (void)late->finished.get();
  EXPECT_EQ(in_memory_, 0u);
}

TEST_F(PoolTest, NamesVersionsAndAliases) {
  std::vector<Model> models;
  models.push_back(make("small@2", 10));
  models.push_back(make("small@1", 10));
  models.push_back(make("hub", 10));
  models.back().version = "0.1.2";
  pool_ = Pool::make({.budget_bytes = 100}, std::move(models), {{"prod", "small@1"}, {"canary", "prod"}}).value();
  auto id = [&](const char* name) { return pool_->find(name).value()->info().id; };
  EXPECT_EQ(id("small@1"), "small@1");
  EXPECT_EQ(id("small"), "small@2");   // the first listed
  EXPECT_EQ(id("prod"), "small@1");
  EXPECT_EQ(id("canary"), "small@1");
  EXPECT_EQ(id("hub@0.1.2"), "hub");
  const auto unknown = pool_->find("smal");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  EXPECT_NE(unknown.error().message.find("small@2"), std::string::npos);
  std::vector<Model> twice;
  twice.push_back(make("x", 1));
  twice.push_back(make("x", 1));
  EXPECT_FALSE(Pool::make({.budget_bytes = 100}, std::move(twice), {}));
  std::vector<Model> one;
  one.push_back(make("x", 1));
  EXPECT_FALSE(Pool::make({.budget_bytes = 100}, std::move(one), {{"y", "z"}}));
}

TEST_F(PoolTest, ManyClientsOnModelsThatDoNotFitTogetherAreAllServed) {
  start({{"a", 60}, {"b", 60}, {"c", 60}}, {.waiting_max = 1000});
  constexpr int kClients = 6, kRequests = 20;
  std::vector<std::thread> servers, clients;
  for (const char* id : {"a", "b", "c"})
    servers.emplace_back([this, id] {
      for (int i = 0; i < kClients * kRequests / 3; ++i) finish(id);
    });
  std::atomic<int> served{0};
  for (int c = 0; c < kClients; ++c)
    clients.emplace_back([&, c] {
      const char* ids[] = {"a", "b", "c"};
      for (int i = 0; i < kRequests; ++i) {
        auto asked = ask(ids[(c + i) % 3]);
        served += asked->finished.get().reason == model::FinishReason::kStop;
      }
    });
  for (auto& client : clients) client.join();
  for (auto& server : servers) server.join();
  EXPECT_EQ(served.load(), kClients * kRequests);
  EXPECT_LE(most_, 100u);
}

}  // namespace
}  // namespace strata::pool
