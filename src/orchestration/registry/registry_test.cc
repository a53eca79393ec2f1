#include "orchestration/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/crypto.h"
#include "base/random.h"

namespace strata::registry {
namespace {

using testing::HasSubstr;

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() : folder_(std::filesystem::temp_directory_path() / make_id("registry-test")) { open(); }
  ~RegistryTest() override {
    registry_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    registry_.reset();
    store_.reset();
    store_ = std::move(*store::Store::open(folder_, migrations()));
    registry_ = std::make_unique<Registry>(*store_, clock_);
  }
  Result<Version> add(const std::string& content, int base, const std::string& why = "") {
    return registry_->add_version(context_, key_, content, base, {"ann", why});
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Registry> registry_;
  Key key_{"spec", "copilot"};
};

TEST_F(RegistryTest, VersionsAreThereAfterARestartWithWhoWhyWhenAndHash) {
  ASSERT_TRUE(add("one\n", 0, "first"));
  clock_.advance_ms(1000);
  ASSERT_TRUE(add("two\n", 1, "second"));
  open();
  auto versions = *registry_->versions(context_, key_);
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].number, 2);
  EXPECT_EQ(versions[0].why, "second");
  EXPECT_EQ(versions[0].who, "ann");
  EXPECT_EQ(versions[0].created_ms - versions[1].created_ms, 1000);
  auto first = *registry_->version(context_, key_, 1);
  EXPECT_EQ(first.content, "one\n");
  EXPECT_EQ(first.sha256, sha256_hex("one\n"));
  EXPECT_EQ(registry_->version(context_, key_, 0)->content, "two\n");
  EXPECT_EQ(registry_->version(context_, key_, 3).error().code, Code::kNotFound);
}

TEST_F(RegistryTest, RemovedGoesWhollyAndLeavesTheOthers) {
  Key other{"spec", "other"};
  ASSERT_TRUE(add("one", 0));
  ASSERT_TRUE(registry_->set_label(context_, key_, "live", 1, {"ann", ""}));
  ASSERT_TRUE(registry_->save_draft(context_, key_, "two", 1, 0, {"ann", ""}));
  ASSERT_TRUE(registry_->add_version(context_, other, "mine", 0, {"ann", ""}));
  ASSERT_TRUE(registry_->remove(context_, key_));
  EXPECT_FALSE(registry_->artifact(context_, key_));
  EXPECT_EQ(registry_->artifact(context_, other)->latest, 1);
  EXPECT_TRUE(registry_->remove(context_, key_));
  EXPECT_EQ(add("again", 0)->number, 1);
}

TEST_F(RegistryTest, AWriterWhoStartedFromAnOlderVersionIsToldAndNothingIsLost) {
  ASSERT_TRUE(add("one", 0));
  ASSERT_TRUE(add("two", 1));
  auto late = add("other", 1);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kAborted);
  EXPECT_EQ(late.error().reason, "version_conflict");
  EXPECT_THAT(late.error().message, HasSubstr("you started from version 1 of spec 'copilot', but ann has saved version 2 since"));
  EXPECT_EQ(registry_->version(context_, key_, 0)->content, "two");
  EXPECT_EQ(add("x", 7).error().code, Code::kAborted);
}

TEST_F(RegistryTest, OfManyWritersFromOneVersionExactlyOneWins) {
  ASSERT_TRUE(add("base", 0));
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      if (add("text " + std::to_string(i), 1)) ++won;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(registry_->artifact(context_, key_)->latest, 2);
}

TEST_F(RegistryTest, TheSameContentIsNoNewVersion) {
  ASSERT_TRUE(add("one", 0));
  EXPECT_EQ(add("one", 0)->number, 1);
  EXPECT_EQ(registry_->versions(context_, key_)->size(), 1u);
}

TEST_F(RegistryTest, LabelsMoveBetweenVersionsAndTheHistorySaysIt) {
  ASSERT_TRUE(add("one", 0));
  ASSERT_TRUE(add("two", 1));
  EXPECT_EQ(registry_->labelled(context_, key_, "live").error().reason, "no_such_label");
  ASSERT_TRUE(registry_->set_label(context_, key_, "live", 2, {"ben", "go"}));
  EXPECT_EQ(registry_->labelled(context_, key_, "live")->content, "two");
  ASSERT_TRUE(registry_->set_label(context_, key_, "live", 1, {"ben", "back"}));
  EXPECT_EQ(registry_->labelled(context_, key_, "live")->number, 1);
  EXPECT_EQ(registry_->set_label(context_, key_, "live", 9, {}).error().code, Code::kNotFound);
  EXPECT_EQ(registry_->set_label(context_, key_, "Live!", 1, {}).error().param, "label");
  auto history = *registry_->history(context_, key_);
  ASSERT_EQ(history.size(), 5u);
  EXPECT_EQ(history[0].what + " " + history[0].label + " " + std::to_string(history[0].version) + " " + history[0].who + " " + history[0].why,
            "label live 1 ben back");
  EXPECT_EQ(history[4].what, "created");
  ASSERT_TRUE(registry_->remove_label(context_, key_, "live", {}));
  EXPECT_EQ(registry_->labels(context_, key_)->size(), 0u);
}

TEST_F(RegistryTest, ADraftIsKeptWhateverItsStateAndIsNoVersion) {
  auto draft = registry_->save_draft(context_, key_, "name: [half", 0, 0, {});
  ASSERT_TRUE(draft) << draft.error().message;
  EXPECT_EQ(draft->revision, 1);
  open();
  EXPECT_EQ((*registry_->draft(context_, key_))->content, "name: [half");
  EXPECT_EQ(registry_->artifact(context_, key_)->latest, 0);
  EXPECT_EQ(registry_->version(context_, key_, 0).error().reason, "only_a_draft");
  EXPECT_EQ(registry_->save_draft(context_, key_, "more", 0, 1, {})->revision, 2);
  auto late = registry_->save_draft(context_, key_, "from another tab", 0, 1, {});
  EXPECT_EQ(late.error().code, Code::kAborted);
  EXPECT_EQ(registry_->save_draft(context_, key_, "more", 0, 0, {})->revision, 2) << "the same text again is no conflict";
  ASSERT_TRUE(add("whole", 0));
  EXPECT_FALSE(*registry_->draft(context_, key_)) << "the version takes the draft's place";
}

TEST_F(RegistryTest, RemovingADraftWithoutVersionsRemovesTheArtifact) {
  ASSERT_TRUE(registry_->save_draft(context_, key_, "x", 0, 0, {}));
  ASSERT_TRUE(registry_->remove_draft(context_, key_));
  EXPECT_EQ(registry_->artifact(context_, key_).error().code, Code::kNotFound);
  ASSERT_TRUE(add("one", 0));
  ASSERT_TRUE(registry_->save_draft(context_, key_, "x", 1, 0, {}));
  ASSERT_TRUE(registry_->remove_draft(context_, key_));
  EXPECT_EQ(registry_->artifact(context_, key_)->latest, 1);
}

TEST_F(RegistryTest, ListsGiveTheLastChangedFirstInPages) {
  for (auto name : {"a", "b", "c"}) ASSERT_TRUE(registry_->add_version(context_, {"spec", name}, "x", 0, {}));
  ASSERT_TRUE(registry_->add_version(context_, {"product_notes", "a"}, "x", 0, {}));
  ASSERT_TRUE(registry_->set_label(context_, {"spec", "a"}, "live", 1, {}));
  auto page = *registry_->list(context_, "spec", 2);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].key.name + page[1].key.name, "ac");
  auto rest = *registry_->list(context_, "spec", 2, "c");
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].key.name, "b");
}

TEST_F(RegistryTest, WhatIsNoNameOrTextIsRefusedByField) {
  EXPECT_EQ(registry_->add_version(context_, {"spec", "Not This"}, "x", 0, {}).error().param, "name");
  EXPECT_EQ(registry_->add_version(context_, {"", "a"}, "x", 0, {}).error().param, "kind");
  EXPECT_EQ(add(std::string("a\0b", 3), 0).error().param, "content");
  EXPECT_EQ(add(std::string(kContentBytesMax + 1, 'x'), 0).error().param, "content");
  EXPECT_EQ(registry_->artifact(context_, key_).error().code, Code::kNotFound) << "what was refused left nothing behind";
}

std::string shown(const std::vector<DiffLine>& lines) {
  std::string out;
  for (auto& line : lines) out += std::string(1, line.sign) + line.text + "|";
  return out;
}
std::string side(const std::vector<DiffLine>& lines, char without) {
  std::string out;
  for (auto& line : lines)
    if (line.sign != without) out += line.text + "\n";
  return out;
}

TEST(Diff, IsAShortestScript) {
  EXPECT_EQ(shown(line_diff("a\nb\nc\n", "a\nx\nc\n")), " a|-b|+x| c|");
  EXPECT_EQ(shown(line_diff("", "a\n")), "+a|");
  EXPECT_EQ(shown(line_diff("a\n", "")), "-a|");
  EXPECT_EQ(shown(line_diff("same", "same")), " same|");
  int changes = 0;  // Myers' own example: five differences
  for (auto& line : line_diff("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n")) changes += line.sign != ' ';
  EXPECT_EQ(changes, 5);
}

TEST(Diff, BothTextsCanBeReadFromItForRandomTexts) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::string a, b;
    for (uint64_t i = random.below(40); i > 0; --i) a += std::string(1, static_cast<char>('a' + random.below(4))) + "\n";
    for (uint64_t i = random.below(40); i > 0; --i) b += std::string(1, static_cast<char>('a' + random.below(4))) + "\n";
    auto lines = line_diff(a, b);
    EXPECT_EQ(side(lines, '+'), a);
    EXPECT_EQ(side(lines, '-'), b);
    int old_line = 0, new_line = 0;
    for (auto& line : lines) {
      EXPECT_EQ(line.old_line, line.sign == '+' ? 0 : ++old_line);
      EXPECT_EQ(line.new_line, line.sign == '-' ? 0 : ++new_line);
    }
  }
}

TEST(Diff, TextsWithNothingInCommonAreReplacedAsAWhole) {
  std::string a, b;
  for (int i = 0; i < 5000; ++i) a += "a" + std::to_string(i) + "\n", b += "b" + std::to_string(i) + "\n";
  auto lines = line_diff("head\n" + a + "tail\n", "head\n" + b + "tail\n");
  EXPECT_EQ(side(lines, '+'), "head\n" + a + "tail\n");
  EXPECT_EQ(side(lines, '-'), "head\n" + b + "tail\n");
}

}  // namespace
}  // namespace strata::registry
