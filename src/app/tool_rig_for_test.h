// For tests: real flows over the real registry of tools, as app/flow_effects.cc joins them; the model is scripted, and what tools do is counted.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/flow_effects.h"
#include "base/random.h"
#include "infra/durable/durable.h"
#include "infra/store/store.h"
#include "orchestration/registry/registry.h"

namespace strata::app {

class ScriptedModel : public flow::Models {
 public:
  std::function<std::string(const std::string& prompt)> script = [](const std::string&) { return "ok"; };
  Result<flow::ModelReply> generate(const Context&, const flow::ModelCall& call) override {
    flow::ModelReply reply;
    reply.text = script(call.messages.back().content);
    reply.model = "scripted", reply.finish = "stop", reply.prompt_tokens = 1, reply.completion_tokens = 1;
    return reply;
  }
};

// Every question finds the same text.
class ScriptedLibrary : public flow::Library {
 public:
  std::function<std::string(const std::string& question)> text = [](const std::string&) { return "nothing"; };
  Result<Json> retrieve(const Context&, const std::string& query, const std::vector<std::string>&, int) override {
    return Json::array({Json::object({{"text", text(query)}, {"filename", "a.md"}, {"score", 0.9}})});
  }
  Result<Reply> answer(const Context&, const flow::AnswerCall& call) override { return Reply{Json::object({{"text", text(call.question)}}), {}}; }
};

class ToolRig {
 public:
  // `add`: puts the tools in, again after each opening.
  explicit ToolRig(std::function<void(tool::Tools&)> add)
      : folder_((std::filesystem::temp_directory_path() / make_id("tool-rig")).string()), add_(std::move(add)) {
    open();
  }
  ~ToolRig() {
    close();
    std::filesystem::remove_all(folder_);
  }
  ToolRig(const ToolRig&) = delete;
  ToolRig& operator=(const ToolRig&) = delete;

  void open() {
    std::vector<store::Migration> all;
    for (auto& part : {durable::Journal::migrations(), registry::migrations(), tool::migrations(), flow::migrations()})
      all.insert(all.end(), part.begin(), part.end());
    store_ = store::Store::open(folder_, all).value();
    journal_ = durable::Journal::open(*store_, system_clock(), 1).value();
    registry_ = std::make_unique<registry::Registry>(*store_, system_clock());
    tools_ = std::make_unique<tool::Tools>(*store_, system_clock());
    add_(*tools_);
    services_.tools = tools_.get();
    effects_ = flow_tools(services_);
    approvals_ = flow_approvals(services_);
    tools_->set_approvals(approvals_.get());
    flow::Options options;
    options.effects = {.models = &model, .library = &library, .tools = effects_.get()};
    flows_ = std::make_unique<flow::Flows>(*store_, *journal_, *registry_, system_clock(), std::move(options));
    services_.flows = flows_.get();
    flows_->register_jobs();
    journal_->start();
  }
  // As a graceful stop of the program does.
  void close() {
    if (journal_) journal_->stop();
    flows_.reset();
    tools_.reset();
    registry_.reset();
    journal_.reset();
    store_.reset();
  }

  flow::Flows& flows() { return *flows_; }
  tool::Tools& tools() { return *tools_; }
  void put(const std::string& name, const std::string& text) {
    auto saved = flows_->put(context, name, text, 0, "test");
    ASSERT_TRUE(saved) << saved.error().message;
  }
  std::string start(const std::string& name, Json input = Json::object()) {
    auto run = flows_->start(context, {.flow = name, .version = 0, .input = std::move(input), .key = "", .trigger = "api"});
    EXPECT_TRUE(run) << run.error().message;
    return run ? run->id : "";
  }
  // Waits until the run is over, or waits for a person. A run that waits only for a time goes on by itself.
  flow::RunView settled(const std::string& id) {
    for (;;) {
      const durable::State state = flows_->run(context, id).value().job.state;
      if (durable::finished(state) || state == durable::State::kWaiting) {
        flow::RunView view = flows_->view(context, id).value();
        if (durable::finished(view.run.job.state) || view.run.waits_for == "approval" || view.run.waits_for == "outcome") return view;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::vector<flow::Approval> pending(const std::string& run) { return flows_->approvals(context, "pending", run, 10).value(); }
  int count(const std::string& run, const std::string& kind) {
    int found = 0;
    const auto events = flows_->events(context, run, 0, 10'000).value();
    for (auto& event : events) found += event.kind == kind;
    return found;
  }

  Context context = Context::background();
  ScriptedModel model;
  ScriptedLibrary library;

 private:
  const std::string folder_;
  const std::function<void(tool::Tools&)> add_;
  api::Services services_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<durable::Journal> journal_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<tool::Tools> tools_;
  std::unique_ptr<flow::Tools> effects_;
  std::unique_ptr<tool::Approvals> approvals_;
  std::unique_ptr<flow::Flows> flows_;
};

}  // namespace strata::app
