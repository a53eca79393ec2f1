// The local engine's implementations of model::LanguageModel and model::Embedder: they check and tokenize a request on the caller's
// thread and hand it to the runner that the engine's thread drives.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "model/engine/chat_prompt.h"
#include "model/engine/embedding_runner.h"
#include "model/engine/language_runner.h"
#include "model/interface/interface.h"
#include "model/tokenizer/tokenizer.h"

namespace strata::engine {

class LocalLanguageModel : public model::LanguageModel {
 public:
  struct Parts {
    model::ModelInfo info;
    std::unique_ptr<tokenizer::Tokenizer> tokenizer;
    ChatPrompt chat;
    std::unique_ptr<LanguageRunner> runner;
    std::string template_sha256;              // of the chat template
    std::string kv_cache = "f16";             // for receipts
    std::function<void()> wake;               // tells the engine's thread that there is work
  };
  explicit LocalLanguageModel(Parts parts);

  const model::ModelInfo& info() const override { return parts_.info; }
  Result<std::shared_ptr<model::Handle>> submit(const Context& context, model::GenerateRequest request, std::shared_ptr<model::Sink> sink) override;
  Result<int> count_tokens(const model::Prompt& prompt) const override;
  Result<std::vector<int32_t>> tokenize(std::string_view text, bool add_special) const override;
  Result<std::string> detokenize(const std::vector<int32_t>& ids) const override;
  LanguageRunner& runner() { return *parts_.runner; }

 private:
  Result<std::vector<int32_t>> prompt_ids(const model::Prompt& prompt, const std::vector<model::Function>& functions = {}, bool must_call = false) const;
  Result<std::shared_ptr<const grammar::Grammar>> grammar_of(const model::GenerateRequest& request);
  Status hold_to_calls(model::GenerateRequest& request, std::shared_ptr<model::Sink>& sink, const std::shared_ptr<std::atomic<bool>>& cancelled);
  Status check_ids(const std::vector<int32_t>& ids) const;
  Status check_request(const model::GenerateRequest& request) const;
  Status check_adapter(const ServedAdapter& adapter) const;
  Result<int> completion_max(const model::GenerateRequest& request, size_t prompt_tokens) const;

  Parts parts_;
  Vocabulary vocabulary_;
  std::mutex calls_mutex_;
  std::map<std::string, std::shared_ptr<const grammar::Grammar>> calls_;   // of the functions asked for last, by what they were compiled from
  size_t calls_nodes_ = 0;                                                 // theirs, together
};

class LocalEmbedder : public model::Embedder {
 public:
  struct Parts {
    model::ModelInfo info;
    int tokens_max = 0;
    std::unique_ptr<tokenizer::Tokenizer> tokenizer;
    std::unique_ptr<EmbeddingRunner> runner;
    std::function<void()> wake;
  };
  explicit LocalEmbedder(Parts parts) : parts_(std::move(parts)) {}

  const model::ModelInfo& info() const override { return parts_.info; }
  int tokens_max() const override { return parts_.tokens_max; }
  Result<int> count_tokens(std::string_view text) const override;
  Status submit(const Context& context, model::EmbedRequest request, Done done) override;
  EmbeddingRunner& runner() { return *parts_.runner; }

 private:
  Result<EmbeddingText> encode(std::string_view text, bool spans) const;
  Parts parts_;
};

}  // namespace strata::engine
