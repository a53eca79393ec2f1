#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

namespace strata {

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

bool sync_folder(const std::string& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.open() && fsync(opened.get()) == 0;
}

}  // namespace strata
