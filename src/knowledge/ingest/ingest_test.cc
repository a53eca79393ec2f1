#include "knowledge/ingest/ingest.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "base/crypto.h"
#include "base/random.h"
#include "base/text.h"

namespace strata::ingest {
namespace {

using catalog::BaseFile;
using catalog::FileState;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Every line is a paragraph. "broken" as the text cannot be parsed.
class LineParser : public document::Parser {
 public:
  Result<document::Document> parse(const Context& context, std::string_view filename, std::string_view bytes) override {
    ++calls;
    TRY(context.check());
    if (bytes == "broken") return unavailable("the parser crashed");
    document::Document document;
    document.title = std::string(filename);
    document.text = std::string(bytes);
    uint32_t begin = 0;
    for (auto line : split(document.text, '\n')) {
      auto end = begin + static_cast<uint32_t>(line.size());
      if (!line.empty()) document.blocks.push_back({document::BlockType::kParagraph, {begin, end}});
      begin = end + 1;
    }
    return document;
  }
  std::atomic<int> calls = 0;
};

// A text's vector is made of its hash. Every text embedded is a line of the log file, where there is one.
class HashEmbedder : public model::Embedder {
 public:
  HashEmbedder() { info_.id = "hash"; }
  const model::ModelInfo& info() const override { return info_; }
  int tokens_max() const override { return 512; }
  Result<int> count_tokens(std::string_view text) const override { return static_cast<int>(std::count(text.begin(), text.end(), ' ')) + 1; }
  Status submit(const Context& context, model::EmbedRequest request, Done done) override {
    if (on_batch) on_batch();
    if (away) return unavailable("the embedder is away");
    if (auto status = context.check(); !status) return done(std::move(status.error())), Status();
    std::vector<model::Embedding> out;
    std::lock_guard lock(mutex_);
    for (const auto& text : request.texts) {
      texts.push_back(text);
      if (!log.empty()) std::ofstream(log, std::ios::app) << sha256_hex(text) << "\n";
      out.push_back({.vector = vector_of(text)});
    }
    done(std::move(out));
    return {};
  }
  static std::vector<float> vector_of(const std::string& text) {
    std::string hash = sha256_hex(text);
    return {static_cast<float>(hash[0]), static_cast<float>(hash[1]), static_cast<float>(hash[2])};
  }
  std::function<void()> on_batch;
  std::atomic<bool> away = false;
  std::vector<std::string> texts;
  std::string log;

  void rename(const std::string& id) { info_.id = id; }

 private:
  std::mutex mutex_;
  model::ModelInfo info_;
};

// One open data folder with everything wired. `lines(n)` is a text whose chunks are its lines.
struct House {
  static std::vector<store::Migration> migrations() {
    auto all = durable::Journal::migrations();
    for (auto& migration : catalog::migrations()) all.push_back(migration);
    return all;
  }
  explicit House(const std::string& folder, durable::Options options = {.workers = 2, .backoff_ms = 1}) {
    store = std::move(*store::Store::open(folder, migrations()));
    journal = std::move(*durable::Journal::open(*store, system_clock(), options));
    catalog = std::make_unique<catalog::Catalog>(*store, system_clock());
    ingest = std::make_unique<Ingest>(*store, *journal, *catalog, parser, embedder, system_clock(), Options{.batch = 4});
  }
  ~House() { journal->stop(); }
  LineParser parser;
  HashEmbedder embedder;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<durable::Journal> journal;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<Ingest> ingest;
};

std::string lines(const std::string& name, int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) {
    for (int word = 0; word < 14; ++word) text += name + std::to_string(i) + " ";
    text += "end.\n";
  }
  return text;
}
constexpr chunk::Options kSmall = {.tokens_max = 17, .tokens_overlap = 0};  // one line and the title

class IngestTest : public testing::Test {
 protected:
  IngestTest() : folder_(std::filesystem::temp_directory_path() / make_id("ingest-test")) {}
  ~IngestTest() override {
    house_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open(durable::Options options = {.workers = 2, .backoff_ms = 1}) {
    house_.reset();
    house_ = std::make_unique<House>(folder_, options);
    house_->catalog->listen([this](const catalog::Change& change) {
      std::lock_guard lock(mutex_);
      for (const auto& row : change.added) index_.insert(row.id);
      for (int64_t id : change.removed) index_.erase(id);
    });
  }
  std::string add_base() { return house_->catalog->add_base(context_, "b", {})->id; }
  BaseFile put(const std::string& base, const std::string& name, const std::string& bytes, bool replace = true) {
    auto pair = house_->ingest->put(context_, base, name, bytes, {.chunking = kSmall, .replace_same_name = replace});
    EXPECT_TRUE(pair) << pair.error().message;
    return pair.value_or(BaseFile{});
  }
  durable::Job wait(const BaseFile& pair) { return *house_->journal->wait(context_, pair.job_id); }
  BaseFile get(const BaseFile& pair) { return house_->catalog->base_file(context_, pair.base_id, pair.file_id).value_or(BaseFile{}); }
  std::set<int64_t> stored_ids() {
    std::set<int64_t> ids;
    EXPECT_TRUE(house_->catalog->each_chunk(context_, 0, [&](const catalog::ChunkRow& row, const catalog::Attributes&) { return ids.insert(row.id), true; }));
    return ids;
  }
  std::set<int64_t> index() {
    std::lock_guard lock(mutex_);
    return index_;
  }

  std::string folder_;
  Context context_ = Context::background();
  std::mutex mutex_;
  std::set<int64_t> index_;  // what a listener that follows the changes holds
  std::unique_ptr<House> house_;
};

TEST_F(IngestTest, AFileBecomesADocumentWithChunksAndVectors) {
  open();
  house_->journal->start();
  BaseFile pair = put(add_base(), "a.txt", lines("w", 0, 10));
  durable::Job job = wait(pair);
  EXPECT_EQ(job.state, durable::State::kSucceeded) << job.error;
  EXPECT_EQ(job.done, 10);
  EXPECT_EQ(job.total, 10);
  BaseFile done = get(pair);
  EXPECT_EQ(done.state, FileState::kCompleted);
  auto document = house_->catalog->document(context_, done.document_id);
  ASSERT_TRUE(document);
  auto chunks = *house_->catalog->chunks_of(context_, done.document_id);
  ASSERT_EQ(chunks.size(), 10u);
  ASSERT_TRUE(house_->catalog->each_chunk(context_, 0, [&](const catalog::ChunkRow& row, const catalog::Attributes&) {
    EXPECT_EQ(row.vector, HashEmbedder::vector_of(chunk::indexed_text(document->content, row.chunk)));
    EXPECT_EQ(row.model, "hash");
    return true;
  }));
  EXPECT_EQ(index(), stored_ids());
}

TEST_F(IngestTest, TheSameFileAgainDoesNoWork) {
  open();
  house_->journal->start();
  std::string base = add_base();
  BaseFile pair = put(base, "a.txt", lines("w", 0, 5));
  wait(pair);
  BaseFile same = put(base, "a.txt", lines("w", 0, 5));
  EXPECT_EQ(same.file_id, pair.file_id);
  EXPECT_EQ(same.job_id, pair.job_id);
  auto upload = *house_->catalog->add_file(context_, "a.txt", "assistants", lines("w", 0, 5));
  EXPECT_EQ(house_->ingest->attach(context_, base, upload.id, {.replace_same_name = true})->file_id, pair.file_id);
  EXPECT_EQ(house_->ingest->attach(context_, base, upload.id, {})->file_id, upload.id);
  EXPECT_EQ(house_->journal->list(context_, "ingest", 10)->size(), 2u);
}

TEST_F(IngestTest, AChangedFileReplacesTheOldAndEmbedsOnlyWhatChanged) {
  open();
  house_->journal->start();
  std::string base = add_base();
  BaseFile first = put(base, "a.txt", lines("w", 0, 12));
  wait(first);
  size_t before = house_->embedder.texts.size();
  EXPECT_EQ(before, 12u);
  BaseFile second = put(base, "a.txt", lines("w", 2, 15));
  EXPECT_EQ(wait(second).state, durable::State::kSucceeded);
  EXPECT_EQ(house_->embedder.texts.size(), before + 3);
  EXPECT_EQ(get(first).file_id, "");
  EXPECT_EQ(stored_ids().size(), 13u);
  EXPECT_EQ(index(), stored_ids());
}

TEST_F(IngestTest, AFileThatCannotBeParsedFailsOnceWithTheReason) {
  open();
  house_->journal->start();
  std::string base = add_base();
  BaseFile broken = put(base, "bad.txt", "broken"), empty = put(base, "empty.txt", " \n ");
  EXPECT_EQ(wait(broken).state, durable::State::kFailed);
  EXPECT_EQ(wait(broken).attempts, 1);
  EXPECT_EQ(get(broken).state, FileState::kFailed);
  EXPECT_THAT(get(broken).error, HasSubstr("bad.txt: the parser crashed"));
  EXPECT_EQ(wait(empty).state, durable::State::kFailed);
  EXPECT_THAT(get(empty).error, HasSubstr("no text was found"));
  EXPECT_EQ(house_->catalog->base(context_, base)->files_failed, 2);
  BaseFile again = put(base, "bad.txt", "broken");
  EXPECT_NE(again.job_id, broken.job_id);
  EXPECT_EQ(again.file_id, broken.file_id);
}

TEST_F(IngestTest, AnEmbedderThatIsAwayIsWaitedForAndNothingIsParsedTwice) {
  open();
  house_->embedder.away = true;
  std::atomic<int> calls = 0;
  house_->embedder.on_batch = [&] {
    if (++calls == 2) house_->embedder.away = false;
  };
  house_->journal->start();
  BaseFile pair = put(add_base(), "a.txt", lines("w", 0, 6));
  durable::Job job = wait(pair);
  EXPECT_EQ(job.state, durable::State::kSucceeded) << job.error;
  EXPECT_EQ(job.attempts, 2);
  EXPECT_EQ(house_->parser.calls, 1);
}

TEST_F(IngestTest, AnEmbedderThatStaysAwayFailsTheFileAndRetryGoesOn) {
  open();
  house_->embedder.away = true;
  house_->journal->start();
  BaseFile pair = put(add_base(), "a.txt", lines("w", 0, 6));
  EXPECT_EQ(wait(pair).state, durable::State::kFailed);
  EXPECT_EQ(get(pair).state, FileState::kFailed);
  EXPECT_EQ(get(pair).error, "the embedder is away");
  house_->embedder.away = false;
  ASSERT_TRUE(house_->journal->retry(context_, pair.job_id));
  EXPECT_EQ(wait(pair).state, durable::State::kSucceeded);
  EXPECT_EQ(get(pair).state, FileState::kCompleted);
  EXPECT_EQ(get(pair).error, "");
  EXPECT_EQ(house_->parser.calls, 1);
}

// Cancels or removes from within the second batch; the job must end without a trace of the document.
TEST_F(IngestTest, CancelAndRemovalInTheMiddleEndCleanly) {
  enum class How { kCancel, kRemovePair, kRemoveFile, kRemoveBase };
  for (How how : {How::kCancel, How::kRemovePair, How::kRemoveFile, How::kRemoveBase}) {
    open();
    std::string base = add_base();
    BaseFile pair = put(base, "a.txt", lines("w" + std::to_string(static_cast<int>(how)), 0, 12));
    int batches = 0;
    house_->embedder.on_batch = [&] {
      if (++batches != 2) return;
      Status status;
      if (how == How::kCancel) status = house_->ingest->cancel(context_, base, pair.file_id);
      if (how == How::kRemovePair) status = house_->ingest->remove(context_, base, pair.file_id);
      if (how == How::kRemoveFile) status = house_->ingest->remove_file(context_, pair.file_id);
      if (how == How::kRemoveBase) status = house_->ingest->remove_base(context_, base);
      EXPECT_TRUE(status) << status.error().message;
    };
    house_->journal->start();
    EXPECT_EQ(wait(pair).state, durable::State::kCancelled);
    EXPECT_EQ(batches, 2);
    EXPECT_TRUE(stored_ids().empty());
    if (how == How::kCancel) EXPECT_EQ(get(pair).state, FileState::kCancelled);
    else EXPECT_EQ(get(pair).file_id, "");
  }
}

TEST_F(IngestTest, ARemovalThatTheJobDidNotHearOfLeavesNothingBehind) {
  open();
  std::string base = add_base();
  BaseFile pair = put(base, "a.txt", lines("w", 0, 12));
  int batches = 0;
  house_->embedder.on_batch = [&] {
    if (++batches == 2) {
      EXPECT_TRUE(house_->catalog->remove_base_file(context_, base, pair.file_id));
    }
  };
  house_->journal->start();
  durable::Job job = wait(pair);
  EXPECT_EQ(job.state, durable::State::kSucceeded);
  EXPECT_EQ(job.result["removed"], Json(true));
  EXPECT_TRUE(stored_ids().empty());
}

TEST_F(IngestTest, AJobKilledBetweenPublishingAndItsEndDoesNothingAgain) {
  open();
  house_->journal->start();
  BaseFile pair = put(add_base(), "a.txt", lines("w", 0, 6));
  wait(pair);
  auto ids = stored_ids();
  for (auto asked : {int64_t{0}, int64_t{1}}) {  // as such a kill leaves the row; with and without a cancel that came too late
    open();
    ASSERT_TRUE(house_->store->write(context_, [&](store::Transaction& transaction) -> Status {
      TRY(transaction.execute("UPDATE durable_jobs SET state = 'running', owner = 'dead', cancel_asked = ? WHERE id = ?", {asked, pair.job_id}));
      return {};
    }));
    house_->journal->start();
    EXPECT_EQ(wait(pair).state, asked ? durable::State::kCancelled : durable::State::kSucceeded);
    EXPECT_EQ(get(pair).state, FileState::kCompleted);
    EXPECT_EQ(house_->parser.calls, 0);
    EXPECT_TRUE(house_->embedder.texts.empty());
    EXPECT_EQ(stored_ids(), ids);
  }
}

TEST_F(IngestTest, AnotherModelMarksFilesStaleAndRefreshEmbedsThemAnew) {
  open();
  house_->journal->start();
  BaseFile pair = put(add_base(), "a.txt", lines("w", 0, 6));
  wait(pair);
  EXPECT_EQ(*house_->ingest->refresh(context_), 0);
  open();
  house_->embedder.rename("newer");
  house_->journal->start();
  EXPECT_EQ(*house_->ingest->refresh(context_), 1);
  BaseFile again = get(pair);
  EXPECT_NE(again.job_id, pair.job_id);
  EXPECT_EQ(wait(again).state, durable::State::kSucceeded);
  EXPECT_EQ(house_->embedder.texts.size(), 6u);
  EXPECT_EQ(*house_->ingest->refresh(context_), 0);
  EXPECT_EQ(stored_ids().size(), 6u);
}

TEST_F(IngestTest, WhatIsNotThereIsNamed) {
  open();
  EXPECT_EQ(house_->ingest->put(context_, "vs_x", "a.txt", "x", {}).error().param, "vector_store_id");
  EXPECT_EQ(house_->ingest->attach(context_, add_base(), "file_x", {}).error().param, "file_id");
  EXPECT_EQ(house_->ingest->cancel(context_, add_base(), "file_x").error().code, Code::kNotFound);
  EXPECT_TRUE(house_->journal->list(context_, "", 10)->empty());
}

// The child puts files one by one, says each on a pipe once it is acknowledged, waits for all jobs, and is killed at random instants.
constexpr int kFiles = 8, kLines = 20;
[[noreturn]] void run_child(const std::string& folder, const std::string& base, int pipe_end) {
  House house(folder, {.workers = 2, .crashes_max = 1'000});
  house.embedder.log = folder + "/embedded.log";
  house.embedder.on_batch = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  house.journal->start();
  Context context = Context::background();
  std::vector<std::string> jobs;
  for (int i = 0; i < kFiles; ++i) {
    std::string name = "f" + std::to_string(i);
    auto pair = house.ingest->put(context, base, name, lines(name, 0, kLines), {.chunking = kSmall, .replace_same_name = true});
    if (!pair) _exit(2);
    char byte = static_cast<char>(i);
    if (write(pipe_end, &byte, 1) != 1) _exit(3);
    jobs.push_back(pair->job_id);
  }
  for (const auto& id : jobs) {
    auto job = house.journal->wait(context, id);
    if (!job || job->state != durable::State::kSucceeded) _exit(4);
  }
  _exit(0);
}

TEST_F(IngestTest, KilledInTheMiddleNoAcknowledgedFileIsLostAndEveryChunkIsThereOnce) {
  open();
  std::string base = add_base();
  house_.reset();
  Random random(5);
  int kills = 0;
  for (;;) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) run_child(folder_, base, ends[1]);
    close(ends[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(30 + random.below(120)));
    if (kills < 12) kill(child, SIGKILL);
    int status = 0, acknowledged = 0;
    char byte;
    while (read(ends[0], &byte, 1) == 1) acknowledged = byte + 1;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++kills;
    open();  // not started: only looks
    EXPECT_GE(house_->catalog->base_files(context_, base, 100, "", true)->size(), static_cast<size_t>(acknowledged));
    house_.reset();
  }
  EXPECT_GT(kills, 2);
  open();
  auto found = *house_->catalog->base(context_, base);
  EXPECT_EQ(found.files_completed, kFiles);
  EXPECT_EQ(found.files_in_progress + found.files_failed + found.files_cancelled, 0);
  EXPECT_EQ(house_->journal->list(context_, "ingest", 100)->size(), static_cast<size_t>(kFiles));
  std::multiset<std::string> texts;
  ASSERT_TRUE(house_->catalog->each_chunk(context_, 0, [&](const catalog::ChunkRow& row, const catalog::Attributes&) {
    texts.insert(row.text);
    EXPECT_EQ(row.vector.size(), 3u);
    return true;
  }));
  EXPECT_EQ(texts.size(), static_cast<size_t>(kFiles * kLines));
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), texts.size());
  // Only the batches (of 4, one per worker) that a kill cut off are embedded twice.
  std::ifstream log(folder_ + "/embedded.log");
  std::string line;
  int embedded = 0;
  while (std::getline(log, line)) ++embedded;
  EXPECT_GE(embedded, kFiles * kLines);
  EXPECT_LE(embedded, kFiles * kLines + kills * 2 * 4);
}

}  // namespace
}  // namespace strata::ingest
