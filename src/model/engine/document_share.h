// How documents keep their share of the engine while people chat without a pause. Chat goes first, but not for ever: once chat has run
// kStepsLeast steps and kChatPerDocuments times as long as a batch of documents takes, one such batch is due. So ingestion gets about
// a tenth of the time however long the chats go on, and an answer of a few words is never held up.
// THREADS: the engine's thread alone.
#pragma once

#include <cstdint>

namespace strata::engine {

class DocumentShare {
 public:
  static constexpr int kStepsLeast = 24;             // a short answer
  static constexpr int64_t kChatPerDocuments = 9;    // nine parts chat, one part documents
  static constexpr int64_t kBatchNs = 20'000'000;    // what a batch may take, until the first one has been measured

  // A step of chat ran for so long while documents waited.
  void chatted(int64_t ns) {
    ++steps_;
    chat_ns_ += ns;
  }
  // Whether documents are owed a batch before the next step of chat.
  bool due() const { return steps_ >= kStepsLeast && chat_ns_ >= kChatPerDocuments * batch_ns_; }
  // A batch of documents ran for so long.
  void embedded(int64_t ns) {
    batch_ns_ = ns;
    nothing_waits();
  }
  void nothing_waits() {
    steps_ = 0;
    chat_ns_ = 0;
  }

 private:
  int steps_ = 0;
  int64_t chat_ns_ = 0, batch_ns_ = kBatchNs;
};

}  // namespace strata::engine
