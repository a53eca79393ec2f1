#include "worker/confine/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace strata::worker {
namespace {

constexpr uid_t kNobody = 65534;

Error system_error(const std::string& what) { return failed_precondition(what + ": " + std::strerror(errno)); }

// Root gives up its identity. Where it may not (a container without CAP_SETUID) it is no real root, and the other walls stand.
Status drop_root() {
  if (geteuid() != 0) return {};
  if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0) {
    if (errno == EPERM || errno == EINVAL) return {};
    return system_error("cannot drop root");
  }
  if (setuid(0) == 0) return failed_precondition("root came back after it was dropped");
  // A change of user clears what the parent asked for: to be killed when it dies.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return {};
}

Status limit(__rlimit_resource resource, rlim_t value, const char* name) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return system_error(std::string("cannot read the limit ") + name);
  if (now.rlim_max < value) value = now.rlim_max;
  const struct rlimit wanted = {value, value};
  if (setrlimit(resource, &wanted) != 0) return system_error(std::string("cannot set the limit ") + name);
  return {};
}

Status set_limits(const Walls& walls) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory takes terabytes of address space
  TRY(limit(RLIMIT_AS, walls.memory_bytes, "RLIMIT_AS"));
#endif
  TRY(limit(RLIMIT_CPU, static_cast<rlim_t>(walls.cpu_seconds), "RLIMIT_CPU"));
  TRY(limit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE"));
  TRY(limit(RLIMIT_NOFILE, 3, "RLIMIT_NOFILE"));
  TRY(limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC"));
  return limit(RLIMIT_CORE, 0, "RLIMIT_CORE");
}

// All file system rights that the kernel's version of Landlock knows are taken, none is given back.
Result<int> close_file_system() {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return 0;
  // 13 rights in version 1; REFER came with 2, TRUNCATE with 3.
  const int rights = abi == 1 ? 13 : abi == 2 ? 14 : 15;
  const struct landlock_ruleset_attr attributes = {.handled_access_fs = (1ull << rights) - 1};
  const int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (ruleset < 0) return system_error("cannot make a Landlock ruleset");
  const long done = syscall(SYS_landlock_restrict_self, ruleset, 0);
  close(ruleset);
  if (done != 0) return system_error("cannot apply Landlock");
  return static_cast<int>(abi);
}

using Filter = std::unique_ptr<void, void (*)(void*)>;

Status allow(const Filter& filter, int call) {
  if (const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); error != 0) {
    errno = -error;
    return system_error("cannot allow system call " + std::to_string(call));
  }
  return {};
}

// Memory may be mapped and its protection changed, but never made executable.
Status allow_memory(const Filter& filter) {
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0) return system_error("cannot allow memory");
  }
  for (int call : {SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise)}) TRY(allow(filter, call));
  return {};
}

Status allow_the_rest(const Filter& filter) {
  // sysinfo: the C library's qsort asks how much memory there is before it sorts more than a kilobyte.
  for (int call :
       {SCMP_SYS(read),        SCMP_SYS(write),         SCMP_SYS(writev),       SCMP_SYS(close),        SCMP_SYS(lseek),           SCMP_SYS(fstat),
        SCMP_SYS(exit),        SCMP_SYS(exit_group),    SCMP_SYS(futex),        SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),    SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(sigaltstack), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(getpid),          SCMP_SYS(getuid),
        SCMP_SYS(gettid),      SCMP_SYS(getrandom),     SCMP_SYS(sched_yield),  SCMP_SYS(getrusage),    SCMP_SYS(restart_syscall), SCMP_SYS(sysinfo)}) {
    TRY(allow(filter, call));
  }
  // abort() signals itself, and only itself.
  const auto self = static_cast<scmp_datum_t>(getpid());
  if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self)) != 0) return system_error("cannot allow tgkill");
  // The C library looks at an open descriptor through newfstatat(fd, "", …, AT_EMPTY_PATH).
  if (seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH)) != 0) {
    return system_error("cannot allow newfstatat");
  }
  // "Is it a terminal?" is answered with no.
  seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
  return {};
}

Status refuse_opening(const Filter& filter) {
  if (seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0)) != 0) {
    return system_error("cannot refuse newfstatat");
  }
  for (int call : {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
                   SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(statx), SCMP_SYS(getdents64), SCMP_SYS(statfs)}) {
    const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EACCES), call, 0);
    if (error != 0 && error != -EDOM) return system_error("cannot refuse opening");  // EDOM: this machine has no such call
  }
  return {};
}

Status filter_calls(const Walls& walls) {
  const Filter filter(seccomp_init(SCMP_ACT_KILL_PROCESS), [](void* context) { seccomp_release(context); });
  if (!filter) return failed_precondition("seccomp is not available");
  TRY(allow_memory(filter));
  TRY(allow_the_rest(filter));
  if (walls.opening == Opening::kRefuse) TRY(refuse_opening(filter));
  if (walls.reading) {
    for (int call : {SCMP_SYS(pread64), SCMP_SYS(fcntl)}) TRY(allow(filter, call));
  }
  if (walls.connected) {
    // sendto is send() where it names no address; a datagram to one would need a socket that there is none of.
    for (int call : {SCMP_SYS(poll), SCMP_SYS(recvfrom), SCMP_SYS(sendto)}) TRY(allow(filter, call));
  }
  if (const int error = seccomp_load(filter.get()); error != 0) {
    errno = -error;
    return system_error("this kernel does not take a seccomp filter");
  }
  return {};
}

}  // namespace

Result<Standing> confine(const Walls& walls) {
  TRY(drop_root());
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("cannot set no_new_privs");
  prctl(PR_SET_DUMPABLE, 0);
  TRY_ASSIGN(const int landlock, close_file_system());
  TRY(set_limits(walls));
  TRY(filter_calls(walls));
  return Standing{landlock};
}

}  // namespace strata::worker
