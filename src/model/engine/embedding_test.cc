// Embeddings, and how they share the engine with chat.
#include <atomic>

#include "model/engine/document_share.h"
#include "model/engine/engine_for_test.h"

namespace strata::engine {
namespace {

using model::Finish;
using model::FinishReason;
using model::Generated;
using model::GenerateRequest;
using model::TokenEvent;
using testing::EngineTest;
using testing::Gate;
using testing::Recorder;

class EmbeddingTest : public EngineTest {
 protected:
  void start_both() {
    start(testing::reciting_decoder("abcdef", true));
    testing::write_encoder(folder_);
    auto embedder = engine_->load_embedder(folder_.path(), "encoder");
    ASSERT_TRUE(embedder) << embedder.error().message;
    embedder_ = *embedder;
  }
  model::Embedder* embedder_ = nullptr;
};

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

TEST_F(EmbeddingTest, VectorsHaveUnitLengthAndDoNotDependOnTheBatch) {
  start_both();
  std::vector<std::string> texts = {"a b c", "q", "", "x y z a b c d e f g h i j", "hello"};
  const auto together = embedder_->embed(context_, {texts, true, false});
  ASSERT_TRUE(together) << together.error().message;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto alone = embedder_->embed(context_, {{texts[i]}, false, true});
    ASSERT_TRUE(alone);
    EXPECT_EQ((*alone)[0].vector, (*together)[i].vector) << "same bits, text " << i;
    EXPECT_NEAR(dot((*alone)[0].vector, (*alone)[0].vector), 1, 1e-5);
    EXPECT_TRUE((*alone)[0].token_vectors.empty());
    EXPECT_EQ((*together)[i].token_vectors.size(), static_cast<size_t>((*together)[i].tokens) * 32);
    EXPECT_EQ((*together)[i].token_spans.size(), static_cast<size_t>((*together)[i].tokens));
  }
  EXPECT_EQ((*together)[0].tokens, 5);
  EXPECT_EQ((*together)[0].token_spans[1], (std::pair<uint32_t, uint32_t>{0, 1}));
  EXPECT_EQ((*together)[0].token_spans[3], (std::pair<uint32_t, uint32_t>{4, 5}));
}

TEST_F(EmbeddingTest, Int8VectorsDoNotDependOnTheBatchAndLieCloseToF32) {
  testing::write_encoder(folder_);
  const std::vector<std::string> texts = {"a b c", "q", "x y z a b c d e f g h i j", "hello"};
  std::vector<model::Embedding> all[2];
  for (const Precision precision : {Precision::kF32, Precision::kInt8}) {
    auto engine = Engine::make({.threads = 2, .embedder_precision = precision}).value();
    auto* embedder = engine->load_embedder(folder_.path(), "encoder").value();
    auto together = embedder->embed(context_, {texts, false, false}).value();
    for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(embedder->embed(context_, {{texts[i]}, false, true}).value()[0].vector, together[i].vector) << texts[i];
    all[precision == Precision::kInt8] = std::move(together);
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_NE(all[0][i].vector, all[1][i].vector);
    EXPECT_GT(dot(all[0][i].vector, all[1][i].vector), 0.999);
  }
}

TEST_F(EmbeddingTest, LongTextsAreTruncatedAndSaySo) {
  start_both();
  std::string text;
  for (int i = 0; i < 200; ++i) text += "a ";
  const auto out = embedder_->embed(context_, {{text, "b"}, false, false});
  ASSERT_TRUE(out);
  EXPECT_TRUE((*out)[0].truncated);
  EXPECT_EQ((*out)[0].tokens, embedder_->tokens_max());
  EXPECT_FALSE((*out)[1].truncated);
  EXPECT_EQ(*embedder_->count_tokens(text), 202);
}

TEST_F(EmbeddingTest, ChatGoesBeforeDocumentsAndQueriesBeforeBoth) {
  start_both();
  Gate gate;
  std::shared_ptr<model::Handle> holding;
  auto holder = occupy(gate, &holding);    // 3,000 tokens: the language model has work for long
  std::vector<std::string> order;          // written on the engine's thread alone
  std::promise<void> documents_done, query_done;
  ASSERT_TRUE(embedder_->submit(context_, {std::vector<std::string>(300, "a b c d e f g h"), false, false}, [&](auto result) {
    EXPECT_TRUE(result);
    order.push_back("documents");
    documents_done.set_value();
  }));
  auto chat = std::make_shared<Recorder>();
  chat->on_end = [&] { order.push_back("chat"); };
  static_assert(DocumentShare::kStepsLeast > 21);
  submit(request("a", 20), chat);
  ASSERT_TRUE(embedder_->submit(context_, {{"a"}, false, true}, [&](auto result) {
    EXPECT_TRUE(result);
    order.push_back("query");
    query_done.set_value();
  }));
  EXPECT_EQ(engine_->stats().waiting_embeddings, 301);
  gate.open();
  query_done.get_future().get();
  chat->finished.get();
  holding->cancel();
  documents_done.get_future().get();
  EXPECT_EQ(order, (std::vector<std::string>{"query", "chat", "documents"}));
}

TEST_F(EmbeddingTest, WhatIsInABatchComesLast) {
  start_both();
  Gate gate;
  std::shared_ptr<model::Handle> holding;
  auto holder = occupy(gate, &holding);
  std::vector<std::string> order;          // written on the engine's thread alone
  std::promise<void> batch_done;
  auto chat = std::make_shared<Recorder>();
  chat->on_end = [&] { order.push_back("chat in a batch"); };
  GenerateRequest chat_request = request("a", 5);
  chat_request.priority = model::Priority::kBatch;
  ASSERT_TRUE(model_->submit(context_, chat_request, chat));
  ASSERT_TRUE(embedder_->submit(context_, {std::vector<std::string>(300, "a b c d e f g h"), false, true, model::Priority::kBatch}, [&](auto result) {
    EXPECT_TRUE(result);
    order.push_back("batch");
    batch_done.set_value();
  }));
  ASSERT_TRUE(embedder_->submit(context_, {std::vector<std::string>(300, "a b c d e f g h"), false, false}, [&](auto result) {
    EXPECT_TRUE(result);
    order.push_back("documents");
  }));
  holding->cancel();
  gate.open();
  batch_done.get_future().get();
  chat->finished.get();
  ASSERT_EQ(order.size(), 3u);
  EXPECT_EQ(order[0], "documents");
}

// Asks again whenever it has its answer, until it is told to stop or has asked very often.
struct EndlessChat : model::Sink, std::enable_shared_from_this<EndlessChat> {
  std::function<void(std::shared_ptr<model::Sink>)> ask;
  std::atomic<bool> stop{false};
  std::atomic<int> rounds_left{50'000};
  std::promise<void> ended;
  void on_token(const TokenEvent&) override {}
  void on_finish(const Finish&) override {
    if (stop || --rounds_left <= 0) return ended.set_value();
    ask(shared_from_this());
  }
};

TEST_F(EmbeddingTest, DocumentsAreEmbeddedThoughChatNeverEnds) {
  start_both();
  auto chat = std::make_shared<EndlessChat>();
  chat->ask = [this](std::shared_ptr<model::Sink> sink) { EXPECT_TRUE(model_->submit(context_, request("a", 100), std::move(sink))); };
  chat->ask(chat);
  ASSERT_TRUE(embedder_->submit(context_, {{"a b c", "d"}, false, false}, [&](auto result) {
    EXPECT_TRUE(result);
    EXPECT_GT(chat->rounds_left, 0) << "only the end of the chats let the documents in";
    chat->stop = true;
  }));
  chat->ended.get_future().get();
  EXPECT_TRUE(chat->stop);
}

TEST(DocumentShare, AShortAnswerIsNeverHeldUp) {
  DocumentShare share;
  for (int i = 1; i < DocumentShare::kStepsLeast; ++i) share.chatted(60'000'000'000);
  EXPECT_FALSE(share.due());
  share.chatted(1);
  EXPECT_TRUE(share.due());
}

TEST(DocumentShare, IsATenthOfTheTimeHoweverLongABatchTakes) {
  for (const int64_t batch_ns : {50'000'000, 400'000'000}) {
    DocumentShare share;
    double chat = 0, documents = 0;
    for (int i = 0; i < 100'000; ++i) {
      share.chatted(10'000'000);
      chat += 1e7;
      if (!share.due()) continue;
      share.embedded(batch_ns);
      documents += static_cast<double>(batch_ns);
    }
    EXPECT_NEAR(documents / (chat + documents), 0.1, 0.01) << batch_ns;
  }
}

TEST(DocumentShare, CountsOnlyWhileDocumentsWait) {
  DocumentShare share;
  for (int i = 0; i < 100; ++i) share.chatted(1'000'000'000);
  share.nothing_waits();
  share.chatted(1'000'000'000);
  EXPECT_FALSE(share.due());
}

TEST_F(EmbeddingTest, CancelledEmbeddingsEndWithThatError) {
  start_both();
  Gate gate;
  std::shared_ptr<model::Handle> handle;
  auto holder = occupy(gate, &handle);
  const Context mine = Context::make(system_clock(), {}, "request", std::make_shared<CancelFlag>());
  std::promise<Result<std::vector<model::Embedding>>> result;
  ASSERT_TRUE(embedder_->submit(mine, {{"a", "b"}, false, false}, [&](auto out) { result.set_value(std::move(out)); }));
  mine.cancel();
  gate.open();
  handle->cancel();
  const auto out = result.get_future().get();
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Code::kCancelled);
  EXPECT_EQ(engine_->stats().waiting_embeddings, 0);
}

TEST_F(EmbeddingTest, NoTextsAreRefused) {
  start_both();
  EXPECT_FALSE(embedder_->embed(context_, {{}, false, false}));
}

}  // namespace
}  // namespace strata::engine
