#include "model/engine/language_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace strata::engine {
namespace {

// Rows whose logits are held at once while a prompt is scored. UNITS: rows; 32 rows of 49,152 logits take 6 MiB.
constexpr size_t kScoreRows = 32;

}  // namespace

LanguageRunner::LanguageRunner(network::Decoder decoder, network::KvCache cache, const LanguageLimits& limits)
    : decoder_(std::move(decoder)), cache_(std::move(cache)), limits_(limits) {
  count_memory();
}

void LanguageRunner::count_memory() {
  counts_.running = static_cast<int>(running_.size());
  counts_.kv_blocks = cache_.blocks();
  counts_.kv_blocks_used = cache_.blocks_used();
  counts_.memory_bytes = decoder_.bytes() + cache_.bytes_used();
}

Status LanguageRunner::submit(std::unique_ptr<Generation> generation) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= static_cast<size_t>(limits_.queue_max)) {
    return resource_exhausted("the model's queue is full: " + std::to_string(waiting_.size()) + " requests are waiting; try again shortly", "queue_full");
  }
  waiting_.push_back(std::move(generation));
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

bool LanguageRunner::has_work() const {
  const std::lock_guard lock(mutex_);
  return counts_.running > 0 || !waiting_.empty();
}

bool LanguageRunner::step(compute::Threads& threads) {
  drop_dead();
  admit();
  if (running_.empty()) return false;
  const auto begin = std::chrono::steady_clock::now();
  const Plan plan = this->plan();
  hidden_.resize(std::max(hidden_.size(), plan.wanted * static_cast<size_t>(decoder_.shape().C)));
  decoder_.step(threads, cache_, plan.rows, hidden_.data());
  for (const Plan::Slice& slice : plan.slices) slice.generation->advance(slice.rows);
  score_prompts(threads, plan);
  choose_tokens(threads, plan);
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
  while (!waiting_.empty() && running_.size() < static_cast<size_t>(limits_.sequences_max)) {
    // In order: a long request is not overtaken for ever by short ones. It fits once those before it are done, because submit()
    // refuses what could never fit.
    if (!cache_.reserve(waiting_.front()->kv, waiting_.front()->tokens_max(), waiting_.front()->salt())) break;
    waiting_.front()->admit();
    waiting_.front()->before_finish = [this, generation = waiting_.front().get()] { leave(*generation); };
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  counts_.running = static_cast<int>(running_.size());
}

void LanguageRunner::add_rows(Plan& plan, Generation& generation, int count) {
  const int begin = generation.position();
  const bool prompt = generation.prefilling();
  cache_.grow(generation.kv, begin + count);
  plan.slices.push_back({&generation, count, begin, prompt, plan.wanted});
  for (int i = 0; i < count; ++i) {
    network::Row row{&generation.kv, begin + i, generation.tokens()[static_cast<size_t>(begin + i)], false};
    const bool last = !prompt || begin + i + 1 == generation.prompt_tokens();
    row.wanted = (prompt && generation.wants_prompt_logprobs()) || (last && generation.wants_completion());
    plan.wanted += row.wanted;
    plan.rows.push_back(row);
  }
  (prompt ? plan.prefill_rows : plan.decode_rows) += count;
  // Before the step, so that a sequence later in this plan starts from these blocks: all keys and values of a layer are written before
  // any row of it attends.
  cache_.publish(generation.kv, generation.tokens().first(static_cast<size_t>(begin + count)));
}

LanguageRunner::Plan LanguageRunner::plan() {
  Plan plan;
  for (auto& generation : running_) {
    if (!generation->prefilling()) add_rows(plan, *generation, 1);
  }
  int left = pace_.prefill_rows(plan.decode_rows, limits_.prefill_chunk);
  for (auto& generation : running_) {
    if (!generation->prefilling() || left == 0) continue;
    // The prompt's last row is always run: the first token is chosen from it.
    if (generation->may_adopt())
      generation->adopt(cache_.adopt(generation->kv, generation->tokens().first(static_cast<size_t>(generation->prompt_tokens() - 1))));
    const int count = std::min(left, generation->prompt_tokens() - generation->position());
    add_rows(plan, *generation, count);
    left -= count;
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
  std::vector<Generation*> choosing;
  last_hidden_.resize(running_.size() * C);
  for (const Plan::Slice& slice : plan.slices) {
    if (slice.generation->prefilling() || !slice.generation->wants_completion()) continue;
    const size_t wanted_rows = slice.prompt && slice.generation->wants_prompt_logprobs() ? static_cast<size_t>(slice.rows) : 1;
    std::memcpy(last_hidden_.data() + choosing.size() * C, hidden_.data() + (slice.first_hidden + wanted_rows - 1) * C, C * sizeof(float));
    choosing.push_back(slice.generation);
  }
  if (choosing.empty()) return;
  logits_.resize(std::max(logits_.size(), decoder_.logits_rows(choosing.size()) * V));
  decoder_.logits(threads, last_hidden_.data(), choosing.size(), logits_.data());
  threads.run(choosing.size(), [&](size_t i, int) { choosing[i]->choose(std::span<float>(logits_.data() + i * V, V)); });
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
  meter_.add(seconds, plan.decode_rows, plan.prefill_rows);
  counts_.prompt_tokens += static_cast<uint64_t>(plan.prefill_rows);
  for (const Plan::Slice& slice : plan.slices) {
    counts_.generated_tokens += !slice.generation->prefilling() && slice.generation->wants_completion();
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
