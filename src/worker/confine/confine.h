// worker/confine: takes from this process everything that parsing does not need, for good. Called after the program has loaded what
// it needs (OCR data, character sets) and before it reads a byte of a document.
//
// Walls, from the outside in: an unprivileged user where we are root; no_new_privs; resource limits; Landlock without a single rule
// (no file system at all, where the kernel has it); seccomp: an allow-list of about 30 system calls. On that list are memory, reading
// and writing open descriptors, clocks, and ending; not on it are opening, sockets, new processes and threads, exec, signals to
// others, and executable memory. What is not on it ends the process by SIGSYS.
//
// seccomp is required: without it confine() fails and the worker refuses to run. Landlock is a second wall and optional.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace strata::worker {

enum class Opening {
  kKill,    // an attempt to open or look up a file ends the process
  kRefuse,  // it fails with "permission denied": for libraries that look for fonts and do without
};

struct Walls {
  uint64_t memory_bytes = 1u << 30;  // address space
  int64_t cpu_seconds = 120;
  Opening opening = Opening::kKill;
  bool reading = false;              // also pread and file locks on what is open: for a database
  bool connected = false;            // also sending, receiving and waiting on sockets that are open
};

struct Standing {
  int landlock_abi = 0;  // 0: this kernel has none
};

// ENSURES: on success, all of the above holds for this (single-threaded) process until it ends.
Result<Standing> confine(const Walls& walls);

}  // namespace strata::worker
