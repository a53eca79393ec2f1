// What opening a file leaves behind: a descriptor that closes itself, and names that survive a crash.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace strata {

// Owns a file descriptor (below 0: none) and closes it, which also gives up its locks.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A new name in `folder`, or a rename, survives a crash once this has returned true; errno says why it could not.
bool sync_folder(const std::string& folder);

// `path` holds these bytes and nothing else, also after a crash, once this has returned ok; else it is as it was. Written beside it, as
// PATH.new. Where root does it the file stays its owner's, and a new one becomes the folder's owner's. kResourceExhausted: the disk is full.
// UNITS: mode as of chmod(2).
Status replace_file(const std::string& path, std::string_view bytes, unsigned mode = 0600);

}  // namespace strata
