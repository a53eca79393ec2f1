#include "infra/secret/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/random.h"

namespace strata::secret {
namespace {

using testing::HasSubstr;

class SecretTest : public testing::Test {
 protected:
  SecretTest() : folder_(std::filesystem::temp_directory_path() / make_id("secret-test")) { open_store(); }
  ~SecretTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open_store() {
    store_.reset();
    store_ = std::move(*store::Store::open(folder_, Secrets::migrations()));
  }
  Result<std::unique_ptr<Secrets>> open() { return Secrets::open(context_, *store_, clock_); }
  std::string key_path() { return folder_ + "/secret.key"; }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
};

TEST_F(SecretTest, ASecretComesBackAlsoAfterARestart) {
  {
    auto secrets = *open();
    ASSERT_TRUE(secrets->set(context_, "provider/openai", "sk-first"));
    ASSERT_TRUE(secrets->set(context_, "provider/openai", std::string("sk\0second", 9)));
    ASSERT_TRUE(secrets->set(context_, "hub", "hf_x"));
  }
  open_store();
  auto secrets = *open();
  EXPECT_EQ(*secrets->get(context_, "provider/openai"), std::string("sk\0second", 9));
  auto list = *secrets->list(context_);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name, "hub");
  EXPECT_EQ(list[0].updated_ms, clock_.unix_ms());
  ASSERT_TRUE(secrets->remove(context_, "hub"));
  EXPECT_EQ(secrets->get(context_, "hub").error().code, Code::kNotFound);
  EXPECT_EQ(secrets->remove(context_, "hub").error().code, Code::kNotFound);
}

TEST_F(SecretTest, NoFileOfTheFolderHoldsTheValue) {
  auto secrets = *open();
  ASSERT_TRUE(secrets->set(context_, "name", "the-very-secret-value"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find("the-very-secret-value"), std::string::npos) << entry.path();
  }
}

TEST_F(SecretTest, TheKeyIsClosedToOthersAndAWiderOneIsRefused) {
  ASSERT_TRUE(open());
  struct stat info{};
  ASSERT_EQ(stat(key_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(info.st_size, 32);
  ::chmod(key_path().c_str(), 0640);
  auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("chmod 600"));
}

TEST_F(SecretTest, AMissingKeyIsNotReplacedWhileSecretsAreStored) {
  ASSERT_TRUE((*open())->set(context_, "name", "value"));
  std::filesystem::rename(key_path(), key_path() + ".away");
  EXPECT_EQ(open().error().code, Code::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(key_path()));
  std::filesystem::rename(key_path() + ".away", key_path());
  EXPECT_EQ(*(*open())->get(context_, "name"), "value");
}

TEST_F(SecretTest, AnotherKeyOrAnExchangedRowIsDataLoss) {
  auto secrets = *open();
  ASSERT_TRUE(secrets->set(context_, "one", "1"));
  ASSERT_TRUE(secrets->set(context_, "two", "2"));
  ASSERT_TRUE(store_->write(context_, [](store::Transaction& transaction) -> Status {
    TRY(transaction.execute("UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'two') WHERE name = 'one'"));
    return {};
  }));
  EXPECT_EQ(secrets->get(context_, "one").error().code, Code::kDataLoss);
  std::ofstream(key_path(), std::ios::binary) << std::string(32, 'k');
  EXPECT_EQ((*open())->get(context_, "two").error().code, Code::kDataLoss);
  std::ofstream(key_path(), std::ios::binary) << "short";
  EXPECT_EQ(open().error().code, Code::kDataLoss);
}

TEST_F(SecretTest, WrongNamesAndValuesAreRefusedWithoutShowingThem) {
  auto secrets = *open();
  for (std::string name : {std::string(), std::string("a b"), std::string("ü"), std::string(129, 'a'), std::string("a\0b", 3)}) {
    auto refused = secrets->set(context_, name, "v");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().param, "name");
  }
  EXPECT_EQ(secrets->set(context_, "n", "").error().param, "value");
  auto status = secrets->set(context_, "n", std::string(70'000, 's'));
  EXPECT_EQ(status.error().param, "value");
  EXPECT_EQ(status.error().message.find("sss"), std::string::npos);
}

}  // namespace
}  // namespace strata::secret
