#include "model/packed/packed.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/crypto.h"
#include "model/packed/table.h"

namespace strata::packed {
namespace {

namespace fs = std::filesystem;
using compute::Format;
using compute::Matrix;

std::string floats(size_t n, float begin) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = begin + static_cast<float>(i) / 8;
  return std::string(reinterpret_cast<const char*>(values.data()), n * sizeof(float));
}

class PackedTest : public ::testing::Test {
 protected:
  PackedTest() {
    char name[] = "/tmp/strata-packed-XXXXXX";
    folder_ = mkdtemp(name);
    fs::create_directory(folder_ + "/models");
    write_model(1);
    options_.keep = true;
    options_.disk_spare_bytes = 0;
  }
  ~PackedTest() override {
    std::error_code error;
    fs::permissions(folder_ + "/models", fs::perms::owner_all, error);
    fs::remove_all(folder_, error);
  }

  std::string model_path() const { return folder_ + "/models/model.gguf"; }
  // Two matrices (20 rows: a panel that is not full) and a vector.
  void write_model(float begin) const {
    format::GgufWriter writer;
    writer.add("general.architecture", "llama");
    writer.add_tensor("a", {20, 64}, Format::kF32, floats(20 * 64, begin)).add_tensor("b", {16, 32}, Format::kF32, floats(16 * 32, -begin));
    writer.add_tensor("norm", {64}, Format::kF32, floats(64, begin));
    std::ofstream(model_path(), std::ios::binary) << writer.bytes();
  }

  // What a loader does. Returns the first number of each matrix.
  std::vector<float> load(bool* from_disk = nullptr, bool finish = true) {
    auto model = format::Gguf::open(model_path()).value();
    Store store(options_, model_path(), model);
    if (from_disk) *from_disk = store.found();
    auto loading = store.begin(known_sha256_);
    std::vector<float> out;
    std::vector<Matrix> matrices;
    for (const char* name : {"a", "b"}) {
      const format::Tensor& tensor = *model.find(name);
      auto found = loading->find(tensor);
      if (found) matrices.push_back(std::move(*found));
      else matrices.push_back(loading->keep(name, Matrix::pack(Format::kF32, tensor.shape[0], tensor.shape[1], tensor.data).value()));
    }
    if (finish) {
      EXPECT_TRUE(loading->finish());
    }
    loading.reset();
    sha256_ = store.model_sha256();
    std::vector<float> row(64);
    for (const Matrix& matrix : matrices) {
      for (size_t r : {size_t{0}, matrix.rows() - 1}) {
        matrix.read_row(r, row.data());
        out.push_back(row[0]);
      }
    }
    return out;
  }
  bool found() {
    bool from_disk = false;
    load(&from_disk, false);
    return from_disk;
  }

  std::vector<std::string> files(const std::string& folder) const {
    std::vector<std::string> out;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.path().filename() != "model.gguf") out.push_back(entry.path().string());
    return out;
  }
  std::string only_file() const {
    const auto all = files(folder_ + "/models");
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? "" : all.front();
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; }

  std::string folder_, known_sha256_, sha256_;
  Options options_;
};

TEST_F(PackedTest, SecondLoadComesFromDiskWithTheSameNumbers) {
  bool from_disk = true;
  const auto first = load(&from_disk);
  EXPECT_FALSE(from_disk);
  EXPECT_EQ(load(&from_disk), first);
  EXPECT_TRUE(from_disk);
  EXPECT_EQ(first[0], 1.0f);
  EXPECT_EQ(first[2], -1.0f);
}

TEST_F(PackedTest, WholeHashOfTheModelIsRecordedOnce) {
  load();
  const std::string expected = sha256_file_hex(model_path()).value();
  EXPECT_EQ(sha256_, expected);
  sha256_.clear();
  load();
  EXPECT_EQ(sha256_, expected);
}

TEST_F(PackedTest, ChangedModelIsRepackedAndItsOldFileRemoved) {
  load();
  const std::string before = only_file();
  write_model(5);
  EXPECT_FALSE(found());
  EXPECT_EQ(load()[0], 5.0f);
  EXPECT_NE(only_file(), before);   // and there is only one
  EXPECT_TRUE(found());
}

TEST_F(PackedTest, ModelOverwrittenWithTheSameSizeAndTimeIsNotMistaken) {
  load();
  const auto time = fs::last_write_time(model_path());
  write_model(7);
  fs::last_write_time(model_path(), time);
  EXPECT_EQ(load()[0], 7.0f);
}

TEST_F(PackedTest, DamagedFilesAreIgnoredAndRewritten) {
  const auto numbers = load();
  const std::string path = only_file(), whole = read(path);
  std::vector<std::string> damaged = {"", "x", whole.substr(0, 64), whole.substr(0, whole.size() - 1), whole + "x", std::string(whole.size(), '\0')};
  for (const size_t at : {size_t{0}, size_t{8}, size_t{13}, size_t{16}, size_t{24}, size_t{40}, size_t{70}, size_t{100}, whole.size() - 3}) {
    damaged.push_back(whole);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 0x41);
  }
  for (size_t i = 0; i < damaged.size(); ++i) {
    fs::remove(path);
    write(path, damaged[i]);
    EXPECT_FALSE(found()) << i;
    EXPECT_EQ(load(), numbers) << i;
    EXPECT_TRUE(found()) << i;
  }
}

TEST_F(PackedTest, FileWithARightChecksumThatLiesAboutItsMatricesIsRefused) {
  load();
  const std::string whole = read(only_file());
  const Table good = read_table(whole, "file").value();
  auto forged = [&](auto change) {
    Table table = good;
    change(table);
    uint64_t table_offset = 0;
    std::memcpy(&table_offset, whole.data() + 24, sizeof table_offset);
    const std::string bytes = table_bytes(table), header = header_bytes(table, table_offset, bytes);
    return header + whole.substr(header.size(), table_offset - header.size()) + bytes;
  };
  EXPECT_TRUE(read_table(forged([](Table&) {}), "file"));
  EXPECT_FALSE(read_table(forged([](Table& t) { t.entries[0].offset = UINT64_MAX - 4095; }), "file"));
  EXPECT_FALSE(read_table(forged([](Table& t) { t.entries[0].offset += 1; }), "file"));
  EXPECT_FALSE(read_table(forged([](Table& t) { t.entries[1].offset = t.entries[0].offset; }), "file"));
  EXPECT_FALSE(read_table(forged([](Table& t) { t.entries[1].offset += 1 << 20; }), "file"));
  EXPECT_FALSE(read_table(forged([](Table& t) { t.entries[0].bytes += 64; }), "file"));
  EXPECT_FALSE(read_table(forged([](Table& t) { t.entries[0].rows = uint64_t{1} << 60; }), "file"));
  EXPECT_FALSE(read_table(forged([](Table& t) { t.entries[1].name = t.entries[0].name; }), "file"));
}

TEST_F(PackedTest, FileOfAnotherModelUnderThisOnesNameIsIgnored) {
  load();
  const std::string path = only_file(), of_first = read(path);
  write_model(9);
  load();
  const std::string second = only_file();
  fs::remove(second);
  write(second, of_first);
  EXPECT_FALSE(found());
  EXPECT_EQ(load()[0], 9.0f);
}

TEST_F(PackedTest, LinkInPlaceOfTheFileIsNotFollowed) {
  load();
  const std::string path = only_file();
  fs::rename(path, folder_ + "/elsewhere");
  fs::create_symlink(folder_ + "/elsewhere", path);
  EXPECT_FALSE(found());
}

TEST_F(PackedTest, ShortDiskMeansMemory) {
  options_.disk_spare_bytes = uint64_t{1} << 60;
  const auto numbers = load();
  EXPECT_EQ(numbers[0], 1.0f);
  EXPECT_TRUE(files(folder_ + "/models").empty());
}

TEST_F(PackedTest, ReadOnlyModelFolderMeansTheCacheFolder) {
  if (geteuid() == 0) GTEST_SKIP() << "root writes everywhere";
  options_.cache_folder = folder_ + "/cache";
  fs::permissions(folder_ + "/models", fs::perms::owner_read | fs::perms::owner_exec);
  load();
  EXPECT_TRUE(files(folder_ + "/models").empty());
  EXPECT_EQ(files(options_.cache_folder).size(), 1u);
  EXPECT_TRUE(found());
}

TEST_F(PackedTest, LoadThatIsGivenUpLeavesNothing) {
  load(nullptr, false);
  EXPECT_TRUE(files(folder_ + "/models").empty());
}

TEST_F(PackedTest, WithoutKeepingNothingIsWritten) {
  options_.keep = false;
  EXPECT_EQ(load()[0], 1.0f);
  EXPECT_TRUE(files(folder_ + "/models").empty());
}

TEST_F(PackedTest, MatricesOfAReplacedFileStayAsTheyWere) {
  load();
  auto model = format::Gguf::open(model_path()).value();
  Store store(options_, model_path(), model);
  auto loading = store.begin("");
  const Matrix a = *loading->find(*model.find("a"));
  loading.reset();
  fs::remove(only_file());
  std::vector<float> row(64);
  a.read_row(19, row.data());
  EXPECT_EQ(row[0], 1.0f + 19 * 64 / 8.0f);
}

TEST_F(PackedTest, LayoutNumberNamesTheseBytes) {
  // Packed files of earlier programs are read under this number: whoever changes the layout gives it another one, and this hash.
  std::string all;
  for (const Format format : {Format::kF32, Format::kF16, Format::kBF16, Format::kQ8_0, Format::kQ4_0, Format::kQ4_1, Format::kQ5_0, Format::kQ5_1,
                              Format::kQ4_K, Format::kQ5_K, Format::kQ6_K}) {
    std::string raw(20 * compute::format_row_bytes(format, 256).value(), '\0');
    for (size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<char>(i * 7 + i / 251);
    const Matrix matrix = Matrix::pack(format, 20, 256, std::as_bytes(std::span(raw.data(), raw.size()))).value();
    all.append(reinterpret_cast<const char*>(matrix.packed_data().data()), matrix.packed_data().size());
  }
  EXPECT_EQ(compute::kPackedLayout, 1u);
  EXPECT_EQ(sha256_hex(all), "9ccd55e3d7c97c4b015b92b8a2ad250a3d54019d1f8c59fa119e37e06004a799");
}

TEST_F(PackedTest, APipeInPlaceOfAFileIsNotWaitedFor) {
  load();
  const Kept kept = list({folder_}).front();
  fs::remove(model_path());
  ASSERT_EQ(mkfifo(model_path().c_str(), 0600), 0);
  EXPECT_NE(list({folder_}).front().stale.find("is gone"), std::string::npos);
  fs::remove(kept.path);
  ASSERT_EQ(mkfifo(kept.path.c_str(), 0600), 0);
  for (const Kept& one : list({folder_})) EXPECT_NE(one.stale, "");
}

TEST_F(PackedTest, ListSaysWhatIsStaleAndWhy) {
  load();
  ASSERT_EQ(list({folder_}).size(), 1u);   // one level down
  EXPECT_EQ(list({folder_, folder_ + "/models"}).size(), 1u);
  const Kept kept = list({folder_}).front();
  EXPECT_EQ(kept.source, model_path());
  EXPECT_EQ(kept.stale, "");
  EXPECT_GT(kept.bytes, 20u * 64 * 4);
  write_model(3);
  EXPECT_NE(list({folder_}).front().stale.find("has changed"), std::string::npos);
  fs::remove(model_path());
  EXPECT_NE(list({folder_}).front().stale.find("is gone"), std::string::npos);
  write(kept.path, "nonsense");
  EXPECT_NE(list({folder_}).front().stale, "");
}

}  // namespace
}  // namespace strata::packed
