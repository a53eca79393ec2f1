#include "infra/process/process.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "infra/process/no_sigpipe.h"
#include "infra/process/spawn.h"

namespace strata::process {
namespace {

constexpr int kLookMs = 50;       // how often cancellation is looked at
constexpr int kLookFastMs = 5;    // the same where the kernel cannot tell us about the child's end
constexpr size_t kPipeBytes = 64 << 10;

class Session {
 public:
  Session(const Context& context, const Limits& limits, Child child, std::string_view input)
      : context_(context), limits_(limits), child_(std::move(child)), input_(input), begin_ns_(context.clock().monotonic_ns()) {}
  ~Session() {
    if (!reaped_) reap();
  }

  Outcome run() {
    while (!ended() && !stopped()) {
      wait();
      feed();
      drain(child_.output, &Session::take_output);
      drain(child_.errors, &Session::take_errors);
    }
    if (!stop_) {
      // It ended by itself; what it wrote last may still be in the pipes.
      drain(child_.output, &Session::take_output);
      drain(child_.errors, &Session::take_errors);
    }
    reap();
    outcome_.wall_ms = (context_.clock().monotonic_ns() - begin_ns_) / 1'000'000;
    if (stop_) outcome_.ending = ending_;
    return std::move(outcome_);
  }

 private:
  // True once the child is a zombie. It stays one until reap(), so its pid and group cannot be anyone else's.
  bool ended() const {
    siginfo_t info = {};
    return waitid(P_PID, static_cast<id_t>(child_.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child_.pid;
  }

  bool stopped() {
    const int64_t elapsed_ms = (context_.clock().monotonic_ns() - begin_ns_) / 1'000'000;
    if (stop_) return true;
    if (!context_.check()) stop(Ending::kCancelled);
    else if (limits_.wall_ms > 0 && elapsed_ms >= limits_.wall_ms) stop(Ending::kTimedOut);
    return stop_;
  }
  void stop(Ending ending) {
    stop_ = true;
    ending_ = ending;
  }

  void wait() {
    struct pollfd fds[4] = {
        {child_.input.get(), POLLOUT, 0}, {child_.output.get(), POLLIN, 0}, {child_.errors.get(), POLLIN, 0}, {child_.exit.get(), POLLIN, 0}};
    poll(fds, 4, child_.exit.open() ? kLookMs : kLookFastMs);  // negative descriptors are passed over
  }

  void feed() {
    while (child_.input.open()) {
      if (input_.empty()) {
        child_.input.reset();  // end of file
        return;
      }
      const ssize_t sent = write(child_.input.get(), input_.data(), std::min(input_.size(), kPipeBytes));
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return;
      if (sent < 0) input_ = {};  // EPIPE: it does not want more
      else input_.remove_prefix(static_cast<size_t>(sent));
    }
  }

  void drain(Fd& fd, void (Session::*take)(std::string_view)) {
    char buffer[kPipeBytes];
    // A bounded number of reads (more than a pipe can hold), so that a flood does not keep us from the clock.
    for (int reads = 0; reads < 32 && fd.open() && !stop_; ++reads) {
      const ssize_t got = read(fd.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) fd.reset();
      else (this->*take)({buffer, static_cast<size_t>(got)});
    }
  }
  void take_output(std::string_view bytes) {
    const uint64_t room = limits_.output_bytes - outcome_.output.size();
    if (limits_.output_bytes > 0 && bytes.size() > room) {
      bytes = bytes.substr(0, room);
      stop(Ending::kFlooded);
    }
    outcome_.output += bytes;
  }
  void take_errors(std::string_view bytes) {
    outcome_.errors += bytes;
    const size_t most = std::max<size_t>(1, limits_.error_bytes);
    // Trimmed in steps, so that a flood costs linear time.
    if (outcome_.errors.size() > 2 * most) outcome_.errors.erase(0, outcome_.errors.size() - most);
  }

  void reap() {
    kill(-child_.pid, SIGKILL);
    int status = 0;
    struct rusage usage = {};
    while (wait4(child_.pid, &status, 0, &usage) < 0 && errno == EINTR) {}
    reaped_ = true;
    if (WIFSIGNALED(status)) outcome_.ending = Ending::kSignalled, outcome_.signal = WTERMSIG(status);
    else outcome_.exit_code = WEXITSTATUS(status);
    outcome_.cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    outcome_.memory_peak_bytes = static_cast<uint64_t>(usage.ru_maxrss) << 10;
    if (limits_.error_bytes > 0 && outcome_.errors.size() > limits_.error_bytes) outcome_.errors.erase(0, outcome_.errors.size() - limits_.error_bytes);
  }

  const Context& context_;
  const Limits limits_;
  Child child_;
  std::string_view input_;
  const int64_t begin_ns_;
  Outcome outcome_;
  bool stop_ = false, reaped_ = false;
  Ending ending_ = Ending::kExited;
};

}  // namespace

Result<Outcome> run(const Context& context, const Command& command, std::string_view input) {
  TRY(context.check());
  TRY_ASSIGN(Child child, spawn(command));
  NoSigpipe no_sigpipe;
  return Session(context, command.limits, std::move(child), input).run();
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

}  // namespace strata::process
