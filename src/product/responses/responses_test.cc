#include "product/responses/responses.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"

namespace strata::responses {
namespace {

class ResponsesTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    store_.reset();
    auto opened = store::Store::open(folder_, migrations());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  Stored turn(std::string id, std::string previous, std::string question, std::string answer) {
    return {std::move(id), std::move(previous), Json::object({{"object", "response"}}), {{"user", std::move(question), ""}}, std::move(answer), 1};
  }
  std::string folder_ = testing::TempDir() + make_id("responses");
  std::unique_ptr<store::Store> store_;
  Context context_ = Context::background();
};

TEST_F(ResponsesTest, AChainSurvivesARestartInOrder) {
  {
    Responses responses(*store_);
    ASSERT_TRUE(responses.put(context_, turn("resp_1", "", "one?", "1")));
    ASSERT_TRUE(responses.put(context_, turn("resp_2", "resp_1", "two?", "2")));
  }
  open();
  Responses responses(*store_);
  auto chain = responses.conversation(context_, "resp_2");
  ASSERT_TRUE(chain) << chain.error().message;
  ASSERT_EQ(chain->size(), 4u);
  EXPECT_EQ((*chain)[0].content, "one?");
  EXPECT_EQ((*chain)[1].role, "assistant");
  EXPECT_EQ((*chain)[3].content, "2");
}

TEST_F(ResponsesTest, WhatIsDeletedIsNotFound) {
  Responses responses(*store_);
  ASSERT_TRUE(responses.put(context_, turn("resp_1", "", "q", "a")));
  ASSERT_TRUE(responses.remove(context_, "resp_1"));
  EXPECT_EQ(responses.get(context_, "resp_1").error().code, Code::kNotFound);
  EXPECT_EQ(responses.remove(context_, "resp_1").error().code, Code::kNotFound);
  EXPECT_EQ(responses.conversation(context_, "resp_1").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace strata::responses
