// Starting the child: pipes, vfork, rlimits, exec.
#pragma once

#include <sys/types.h>

#include "infra/process/process.h"

namespace strata::process {

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

struct Child {
  pid_t pid = -1;          // also its process group
  Fd input, output, errors;  // our ends; they do not block
  Fd exit;                 // readable once it ended (a pidfd); closed where the kernel has none
};

Result<Child> spawn(const Command& command);

}  // namespace strata::process
