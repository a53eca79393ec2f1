#include "infra/process/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace strata::process {
namespace {

constexpr int kFirstFd = 10;  // pipes are moved up here, so that dup2 to 0, 1 and 2 cannot hit one of them

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return resource_exhausted(std::string("cannot make a pipe: ") + std::strerror(errno));
  Fd low_read(ends[0]), low_write(ends[1]);
  Pipe pipe{Fd(fcntl(ends[0], F_DUPFD_CLOEXEC, kFirstFd)), Fd(fcntl(ends[1], F_DUPFD_CLOEXEC, kFirstFd))};
  if (!pipe.read.open() || !pipe.write.open()) return resource_exhausted("no file descriptors left for a pipe");
  return pipe;
}

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& string : strings) out.push_back(const_cast<char*>(string.c_str()));
  out.push_back(nullptr);
  return out;
}

// Everything the child needs, made ready by the parent: between vfork and exec only plain system calls are allowed.
struct Plan {
  const char* path;
  char* const* arguments;
  char* const* environment;
  int input, output, errors;
  struct Limit {
    __rlimit_resource resource;
    rlim_t value;
  };
  std::array<Limit, 5> limits;
  int limit_count;
  pid_t parent;
};

void add_limit(Plan* plan, __rlimit_resource resource, uint64_t value) { plan->limits[plan->limit_count++] = {resource, value}; }

int apply(const Plan& plan) {
  for (int i = 0; i < plan.limit_count; ++i) {
    // The hard limit may be lower already; it cannot be raised and need not be.
    struct rlimit now;
    if (getrlimit(plan.limits[i].resource, &now) != 0) return errno;
    const rlim_t value = plan.limits[i].value < now.rlim_max ? plan.limits[i].value : now.rlim_max;
    const struct rlimit limit = {value, value};
    if (setrlimit(plan.limits[i].resource, &limit) != 0) return errno;
  }
  return 0;
}

void close_from(int first) {
  if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
  // Kernels before 5.9: our own descriptors are close-on-exec, so this is a second line only.
  for (int fd = first; fd < 4096; ++fd) close(fd);
}

// Runs in the child, on the parent's memory. Returns errno of what failed; does not return otherwise.
int become(const Plan& plan) {
  if (setpgid(0, 0) != 0) return errno;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);  // fails for SIGKILL and SIGSTOP, which need none
  }
  if (dup2(plan.input, 0) < 0 || dup2(plan.output, 1) < 0 || dup2(plan.errors, 2) < 0) return errno;
  close_from(3);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) return ESRCH;
  if (const int error = apply(plan); error != 0) return error;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(plan.path, plan.arguments, plan.environment);
  return errno;
}

// vfork in a function of its own: the child must not return from the frame that called it.
__attribute__((noinline)) pid_t vfork_exec(const Plan& plan, volatile int* error) {
  const pid_t pid = vfork();
  if (pid == 0) {
    *error = become(plan);  // the parent's memory; it wakes once we are gone
    _exit(127);
  }
  return pid;
}

Error start_error(int error, const std::string& path) {
  const std::string message = "cannot start " + path + ": " + std::strerror(error);
  if (error == ENOENT || error == ENOTDIR) return not_found(message);
  if (error == EACCES || error == EPERM || error == ENOEXEC) return permission_denied(message);
  return resource_exhausted(message);
}

Plan make_plan(const Limits& limits) {
  Plan plan = {};
  plan.parent = getpid();
  add_limit(&plan, RLIMIT_CORE, 0);
  if (limits.memory_bytes > 0) add_limit(&plan, RLIMIT_AS, limits.memory_bytes);
  if (limits.cpu_seconds > 0) add_limit(&plan, RLIMIT_CPU, static_cast<uint64_t>(limits.cpu_seconds));
  if (limits.file_bytes > 0) add_limit(&plan, RLIMIT_FSIZE, limits.file_bytes);
  if (limits.open_files > 0) add_limit(&plan, RLIMIT_NOFILE, limits.open_files);
  return plan;
}

void do_not_block(const Fd& fd) { fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}
int Fd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}
void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Result<Child> spawn(const Command& command) {
  if (command.arguments.empty()) return invalid_argument("expected a program to start, got an empty command");
  TRY_ASSIGN(Pipe input, make_pipe());
  TRY_ASSIGN(Pipe output, make_pipe());
  TRY_ASSIGN(Pipe errors, make_pipe());
  const std::vector<char*> arguments = c_strings(command.arguments);
  const std::vector<char*> environment = c_strings(command.environment);
  Plan plan = make_plan(command.limits);
  plan.path = command.arguments[0].c_str();
  plan.arguments = arguments.data();
  plan.environment = environment.data();
  plan.input = input.read.get();
  plan.output = output.write.get();
  plan.errors = errors.write.get();

  // No signal handler of ours may run in the child while it shares our memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  volatile int error = 0;
  const pid_t pid = vfork_exec(plan, &error);
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (pid < 0) return start_error(fork_error, command.arguments[0]);
  if (error != 0) {
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
    return start_error(error, command.arguments[0]);
  }
  Child child{pid, std::move(input.write), std::move(output.read), std::move(errors.read), Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)))};
  do_not_block(child.input);
  do_not_block(child.output);
  do_not_block(child.errors);
  return child;
}

}  // namespace strata::process
