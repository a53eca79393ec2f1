#include "model/engine/language_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace strata::engine {
namespace {

// Rows whose logits are held at once while a prompt is scored. UNITS: rows; 32 rows of 49,152 logits take 6 MiB.
constexpr size_t kScoreRows = 32;
// Sequences that decode together and still guess: beyond it the rows fill a step by themselves.
constexpr int kDraftingMost = 4;

// Where those in batches begin, in a list that has them last.
template <class List>
auto batch_begin(List& list) {
  return std::find_if(list.begin(), list.end(), [](const auto& generation) { return generation->in_batch(); });
}

}  // namespace

LanguageRunner::LanguageRunner(network::Decoder decoder, network::KvCache cache, const LanguageLimits& limits)
    : decoder_(std::move(decoder)), cache_(std::move(cache)), limits_(limits) {
  count_memory();
}

void LanguageRunner::count_memory() {
  counts_.running = static_cast<int>(running_.size());
  running_in_batch_ = static_cast<int>(running_.end() - batch_begin(running_));
  counts_.kv_blocks = cache_.blocks();
  counts_.kv_blocks_used = cache_.blocks_used();
  counts_.memory_bytes = decoder_.bytes() + cache_.bytes_used();
}

Status LanguageRunner::submit(std::unique_ptr<Generation> generation) {
  const std::lock_guard lock(mutex_);
  const auto batch = batch_begin(waiting_);
  const auto alike = generation->in_batch() ? waiting_.end() - batch : batch - waiting_.begin();
  if (alike >= limits_.queue_max) {
    return resource_exhausted("the model's queue is full: " + std::to_string(alike) + " requests are waiting; try again shortly", "queue_full");
  }
  waiting_.insert(generation->in_batch() ? waiting_.end() : batch, std::move(generation));
  return {};
}

LanguageRunner::Counts LanguageRunner::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = counts_;
  counts.waiting = static_cast<int>(waiting_.size());
  counts.decode_per_s = meter_.decode_per_s();
  counts.prefill_per_s = meter_.prefill_per_s();
  return counts;
}

bool LanguageRunner::has_work(model::Priority priority) const {
  const std::lock_guard lock(mutex_);
  if (priority == model::Priority::kBatch) return running_in_batch_ > 0 || (!waiting_.empty() && waiting_.back()->in_batch());
  return counts_.running > running_in_batch_ || (!waiting_.empty() && !waiting_.front()->in_batch());
}

bool LanguageRunner::step(compute::Threads& threads) {
  drop_dead();
  admit();
  if (running_.empty()) return false;
  const auto begin = std::chrono::steady_clock::now();
  const Plan plan = this->plan();
  hidden_.resize(std::max(hidden_.size(), plan.wanted * static_cast<size_t>(decoder_.shape().C)));
  decoder_.step(threads, cache_, plan.rows, hidden_.data());
  for (const Plan::Slice& slice : plan.slices) {
    if (slice.prompt) slice.generation->advance(slice.rows);
  }
  score_prompts(threads, plan);
  choose_tokens(threads, plan);
  for (const Plan::Slice& slice : plan.slices) {
    if (slice.prompt) continue;
    const int picked = slice.generation->picked();
    slice.generation->advance(picked);
    if (!slice.draft.empty()) slice.generation->draft.learn(static_cast<int>(slice.draft.size()), picked - 1, row_cost(plan.decoding));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  pace_.add(seconds, plan.decode_rows, plan.prefill_rows);
  publish(plan, seconds);
  deliver(plan);
  return true;
}

void LanguageRunner::drop_dead() {
  std::vector<std::pair<std::unique_ptr<Generation>, Error>> dead;
  {
    const std::lock_guard lock(mutex_);
    for (auto& generation : waiting_) {
      if (Status status = generation->check(); !status) dead.emplace_back(std::move(generation), std::move(status.error()));
    }
    std::erase(waiting_, nullptr);
  }
  for (auto& generation : running_) {
    Status status = generation->check();
    if (status) continue;
    cache_.release(generation->kv);
    generation->before_finish = nullptr;
    dead.emplace_back(std::move(generation), std::move(status.error()));
  }
  std::erase(running_, nullptr);
  {
    const std::lock_guard lock(mutex_);
    count_memory();
  }
  for (auto& [generation, error] : dead) generation->fail(std::move(error));  // outside the lock: a sink may submit again
}

void LanguageRunner::admit() {
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty()) {
    // In order: a long request is not overtaken for ever by short ones. It fits once those before it are done, because submit()
    // refuses what could never fit.
    if (!place_for(*waiting_.front())) break;
    std::unique_ptr<Generation> next = std::move(waiting_.front());
    waiting_.pop_front();
    next->admit();
    next->before_finish = [this, generation = next.get()] { leave(*generation); };
    running_.insert(next->in_batch() ? running_.end() : batch_begin(running_), std::move(next));
  }
  count_memory();
}

bool LanguageRunner::place_for(Generation& next) {
  if (next.in_batch()) {
    return (running_.empty() || running_.front()->in_batch()) && running_.size() < static_cast<size_t>(limits_.sequences_max) && fits(next);
  }
  while (running_.size() >= static_cast<size_t>(limits_.sequences_max) || !fits(next)) {
    if (running_.empty() || !running_.back()->in_batch()) return false;
    requeue(take_youngest());
  }
  return true;
}

// Its text so far, with what the running ones still need for theirs, and a block for each to go on.
bool LanguageRunner::fits(Generation& next) {
  cache_.open(next.kv, next.salt());
  if (running_.empty()) return true;
  uint64_t wanted = cache_.blocks_wanted(next.kv, next.tokens()) + running_.size() + 1;
  for (const auto& generation : running_) {
    if (generation->prefilling()) wanted += cache_.blocks_wanted(generation->kv, generation->tokens());
  }
  return wanted <= cache_.blocks_available();
}

std::unique_ptr<Generation> LanguageRunner::take_youngest() {
  std::unique_ptr<Generation> generation = std::move(running_.back());
  running_.pop_back();
  cache_.suspend(generation->kv);
  generation->before_finish = nullptr;
  generation->preempt();
  return generation;
}

void LanguageRunner::requeue(std::unique_ptr<Generation> generation) {
  waiting_.insert(generation->in_batch() ? batch_begin(waiting_) : waiting_.begin(), std::move(generation));
  ++counts_.preemptions;
}

void LanguageRunner::preempt_youngest() {
  std::unique_ptr<Generation> generation = take_youngest();
  const std::lock_guard lock(mutex_);
  requeue(std::move(generation));
  count_memory();
}

bool LanguageRunner::make_room(Generation& generation, int tokens) {
  while (!cache_.grow(generation.kv, tokens)) {
    const bool itself = running_.back().get() == &generation;
    CHECK(!itself || running_.size() > 1);   // submit() refused what could not fit alone
    preempt_youngest();
    if (itself) return false;
  }
  return true;
}

int LanguageRunner::add_prompt(Plan& plan, Generation& generation, int rows_max) {
  const int begin = generation.position();
  const int count = std::min({rows_max, generation.prefill_tokens() - begin, cache_.room(generation.kv) - begin});
  CHECK(cache_.grow(generation.kv, begin + count));
  plan.again += count - generation.new_rows(count);
  plan.slices.push_back({&generation, count, begin, true, plan.wanted, {}});
  for (int i = begin; i < begin + count; ++i) {
    const bool last = i + 1 == generation.prefill_tokens();
    const bool wanted = generation.wants_prompt_logprobs() || (last && generation.wants_completion());
    plan.rows.push_back({&generation.kv, i, generation.tokens()[static_cast<size_t>(i)], wanted, generation.adapter()});
    plan.wanted += wanted;
  }
  plan.prefill_rows += count;
  // Before the step, so that a sequence later in this plan starts from these blocks: all keys and values of a layer are written before
  // any row of it attends.
  cache_.publish(generation.kv, generation.tokens().first(static_cast<size_t>(begin + count)));
  return count;
}

void LanguageRunner::add_decode(Plan& plan, Generation& generation, std::vector<int32_t> draft) {
  const int begin = generation.position();
  // A guess takes only what nobody uses.
  draft.resize(std::min(draft.size(), static_cast<size_t>(cache_.room(generation.kv) - begin - 1)));
  const int count = 1 + static_cast<int>(draft.size());
  CHECK(cache_.grow(generation.kv, begin + count));
  plan.rows.push_back({&generation.kv, begin, generation.tokens()[static_cast<size_t>(begin)], true, generation.adapter()});
  for (int i = 1; i < count; ++i) plan.rows.push_back({&generation.kv, begin + i, draft[static_cast<size_t>(i - 1)], true, generation.adapter()});
  plan.slices.push_back({&generation, count, begin, false, plan.wanted, std::move(draft)});
  plan.wanted += static_cast<size_t>(count);
  plan.decode_rows += count;
  cache_.publish(generation.kv, generation.tokens().first(static_cast<size_t>(begin) + 1));  // guesses are nobody's text yet
}

std::vector<int32_t> LanguageRunner::draft_for(Generation& generation, int decoding) const {
  if (!limits_.speculate || decoding > kDraftingMost) return {};
  const int most = std::min(generation.completion_left() - 1, Draft::kLongest);
  return generation.draft.propose(generation.tokens(), generation.forced(most), most, row_cost(decoding));
}

// What the prefix cache has of its text. The last row is always run: a token is chosen from it.
void LanguageRunner::adopt(Plan& plan, Generation& generation) {
  if (!generation.may_adopt()) return;
  const int adopted = cache_.adopt(generation.kv, generation.tokens().first(static_cast<size_t>(generation.prefill_tokens() - 1)));
  plan.cached += generation.new_rows(adopted);
  generation.adopt(adopted);
}

LanguageRunner::Plan LanguageRunner::plan() {
  Plan plan;
  // Those that take part: where somebody waits for one, the others rest.
  auto taking = [this, some = !running_.front()->in_batch()](size_t i) { return i < running_.size() && !(some && running_[i]->in_batch()); };
  for (size_t i = 0; taking(i); ++i) plan.decoding += !running_[i]->prefilling();
  std::vector<std::vector<int32_t>> drafts(running_.size());
  int decode_rows = 0;
  for (size_t i = 0; taking(i); ++i) {
    if (running_[i]->prefilling()) continue;
    drafts[i] = draft_for(*running_[i], plan.decoding);
    decode_rows += 1 + static_cast<int>(drafts[i].size());
  }
  int left = pace_.prefill_rows(decode_rows, limits_.prefill_chunk);
  // Oldest first; whoever gives way is the youngest, so it is not in the plan yet.
  for (size_t i = 0; taking(i); ++i) {
    Generation& generation = *running_[i];
    if (!generation.prefilling()) {
      if (make_room(generation, generation.position() + 1)) add_decode(plan, generation, std::move(drafts[i]));
    } else if (left > 0) {
      adopt(plan, generation);
      if (make_room(generation, generation.position() + 1)) left -= add_prompt(plan, generation, left);
    }
  }
  return plan;
}

// Log-probabilities of echoed prompts: the row at position p speaks about the token at p + 1.
void LanguageRunner::score_prompts(compute::Threads& threads, const Plan& plan) {
  const auto C = static_cast<size_t>(decoder_.shape().C), V = static_cast<size_t>(decoder_.shape().V);
  for (const Plan::Slice& slice : plan.slices) {
    if (!slice.prompt || !slice.generation->wants_prompt_logprobs()) continue;
    const int end = std::min(slice.begin + slice.rows, slice.generation->prompt_tokens() - 1);  // the last row speaks about no prompt token
    for (int from = slice.begin; from < end; from += static_cast<int>(kScoreRows)) {
      const auto n = std::min(kScoreRows, static_cast<size_t>(end - from));
      logits_.resize(std::max(logits_.size(), decoder_.logits_rows(n) * V));
      decoder_.logits(threads, hidden_.data() + (slice.first_hidden + static_cast<size_t>(from - slice.begin)) * C, n, logits_.data());
      threads.run(n, [&](size_t i, int) { slice.generation->score_prompt(from + static_cast<int>(i) + 1, std::span<const float>(logits_.data() + i * V, V)); });
    }
  }
}

void LanguageRunner::choose_tokens(compute::Threads& threads, const Plan& plan) {
  const auto C = static_cast<size_t>(decoder_.shape().C), V = static_cast<size_t>(decoder_.shape().V);
  struct Choice {
    const Plan::Slice* slice;
    size_t row, rows;   // among the logits
  };
  std::vector<Choice> choices;
  size_t n = 0;
  last_hidden_.resize(std::max(last_hidden_.size(), plan.wanted * C));
  for (const Plan::Slice& slice : plan.slices) {
    if (slice.generation->prefilling() || !slice.generation->wants_completion()) continue;
    const size_t wanted = !slice.prompt || slice.generation->wants_prompt_logprobs() ? static_cast<size_t>(slice.rows) : 1;
    const size_t rows = slice.prompt ? 1 : wanted;   // of a prompt, the last one
    std::memcpy(last_hidden_.data() + n * C, hidden_.data() + (slice.first_hidden + wanted - rows) * C, rows * C * sizeof(float));
    choices.push_back({&slice, n, rows});
    n += rows;
  }
  if (choices.empty()) return;
  logits_.resize(std::max(logits_.size(), decoder_.logits_rows(n) * V));
  decoder_.logits(threads, last_hidden_.data(), n, logits_.data());
  threads.run(choices.size(), [&](size_t c, int) {
    const auto& [slice, first, rows] = choices[c];
    // The row behind a guess speaks only where the guess was right.
    for (size_t i = 0; i < rows; ++i) {
      const int32_t token = slice->generation->choose(std::span<float>(logits_.data() + (first + i) * V, V));
      if (i == slice->draft.size() || token != slice->draft[i] || slice->generation->tired()) break;
    }
  });
}

// A running generation ends by itself.
void LanguageRunner::leave(Generation& generation) {
  cache_.release(generation.kv);
  const std::lock_guard lock(mutex_);
  const int running = counts_.running - 1;   // running_ still holds those that end in this step
  count_memory();
  counts_.running = running;
}

void LanguageRunner::deliver(const Plan& plan) {
  for (const Plan::Slice& slice : plan.slices) {
    Generation& generation = *slice.generation;
    if (slice.prompt) {
      // Rows up to the one before the last were scored with this step; the token after the last row belongs to the next.
      const int scored_end = generation.prefilling() ? slice.begin + slice.rows + 1 : generation.prompt_tokens();
      generation.echo_prompt(slice.begin == 0 ? 0 : slice.begin + 1, scored_end);
      if (!generation.prefilling()) generation.end_prompt();
    }
    if (!generation.prefilling() && !generation.finished()) generation.deliver();
  }
  std::erase_if(running_, [](const auto& generation) { return generation->finished(); });
  const std::lock_guard lock(mutex_);
  count_memory();
}

void LanguageRunner::publish(const Plan& plan, double seconds) {
  const std::lock_guard lock(mutex_);
  int decoded = 0;
  for (const Plan::Slice& slice : plan.slices) decoded += slice.prompt ? 0 : slice.generation->picked();
  meter_.add(seconds, decoded, plan.prefill_rows);
  counts_.prompt_tokens += static_cast<uint64_t>(plan.prefill_rows - plan.again);
  counts_.recomputed_tokens += static_cast<uint64_t>(plan.again);
  counts_.cached_tokens += static_cast<uint64_t>(plan.cached);
  for (const Plan::Slice& slice : plan.slices) {
    counts_.generated_tokens += static_cast<uint64_t>(slice.generation->picked());
    counts_.drafted_tokens += slice.draft.size();
    counts_.accepted_tokens += slice.draft.empty() ? 0 : static_cast<uint64_t>(slice.generation->picked() - 1);
  }
  count_memory();
}

void LanguageRunner::stop(const Error& error) {
  std::deque<std::unique_ptr<Generation>> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiting_);
    for (auto& generation : running_) {
      cache_.release(generation->kv);
      generation->before_finish = nullptr;
      all.push_back(std::move(generation));
    }
    running_.clear();
    count_memory();
  }
  for (auto& generation : all) generation->fail(error);
}

}  // namespace strata::engine
