// ChatPrompt: messages → token ids, by the model's own chat template.
//
// Special tokens ("<|im_end|>") are recognized only in what the template itself writes, never in the words of a message: a user cannot
// close their own turn or open the system's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/interface/interface.h"
#include "model/tokenizer/tokenizer.h"

namespace strata::engine {

class ChatPrompt {
 public:
  ChatPrompt();
  // A template that cannot be used is remembered as the error that ids() gives: the model can still complete plain text.
  ChatPrompt(std::string_view source, const tokenizer::Tokenizer& tokenizer);
  ChatPrompt(ChatPrompt&&) noexcept;
  ChatPrompt& operator=(ChatPrompt&&) noexcept;
  ~ChatPrompt();

  // `functions`: shown to the model, by its template where that knows the format of grammar::kCallOpen, else in words of ours at the head of
  // the system message; calls and their results among the messages likewise. `must_call`: the words ask for a call.
  Result<std::vector<int32_t>> ids(const std::vector<model::Message>& messages, const tokenizer::Tokenizer& tokenizer,
                                   const std::vector<model::Function>& functions = {}, bool must_call = false) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::engine
