// The program that stays. A thread of its own starts it and waits, because the kernel kills a child of ours with the thread that made it.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "infra/process/no_sigpipe.h"
#include "infra/process/process.h"
#include "infra/process/spawn.h"

namespace strata::process {
namespace {

constexpr int kLookMs = 50;          // how often the Context is looked at
constexpr int kGraceMs = 500;        // to end by itself once its input is closed
constexpr size_t kPieceBytes = 64 << 10;

// True once the child is a zombie; it stays one, and its pid its own, until it is reaped.
bool is_over(pid_t pid) {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

}  // namespace

struct Companion::State {
  Limits limits;
  Child child;
  std::string output;                  // read and not yet asked for
  bool output_ended = false;
  mutable std::mutex mutex;            // of errors
  std::string errors;
  std::promise<void> release;          // lets the holder's thread end
  std::thread holder;

  // Waits until something moves, and takes what there is. `line`: what is left to write.
  void turn(std::string_view* line, size_t room) {
    const bool write_on = line && !line->empty(), read_on = !output_ended && output.size() < room;
    struct pollfd fds[3] = {{write_on ? child.input.get() : -1, POLLOUT, 0}, {read_on ? child.output.get() : -1, POLLIN, 0}, {child.errors.get(), POLLIN, 0}};
    poll(fds, 3, kLookMs);
    if (write_on) give(line);
    if (read_on) take(child.output, [this](std::string_view bytes) { output += bytes; }, &output_ended);
    take(child.errors, [this](std::string_view bytes) { keep_errors(bytes); }, nullptr);
  }

  void give(std::string_view* line) {
    const ssize_t sent = write(child.input.get(), line->data(), line->size());
    if (sent > 0) line->remove_prefix(static_cast<size_t>(sent));
    else if (sent < 0 && errno != EAGAIN && errno != EINTR) child.input.reset();
  }

  template <class Keep>
  static void take(Fd& fd, const Keep& keep, bool* ended) {
    char buffer[kPieceBytes];
    if (!fd.open()) return;
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got > 0) return keep(std::string_view(buffer, static_cast<size_t>(got)));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    fd.reset();
    if (ended) *ended = true;
  }

  void keep_errors(std::string_view bytes) {
    const std::lock_guard lock(mutex);
    errors += bytes;
    const size_t most = limits.error_bytes > 0 ? limits.error_bytes : 1;
    if (errors.size() > most) errors.erase(0, errors.size() - most);
  }

  Error gone() {
    take(child.errors, [this](std::string_view bytes) { keep_errors(bytes); }, nullptr);
    const std::lock_guard lock(mutex);
    Error out = unavailable("the program ended" + (errors.empty() ? std::string() : "; it said: " + errors));
    out.reason = "process_ended";
    return out;
  }
};

Companion::Companion(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Companion>> Companion::start(const Command& command) {
  auto state = std::make_unique<State>();
  state->limits = command.limits;
  std::promise<Result<Child>> started;
  auto child = started.get_future();
  state->holder = std::thread([&command, started = std::move(started), released = state->release.get_future()]() mutable {
    started.set_value(spawn(command));   // the caller waits for it, and `command` lives as long
    released.wait();
  });
  auto made = child.get();
  if (!made) {
    state->release.set_value();
    state->holder.join();
    return std::move(made.error());
  }
  state->child = std::move(*made);
  return std::unique_ptr<Companion>(new Companion(std::move(state)));
}

Companion::~Companion() {
  const pid_t pid = state_->child.pid;
  state_->child.input.reset();
  for (int waited = 0; waited < kGraceMs && !is_over(pid); waited += 10) usleep(10'000);
  kill(-pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
  state_->release.set_value();
  state_->holder.join();
}

Status Companion::write_line(const Context& context, std::string_view line) {
  NoSigpipe no_sigpipe;
  std::string whole(line);
  whole += '\n';
  std::string_view left = whole;
  while (!left.empty()) {
    TRY(context.check());
    if (!state_->child.input.open()) return state_->gone();
    state_->turn(&left, 2 * kPieceBytes);   // a child that waits for its own output to be read goes on
  }
  return {};
}

Result<std::string> Companion::read_line(const Context& context, size_t bytes_most) {
  size_t looked = 0;
  for (;;) {
    if (const size_t end = state_->output.find('\n', looked); end != std::string::npos && end <= bytes_most) {
      std::string line = state_->output.substr(0, end);
      state_->output.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line;
    }
    looked = state_->output.size();
    if (looked > bytes_most) return resource_exhausted("the program's line is over the limit of " + std::to_string(bytes_most) + " bytes", "too_large");
    if (state_->output_ended) return state_->gone();
    TRY(context.check());
    state_->turn(nullptr, bytes_most + 1);
  }
}

bool Companion::ended() const { return state_->output_ended || !state_->child.input.open() || is_over(state_->child.pid); }

std::string Companion::errors() const {
  const std::lock_guard lock(state_->mutex);
  return state_->errors;
}

}  // namespace strata::process
