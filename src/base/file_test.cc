#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace strata {
namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(Descriptor, ClosesAtItsEndUnlessReleased) {
  int closed = -1, kept = -1;
  {
    const Descriptor first(open("/dev/null", O_RDONLY));
    Descriptor second(open("/dev/null", O_RDONLY));
    ASSERT_TRUE(first.open() && second.open());
    closed = first.get();
    kept = second.release();
    EXPECT_FALSE(second.open());
  }
  EXPECT_FALSE(is_open(closed));
  EXPECT_TRUE(is_open(kept));
  close(kept);
  EXPECT_FALSE(Descriptor(-1).open());
}

TEST(SyncFolder, SaysWhetherItIsAFolderThatCanBeSynced) {
  EXPECT_TRUE(sync_folder("/tmp"));
  EXPECT_FALSE(sync_folder("/nowhere/at/all"));
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(sync_folder("/dev/null"));
  EXPECT_EQ(errno, ENOTDIR);
}

}  // namespace
}  // namespace strata
