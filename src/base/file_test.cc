#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

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

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ReplaceFile, TheWholeOfItOrWhatWasThere) {
  namespace fs = std::filesystem;
  std::string folder = "/tmp/strata-file-XXXXXX";
  ASSERT_TRUE(mkdtemp(folder.data()));
  const std::string path = folder + "/a.json";
  ASSERT_TRUE(replace_file(path, "one"));
  EXPECT_EQ(bytes_of(path), "one");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  std::ofstream(path + ".new") << "what a crash left, and longer";
  ASSERT_TRUE(replace_file(path, "two"));
  EXPECT_EQ(bytes_of(path), "two");
  EXPECT_FALSE(fs::exists(path + ".new"));
  fs::create_directories(path + ".new/in the way");
  const Status refused = replace_file(path, "three");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find(path + " cannot be written: "), std::string::npos);
  EXPECT_EQ(bytes_of(path), "two");
  EXPECT_FALSE(replace_file("/nowhere/at/all", "x"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace strata
