#include "worker/pipes/pipes.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace strata::worker {
namespace {

// As read(), whatever signals come.
ssize_t read_some(char* to, size_t bytes) {
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, to, bytes);
    if (got >= 0 || errno != EINTR) return got;
  }
}

bool write_to(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

}  // namespace

std::string read_rest(size_t bytes_most) {
  std::string out;
  char buffer[4096];
  while (out.size() <= bytes_most) {
    const ssize_t got = read_some(buffer, std::min(sizeof buffer, bytes_most + 1 - out.size()));
    if (got <= 0) break;
    out.append(buffer, static_cast<size_t>(got));
  }
  return out;
}

std::string read_line(size_t bytes_most) {
  std::string out;
  char byte = 0;
  while (out.size() <= bytes_most && read_some(&byte, 1) == 1 && byte != '\n') out += byte;
  return out;
}

bool read_exactly(std::string* out, uint64_t bytes) {
  out->resize(bytes);
  for (uint64_t at = 0; at < bytes;) {
    const ssize_t got = read_some(out->data() + at, bytes - at);
    if (got <= 0) return false;
    at += static_cast<uint64_t>(got);
  }
  return true;
}

bool write_all(std::string_view bytes) { return write_to(STDOUT_FILENO, bytes); }

void say(std::string_view text) { write_to(STDERR_FILENO, text); }

int fail(int status, const std::string& message) {
  say("fail: " + message + "\n");
  return status;
}

}  // namespace strata::worker
