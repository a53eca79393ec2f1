// What the engine's tests share: a sink that records, a gate that holds the engine, and a fixture with a tiny model.
// Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/engine/engine.h"
#include "model/engine/models_for_test.h"

namespace strata::engine::testing {

using model::Finish;
using model::FinishReason;
using model::Generated;
using model::GenerateRequest;
using model::TokenEvent;

// Collects a request's events; `on_first` runs on the engine's thread at the first token, to hold the engine where a test wants it, and
// `on_end` there at the end.
struct Recorder : model::Sink {
  std::function<void()> on_first, on_end;
  std::string text;
  std::vector<TokenEvent> events;
  std::promise<Finish> done;
  std::future<Finish> finished = done.get_future();
  void on_token(const TokenEvent& event) override {
    if (events.empty() && on_first) on_first();
    EXPECT_TRUE(utf8_valid(event.text));
    text += event.text;
    events.push_back(event);
  }
  void on_finish(const Finish& finish) override {
    if (on_end) on_end();
    done.set_value(finish);
  }
};

// A gate that the engine's thread waits at until the test opens it.
class Gate {
 public:
  void arrive_and_wait() {
    std::unique_lock lock(mutex_);
    arrived_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return arrived_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool arrived_ = false, open_ = false;
};

class EngineTest : public ::testing::Test {
 protected:
  void start(const std::string& model_bytes, Options options = {}) {
    if (options.threads == 0) options.threads = 2;
    engine_ = Engine::make(options).value();
    auto model = engine_->load_language_model(folder_.write("model.gguf", model_bytes), "tiny");
    ASSERT_TRUE(model) << model.error().message;
    model_ = *model;
  }
  GenerateRequest request(std::string prompt, int max_tokens) {
    GenerateRequest out;
    out.prompt = std::move(prompt);
    out.max_tokens = max_tokens;
    out.sampling.temperature = 0;
    return out;
  }
  Generated run(GenerateRequest request) {
    auto out = model::generate(context_, *model_, std::move(request));
    if (!out) ADD_FAILURE() << out.error().message;
    return out ? std::move(*out) : Generated{};
  }
  std::shared_ptr<model::Handle> submit(GenerateRequest request, const std::shared_ptr<Recorder>& sink) {
    auto handle = model_->submit(context_, std::move(request), sink);
    if (!handle) ADD_FAILURE() << handle.error().message;
    return handle ? *handle : nullptr;
  }
  // A request that never ends by itself and whose first token holds the engine at `gate`.
  std::shared_ptr<Recorder> occupy(Gate& gate, std::shared_ptr<model::Handle>* handle = nullptr) {
    auto sink = std::make_shared<Recorder>();
    sink->on_first = [&gate] { gate.arrive_and_wait(); };
    auto submitted = submit(request("a", 0), sink);
    if (!submitted) return sink;
    if (handle) *handle = submitted;
    gate.wait_for_arrival();
    return sink;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_;
  model::LanguageModel* model_ = nullptr;
  Context context_ = Context::background();
};

}  // namespace strata::engine::testing
