#include "infra/archive/archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/random.h"

namespace strata::archive {
namespace {

namespace fs = std::filesystem;

class ArchiveTest : public ::testing::Test {
 protected:
  ArchiveTest() : folder_(fs::temp_directory_path() / make_id("archive")) { fs::create_directory(folder_); }
  ~ArchiveTest() override { fs::remove_all(folder_); }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  static std::string whole(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Result<std::vector<Entry>> read_text(std::string text, std::map<std::string, std::string>* out) {
    auto place = std::make_shared<size_t>(0);
    return read(
        [text = std::move(text), place](char* buffer, size_t size) -> Result<size_t> {
          const size_t count = std::min(size, text.size() - *place);
          std::copy_n(text.data() + *place, count, buffer);
          *place += count;
          return count;
        },
        [out](const Entry& entry) -> Result<Take> {
          return Take([out, name = entry.name](std::string_view piece) -> Status {
            if (out) (*out)[name] += piece;
            return {};
          });
        });
  }
  std::string written() {
    auto writer = Writer::create(at("a.tar"));
    EXPECT_TRUE(writer);
    std::ofstream(at("source"), std::ios::binary) << std::string(700'000, 'z');
    EXPECT_TRUE((*writer)->add_bytes("empty", ""));
    EXPECT_TRUE((*writer)->add_bytes("folder/small", "text"));
    EXPECT_TRUE((*writer)->add_bytes("block", std::string(512, 'b')));
    EXPECT_TRUE((*writer)->add_file("large", at("source")));
    EXPECT_TRUE((*writer)->finish());
    return whole(at("a.tar"));
  }
  const fs::path folder_;
};

TEST_F(ArchiveTest, WhatIsWrittenIsReadWithItsHashes) {
  std::map<std::string, std::string> bodies;
  auto entries = read_text(written(), &bodies);
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ(bodies["folder/small"], "text");
  EXPECT_EQ(bodies["large"].size(), 700'000u);
  EXPECT_EQ((*entries)[0].sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");   // of nothing
  EXPECT_EQ((*entries)[3].bytes, 700'000u);
}

TEST_F(ArchiveTest, AnyTarReadsIt) {
  written();
  const std::string command = "tar -C " + folder_.string() + " -xf " + at("a.tar");
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(whole(at("folder/small")), "text");
  EXPECT_EQ(whole(at("large")).size(), 700'000u);
}

TEST_F(ArchiveTest, CutShortAnywhereIsDataLoss) {
  const std::string good = written();
  for (size_t size : {size_t{0}, size_t{1}, size_t{511}, size_t{512}, size_t{1024}, size_t{1027}, size_t{3000}, good.size() - 1025, good.size() - 1024}) {
    auto entries = read_text(good.substr(0, size), nullptr);
    ASSERT_FALSE(entries) << size;
    EXPECT_EQ(entries.error().code, Code::kDataLoss) << size;
  }
}

TEST_F(ArchiveTest, AFlippedBitInAHeaderIsDataLoss) {
  const std::string good = written();
  for (size_t at : {size_t{0}, size_t{124}, size_t{156}, size_t{257}}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    EXPECT_FALSE(read_text(bad, nullptr)) << at;
  }
}

TEST_F(ArchiveTest, AnExistingFileIsNotOverwritten) {
  written();
  EXPECT_EQ(Writer::create(at("a.tar")).error().code, Code::kAlreadyExists);
  auto writer = Writer::create(at("b.tar"));
  EXPECT_FALSE((*writer)->add_bytes(std::string(100, 'n'), "x"));
  EXPECT_EQ((*writer)->add_file("gone", at("nowhere")).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace strata::archive
