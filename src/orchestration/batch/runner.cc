// Runs the lines of one batch and writes its files. One thread (the journal's, of this kind alone) starts lines, takes in their answers and
// commits them; the answers come from whatever threads they come from, through a mailbox.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "knowledge/catalog/catalog.h"
#include "orchestration/batch/core.h"
#include "orchestration/batch/lines.h"
#include "orchestration/batch/rows.h"

namespace strata::batch {
namespace {

// How often the thread looks whether the batch was cancelled or its window is over, where no answer comes.
constexpr auto kLook = std::chrono::milliseconds(100);
constexpr int kTriesMost = 6;

struct Letter {
  size_t line = 0;   // index
  Answer answer;
};

class Mailbox {
 public:
  void put(Letter letter) {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
    came_.notify_one();
  }
  // All there are; none where none came in time.
  std::deque<Letter> take() {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, kLook, [this] { return !letters_.empty(); });
    return std::exchange(letters_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Letter> letters_;
};

bool succeeded(const Answer& answer) { return answer.status >= 200 && answer.status < 300; }

Answer without_answer(std::string code, std::string message) {
  Answer out;
  out.code = std::move(code);
  out.message = std::move(message);
  return out;
}

class Runner {
 public:
  Runner(Batches::Parts& parts, durable::Run& run)
      : parts_(parts), run_(run), box_(std::make_shared<Mailbox>()), stop_(std::make_shared<CancelFlag>()), hang_up_(std::make_shared<CancelFlag>()) {}
  Result<Json> work();

 private:
  enum class End { kAll, kExpired, kCancelled, kInterrupted };
  using Change = std::function<Status(store::Transaction&, Batch&)>;
  Status change(const Change& how);
  Result<Batch> row();
  Status open();
  Status settle_unknown();
  void halt(End end);
  Status ask_again_later();
  Result<End> run_lines();
  Result<End> look();
  Status start_some();
  Status take_in(std::deque<Letter> letters);
  bool again(const Letter& letter);
  Status commit(const std::vector<Done>& done);
  Status finish(End end);
  Status write_files(End end, store::NewFile& output, store::NewFile& errors);
  Result<std::string> keep_file(const std::string& name, store::NewFile& file);
  bool all_started() const { return next_ >= lines_.size() && later_.empty(); }

  Batches::Parts& parts_;
  durable::Run& run_;
  Batch batch_;
  std::vector<Line> lines_;
  std::vector<bool> settled_;                              // done, or under way, or among later_
  std::deque<std::pair<int64_t, size_t>> later_;           // from when (Unix ms) a refused line is asked again
  std::map<size_t, int> tries_;
  std::shared_ptr<Mailbox> box_;
  std::shared_ptr<CancelFlag> stop_;                       // of lines under way that can be asked again for nothing; raised: no more are begun
  std::shared_ptr<CancelFlag> hang_up_;                    // of those that cost money
  int64_t drained_ns_ = 0;                                 // when it is raised, where stop_ is
  std::set<size_t> paid_;                                  // under way
  size_t next_ = 0, done_ = 0;
  int under_way_ = 0;
};

Result<Json> Runner::work() {
  TRY_ASSIGN(batch_.id, run_.job().input["batch"].to_string("batch"));
  TRY_ASSIGN(batch_, row());
  if (!finished(batch_.state)) {
    TRY(open());
    TRY_ASSIGN(const End end, run_lines());
    if (end == End::kInterrupted) return cancelled("the batch goes on at the next start");
    TRY(finish(end));
    log::info("batch.finished", {{"batch", batch_.id}, {"status", state_name(batch_.state)}, {"completed", batch_.completed}, {"failed", batch_.failed}});
  }
  return Json::object({{"status", state_name(batch_.state)}, {"completed", batch_.completed}, {"failed", batch_.failed}});
}

Result<Batch> Runner::row() {
  Result<Batch> out = Batch{};
  TRY(parts_.store.read(Context::background(parts_.clock), [&](store::Reader& reader) -> Status {
    out = find(reader, batch_.id);
    return {};
  }));
  return out;
}

// Read, changed and written in one transaction, so that a cancel that comes meanwhile is not overwritten.
Status Runner::change(const Change& how) {
  TRY(run_.append({}, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(Batch now, find(transaction, batch_.id));
    TRY(how(transaction, now));
    TRY(update(transaction, now));
    batch_ = std::move(now);
    return {};
  }));
  return {};
}

Status Runner::open() {
  TRY(change([&](store::Transaction&, Batch& batch) -> Status {
    if (batch.state != State::kValidating) return {};
    batch.state = State::kInProgress;
    batch.in_progress_ms = parts_.clock.unix_ms();
    return {};
  }));
  auto bytes = parts_.catalog.file_bytes(Context::background(parts_.clock), batch_.input_file_id);
  if (!bytes) return annotate(bytes.error(), "the batch's input file cannot be read");
  Lines read = read_lines(*bytes, batch_.endpoint, nullptr);
  if (!read.errors.empty()) return data_loss("the batch's input file cannot be read: " + read.errors[0].message);
  lines_ = std::move(read.lines);
  settled_.assign(lines_.size(), false);
  return settle_unknown();
}

// Lines that were under way when the process died, and must not be asked twice.
Status Runner::settle_unknown() {
  std::map<int64_t, bool> known;
  TRY(parts_.store.read(Context::background(parts_.clock), [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(known, known_lines(reader, batch_.id));
    return {};
  }));
  std::vector<Done> unknown;
  for (size_t i = 0; i < lines_.size(); ++i) {
    const auto found = known.find(lines_[i].number);
    if (found == known.end()) continue;
    settled_[i] = true;
    if (found->second) ++done_;
    else
      unknown.push_back({lines_[i].number, without_answer("outcome_unknown",
                                                          "the program ended while this request was under way: its provider may have answered it, and charged "
                                                          "for it; it was not sent again")});
  }
  return commit(unknown);
}

Result<Runner::End> Runner::look() {
  if (run_.context().cancelled()) return End::kInterrupted;
  TRY_ASSIGN(const Batch now, row());
  if (now.state == State::kCancelling) return End::kCancelled;
  return parts_.clock.unix_ms() >= now.expires_ms ? End::kExpired : End::kAll;
}

// Nothing returns before all that is under way has ended.
Result<Runner::End> Runner::run_lines() {
  End end = End::kAll;
  Status status;
  for (;;) {
    if (stop_->raised() && !hang_up_->raised() && parts_.clock.monotonic_ns() >= drained_ns_) hang_up_->raise();
    if (!stop_->raised()) {
      auto seen = look();
      if (seen) end = *seen;
      else status = Status(tl::unexpect, seen.error());
      if (status && end == End::kAll) status = start_some();
      if (!status || end != End::kAll) halt(end);
    }
    if (under_way_ == 0 && (stop_->raised() || all_started())) break;
    if (Status taken = take_in(box_->take()); !taken) {
      if (status) status = std::move(taken);
      halt(end);
    }
  }
  TRY(status);
  if (end == End::kInterrupted) TRY(ask_again_later());
  return done_ == lines_.size() && end != End::kInterrupted ? End::kAll : end;
}

// Nothing more is begun. A stop of the program lets answers that cost money come in for a while; whoever cancels waits for none.
void Runner::halt(End end) {
  drained_ns_ = parts_.clock.monotonic_ns() + (end == End::kInterrupted ? parts_.options.drain_ms * 1'000'000 : 0);
  stop_->raise();
}

// Nothing is under way: what has begun and is not done was refused, or we hung up on it ourselves. A completion has no effect but its price,
// so it is asked again. (After a crash nobody knows that: settle_unknown.)
Status Runner::ask_again_later() {
  TRY(run_.append({}, [&](store::Transaction& transaction) { return forget_begun(transaction, batch_.id); }));
  return {};
}

Status Runner::start_some() {
  std::vector<size_t> chosen;
  std::vector<int64_t> only_once;
  auto choose = [&](size_t i) {
    chosen.push_back(i);
    if (!parts_.executor.repeatable(batch_.endpoint, lines_[i].body)) only_once.push_back(lines_[i].number), paid_.insert(i);
  };
  while (under_way_ + static_cast<int>(chosen.size()) < parts_.options.together) {
    if (!later_.empty() && later_.front().first <= parts_.clock.unix_ms()) {
      choose(later_.front().second);
      later_.pop_front();
      continue;
    }
    while (next_ < lines_.size() && settled_[next_]) ++next_;
    if (next_ >= lines_.size()) break;
    settled_[next_] = true;
    choose(next_++);
  }
  if (!only_once.empty()) TRY(run_.append({}, [&](store::Transaction& transaction) { return begin_lines(transaction, batch_.id, only_once); }));
  for (const size_t i : chosen) {
    ++under_way_;
    const Context context = Context::make(parts_.clock, run_.context().principal(), make_id("req"), paid_.count(i) ? hang_up_ : stop_);
    parts_.executor.start(context, batch_.endpoint, lines_[i].body, [box = box_, i](Answer answer) { box->put({i, std::move(answer)}); });
  }
  return {};
}

// Whether the line was refused for lack of room, and is asked again later.
bool Runner::again(const Letter& letter) {
  const bool refused = letter.answer.status == 429 || letter.answer.status == 503;
  if (!refused || (letter.answer.status == 503 && !parts_.executor.repeatable(batch_.endpoint, lines_[letter.line].body))) return false;
  const int tries = ++tries_[letter.line];
  if (tries >= kTriesMost) return false;
  later_.emplace_back(parts_.clock.unix_ms() + (parts_.options.retry_ms << (tries - 1)), letter.line);
  std::sort(later_.begin(), later_.end());
  return true;
}

Status Runner::take_in(std::deque<Letter> letters) {
  std::vector<Done> done;
  for (Letter& letter : letters) {
    --under_way_;
    const bool ended_by_us = (paid_.erase(letter.line) > 0 ? hang_up_ : stop_)->raised();
    // Where we ended it, only an answer that came all the same counts.
    if (!succeeded(letter.answer) && (ended_by_us || again(letter))) continue;
    done.push_back({lines_[letter.line].number, std::move(letter.answer)});
  }
  return commit(done);
}

Status Runner::commit(const std::vector<Done>& done) {
  if (done.empty()) return {};
  TRY(change([&](store::Transaction& transaction, Batch& batch) -> Status {
    for (const Done& one : done) {
      TRY_ASSIGN(const bool fresh, end_line(transaction, batch.id, one));
      if (!fresh) continue;
      ++(succeeded(one.answer) ? batch.completed : batch.failed);
      batch.tokens.input += one.answer.tokens.input;
      batch.tokens.cached += one.answer.tokens.cached;
      batch.tokens.output += one.answer.tokens.output;
    }
    return {};
  }));
  done_ += done.size();
  run_.progress(static_cast<int64_t>(done_), static_cast<int64_t>(lines_.size()), "requests of " + batch_.id);
  return {};
}

Status Runner::finish(End end) {
  TRY(change([&](store::Transaction&, Batch& batch) -> Status {
    if (batch.state == State::kInProgress) batch.state = State::kFinalizing, batch.finalizing_ms = parts_.clock.unix_ms();
    return {};
  }));
  TRY_ASSIGN(const auto output, parts_.store.new_file());
  TRY_ASSIGN(const auto errors, parts_.store.new_file());
  TRY(write_files(end, *output, *errors));
  TRY_ASSIGN(const std::string output_id, keep_file(batch_.id + "_output.jsonl", *output));
  TRY_ASSIGN(const std::string error_id, keep_file(batch_.id + "_error.jsonl", *errors));
  return change([&](store::Transaction& transaction, Batch& batch) -> Status {
    batch.output_file_id = output_id;
    batch.error_file_id = error_id;
    const int64_t now = parts_.clock.unix_ms();
    if (batch.state == State::kCancelling) batch.state = State::kCancelled, batch.cancelled_ms = now;
    else if (end == End::kExpired) batch.state = State::kExpired, batch.expired_ms = now;
    else batch.state = State::kCompleted, batch.completed_ms = now;
    return forget_lines(transaction, batch.id);
  });
}

// Both in the order of the input, a line at a time: all answers together may be larger than the memory.
Status Runner::write_files(End end, store::NewFile& output, store::NewFile& errors) {
  const Answer missing = end == End::kExpired ? without_answer("batch_expired", "the batch's completion window was over before this request was run")
                                              : without_answer("batch_cancelled", "the batch was cancelled before this request was run");
  size_t next = 0;
  Status written;
  auto write = [&](const Answer& answer) {
    if (written) written = (succeeded(answer) ? output : errors).write(output_line(batch_.id, lines_[next], answer));
    ++next;
  };
  TRY(parts_.store.read(Context::background(parts_.clock), [&](store::Reader& reader) {
    return each_done(reader, batch_.id, [&](const Done& done) {
      while (next < lines_.size() && lines_[next].number < done.line) write(missing);
      if (next < lines_.size()) write(done.answer);
    });
  }));
  while (next < lines_.size()) write(missing);
  return written;
}

// The same file again where a crash came between it and the batch's row. No bytes: no file.
Result<std::string> Runner::keep_file(const std::string& name, store::NewFile& file) {
  if (file.size() == 0) return std::string();
  const Context context = Context::background(parts_.clock);
  const std::string purpose(kOutputPurpose);
  TRY_ASSIGN(const std::string sha256, file.keep());
  TRY_ASSIGN(const auto same, parts_.catalog.same_file(context, name, purpose, sha256));
  if (same) return same->id;
  TRY_ASSIGN(const auto added, parts_.catalog.add_stored_file(context, name, purpose, sha256, file.size()));
  return added.id;
}

}  // namespace

Result<Json> Batches::Parts::run(durable::Run& run) { return Runner(*this, run).work(); }

}  // namespace strata::batch
