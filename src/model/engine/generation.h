// Generation: one request to a language model, from submit to its last event. Holds what is the sequence's own: prompt, position, KV blocks,
// sampler, text stream. The scheduler (language_runner) decides when it runs.
//
// THREADS: made on the caller's thread, then the engine's alone; choose() and score_prompt() may run on a compute thread, for one
// generation at a time. Sinks are called on the engine's thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "model/engine/draft.h"
#include "model/engine/sampler.h"
#include "model/engine/text_stream.h"
#include "model/grammar/grammar.h"
#include "model/interface/interface.h"
#include "model/network/network.h"
#include "model/tokenizer/tokenizer.h"

namespace strata::engine {

// What a generation must know of its model.
struct Vocabulary {
  const tokenizer::Tokenizer* tokenizer = nullptr;
  std::set<int32_t> end_of_generation;
  // The vocabulary as a tree, made when a grammar first asks for it. THREADS: safe.
  std::shared_ptr<const grammar::TokenTrie> trie() const;
  mutable std::once_flag trie_once;
  mutable std::shared_ptr<const grammar::TokenTrie> trie_;
  model::Receipt origin;        // what a receipt says of the model: its parts, nothing of a request
};

// An adapter in service, for models of one id and shape: it outlives a model that is unloaded, and goes with it when it is back.
struct ServedAdapter : model::Adapter {
  ServedAdapter(model::ModelInfo about, const network::DecoderShape& of, network::Adapter read)
      : described(std::move(about)), shape(of), weights(std::move(read)) {}
  const model::ModelInfo& info() const override { return described; }
  const model::ModelInfo described;
  const network::DecoderShape shape;   // of the model that it was read for
  const network::Adapter weights;
};

class Generation {
 public:
  struct Start {
    Context context;
    model::GenerateRequest request;      // its prompt is not looked at, but for what kind it is
    std::vector<int32_t> prompt;         // REQUIRES: not empty, all in the vocabulary; what is chosen is added
    int completion_max = 0;              // tokens; 0: only the prompt is run
    std::shared_ptr<model::Sink> sink;
    std::shared_ptr<std::atomic<bool>> cancelled;
  };
  Generation(Start start, const Vocabulary& vocabulary);

  // ---- What the scheduler needs
  int prompt_tokens() const { return prompt_tokens_; }
  int position() const { return position_; }                  // rows run so far, whose keys and values are there
  // Rows before the next token can be chosen: of the prompt; after preempt() also of what was chosen before it.
  int prefill_tokens() const { return prefill_tokens_; }
  bool prefilling() const { return position_ < prefill_tokens_; }
  // How many of `rows` from position() on are run for the first time.
  int new_rows(int rows) const { return std::clamp(position_ + rows - reached_, 0, rows); }
  // Prompt and what was chosen so far.
  std::span<const int32_t> tokens() const { return start_.prompt; }
  // Whether results of earlier sequences may stand in for rows of the prompt: not where each of its rows is asked for.
  bool may_adopt() const { return !start_.request.echo || prompt_ended_; }
  const std::string& salt() const { return salt_; }           // of the prefix cache
  const network::Adapter* adapter() const { return adapter_ ? &adapter_->weights : nullptr; }
  bool wants_prompt_logprobs() const { return start_.request.echo && start_.request.logprobs && !prompt_ended_; }
  bool wants_completion() const { return start_.completion_max > 0; }
  bool in_batch() const { return start_.request.priority == model::Priority::kBatch; }   // nobody waits for it
  Status check() const;                                       // cancelled, or past its deadline
  bool finished() const { return finished_; }
  int completion_left() const { return start_.completion_max - completion_tokens_; }
  network::KvSequence kv;
  Draft draft;
  std::vector<int32_t> forced(int most);                      // tokens that the grammar demands next: see grammar::Matcher
  bool tired() const;                                         // no more guesses are checked in this step: see grammar::Matcher
  std::function<void()> before_finish;                        // called just before the sink hears of the end: a sink that looks sees it done

  // ---- Events, in order of a request's life
  void admit();                                               // leaves the queue
  // Back to the queue: keys and values are gone, and all rows so far will be run again. Nothing that was chosen or sent is forgotten,
  // so the sink sees nothing of it. REQUIRES: between steps.
  void preempt();
  void adopt(int rows);                                       // rows came from the prefix cache
  void advance(int rows);                                     // rows of this sequence were run
  // Log-probabilities of the prompt's token at `position`, from the row before it. SHAPE: logits [V]
  void score_prompt(int position, std::span<const float> logits);
  void echo_prompt(int begin, int end);                       // events for prompt tokens [begin, end) that had none, scored before where asked for
  void end_prompt();                                          // after the whole prompt was run
  // Picks the next token, or the one after what was picked in this step. -1: the weights are damaged. SHAPE: logits [V], overwritten
  int32_t choose(std::span<float> logits);
  void deliver();                                             // sends what choose() picked; may finish
  int picked() const { return static_cast<int>(picked_.size()); }
  void finish(model::FinishReason reason, std::optional<Error> error = std::nullopt);
  void fail(Error error);                                     // kCancelled where the error says so, else kError

 private:
  struct Report {
    model::TokenLogprob token;
    std::vector<model::TokenLogprob> top;
  };
  Report report(int32_t id, std::span<const float> logits) const;
  Report unscored(int32_t id) const;
  // Pushes a token's bytes through the stream and sends what came free; true where a stop string is complete.
  bool send(TextStream& stream, int32_t id, Report report, bool from_prompt);
  void send_released(const TextStream::Out& out, bool from_prompt);
  void keep_to_grammar(std::span<float> logits);
  double since_submit_ms() const;
  std::shared_ptr<const model::Receipt> receipt() const;

  Start start_;
  const ServedAdapter* const adapter_;              // the request's, which holds it; nullptr: none
  const Vocabulary& vocabulary_;
  Sampler sampler_;
  std::optional<grammar::Matcher> matcher_;         // where the output is held to a grammar
  TextStream prompt_stream_, stream_;
  std::deque<std::pair<int32_t, Report>> unsent_;   // tokens whose text is not yet released
  std::vector<Report> prompt_reports_;              // by position; only where asked for
  const int prompt_tokens_;
  std::string salt_;
  int position_ = 0, cached_tokens_ = 0;
  int prefill_tokens_;
  int reached_ = 0;                                 // the furthest position so far: rows before it were run once
  int echoed_ = 0;                                  // tokens of the prompt
  bool prompt_ended_ = false, admitted_ = false;
  int completion_tokens_ = 0;
  std::vector<std::pair<int32_t, Report>> picked_;  // in this step, not yet sent
  bool finished_ = false;
  int64_t submitted_ns_ = 0;
  double queue_ms_ = 0, first_token_ms_ = 0;
};

}  // namespace strata::engine
