#include "infra/durable/run.h"

#include <iterator>

#include "base/check.h"

namespace strata::durable {
namespace {

Error lost_lease(const Job& job) { return Error{Code::kAborted, "job " + job.id + " was taken over by another process while this one was slow", "", ""}; }

}  // namespace

JobRun::JobRun(store::Store& store, const Clock& clock, std::string owner, Claim claim, int64_t lease_until_ms, std::function<void(const Job&)> changed,
               std::function<void(const std::string&)> grown, std::shared_ptr<SpanSink> spans)
    : store_(store),
      clock_(clock),
      owner_(std::move(owner)),
      claim_(std::move(claim)),
      changed_(std::move(changed)),
      grown_(std::move(grown)),
      span_(Span::root(std::move(spans), clock, "job " + claim_.job.kind, SpanKind::kInternal)),
      context_(span_.in(Context::make(clock, claim_.principal, claim_.job.id, std::make_shared<CancelFlag>()))),
      current_(context_),
      done_(claim_.job.done),
      total_(claim_.job.total),
      note_(claim_.job.note),
      lease_until_ms_(lease_until_ms) {
  span_.set("strata.tenant", claim_.principal.tenant);
  span_.set("strata.job_id", claim_.job.id);
  span_.set("strata.job_kind", claim_.job.kind);
  span_.set("strata.job_attempt", claim_.job.attempts);
}

Result<std::string> JobRun::dumped(const std::string& name, const Json& result) const {
  std::string text = result.dump();
  if (text.size() > kResultBytesMax)
    return resource_exhausted("step '" + name + "' of job " + claim_.job.id + " returned " + std::to_string(text.size()) +
                              " bytes; a step's result may have at most 1 MiB");
  return text;
}

Result<Json> JobRun::step(const std::string& name, const std::function<Result<Json>()>& work) {
  if (auto found = claim_.steps.find(name); found != claim_.steps.end()) return found->second;
  TRY(context_.check());
  Span span(context_, "step " + name);
  current_ = span.in(context_);
  Result<Json> done = work();
  current_ = context_;
  span.outcome(done);
  TRY_ASSIGN(Json result, std::move(done));
  TRY_ASSIGN(std::string text, dumped(name, result));
  // What was done is written down even where the job was cancelled meanwhile: a later retry must not do it twice.
  TRY(store_.write(Context::background(clock_), [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(bool ours, record_step(transaction, snapshot(), owner_, name, text, clock_.unix_ms()));
    if (!ours) return lost_lease(claim_.job);
    return {};
  }));
  recorded_ = true;
  claim_.steps.emplace(name, result);
  return result;
}

Result<Json> JobRun::transact(const std::string& name, const std::function<Result<Json>(store::Transaction&)>& work) {
  if (auto found = claim_.steps.find(name); found != claim_.steps.end()) return found->second;
  Json result;
  Span span(context_, "step " + name);
  current_ = span.in(context_);
  const Status written = store_.write(context_, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(result, work(transaction));
    TRY_ASSIGN(std::string text, dumped(name, result));
    TRY_ASSIGN(bool ours, record_step(transaction, snapshot(), owner_, name, text, clock_.unix_ms()));
    if (!ours) return lost_lease(claim_.job);
    return {};
  });
  current_ = context_;
  span.outcome(written);
  if (!written) return written.error();
  recorded_ = true;
  claim_.steps.emplace(name, result);
  return result;
}

Result<std::vector<Event>> JobRun::events() {
  seen_ = 0;
  return news();
}

Result<std::vector<Event>> JobRun::news() {
  std::vector<Event> news;
  TRY(store_.read(Context::background(clock_), [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(news, events_after(reader, claim_.sequence, seen_, kNever));
    return {};
  }));
  if (!news.empty()) seen_ = news.back().sequence;
  return news;
}

void JobRun::on_news(std::function<void()> heard) {
  std::lock_guard lock(heard_mutex_);
  heard_ = std::move(heard);
}

void JobRun::signalled() {
  std::lock_guard lock(heard_mutex_);
  if (heard_) heard_();
}

// Not stopped by the job's context: what was done is written down even where the job was cancelled meanwhile.
Result<std::vector<Event>> JobRun::append(std::vector<Event> events, const Also& also, bool* added) {
  std::vector<Event> news;
  bool wrote = true;
  TRY(store_.write_together(Context::background(clock_), [&](store::Transaction& transaction) -> Status {
    int64_t now = clock_.unix_ms();
    Job progress = snapshot();
    TRY_ASSIGN(bool done, append_events(transaction, progress, claim_.sequence, owner_, seen_, events, now));
    if (!done) {
      TRY_ASSIGN(bool ours, is_ours(transaction, claim_.sequence, owner_));
      if (!ours) return lost_lease(claim_.job);
      TRY_ASSIGN(news, events_after(transaction, claim_.sequence, seen_, kNever));
      if (news.empty()) return internal_error("durable_jobs.events of " + claim_.job.id + " disagrees with its log");
      wrote = added == nullptr;
      if (!wrote) return {};
      TRY_ASSIGN(done, append_events(transaction, progress, claim_.sequence, owner_, news.back().sequence, events, now));
      if (!done) return lost_lease(claim_.job);
    }
    if (also) TRY(also(transaction));
    return {};
  }));
  if (added) *added = wrote;
  if (wrote) news.insert(news.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
  if (!news.empty()) seen_ = news.back().sequence;
  if (!wrote) return news;
  recorded_ = true;
  grown_(claim_.job.id);
  return news;
}

void JobRun::progress(int64_t done, int64_t total, std::string note) {
  {
    std::lock_guard lock(mutex_);
    done_ = done;
    total_ = total;
    note_ = std::move(note);
    dirty_ = true;
  }
  changed_(snapshot());
}

Job JobRun::snapshot() const {
  Job job = claim_.job;
  std::lock_guard lock(mutex_);
  job.done = done_;
  job.total = total_;
  job.note = note_;
  return job;
}

void JobRun::ask_cancel() {
  cancel_asked_ = true;
  context_.cancel();
}

void JobRun::interrupt() { context_.cancel(); }

void JobRun::ended(const Result<Json>& result) {
  span_.outcome(result);
  span_.end();
}

void JobRun::lose() {
  lost_ = true;
  context_.cancel();
}

bool JobRun::renewal_due(int64_t now_ms, int64_t lease_ms) const {
  std::lock_guard lock(mutex_);
  return dirty_ || lease_until_ms_ - now_ms <= lease_ms - lease_ms / 3;
}

void JobRun::renewed(int64_t lease_until_ms) {
  std::lock_guard lock(mutex_);
  lease_until_ms_ = lease_until_ms;
  dirty_ = false;
}

}  // namespace strata::durable
