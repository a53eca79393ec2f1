#include "knowledge/catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/crypto.h"
#include "base/random.h"

namespace strata::catalog {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CatalogTest : public testing::Test {
 protected:
  CatalogTest() : folder_(std::filesystem::temp_directory_path() / make_id("catalog-test")) {
    store_ = std::move(*store::Store::open(folder_, migrations()));
    catalog_ = std::make_unique<Catalog>(*store_, clock_);
    catalog_->listen([this](const Change& change) { changes_.push_back(change); });
  }
  ~CatalogTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  File add_file(const std::string& name, const std::string& bytes = "bytes") {
    auto file = catalog_->add_file(context_, name, "assistants", bytes);
    EXPECT_TRUE(file) << file.error().message;
    return *file;
  }
  Base add_base(const std::string& name = "b") { return *catalog_->add_base(context_, name, {}); }
  Status write(const std::function<Status(store::Transaction&)>& work) { return store_->write(context_, work); }
  BaseFile attach(const std::string& base, const std::string& file, const std::string& job, Attributes attributes = {}) {
    BaseFile pair;
    auto status = write([&](store::Transaction& transaction) -> Status {
      TRY_ASSIGN(pair, catalog_->add_base_file(transaction, base, file, {.attributes = attributes, .job_id = job}));
      return {};
    });
    EXPECT_TRUE(status) << status.error().message;
    return pair;
  }
  // A document of one chunk per word of `text`; the vector of a word is (its length, job number).
  Publication publication(const std::string& base, const std::string& file, const std::string& job, const std::string& text) {
    Publication p{.base_id = base, .file_id = file, .job_id = job, .model = "m1"};
    p.document.kind = document::Kind::kMarkdown;
    p.document.title = "Title";
    p.document.text = text;
    p.document.headings = {{2, "Heading \"x\"", {0, 1}}};
    p.document.blocks = {{document::BlockType::kTable, {0, 2}}};
    p.document.pages = {{1, {0, 1}, true}};
    p.document.warnings = {"page 1: hm"};
    for (uint32_t begin = 0; begin < text.size();) {
      auto end = static_cast<uint32_t>(std::min(text.find(' ', begin), text.size()));
      p.chunks.push_back({.at = {begin, end}, .parent = {0, static_cast<uint32_t>(text.size())}, .heading = "A > B", .page = 1, .tokens = 3});
      p.hashes.push_back(sha256_hex(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    return p;
  }
  Result<std::string> publish(const Publication& p, float mark = 1) {
    std::string id;
    TRY(write([&](store::Transaction& transaction) -> Status {
      std::vector<StagedVector> vectors;
      for (const auto& hash : p.hashes) vectors.push_back({hash, {mark, 0.5f}});
      TRY(catalog_->stage_vectors(transaction, p.job_id, vectors));
      TRY_ASSIGN(id, catalog_->publish(transaction, p));
      return {};
    }));
    return id;
  }
  std::vector<int64_t> all_chunk_ids() {
    std::vector<int64_t> ids;
    EXPECT_TRUE(catalog_->each_chunk(context_, 0, [&](const ChunkRow& row, const Attributes&) { return ids.push_back(row.id), true; }));
    return ids;
  }
  int64_t rows_of(const std::string& table) {
    int64_t count = -1;
    EXPECT_TRUE(store_->read(context_, [&](store::Reader& reader) {
      return reader.query("SELECT count(*) FROM " + table, {}, [&](const store::Row& row) { return count = row.integer(0), true; });
    }));
    return count;
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Catalog> catalog_;
  std::vector<Change> changes_;
};

TEST_F(CatalogTest, AFileComesBackWithItsBytes) {
  File file = add_file("handbook.md", std::string("a\0b", 3));
  auto same = catalog_->file(context_, file.id);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->filename, "handbook.md");
  EXPECT_EQ(same->bytes, 3);
  EXPECT_EQ(same->created_ms, clock_.unix_ms());
  EXPECT_EQ(*catalog_->file_bytes(context_, file.id), std::string("a\0b", 3));
  EXPECT_EQ(catalog_->file(context_, "file_x").error().code, Code::kNotFound);
  EXPECT_EQ((*catalog_->same_file(context_, "handbook.md", "assistants", sha256_hex(std::string("a\0b", 3))))->id, file.id);
  EXPECT_FALSE(*catalog_->same_file(context_, "handbook.md", "assistants", sha256_hex("other")));
}

TEST_F(CatalogTest, ListsFollowTheCursorInBothOrders) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(add_file("f" + std::to_string(i)).id);  // all in one millisecond
  auto list = [&](int limit, const std::string& after, bool ascending) {
    std::vector<std::string> found;
    auto files = catalog_->files(context_, "assistants", limit, after, ascending);
    EXPECT_TRUE(files);
    for (auto& file : *files) found.push_back(file.id);
    return found;
  };
  EXPECT_THAT(list(2, "", true), ElementsAre(ids[0], ids[1]));
  EXPECT_THAT(list(2, ids[1], true), ElementsAre(ids[2], ids[3]));
  EXPECT_THAT(list(10, ids[3], true), ElementsAre(ids[4]));
  EXPECT_THAT(list(2, "", false), ElementsAre(ids[4], ids[3]));
  EXPECT_THAT(list(10, ids[3], false), ElementsAre(ids[2], ids[1], ids[0]));
  EXPECT_THAT(*catalog_->files(context_, "user_data", 10, "", true), IsEmpty());
  EXPECT_EQ(catalog_->files(context_, "", 10, "file_x", true).error().param, "after");
  EXPECT_EQ(catalog_->files(context_, "", 0, "", true).error().param, "limit");
}

TEST_F(CatalogTest, BytesGoWithTheLastFileThatHasThem) {
  File one = add_file("a", "same"), two = add_file("b", "same");
  ASSERT_TRUE(catalog_->remove_file(context_, one.id));
  EXPECT_TRUE(store_->has_file(two.sha256));
  ASSERT_TRUE(catalog_->remove_file(context_, two.id));
  EXPECT_FALSE(store_->has_file(two.sha256));
  EXPECT_EQ(catalog_->remove_file(context_, two.id).error().code, Code::kNotFound);
}

TEST_F(CatalogTest, SweepRemovesOnlyBytesThatNoRowNames) {
  File file = add_file("a", "kept");
  auto orphan = *store_->put_file("left by a crash");
  EXPECT_EQ(*catalog_->sweep(context_), 1);
  EXPECT_FALSE(store_->has_file(orphan));
  EXPECT_TRUE(store_->has_file(file.sha256));
}

TEST_F(CatalogTest, WrongInputIsRefusedWithItsField) {
  auto param = [](auto result) { return result ? "accepted" : result.error().param; };
  EXPECT_EQ(param(catalog_->add_file(context_, "", "assistants", "x")), "file");
  EXPECT_EQ(param(catalog_->add_file(context_, std::string("a\0b", 3), "assistants", "x")), "file");
  EXPECT_EQ(param(catalog_->add_file(context_, "\xff", "assistants", "x")), "file");
  EXPECT_EQ(param(catalog_->add_file(context_, std::string(513, 'a'), "assistants", "x")), "file");
  EXPECT_EQ(param(catalog_->add_file(context_, "a", "", "x")), "purpose");
  std::map<std::string, std::string> many;
  for (int i = 0; i < 17; ++i) many["k" + std::to_string(i)] = "v";
  EXPECT_EQ(param(catalog_->add_base(context_, "b", many)), "metadata");
  EXPECT_EQ(param(catalog_->add_base(context_, "b", {{std::string(65, 'k'), "v"}})), "metadata");
  EXPECT_EQ(param(catalog_->add_base(context_, "b", {{"k", std::string(513, 'v')}})), "metadata.k");
  EXPECT_TRUE(catalog_->add_base(context_, "b", {{"k", [] {
                                                    std::string s;
                                                    for (int i = 0; i < 512; ++i) s += "ü";
                                                    return s;
                                                  }()}}));
  EXPECT_EQ(param(catalog_->add_base(context_, std::string(257, 'n'), {})), "name");
  Base base = add_base();
  File file = add_file("a");
  attach(base.id, file.id, "job_1");
  EXPECT_EQ(param(catalog_->set_attributes(context_, base.id, file.id, {{"k", std::nan("")}})), "attributes.k");
  EXPECT_EQ(param(write([&](store::Transaction& transaction) -> Status {
              TRY(catalog_->add_base_file(transaction, base.id, file.id, {.chunking = {.tokens_max = 100, .tokens_overlap = 51}}));
              return {};
            })),
            "chunking_strategy");
}

TEST_F(CatalogTest, ABaseIsChangedAndCountsItsFiles) {
  Base base = add_base("first");
  ASSERT_TRUE(catalog_->update_base(context_, base.id, "second", std::nullopt));
  ASSERT_TRUE(catalog_->update_base(context_, base.id, std::nullopt, std::map<std::string, std::string>{{"k", "v"}}));
  File a = add_file("a", "12345"), b = add_file("b"), c = add_file("c");
  attach(base.id, a.id, "job_a");
  attach(base.id, b.id, "job_b");
  attach(base.id, c.id, "job_c");
  ASSERT_TRUE(publish(publication(base.id, a.id, "job_a", "one two")));
  ASSERT_TRUE(write([&](store::Transaction& transaction) -> Status {
    TRY(catalog_->set_state(transaction, base.id, b.id, "job_b", FileState::kFailed, "broken"));
    return catalog_->set_state(transaction, base.id, c.id, "job_other", FileState::kFailed, "another's");
  }));
  auto found = catalog_->base(context_, base.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "second");
  EXPECT_EQ(found->metadata.at("k"), "v");
  EXPECT_EQ(found->files_completed, 1);
  EXPECT_EQ(found->files_failed, 1);
  EXPECT_EQ(found->files_in_progress, 1);
  EXPECT_EQ(found->bytes, 5);
  EXPECT_EQ(catalog_->base_file(context_, base.id, b.id)->error, "broken");
  EXPECT_EQ(catalog_->base_files(context_, base.id, 10, "", true)->size(), 3u);
  EXPECT_EQ(catalog_->base_files(context_, base.id, 10, a.id, true)->size(), 2u);
  EXPECT_EQ(catalog_->base_files(context_, base.id, 10, "", true, FileState::kFailed)->at(0).file_id, b.id);
  EXPECT_EQ(catalog_->base_files(context_, "vs_x", 10, "", true).error().code, Code::kNotFound);
  EXPECT_EQ(catalog_->bases(context_, 10, "", false)->size(), 1u);
}

TEST_F(CatalogTest, APublishedDocumentIsReadBackWhole) {
  Base base = add_base();
  File file = add_file("a.md");
  Attributes attributes = {{"year", 2024.0}, {"team", std::string("sales")}, {"public", true}};
  attach(base.id, file.id, "job_1", attributes);
  auto p = publication(base.id, file.id, "job_1", "one two three");
  auto id = publish(p);
  ASSERT_TRUE(id) << id.error().message;
  auto document = catalog_->document(context_, *id);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->content.text, "one two three");
  EXPECT_EQ(document->content.kind, document::Kind::kMarkdown);
  EXPECT_EQ(document->content.headings.at(0).title, "Heading \"x\"");
  EXPECT_EQ(document->content.headings.at(0).level, 2);
  EXPECT_EQ(document->content.blocks.at(0).type, document::BlockType::kTable);
  EXPECT_EQ(document->content.blocks.at(0).at, (document::Range{0, 2}));
  EXPECT_TRUE(document->content.pages.at(0).by_ocr);
  EXPECT_THAT(document->content.warnings, ElementsAre("page 1: hm"));
  EXPECT_EQ(document->version, file.sha256);
  EXPECT_EQ(document->chunks, 3);
  auto chunks = *catalog_->chunks_of(context_, *id);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[2].text, "three");
  EXPECT_EQ(chunks[2].chunk.at, (document::Range{8, 13}));
  EXPECT_EQ(chunks[2].chunk.heading, "A > B");
  EXPECT_EQ(chunks[2].title, "Title");
  EXPECT_EQ(chunks[2].filename, "a.md");
  auto asked = *catalog_->chunks(context_, {chunks[2].id, 999, chunks[0].id});
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].text, "three");
  EXPECT_EQ(asked[1].text, "one");
  int seen = 0;
  ASSERT_TRUE(catalog_->each_chunk(context_, chunks[0].id, [&](const ChunkRow& row, const Attributes& of_row) {
    EXPECT_EQ(of_row, attributes);
    EXPECT_THAT(row.vector, ElementsAre(1.0f, 0.5f));
    return ++seen, true;
  }));
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(catalog_->base_file(context_, base.id, file.id)->document_id, *id);
  EXPECT_EQ(rows_of("staged_vectors"), 0);
}

TEST_F(CatalogTest, AnEmptyDocumentCanBePublished) {
  Base base = add_base();
  File file = add_file("a.md");
  attach(base.id, file.id, "job_1");
  auto p = publication(base.id, file.id, "job_1", "");
  p.document.headings.clear();
  p.document.blocks.clear();
  p.document.pages.clear();
  ASSERT_TRUE(publish(p));
  EXPECT_EQ(catalog_->base_file(context_, base.id, file.id)->state, FileState::kCompleted);
}

TEST_F(CatalogTest, ANewVersionReplacesTheOldInOneChangeAndIdsAreNeverReused) {
  Base base = add_base();
  File file = add_file("a.md");
  attach(base.id, file.id, "job_1");
  ASSERT_TRUE(publish(publication(base.id, file.id, "job_1", "one two")));
  auto old_ids = all_chunk_ids();
  attach(base.id, file.id, "job_2");
  EXPECT_EQ(all_chunk_ids(), old_ids);  // the old version is found until the new one is ready
  ASSERT_TRUE(publish(publication(base.id, file.id, "job_2", "one three four")));
  ASSERT_EQ(changes_.size(), 2u);
  EXPECT_EQ(changes_[1].removed, old_ids);
  EXPECT_EQ(changes_[1].added.size(), 3u);
  for (auto& row : changes_[1].added) EXPECT_GT(row.id, old_ids.back());
  EXPECT_EQ(rows_of("documents"), 1);
  auto late = publish(publication(base.id, file.id, "job_1", "one two"));
  EXPECT_EQ(late.error().code, Code::kNotFound);
  EXPECT_EQ(rows_of("chunks"), 3);
  ASSERT_TRUE(catalog_->remove_base_file(context_, base.id, file.id));
  attach(base.id, file.id, "job_3");
  ASSERT_TRUE(publish(publication(base.id, file.id, "job_3", "one")));
  EXPECT_GT(changes_.back().added.at(0).id, changes_[1].added.back().id);
}

TEST_F(CatalogTest, KnownTextsKeepTheirVectors) {
  Base base = add_base();
  File one = add_file("a.md"), two = add_file("b.md");
  attach(base.id, one.id, "job_1");
  auto first = publication(base.id, one.id, "job_1", "alpha beta");
  ASSERT_TRUE(publish(first, 7));
  auto second = publication(base.id, two.id, "job_2", "beta gamma");
  ASSERT_TRUE(write([&](store::Transaction& t) { return catalog_->stage_known(t, "job_2", second.hashes, "m1"); }));
  EXPECT_THAT(*catalog_->staged_hashes(context_, "job_2"), ElementsAre(sha256_hex("beta")));
  ASSERT_TRUE(write([&](store::Transaction& t) { return catalog_->stage_known(t, "job_3", second.hashes, "another model"); }));
  EXPECT_THAT(*catalog_->staged_hashes(context_, "job_3"), IsEmpty());
  EXPECT_THAT(*catalog_->stale(context_, "m2", 10), ElementsAre(std::pair(base.id, one.id)));
  EXPECT_THAT(*catalog_->stale(context_, "m1", 10), IsEmpty());
}

TEST_F(CatalogTest, PublishingWithoutAllVectorsChangesNothing) {
  Base base = add_base();
  File file = add_file("a.md");
  attach(base.id, file.id, "job_1");
  auto status = write([&](store::Transaction& transaction) -> Status {
    TRY(catalog_->publish(transaction, publication(base.id, file.id, "job_1", "one two")));
    return {};
  });
  EXPECT_EQ(status.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(rows_of("documents"), 0);
  EXPECT_EQ(catalog_->base_file(context_, base.id, file.id)->state, FileState::kInProgress);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(CatalogTest, OthersOfTheSameNameLeaveWhereAsked) {
  Base base = add_base(), other = add_base();
  File old_version = add_file("a.md", "v1"), new_version = add_file("a.md", "v2"), another = add_file("b.md");
  for (auto& [id, job] : {std::pair(old_version.id, "job_1"), std::pair(another.id, "job_2")}) {
    attach(base.id, id, job);
    ASSERT_TRUE(publish(publication(base.id, id, job, "one")));
  }
  attach(other.id, old_version.id, "job_4");
  ASSERT_TRUE(publish(publication(other.id, old_version.id, "job_4", "one")));
  attach(base.id, new_version.id, "job_3");
  auto p = publication(base.id, new_version.id, "job_3", "two");
  p.replace_same_name = true;
  ASSERT_TRUE(publish(p));
  EXPECT_FALSE(catalog_->base_file(context_, base.id, old_version.id));
  EXPECT_TRUE(catalog_->base_file(context_, base.id, another.id));
  EXPECT_TRUE(catalog_->base_file(context_, other.id, old_version.id));
  EXPECT_EQ(changes_.back().removed.size(), 1u);
  EXPECT_EQ(all_chunk_ids().size(), 3u);
}

TEST_F(CatalogTest, RemovingAFileOrABaseRemovesWhatHangsOnIt) {
  Base one = add_base(), two = add_base();
  File file = add_file("a.md");
  for (auto& [base, job] : {std::pair(one.id, "job_1"), std::pair(two.id, "job_2")}) {
    attach(base, file.id, job);
    ASSERT_TRUE(publish(publication(base, file.id, job, "one two")));
  }
  ASSERT_TRUE(catalog_->remove_base(context_, one.id));
  EXPECT_EQ(changes_.back().removed.size(), 2u);
  EXPECT_EQ(rows_of("documents"), 1);
  EXPECT_TRUE(catalog_->file(context_, file.id));
  ASSERT_TRUE(write([&](store::Transaction& t) -> Status {
    TRY(catalog_->add_base_file(t, two.id, file.id, {.job_id = "job_5"}));
    TRY(catalog_->stage_document(t, "job_5", {}));
    return catalog_->stage_vectors(t, "job_5", {{"h", {1}}});
  }));
  ASSERT_TRUE(catalog_->remove_file(context_, file.id));
  for (auto table : {"documents", "chunks", "base_files", "staged_documents", "staged_vectors", "files"}) EXPECT_EQ(rows_of(table), 0) << table;
  EXPECT_EQ(rows_of("bases"), 1);
}

TEST_F(CatalogTest, NewAttributesAreToldAndReadBack) {
  Base base = add_base();
  File file = add_file("a.md");
  attach(base.id, file.id, "job_1");
  ASSERT_TRUE(catalog_->set_attributes(context_, base.id, file.id, {{"n", 3.0}, {"flag", false}}));
  ASSERT_EQ(changes_.size(), 1u);
  EXPECT_TRUE(changes_[0].attributes_set);
  auto attributes = catalog_->base_file(context_, base.id, file.id)->attributes;
  EXPECT_EQ(attributes, (Attributes{{"n", 3.0}, {"flag", false}}));
  EXPECT_EQ(catalog_->set_attributes(context_, base.id, "file_x", {}).error().code, Code::kNotFound);
}

TEST_F(CatalogTest, AStagedDocumentComesBack) {
  auto p = publication("", "", "job_1", "one two");
  EXPECT_FALSE(*catalog_->staged_document(context_, "job_1"));
  ASSERT_TRUE(write([&](store::Transaction& t) { return catalog_->stage_document(t, "job_1", p.document); }));
  auto staged = *catalog_->staged_document(context_, "job_1");
  ASSERT_TRUE(staged);
  EXPECT_EQ(staged->text, "one two");
  EXPECT_EQ(staged->title, "Title");
}

}  // namespace
}  // namespace strata::catalog
