#include "model/engine/generation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace strata::engine {

using model::FinishReason;

namespace {

// Sequences share KV blocks only within a tenant and a set of permissions: timing tells nobody else what was asked. Another adapter
// gives other keys and values.
std::string prefix_salt(const Principal& principal, const ServedAdapter* adapter) {
  std::vector<std::string> roles = principal.roles;
  std::sort(roles.begin(), roles.end());
  std::string out = std::to_string(principal.tenant.size()) + ":" + principal.tenant;
  for (const std::string& role : roles) out += std::to_string(role.size()) + ":" + role;
  if (adapter) out += "adapter " + adapter->weights.sha256();   // no role begins without its length
  return out;
}

}  // namespace

Generation::Generation(Start start, const Vocabulary& vocabulary)
    : start_(std::move(start)),
      adapter_(static_cast<const ServedAdapter*>(start_.request.adapter.get())),   // there is no other kind
      vocabulary_(vocabulary),
      sampler_(start_.request.sampling, start_.prompt),
      stream_(start_.request.stop),
      prompt_tokens_(static_cast<int>(start_.prompt.size())),
      salt_(prefix_salt(start_.context.principal(), adapter_)),
      prefill_tokens_(prompt_tokens_),
      submitted_ns_(start_.context.clock().monotonic_ns()) {
  if (start_.request.grammar) matcher_.emplace(start_.request.grammar, vocabulary_.trie());
  if (wants_prompt_logprobs()) prompt_reports_.resize(start_.prompt.size());
}

std::shared_ptr<const grammar::TokenTrie> Vocabulary::trie() const {
  std::call_once(trie_once, [this] {
    std::vector<std::string> pieces;
    for (int32_t id = 0; id < tokenizer->vocabulary_size(); ++id) pieces.push_back(tokenizer->is_special(id) ? "" : tokenizer->piece(id, false));
    trie_ = std::make_shared<grammar::TokenTrie>(pieces, std::vector<int32_t>(end_of_generation.begin(), end_of_generation.end()));
  });
  return trie_;
}

double Generation::since_submit_ms() const { return static_cast<double>(start_.context.clock().monotonic_ns() - submitted_ns_) / 1e6; }

Status Generation::check() const {
  if (start_.cancelled->load(std::memory_order_acquire)) return cancelled("the request was cancelled");
  return start_.context.check();
}

void Generation::admit() {
  if (!std::exchange(admitted_, true)) queue_ms_ = since_submit_ms();
}

void Generation::preempt() {
  CHECK(picked_.empty());
  position_ = 0;
  prefill_tokens_ = static_cast<int>(start_.prompt.size());
  if (prompt_ended_) reached_ = prefill_tokens_;   // the last token's row was to come: none of it is a prompt's
}

void Generation::adopt(int rows) {
  cached_tokens_ += new_rows(rows);
  advance(rows);
}

void Generation::advance(int rows) {
  position_ += rows;
  reached_ = std::max(reached_, position_);
}

Generation::Report Generation::unscored(int32_t id) const {
  Report out;
  out.token.id = id;
  out.token.bytes = vocabulary_.tokenizer->piece(id, true);
  out.token.known = false;
  return out;
}

Generation::Report Generation::report(int32_t id, std::span<const float> logits) const {
  const LogProbabilities log_probabilities(logits);
  auto entry = [&](int32_t token) { return model::TokenLogprob{token, vocabulary_.tokenizer->piece(token, true), log_probabilities.of(token)}; };
  Report out;
  out.token = entry(id);
  for (const int32_t token : log_probabilities.top(start_.request.top_logprobs)) out.top.push_back(entry(token));
  return out;
}

void Generation::score_prompt(int position, std::span<const float> logits) {
  prompt_reports_[static_cast<size_t>(position)] = report(start_.prompt[static_cast<size_t>(position)], logits);
}

void Generation::echo_prompt(int begin, int end) {
  if (!start_.request.echo) return;
  end = std::min(end, prompt_tokens_);
  for (int i = std::max(begin, echoed_); i < end; ++i) {
    const int32_t id = start_.prompt[static_cast<size_t>(i)];
    Report scored = !wants_prompt_logprobs() ? Report{} : i == 0 ? unscored(id) : std::move(prompt_reports_[static_cast<size_t>(i)]);
    send(prompt_stream_, id, std::move(scored), true);
  }
  echoed_ = std::max(echoed_, end);
}

void Generation::end_prompt() {
  if (std::exchange(prompt_ended_, true)) return;
  if (start_.request.echo) send_released(prompt_stream_.finish(), true);
  if (!wants_completion()) finish(FinishReason::kLength);
}

// What may not come next gets no chance.
void Generation::keep_to_grammar(std::span<float> logits) {
  const std::vector<uint64_t>& mask = matcher_->mask();
  for (size_t id = 0; id < logits.size(); ++id) {
    if (id / 64 >= mask.size() || (mask[id / 64] >> id % 64 & 1) == 0) logits[id] = -INFINITY;
  }
}

bool Generation::tired() const { return matcher_ && matcher_->tired(); }
std::vector<int32_t> Generation::forced(int most) { return matcher_ ? matcher_->forced(most) : std::vector<int32_t>(); }

int32_t Generation::choose(std::span<float> logits) {
  // The reported distribution is the model's own, so it is read before the sampler overwrites the logits.
  std::vector<float> raw;
  if (start_.request.logprobs) raw.assign(logits.begin(), logits.end());
  if (matcher_) keep_to_grammar(logits);
  const int32_t token = sampler_.sample(logits);
  if (matcher_ && token >= 0 && !vocabulary_.end_of_generation.contains(token)) CHECK(matcher_->accept(token) || matcher_->overflowed());
  picked_.emplace_back(token, token >= 0 && start_.request.logprobs ? report(token, raw) : Report{});
  if (token >= 0) start_.prompt.push_back(token);
  return token;
}

void Generation::deliver() {
  if (matcher_) matcher_->begin_step();
  for (auto& [token, report] : std::exchange(picked_, {})) {
    if (token < 0 && matcher_ && matcher_->overflowed()) {
      const std::string from = start_.request.functions.empty() ? "response_format" : "tools";
      return fail(
          invalid_argument(from + ": this format leaves too many possibilities open at once to be enforced; make its alternatives differ earlier", from));
    }
    if (token < 0) return fail(data_loss("the model's output holds no finite number: its weights are damaged"));
    if (completion_tokens_ == 0) first_token_ms_ = since_submit_ms();
    ++completion_tokens_;
    if (!start_.request.ignore_eos && vocabulary_.end_of_generation.contains(token)) return finish(FinishReason::kStop);
    if (send(stream_, token, std::move(report), false)) return finish(FinishReason::kStop);
    if (completion_tokens_ >= start_.completion_max) return finish(FinishReason::kLength);
  }
}

bool Generation::send(TextStream& stream, int32_t id, Report report, bool from_prompt) {
  unsent_.emplace_back(id, std::move(report));
  const TextStream::Out out = stream.push(vocabulary_.tokenizer->piece(id, from_prompt));
  send_released(out, from_prompt);
  if (out.stopped) unsent_.clear();
  return out.stopped;
}

void Generation::send_released(const TextStream::Out& out, bool from_prompt) {
  if (out.text.empty() && out.tokens == 0) return;
  model::TokenEvent event;
  event.text = out.text;
  event.from_prompt = from_prompt;
  CHECK(out.tokens <= unsent_.size());
  for (size_t i = 0; i < out.tokens; ++i) {
    auto& [id, report] = unsent_.front();
    event.ids.push_back(id);
    if (start_.request.logprobs) {
      event.logprobs.push_back(std::move(report.token));
      event.top_logprobs.push_back(std::move(report.top));
    }
    unsent_.pop_front();
  }
  start_.sink->on_token(event);
}

void Generation::finish(FinishReason reason, std::optional<Error> error) {
  if (finished_) return;
  finished_ = true;
  if (reason == FinishReason::kStop || reason == FinishReason::kLength) send_released(stream_.finish(), false);
  model::Finish out;
  out.reason = reason;
  if (error) out.error = std::move(*error);
  // Of a prompt that was not read to its end, only what was read is used, and charged.
  const bool whole = reason == FinishReason::kStop || reason == FinishReason::kLength;
  out.usage = {
      .prompt_tokens = whole ? prompt_tokens() : std::min(reached_, prompt_tokens()), .cached_tokens = cached_tokens_, .completion_tokens = completion_tokens_};
  if (start_.request.receipt && (reason == FinishReason::kStop || reason == FinishReason::kLength)) out.receipt = receipt();
  out.queue_ms = queue_ms_;
  out.first_token_ms = first_token_ms_;
  out.total_ms = since_submit_ms();
  if (before_finish) before_finish();
  start_.sink->on_finish(out);
  start_.sink.reset();
}

std::shared_ptr<const model::Receipt> Generation::receipt() const {
  auto out = std::make_shared<model::Receipt>(vocabulary_.origin);
  const auto prompt_end = start_.prompt.begin() + prompt_tokens_;
  out->prompt.assign(start_.prompt.begin(), prompt_end);
  out->output.assign(prompt_end, prompt_end + completion_tokens_);
  if (!std::holds_alternative<std::vector<model::Message>>(start_.request.prompt)) out->template_sha256.clear();
  if (adapter_) {
    out->adapter = adapter_->info().id;
    out->adapter_sha256 = adapter_->weights.sha256();
  }
  out->sampling = start_.request.sampling;
  out->max_tokens = start_.completion_max;
  out->stop = start_.request.stop;
  out->ignore_eos = start_.request.ignore_eos;
  return out;
}

void Generation::fail(Error error) {
  const FinishReason reason = error.code == Code::kCancelled ? FinishReason::kCancelled : FinishReason::kError;
  finish(reason, std::move(error));
}

}  // namespace strata::engine
