// strata-sandbox: becomes a Python script behind walls. Started by knowledge/tool with limits on memory and time already set; ends as bubblewrap
// does. Arguments: the runner's text (a Python program of ours, which reads the script and its files from standard input).
//
// The walls: namespaces of its own for users, processes, network (none but an empty loopback), IPC, names; a root of its own that holds /usr
// read-only, a few files of /etc, bare device nodes and a /work in memory of bounded size; no capabilities, no new user namespaces; a
// session of its own; it dies with its parent. Then seccomp (below): no new processes, no sockets, nothing that looks at other processes, holds
// memory outside of the limits, makes device nodes, mounts, or speaks to rarely used parts of the kernel. Without bubblewrap, or where the kernel refuses namespaces, bubblewrap
// ends with a word and nothing was run.
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

namespace {

constexpr const char* kBubblewrap = "/usr/bin/bwrap";
constexpr const char* kPython = "/usr/bin/python3";
constexpr const char* kWorkBytes = "67108864";  // of /work: files and plots

int fail(const char* what) {
  std::fprintf(stderr, "sandbox: %s: %s\n", what, std::strerror(errno));
  return 125;
}

// Refused with EPERM: a script sees an error and can say so.
constexpr std::initializer_list<const char*> kRefused = {
    // other processes, tracing, keys
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise", "add_key", "request_key", "keyctl",
    // new processes and programs' privileges
    "fork", "vfork", "setns", "unshare", "personality", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups",
    // sockets: there is no network, and no other kind either
    "socket", "socketpair", "connect", "bind", "listen",
    // memory that the limit on the address space does not count
    "memfd_create", "shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open",
    // mounts, roots, device nodes, handles
    "mount", "umount2", "pivot_root", "chroot", "mknod", "mknodat", "open_by_handle_at", "name_to_handle_at", "fsopen", "fsconfig", "fsmount", "fspick",
    "move_mount", "open_tree", "mount_setattr", "swapon", "swapoff", "quotactl", "acct",
    // the kernel and its rarely used parts
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "init_module", "finit_module", "delete_module",
    "kexec_load", "kexec_file_load", "reboot", "syslog", "iopl", "ioperm", "modify_ldt", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "lookup_dcookie", "vhangup", "fanotify_init", "memfd_secret", "mbind", "set_mempolicy", "migrate_pages", "move_pages", "sethostname", "setdomainname"};

// The filter as a file that bubblewrap installs just before it starts Python. -1: errno says why not.
int filter_file() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (!filter) return -1;
  bool ok = true;
  for (const char* name : kRefused) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR || call < 0) continue;  // this machine has no such call
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0) == 0;
  }
  // Threads, but no processes: clone without CLONE_THREAD; clone3 hides its flags in memory, so the C library is sent back to clone.
  constexpr scmp_datum_t kCloneThread = 0x10000;
  ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, kCloneThread, 0)) == 0;
  ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  // Characters are not pushed into a terminal.
  ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, 0x5412)) == 0;
  const int file = ok ? memfd_create("filter", 0) : -1;
  if (file >= 0 && (seccomp_export_bpf(filter, file) != 0 || lseek(file, 0, SEEK_SET) != 0)) return -1;
  seccomp_release(filter);
  return file;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "sandbox: expected one argument (this program is started by strata)\n"), 125;
  const int filter = filter_file();
  if (filter < 0) return fail("cannot make the seccomp filter");
  const std::string number = std::to_string(filter);
  std::vector<const char*> arguments = {kBubblewrap,
                                        "--unshare-user",
                                        "--unshare-pid",
                                        "--unshare-net",
                                        "--unshare-ipc",
                                        "--unshare-uts",
                                        "--unshare-cgroup-try",
                                        "--disable-userns",
                                        "--die-with-parent",
                                        "--new-session",
                                        "--cap-drop",
                                        "ALL",
                                        "--uid",
                                        "65534",
                                        "--gid",
                                        "65534",
                                        "--hostname",
                                        "sandbox",
                                        "--ro-bind",
                                        "/usr",
                                        "/usr",
                                        "--symlink",
                                        "usr/bin",
                                        "/bin",
                                        "--symlink",
                                        "usr/lib",
                                        "/lib",
                                        "--symlink",
                                        "usr/lib64",
                                        "/lib64"};
  for (const char* path : {"/etc/ld.so.cache", "/etc/fonts", "/etc/matplotlibrc", "/etc/alternatives"}) {
    for (const char* word : {"--ro-bind-try", path, path}) arguments.push_back(word);
  }
  for (const char* word : {"--dev", "/dev",     "--remount-ro", "/dev",          "--size",   kWorkBytes, "--tmpfs", "/work",    "--remount-ro",
                           "/",     "--chdir",  "/work",        "--clearenv",    "--setenv", "HOME",     "/work",   "--setenv", "MPLBACKEND",
                           "Agg",   "--setenv", "MPLCONFIGDIR", "/work/.config", "--setenv", "LANG",     "C.UTF-8", "--setenv", "OPENBLAS_NUM_THREADS",
                           "1",     "--setenv", "TMPDIR",       "/work",         "--seccomp"})
    arguments.push_back(word);
  arguments.insert(arguments.end(), {number.c_str(), "--", kPython, "-I", "-B", "-c", argv[1], nullptr});
  execv(kBubblewrap, const_cast<char**>(arguments.data()));
  return fail("bubblewrap cannot be started (install the package bubblewrap)");
}
