// The index against the catalog that it is derived from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/crypto.h"
#include "base/random.h"
#include "knowledge/index/index.h"

namespace strata::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() : folder_(std::filesystem::temp_directory_path() / make_id("index-test")) {
    store_ = std::move(*store::Store::open(folder_, catalog::migrations()));
    catalog_ = std::make_unique<catalog::Catalog>(*store_, clock_);
    catalog_->listen([this](const catalog::Change& change) { EXPECT_TRUE(live_.apply(change)); });
  }
  ~LoadTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  // Publishes `text` as one chunk under the name; the title is the name. Returns the file's id.
  std::string publish(const std::string& base, const std::string& name, const std::string& text, catalog::Attributes attributes = {}) {
    const std::string file = catalog_->add_file(context_, name, "assistants", text)->id, job = make_id("job");
    catalog::Publication publication{.base_id = base,
                                     .file_id = file,
                                     .job_id = job,
                                     .document = {},
                                     .chunks = {},
                                     .hashes = {sha256_hex(text)},
                                     .model = "minilm",
                                     .replace_same_name = true};
    publication.document.title = name;
    publication.document.text = text;
    publication.chunks = {{.at = {0, static_cast<uint32_t>(text.size())}, .parent = {0, static_cast<uint32_t>(text.size())}, .heading = name + " > Rules"}};
    Status status = store_->write(context_, [&](store::Transaction& transaction) -> Status {
      TRY(catalog_->add_base_file(transaction, base, file, {.attributes = attributes, .chunking = {}, .job_id = job}));
      TRY(catalog_->stage_vectors(transaction, job, {{publication.hashes[0], {0.6f, 0.8f}}}));
      TRY(catalog_->publish(transaction, publication));
      return {};
    });
    EXPECT_TRUE(status) << status.error().message;
    return file;
  }
  std::vector<int64_t> found(const Index& index, const std::string& base, std::string_view text, const char* needed = nullptr) {
    std::vector<int64_t> ids;
    const std::vector<float> vector{1, 0};
    Scope scope{.base_ids = {base}, .accepts = nullptr};
    if (needed != nullptr) scope.accepts = [needed](const catalog::Attributes& attributes) { return attributes.count(needed) > 0; };
    const Matches matches = index.search({.text = text, .vector = vector, .k = 10}, scope).value();
    for (const Match& match : matches.keyword) ids.push_back(match.id);
    return ids;
  }
  // What was built change by change equals what is built from the rows.
  void expect_rebuilt_equal(const std::string& base, const std::vector<std::string>& queries) {
    Index rebuilt;
    ASSERT_TRUE(rebuilt.load(context_, *catalog_));
    EXPECT_EQ(rebuilt.stats().chunks, live_.stats().chunks);
    for (const std::string& query : queries) {
      EXPECT_EQ(found(rebuilt, base, query), found(live_, base, query)) << query;
      EXPECT_EQ(found(rebuilt, base, query, "team"), found(live_, base, query, "team")) << query;
    }
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Catalog> catalog_;
  Index live_;
};

TEST_F(LoadTest, RebuildingGivesWhatTheCommitsBuilt) {
  const std::string base = catalog_->add_base(context_, "b", {})->id, other = catalog_->add_base(context_, "c", {})->id;
  publish(base, "leave.md", "parental leave is twelve weeks", {{"team", std::string("hr")}});
  const std::string second = publish(base, "pay.md", "sick pay is full pay");
  publish(other, "leave.md", "no leave at all");
  expect_rebuilt_equal(base, {"leave", "pay", "rules", "weeks"});
  ASSERT_TRUE(catalog_->set_attributes(context_, base, second, {{"team", std::string("it")}}));
  EXPECT_EQ(found(live_, base, "pay", "team").size(), 1u);
  expect_rebuilt_equal(base, {"leave", "pay"});
  publish(base, "leave.md", "parental leave is now sixteen weeks");
  EXPECT_THAT(found(live_, base, "twelve"), IsEmpty());
  EXPECT_EQ(found(live_, base, "sixteen").size(), 1u);
  expect_rebuilt_equal(base, {"leave", "pay", "twelve", "sixteen"});
  ASSERT_TRUE(catalog_->remove_base_file(context_, base, second));
  EXPECT_THAT(found(live_, base, "sick"), IsEmpty());
  ASSERT_TRUE(catalog_->remove_base(context_, base));
  EXPECT_THAT(found(live_, base, "leave"), IsEmpty());
  EXPECT_EQ(live_.stats().chunks, 1u);
  expect_rebuilt_equal(other, {"leave"});
}

TEST_F(LoadTest, TitleAndHeadingAreFoundAndTheTitleIsNotCountedTwice) {
  const std::string base = catalog_->add_base(context_, "b", {})->id;
  publish(base, "vacation", "twelve weeks");
  EXPECT_EQ(found(live_, base, "vacation").size(), 1u);
  EXPECT_EQ(found(live_, base, "rules").size(), 1u);
  EXPECT_EQ(live_.stats().postings, 4u) << "vacat, rule, twelv, week";
}

TEST_F(LoadTest, VectorsOfAnotherModelAreLeftOutAndCounted) {
  const std::string base = catalog_->add_base(context_, "b", {})->id;
  publish(base, "a.md", "alpha beta");
  Index index(Options{.model = "another"});
  ASSERT_EQ(index.load(context_, *catalog_).value(), 1u);
  EXPECT_EQ(index.stats().without_vector, 1u);
  EXPECT_EQ(index.stats().stale, 1u);
  EXPECT_EQ(found(index, base, "alpha").size(), 1u) << "words still find it";
}

TEST_F(LoadTest, ACancelledLoadStops) {
  const std::string base = catalog_->add_base(context_, "b", {})->id;
  publish(base, "a.md", "alpha");
  context_.cancel();
  Index index;
  EXPECT_EQ(index.load(context_, *catalog_).error().code, Code::kCancelled);
}

}  // namespace
}  // namespace strata::index
