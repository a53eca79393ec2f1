// model/interface: what a language model and an embedder are to the rest of the house. The local engine and remote providers
// implement these; everything above submits a request and gets a stream of events. No thread ever waits for a token.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"

namespace strata::grammar { class Grammar; }

namespace strata::model {

// A function that a model may call, and its call.
struct Function {
  std::string name;                // 1 to 64 letters, digits, '_', '-', '.'
  std::string description;
  Json parameters;                 // JSON Schema of an object
  std::optional<bool> strict = {}; // as asked; a local model always is
};
struct FunctionCall {
  std::string id;                  // "call_…": what the result names
  std::string name;
  std::string arguments;           // JSON text
};

struct Message {
  std::string role;     // "system", "developer", "user", "assistant", "tool"
  std::string content;
  std::string name;     // optional
  std::vector<FunctionCall> calls = {};  // of an assistant's message
  std::string call_id = {};              // of a tool's: which call it answers
};

struct Sampling {
  double temperature = 1.0;        // 0: greedy. UNITS: none, [0, 2]
  int top_k = 0;                   // 0: off
  double top_p = 1.0;
  double min_p = 0.0;
  double frequency_penalty = 0.0;  // [-2, 2], subtracted per earlier occurrence in the completion
  double presence_penalty = 0.0;   // [-2, 2]
  double repetition_penalty = 1.0; // over prompt and completion; 1: off
  uint64_t seed = 0;
  std::map<int32_t, double> logit_bias;
};

// Whether somebody waits for it. What nobody waits for runs when nothing else has work, and gives way at once.
enum class Priority { kInteractive, kBatch };

// Exactly one of: chat messages (rendered with the model's template), text (tokenized as it is), token ids.
using Prompt = std::variant<std::vector<Message>, std::string, std::vector<int32_t>>;

// What a local model's output came from, whole: the same weights give the same output tokens for it again, whatever else runs.
struct Receipt {
  std::string model, model_sha256, template_sha256;  // template: empty where the prompt was no chat
  std::string adapter, adapter_sha256;               // empty where there was none
  std::string isa;                                   // instruction-set level: bits are the same at one level
  std::string kv_cache = "f16";                      // how keys and values were kept: "f16" or "q8"
  std::vector<int32_t> prompt, output;               // token ids; the output's with the one that ended it
  Sampling sampling;                                 // the seed that was used, also where none was given
  int max_tokens = 0;
  std::vector<std::string> stop;
  bool ignore_eos = false;
};

struct ModelInfo {
  std::string id;             // what the API calls it
  std::string family;         // "llama", "bert"
  std::string source;         // package or file it came from
  std::string license;
  std::string format;         // "Q4_1"
  uint64_t parameters = 0;
  int context_tokens = 0;
  int vocabulary = 0;
  int dimensions = 0;         // of embeddings, for an embedder
  uint64_t memory_bytes = 0;
  std::string sha256;
  bool remote = false;
  bool demo = false;          // the small embedded default
  std::string parent;  // of an adapter: the id of the model that it changes; everything above is then that model's but for `source` and `memory_bytes`
  std::string adapter_sha256;  // of an adapter: of its files
  int adapter_rank = 0;
};

// A LoRA adapter that the local engine has loaded. Requests that carry it share it, so that letting go of it takes it from nobody.
class Adapter {
 public:
  virtual ~Adapter() = default;
  virtual const ModelInfo& info() const = 0;   // its id is the adapter's name, `parent` the model that it changes
};

struct GenerateRequest {
  Prompt prompt;
  int max_tokens = 0;                 // 0: as many as the context holds
  Sampling sampling;
  std::vector<std::string> stop;      // up to 4 strings; the text ends before the first that appears
  bool ignore_eos = false;
  // Log-probabilities are of the model's own distribution: log-softmax of the raw logits, before bias, penalties and temperature.
  bool logprobs = false;              // of the tokens generated; with echo also of the prompt's
  int top_logprobs = 0;               // [0, 20]
  bool echo = false;                  // also events (with log-probabilities where asked for) of the prompt's tokens
  // What the output may be: only tokens that keep it possible are chosen. A local model is held to `grammar`; a remote one is sent
  // `response_format`, as OpenAI's API has it. Not together with ignore_eos or receipt.
  std::shared_ptr<const grammar::Grammar> grammar;
  Json response_format;               // null: any text
  // Functions that the model may call; what it calls comes as TokenEvent::calls. A local model's choice and arguments are always valid for
  // their schemas (unless max_tokens cuts them short; a stop string cuts text, never a call); a schema that cannot be enforced is
  // kInvalidArgument. Not together with grammar, ignore_eos or receipt.
  std::vector<Function> functions;
  enum class Calling { kNone, kAuto, kRequired };  // kNone: none may be called; a local model is not even shown them
  Calling calling = Calling::kAuto;
  std::string function;               // where one must be called: its name, with kRequired
  bool parallel_calls = true;         // several in one answer
  bool receipt = false;               // Finish carries one; local models only
  std::shared_ptr<const Adapter> adapter;   // changes the model for this request; nullptr: the model as it is
  Priority priority = Priority::kInteractive;   // of a local model's queue
  bool prompt_only = false;           // generate nothing (max_tokens is ignored), finish with kLength: with echo, scores a text
};

struct TokenLogprob {
  int32_t id = -1;
  std::string bytes;                  // the token's bytes, which may be a part of a UTF-8 sequence
  double logprob = 0;                 // natural logarithm
  bool known = true;                  // false for the first token of an echoed prompt: nothing precedes it, so it has none (the API's null)
};

// A piece of a call. The first piece of an index has id and name; arguments are put together in order.
struct CallDelta {
  int index = 0;
  std::string id, name, arguments;
};

// One step's worth of output. `text` is always valid UTF-8 (bytes of a split character are held back until it is whole; so is text that
// may begin a stop string). An id comes with the event that releases the last byte of its text; the end-of-generation token has none.
struct TokenEvent {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<TokenLogprob> logprobs;                  // one per id where asked for
  std::vector<std::vector<TokenLogprob>> top_logprobs; // one list per id where asked for
  bool from_prompt = false;                            // echo
  std::vector<CallDelta> calls = {};
};

enum class FinishReason { kStop, kLength, kCancelled, kError };

struct Usage {
  int prompt_tokens = 0;
  int cached_tokens = 0;
  int completion_tokens = 0;
};

struct Finish {
  FinishReason reason = FinishReason::kStop;
  Error error;                 // where reason is kError or kCancelled
  Usage usage;
  std::shared_ptr<const Receipt> receipt;  // where asked for, and the output is whole
  double queue_ms = 0;         // submit → first prefill step
  double first_token_ms = 0;   // submit → first token (TTFT)
  double total_ms = 0;
};

// Receives a request's events, in order, from one thread at a time (the engine's, or a network thread). Must not block.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void on_token(const TokenEvent& event) = 0;
  virtual void on_finish(const Finish& finish) = 0;  // exactly once, last
};

// A submitted request. Dropping the handle does not cancel; cancel() does, within one step, also while queued.
class Handle {
 public:
  virtual ~Handle() = default;
  virtual void cancel() = 0;
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  virtual const ModelInfo& info() const = 0;
  // kInvalidArgument (reason context_length_exceeded) where prompt + max_tokens cannot fit; kResourceExhausted (queue_full) where
  // the bounded queue is full. The context's cancel flag and deadline are watched. THREADS: safe; returns at once.
  virtual Result<std::shared_ptr<Handle>> submit(const Context& context, GenerateRequest request, std::shared_ptr<Sink> sink) = 0;
  // Exact where the tokenizer is local, an estimate for a remote model.
  virtual Result<int> count_tokens(const Prompt& prompt) const = 0;
  virtual Result<std::vector<int32_t>> tokenize(std::string_view text, bool add_special) const = 0;
  virtual Result<std::string> detokenize(const std::vector<int32_t>& ids) const = 0;
};

// `base` with an adapter on it, under the adapter's name: every request carries it.
std::shared_ptr<LanguageModel> with_adapter(std::shared_ptr<LanguageModel> base, std::shared_ptr<const Adapter> adapter);

struct Embedding {
  std::vector<float> vector;  // SHAPE: [dimensions], unit length
  std::vector<float> token_vectors;  // SHAPE: [tokens, dimensions], unit length each; only where asked for
  std::vector<std::pair<uint32_t, uint32_t>> token_spans;  // byte range in the text of each token vector; where asked for
  int tokens = 0;
  bool truncated = false;
};

struct EmbedRequest {
  std::vector<std::string> texts;
  bool token_vectors = false;
  bool query = false;            // a person waits: before document batches in the queue
  Priority priority = Priority::kInteractive;
};

class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual const ModelInfo& info() const = 0;
  virtual int tokens_max() const = 0;  // longer texts are truncated, and say so
  virtual Result<int> count_tokens(std::string_view text) const = 0;
  // Called with the embeddings, or the error, from the engine's thread; must not block. THREADS: safe; returns at once.
  using Done = std::function<void(Result<std::vector<Embedding>>)>;
  virtual Status submit(const Context& context, EmbedRequest request, Done done) = 0;
  // Blocks: for jobs on the worker pool, never for network or engine threads.
  Result<std::vector<Embedding>> embed(const Context& context, EmbedRequest request);
};

// Blocks until the request is finished; the whole text. For jobs, evals and the command line.
struct Generated {
  std::string text;
  std::vector<FunctionCall> calls;
  std::vector<TokenEvent> events;
  Finish finish;
};
void add_call(std::vector<FunctionCall>& calls, const CallDelta& delta);   // puts a stream's pieces together
Result<Generated> generate(const Context& context, LanguageModel& model, GenerateRequest request);

}  // namespace strata::model
