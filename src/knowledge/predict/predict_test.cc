#include "knowledge/predict/predict.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "knowledge/predict/model.h"
#include "knowledge/tool/tool.h"
#include "model/interface/interface.h"

namespace strata::predict {
namespace {

// Counts three words: a vector that a test can follow.
class Words : public model::Embedder {
 public:
  Words() { info_.id = "words"; }
  const model::ModelInfo& info() const override { return info_; }
  int tokens_max() const override { return 100; }
  Result<int> count_tokens(std::string_view) const override { return 1; }
  Status submit(const Context&, model::EmbedRequest request, Done done) override {
    std::vector<model::Embedding> out;
    for (const auto& text : request.texts) {
      model::Embedding one;
      for (const char* word : {"refund", "password", "parcel"}) one.vector.push_back(text.find(word) == text.npos ? 0.0f : 1.0f);
      out.push_back(std::move(one));
    }
    done(std::move(out));
    return {};
  }
  model::ModelInfo info_;
};

struct Desk {
  Context context = Context::background();
  std::string folder;
  Words embedder;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<tool::Tools> tools;
  std::unique_ptr<Predictors> predictors;

  Desk() {
    char name[] = "/tmp/strata-predict-XXXXXX";
    folder = mkdtemp(name);
    open();
  }
  ~Desk() {
    close();
    std::filesystem::remove_all(folder);
  }
  void close() {
    predictors.reset();
    tools.reset();
    store.reset();
  }
  void open() {
    close();
    std::vector<store::Migration> all = tool::migrations();
    for (auto& one : migrations()) all.push_back(one);
    store = *store::Store::open(folder + "/data", all);
    tools = std::make_unique<tool::Tools>(*store, system_clock());
    predictors = std::make_unique<Predictors>(*store, embedder, *tools, system_clock());
    ASSERT_TRUE(predictors->load(context));
  }
  Result<Version> train(std::string extra = "") {
    std::vector<Example> examples;
    for (int i = 0; i < 6; ++i) {
      examples.push_back({"a refund please " + std::to_string(i), "money"});
      examples.push_back({"my password is gone " + std::to_string(i), "account"});
    }
    if (!extra.empty()) examples.push_back({"x", extra});
    return predictors->train_classifier(context, "tickets", "", examples, 0);
  }
  Json call(const std::string& name, const std::string& arguments) {
    auto outcome = tools->call(context, name, *Json::parse(arguments), "");
    return outcome ? outcome->json() : Json(outcome.error().message);
  }
};

TEST(Predict, AClassifierIsATrainedToolWithAnHonestReport) {
  Desk desk;
  const auto made = desk.train();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->report["accuracy"], Json(1.0));
  EXPECT_EQ(made->report["baseline_accuracy"], Json(0.5));
  const Json said = desk.call("classify_tickets", R"({"text":"where is my refund"})");
  EXPECT_EQ(said["result"]["label"], Json("money")) << said.dump();
  desk.open();   // it is there after a restart
  EXPECT_EQ(desk.call("classify_tickets", R"({"text":"forgot my password"})")["result"]["label"], Json("account"));
}

TEST(Predict, VersionsAreKeptAndAnOlderOneIsOfferedAgain) {
  Desk desk;
  ASSERT_TRUE(desk.train());
  const auto second = desk.train();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->version, 2);
  ASSERT_TRUE(desk.predictors->use(desk.context, "tickets", 1));
  const auto all = *desk.predictors->list(desk.context, "tickets");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[1].live && !all[0].live);
  EXPECT_EQ(desk.predictors->use(desk.context, "tickets", 9).error().code, Code::kNotFound);
  EXPECT_NE(desk.predictors->list(desk.context, "tickts").error().message.find("did you mean 'tickets'"), std::string::npos);
  ASSERT_TRUE(desk.predictors->remove(desk.context, "tickets"));
  EXPECT_FALSE(desk.tools->describe("classify_tickets"));
}

TEST(Predict, WhatCannotBeTrainedIsSaidByName) {
  Desk desk;
  EXPECT_NE(desk.train("rare").error().message.find("label 'rare' has 1 examples"), std::string::npos);
  EXPECT_EQ(desk.predictors->train_classifier(desk.context, "Bad Name", "", {}, 0).error().param, "name");
  ASSERT_TRUE(desk.train());
  EXPECT_EQ(
      desk.predictors
          ->train_recommender(desk.context, "tickets", "", {{"a", "1"}, {"a", "2"}, {"b", "1"}, {"b", "2"}, {"c", "1"}, {"c", "2"}, {"d", "1"}, {"d", "2"}}, 0)
          .error()
          .code,
      Code::kAlreadyExists);
}

TEST(Predict, AToolFromElsewhereKeepsItsName) {
  Desk desk;
  tool::Description about;
  about.name = "classify_tickets";
  about.description = "another";
  about.parameters = about.result = *Json::parse(R"({"type":"object"})");
  ASSERT_TRUE(desk.tools->add(tool::make_tool(about, [](const Context&, const tool::Invocation&) { return tool::Answer::of(Json::object()); })));
  EXPECT_EQ(desk.train().error().code, Code::kAlreadyExists);
  EXPECT_EQ(desk.tools->describe("classify_tickets")->description, "another");
}

TEST(Predict, AnotherEmbeddingModelIsSaidAndNotGuessedWith) {
  Desk desk;
  ASSERT_TRUE(desk.train());
  desk.embedder.info_.id = "other";
  const Json said = desk.call("classify_tickets", R"({"text":"refund"})");
  EXPECT_EQ(said["state"], Json("failed"));
  EXPECT_NE(said.dump().find("train it again"), std::string::npos);
}

TEST(Predict, ARecommenderKnowsItsUsersAndScoresCandidates) {
  Desk desk;
  std::vector<Row> rows;
  for (int u = 0; u < 20; ++u) {
    for (int i = 0; i < 4; ++i) {
      if (i != u % 4) rows.push_back({"user" + std::to_string(u), (u < 10 ? "tea" : "bolt") + std::to_string(i)});
    }
  }
  rows.push_back(rows[0]);   // twice is once
  const auto made = desk.predictors->train_recommender(desk.context, "shop", "", rows, 1);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->report["rows"], Json(60));
  const Json said = desk.call("recommend_shop", R"({"user":"user0","count":1})");
  EXPECT_EQ((*said["result"]["items"].as_array())[0]["item"], Json("tea0")) << said.dump();
  const Json scored = desk.call("recommend_shop", R"({"items":["bolt1"],"candidates":["tea1","bolt2"]})");
  EXPECT_EQ((*scored["result"]["items"].as_array())[0]["item"], Json("bolt2")) << scored.dump();
  EXPECT_NE(desk.call("recommend_shop", R"({"user":"usr0"})").dump().find("did you mean 'user0'"), std::string::npos);
}

TEST(Predict, DamagedBytesAreNoModel) {
  Model model;
  model.kind = kClassifier;
  model.names = {"a", "b"};
  model.softmax = {2, 1, {0}, {1, 2}, {0, 0}};
  const std::string bytes = model.bytes();
  ASSERT_TRUE(Model::from(bytes));
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_FALSE(Model::from(bytes.substr(0, i)));
  EXPECT_FALSE(Model::from(bytes + "x"));
}

}  // namespace
}  // namespace strata::predict
