// infra/process: runs another program, and never lets it outlive or overwhelm us: once, as a function from bytes to bytes (run), or as one
// that stays and is talked to line by line (Companion).
//
// The child gets three pipes and nothing else of ours: no open file, no environment but the one given, default signal handlers, its
// own process group, no core dumps. It is killed with its whole group when it ends, when the time is up, when the Context is
// cancelled, when it writes too much, or when our thread dies. (A grandchild that starts a session of its own escapes the group: a
// program that must not is confined by seccomp; see worker/confine.)
//
// THREADS: safe; start() uses vfork, so it is cheap and sound however large and threaded the parent is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"

namespace strata::process {

// 0 leaves a limit as it is. UNITS: as named.
struct Limits {
  int64_t wall_ms = 60'000;
  uint64_t output_bytes = 64u << 20;  // of standard output: one byte more and the child is killed
  uint64_t error_bytes = 16u << 10;   // of standard error the last so many are kept
  uint64_t memory_bytes = 0;          // address space (RLIMIT_AS)
  int64_t cpu_seconds = 0;            // RLIMIT_CPU
  uint64_t file_bytes = 0;            // largest file it may write (RLIMIT_FSIZE)
  uint64_t open_files = 0;            // RLIMIT_NOFILE
};

struct Command {
  std::vector<std::string> arguments;                      // [0] is the program's path; no PATH search, no shell
  std::vector<std::string> environment = {"LANG=C.UTF-8"};  // "NAME=value"; nothing else is passed on
  Limits limits;
};

enum class Ending {
  kExited,     // exit_code
  kSignalled,  // signal: a crash, or a limit of the kernel (SIGXCPU, SIGSYS, SIGKILL by the OOM killer)
  kTimedOut,   // we killed it: wall_ms
  kFlooded,    // we killed it: output_bytes
  kCancelled,  // we killed it: the Context was cancelled or its deadline passed
};

struct Outcome {
  Ending ending = Ending::kExited;
  int exit_code = 0;
  int signal = 0;
  std::string output;  // complete only where ending is kExited
  std::string errors;  // the end of standard error
  int64_t wall_ms = 0, cpu_ms = 0;
  uint64_t memory_peak_bytes = 0;  // resident
};

// Starts the program, feeds it `input` (it need not read it all), and waits for its end. An Error only where it could not be
// started (kNotFound, kPermissionDenied, kResourceExhausted for no processes or files left); whatever the child does is an Outcome.
Result<Outcome> run(const Context& context, const Command& command, std::string_view input);

// A program that stays: lines go in, lines come out. Its standard error is kept to its end (Limits::error_bytes); limits of time and output
// do not count: a call waits as long as its Context says, and what nobody reads stays in the pipe and holds the program up.
// THREADS: one call at a time; errors() is safe.
class Companion {
 public:
  // Errors as run(). The program is killed when the Companion goes, not with the thread that started it.
  static Result<std::unique_ptr<Companion>> start(const Command& command);
  ~Companion();   // closes its input, gives it a moment to end, then kills its group
  Companion(const Companion&) = delete;

  // kUnavailable, with the end of what it wrote to standard error, once it ended; kCancelled and kDeadlineExceeded from the Context, after
  // which a line may have gone out in part: the Companion is then of no more use.
  Status write_line(const Context& context, std::string_view line);
  // The next line without its end. kResourceExhausted where it has more than `bytes_most`: the rest cannot be found again. A last line
  // without an end is dropped.
  Result<std::string> read_line(const Context& context, size_t bytes_most);
  bool ended() const;
  std::string errors() const;

 private:
  struct State;
  explicit Companion(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "SIGSEGV"
std::string signal_name(int signal);

}  // namespace strata::process
