#include "model/remote/remote.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/text.h"
#include "model/remote/protocol.h"

namespace strata::remote {
namespace {

using model::Finish;
using model::FinishReason;

// Of one streamed answer: far over what a context holds, a bound for a provider gone wrong.
constexpr uint64_t kAnswerBytesMax = 256u << 20;
// How often waiting requests are looked at for cancellation and passed deadlines.
constexpr auto kSweep = std::chrono::milliseconds(50);

// One submitted request. The sink is called by whoever holds it: the queue's sweeper or one worker, never two.
struct Job : model::Handle {
  Job(const Context& context, Call call, int prompt_tokens, std::shared_ptr<model::Sink> sink)
      : context(context), call(std::move(call)), prompt_tokens(prompt_tokens), sink(std::move(sink)), submitted_ns(context.clock().monotonic_ns()) {}
  void cancel() override { cancelled.store(true, std::memory_order_release); }
  Status check() const {
    if (cancelled.load(std::memory_order_acquire)) return strata::cancelled();
    return context.check();
  }
  double ms_since_submit() const { return static_cast<double>(context.clock().monotonic_ns() - submitted_ns) / 1e6; }

  const Context context;
  const Call call;
  const int prompt_tokens;   // estimated
  const std::shared_ptr<model::Sink> sink;
  const int64_t submitted_ns;
  std::atomic<bool> cancelled{false};
};

void finish_with(Job& job, Error error, Finish finish = {}) {
  bool gave_up = error.code == Code::kCancelled || error.code == Code::kDeadlineExceeded;
  finish.reason = gave_up ? FinishReason::kCancelled : FinishReason::kError;
  finish.error = std::move(error);
  finish.total_ms = job.ms_since_submit();
  job.sink->on_finish(finish);
}

class RemoteModel : public model::LanguageModel {
 public:
  RemoteModel(egress::Client& client, RemoteOptions options, std::string host) : client_(client), options_(std::move(options)), host_(std::move(host)) {
    info_.id = options_.id.empty() ? options_.model : options_.id;
    info_.family = "remote";
    info_.source = options_.model + " at " + host_;
    info_.context_tokens = options_.context_tokens;
    info_.remote = true;
    for (int i = 0; i < std::max(1, options_.streams_max); ++i) threads_.emplace_back([this] { work(); });
    threads_.emplace_back([this] { sweep(); });
  }
  ~RemoteModel() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    for (auto& job : queue_) finish_with(*job, cancelled("the model is being closed"));
  }

  const model::ModelInfo& info() const override { return info_; }

  Result<std::shared_ptr<model::Handle>> submit(const Context& context, model::GenerateRequest request, std::shared_ptr<model::Sink> sink) override {
    TRY_ASSIGN(Call call, make_call(options_, request));
    auto job = std::make_shared<Job>(context, std::move(call), estimate_tokens(request.prompt), std::move(sink));
    {
      std::lock_guard lock(mutex_);
      if (queue_.size() >= options_.queue_max + idle_) return resource_exhausted("too many requests wait for " + host_, "queue_full");
      queue_.push_back(job);
    }
    changed_.notify_all();
    return std::shared_ptr<model::Handle>(job);
  }

  Result<int> count_tokens(const model::Prompt& prompt) const override { return estimate_tokens(prompt); }
  Result<std::vector<int32_t>> tokenize(std::string_view, bool) const override {
    return unimplemented("the tokenizer of " + info_.source + " is not known here");
  }
  Result<std::string> detokenize(const std::vector<int32_t>&) const override {
    return unimplemented("the tokenizer of " + info_.source + " is not known here");
  }

 private:
  void work();
  void sweep();
  void serve(Job& job);
  void end(Job& job, Status outcome, const AnswerReader& reader, Finish finish);

  egress::Client& client_;
  const RemoteOptions options_;
  const std::string host_;
  model::ModelInfo info_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  size_t idle_ = 0;   // workers that wait
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

void RemoteModel::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    serve(*job);
    job.reset();
    lock.lock();
  }
}

// Ends requests that are given up while they wait for a worker.
void RemoteModel::sweep() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      continue;
    }
    std::vector<std::shared_ptr<Job>> given_up;
    for (auto at = queue_.begin(); at != queue_.end();) {
      if ((*at)->check()) {
        ++at;
        continue;
      }
      given_up.push_back(std::move(*at));
      at = queue_.erase(at);
    }
    lock.unlock();
    for (auto& job : given_up) finish_with(*job, job->check().error());
    lock.lock();
    changed_.wait_for(lock, kSweep, [&] { return stopping_.load(); });
  }
}

void RemoteModel::serve(Job& job) {
  Finish finish;
  finish.queue_ms = job.ms_since_submit();
  AnswerReader reader(host_, options_.key, [&](const model::TokenEvent& event) {
    if (finish.first_token_ms == 0) finish.first_token_ms = job.ms_since_submit();
    job.sink->on_token(event);
  });
  Status outcome;
  if (outcome = job.check(); !outcome) return end(job, outcome, reader, finish);
  egress::Request request{.method = "POST",
                          .url = options_.base_url + job.call.path,
                          .headers = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}},
                          .body = job.call.body,
                          .trust = egress::Trust::kOperator,
                          .bytes_max = kAnswerBytesMax,
                          .connect_timeout_ms = options_.connect_timeout_ms,
                          .stall_timeout_ms = options_.stall_timeout_ms};
  if (!options_.key.empty()) request.secret_header = "Authorization: Bearer " + options_.key;
  request.give_up = [&] { return job.cancelled.load(std::memory_order_acquire) || stopping_.load(); };
  auto response = client_.fetch(job.context, request, [&](std::string_view bytes) {
    if (outcome = job.check(); outcome) outcome = reader.feed(bytes);
    return outcome.has_value() && !reader.done();
  });
  if (!response) outcome = response.error();
  else if (response->status < 200 || response->status > 299) outcome = provider_error(response->status, response->body, host_, options_.key);
  else if (outcome) outcome = reader.finish();
  end(job, std::move(outcome), reader, finish);
}

void RemoteModel::end(Job& job, Status outcome, const AnswerReader& reader, Finish finish) {
  finish.usage =
      reader.usage().value_or(model::Usage{.prompt_tokens = job.prompt_tokens, .completion_tokens = static_cast<int>((reader.text_bytes() + 3) / 4)});
  if (!outcome) return finish_with(job, std::move(outcome.error()), std::move(finish));
  finish.reason = reader.reason();
  finish.total_ms = job.ms_since_submit();
  job.sink->on_finish(finish);
}

// The host of a URL, for messages; the client checks the URL itself.
Result<std::string> host_of(const std::string& url) {
  size_t scheme = url.find("://");
  if (scheme == std::string::npos || (url.rfind("http://", 0) != 0 && url.rfind("https://", 0) != 0))
    return invalid_argument("expected a base URL such as https://api.example.com/v1, got \"" + utf8_repaired(url) + "\"", "base_url");
  size_t end = url.find_first_of("/?#", scheme + 3);
  std::string host = url.substr(scheme + 3, end == std::string::npos ? end : end - scheme - 3);
  if (host.empty() || host.find('@') != std::string::npos || url.find_first_of("?#") != std::string::npos)
    return invalid_argument("the base URL must have a host, and no user name, query or fragment", "base_url");
  return host;
}

}  // namespace

Result<std::unique_ptr<model::LanguageModel>> connect(egress::Client& client, RemoteOptions options) {
  while (!options.base_url.empty() && options.base_url.back() == '/') options.base_url.pop_back();
  TRY_ASSIGN(std::string host, host_of(options.base_url));
  if (options.model.empty()) return invalid_argument("the provider's model name is missing", "model");
  for (unsigned char c : options.key)
    if (c <= 0x20 || c >= 0x7f) return invalid_argument("the key holds a space or control character; was it pasted with a line end?", "key");
  return std::unique_ptr<model::LanguageModel>(std::make_unique<RemoteModel>(client, std::move(options), std::move(host)));
}

}  // namespace strata::remote
