#include "model/hub/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/crypto.h"
#include "infra/egress/scripted_server_for_test.h"
#include "model/hub/manifest.h"
#include "model/hub/names.h"

namespace strata::hub {
namespace {

namespace fs = std::filesystem;
using egress::testing::answer;
using egress::testing::ScriptedServer;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Names, NothingThatLeavesTheFolderIsPlain) {
  for (const char* bad : {"", ".", "..", "../x", "a/../b", "/a", "a/", "a//b", "a\\b", ".hidden", "-rf", "a b", "a\n", "a?b", "a%2e", "~", "é"})
    EXPECT_FALSE(plain_path(bad)) << bad;
  EXPECT_FALSE(plain_path(std::string("a\0b", 3)));
  EXPECT_FALSE(plain_name(std::string(129, 'a')));
  EXPECT_TRUE(plain_path("sub/Llama-3.2-1B.Q8_0.gguf"));
  EXPECT_EQ(id_of_file("sub/Llama-3.2-1B.Q8_0.gguf"), "llama-3.2-1b.q8_0");
  EXPECT_EQ(format_of_file("Llama-3.2-1B.Q8_0.gguf"), "Q8_0");
  EXPECT_EQ(format_of_file("x-bf16.gguf"), "BF16");
}

TEST(Catalogue, EveryEntryCanBePulledAndTheSmallestComesFirst) {
  uint64_t before = 0;
  for (auto& entry : recommendations()) {
    EXPECT_TRUE(valid_id(entry.id));
    EXPECT_TRUE(plain_path(entry.repository) && plain_path(entry.file));
    EXPECT_EQ(format_of_file(entry.file), entry.format);
    EXPECT_GE(entry.bytes, before);
    EXPECT_GT(entry.ram_bytes(), entry.bytes);
    before = entry.bytes;
  }
}

// A hub and its storage, on two ports, both of which count what they are asked.
class Hub : public ::testing::Test {
 protected:
  Hub() {
    ::unsetenv("http_proxy");
    char name[] = "/tmp/strata-hub-test-XXXXXX";
    dir = ::mkdtemp(name);
    for (int i = 0; i < 50'000; ++i) content += static_cast<char>('a' + i * 7 % 26);
    request = {
        .models_dir = dir, .repository = "owner/repo", .file = "sub/Tiny-Q8_0.gguf", .license = "Apache-2.0", .endpoint = hub.url(""), .token = "hf_secret"};
  }
  ~Hub() override { fs::remove_all(dir); }

  void answer_hub(const ScriptedServer::Peer& peer) {
    if (hub_status != 200) return peer.send(answer(hub_status, ""));
    std::string sha = announce_sha.empty() ? sha256_hex(content) : announce_sha;
    std::string headers = "Location: " + storage.url("/blob") + "\r\nX-Repo-Commit: 0123abcd\r\n";
    if (announce) headers += "X-Linked-Etag: \"" + sha + "\"\r\nX-Linked-Size: " + std::to_string(announce_bytes ? announce_bytes : content.size()) + "\r\n";
    if (peer.request.rfind("HEAD", 0) == 0) peer.send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n" + headers + "\r\n");
    else peer.send(answer(302, "", headers));
  }
  void answer_storage(const ScriptedServer::Peer& peer) {
    size_t from = 0;
    if (size_t at = peer.request.find("Range: bytes="); at != std::string::npos && ranges) from = std::strtoul(peer.request.c_str() + at + 13, nullptr, 10);
    std::string body = content.substr(from);
    std::string head = from ? "HTTP/1.1 206 Partial\r\nContent-Range: bytes " + std::to_string(from) + "-" + std::to_string(content.size() - 1) + "/" +
                                  std::to_string(content.size()) + "\r\n"
                            : "HTTP/1.1 200 OK\r\n";
    head += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
    if (cuts > 0) --cuts, body.resize(std::min<size_t>(body.size(), 12'000));
    peer.send(head + body);
  }
  Result<Manifest> run() { return pull(context, *client, request); }
  std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> parts() {
    std::vector<std::string> out;
    for (auto& entry : fs::directory_iterator(dir + "/tiny-q8_0"))
      if (entry.path().extension() == ".part") out.push_back(entry.path().string());
    return out;
  }

  std::string content, dir;
  bool announce = true, ranges = true;
  std::string announce_sha;
  uint64_t announce_bytes = 0;
  int hub_status = 200;
  std::atomic<int> cuts = 0;
  ScriptedServer storage{[this](auto& peer) { answer_storage(peer); }};
  ScriptedServer hub{[this](auto& peer) { answer_hub(peer); }};
  std::unique_ptr<egress::Client> client = egress::Client::make();
  Context context = Context::background();
  PullRequest request;
};

TEST_F(Hub, APullInstallsTheFileAndLocksItsHashAndTheTokenStaysAtTheHub) {
  std::vector<Progress> heard;
  auto manifest = pull(context, *client, request, [&](const Progress& progress) { heard.push_back(progress); });
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->id, "tiny-q8_0");
  EXPECT_EQ(manifest->version, "0123abcd");
  EXPECT_EQ(manifest->source, hub.url("").substr(7) + "/owner/repo@0123abcd");
  EXPECT_EQ(manifest->format, "Q8_0");
  EXPECT_EQ(manifest->files.at(0).sha256, sha256_hex(content));
  EXPECT_EQ(read(dir + "/tiny-q8_0/Tiny-Q8_0.gguf"), content);
  EXPECT_EQ(heard.back().bytes, content.size());
  EXPECT_EQ(heard.back().bytes_total, content.size());
  EXPECT_TRUE(parts().empty());
  auto listed = list(dir);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].problem, "");
  EXPECT_EQ((*listed)[0].license, "Apache-2.0");
  EXPECT_TRUE(verify(context, (*listed)[0]));
  for (auto& asked : hub.requests()) EXPECT_THAT(asked, HasSubstr("Authorization: Bearer hf_secret"));
  for (auto& asked : storage.requests()) EXPECT_THAT(asked, Not(HasSubstr("hf_secret")));
  EXPECT_THAT(hub.requests().at(0), HasSubstr("HEAD /owner/repo/resolve/main/sub/Tiny-Q8_0.gguf "));
}

TEST_F(Hub, ACutDownloadGoesOnWhereItWasCut) {
  cuts = 2;
  auto manifest = run();
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(read(dir + "/tiny-q8_0/Tiny-Q8_0.gguf"), content);
  auto asked = storage.requests();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_THAT(asked[0], Not(HasSubstr("Range")));
  EXPECT_THAT(asked[1], HasSubstr("Range: bytes=12000-"));
  EXPECT_THAT(asked[2], HasSubstr("Range: bytes=24000-"));
}

TEST_F(Hub, ALaterPullGoesOnFromThePartThatAnEarlierOneLeft) {
  cuts = 1;
  auto cancel = std::make_shared<CancelFlag>();
  auto watched = Context::make(system_clock(), Principal{}, "r", cancel);
  auto given_up = pull(watched, *client, request, [&](const Progress&) { cancel->raise(); });
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, Code::kCancelled);
  ASSERT_EQ(parts().size(), 1u);
  uint64_t kept = fs::file_size(parts()[0]);
  ASSERT_GT(kept, 0u);
  size_t before = storage.requests().size();
  ASSERT_TRUE(run());
  EXPECT_EQ(read(dir + "/tiny-q8_0/Tiny-Q8_0.gguf"), content);
  EXPECT_THAT(storage.requests().at(before), HasSubstr("Range: bytes=" + std::to_string(kept) + "-"));
}

TEST_F(Hub, AServerWithoutRangesStartsAgainAndTheFileIsStillRight) {
  ranges = false;
  cuts = 1;
  ASSERT_TRUE(run());
  EXPECT_EQ(read(dir + "/tiny-q8_0/Tiny-Q8_0.gguf"), content);
}

TEST_F(Hub, OtherBytesThanTheFirstTimeAreRefusedWithBothHashesAndNothingChanges) {
  ASSERT_TRUE(run());
  std::string first = content;
  content = std::string(1000, 'z');
  for (bool told : {true, false}) {
    announce = told;
    if (!told) fs::remove(dir + "/tiny-q8_0/Tiny-Q8_0.gguf");   // so that it must be fetched to be known
    auto refused = run();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "hash_locked");
    EXPECT_THAT(refused.error().message, HasSubstr(sha256_hex(first)));
    EXPECT_THAT(refused.error().message, HasSubstr(sha256_hex(content)));
    EXPECT_EQ(read_manifest(dir + "/tiny-q8_0")->files.at(0).sha256, sha256_hex(first));
  }
  EXPECT_TRUE(parts().empty());
}

TEST_F(Hub, BytesThatAreNotWhatTheHubAnnouncedAreRemoved) {
  announce_sha = std::string(64, 'a');
  auto refused = run();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDataLoss);
  EXPECT_THAT(refused.error().message, HasSubstr(announce_sha));
  EXPECT_TRUE(parts().empty());
  EXPECT_TRUE(list(dir)->empty()) << "a folder without a manifest is no model";
}

TEST_F(Hub, WhatIsHereIsNotFetchedAgainAlsoOffline) {
  ASSERT_TRUE(run());
  size_t before = storage.requests().size();
  EXPECT_TRUE(run());
  EXPECT_EQ(storage.requests().size(), before);
  hub_status = 503;
  EXPECT_TRUE(run());
  std::ofstream(dir + "/tiny-q8_0/Tiny-Q8_0.gguf") << "damaged";
  hub_status = 200;
  EXPECT_TRUE(run()) << "a damaged file is fetched again, to the locked hash";
  EXPECT_EQ(read(dir + "/tiny-q8_0/Tiny-Q8_0.gguf"), content);
}

TEST_F(Hub, OfflineMissingGatedAndFullDiskAreSaidClearly) {
  request.endpoint = "http://127.0.0.1:1";
  auto offline = run();
  EXPECT_EQ(offline.error().code, Code::kUnavailable);
  EXPECT_EQ(offline.error().reason, "offline");
  EXPECT_THAT(offline.error().message, HasSubstr("--model FILE"));
  request.endpoint = hub.url("/");
  hub_status = 404;
  EXPECT_EQ(run().error().code, Code::kNotFound);
  hub_status = 401;
  EXPECT_EQ(run().error().code, Code::kPermissionDenied);
  request.token.clear();
  EXPECT_THAT(run().error().message, HasSubstr("token"));
  hub_status = 200;
  announce_bytes = 1ull << 39;   // half a terabyte, which a machine of this kind has not free
  if (fs::space(dir).available < announce_bytes) {
    EXPECT_EQ(run().error().reason, "disk_full");
    EXPECT_TRUE(storage.requests().empty()) << "before anything is downloaded";
  }
  announce_bytes = 1ull << 41;
  EXPECT_EQ(run().error().code, Code::kResourceExhausted);
}

TEST_F(Hub, NamesThatWouldLeaveTheFolderAreRefusedBeforeAnythingIsAsked) {
  const std::pair<std::string PullRequest::*, const char*> cases[] = {
      {&PullRequest::repository, "owner"},   {&PullRequest::repository, "../x"},     {&PullRequest::repository, "a/b/c"}, {&PullRequest::repository, "a/.."},
      {&PullRequest::file, "../evil.gguf"},  {&PullRequest::file, "/etc/passwd"},    {&PullRequest::file, "a/../../b"},   {&PullRequest::file, ""},
      {&PullRequest::file, "manifest.json"}, {&PullRequest::revision, "..%2f"},      {&PullRequest::revision, "a b"},     {&PullRequest::id, "../x"},
      {&PullRequest::id, "Upper"},           {&PullRequest::endpoint, "hub.example"}};
  for (auto& [member, value] : cases) {
    PullRequest bad = request;
    bad.*member = value;
    auto refused = pull(context, *client, bad);
    ASSERT_FALSE(refused) << value;
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument) << value << ": " << refused.error().message;
  }
  EXPECT_TRUE(hub.requests().empty());
}

TEST_F(Hub, AnotherRepositoryDoesNotTakeAModelsId) {
  ASSERT_TRUE(run());
  request.repository = "other/repo";
  EXPECT_EQ(run().error().code, Code::kFailedPrecondition);
}

TEST_F(Hub, OneDamagedModelHidesNoOther) {
  ASSERT_TRUE(run());
  fs::create_directories(dir + "/broken");
  fs::create_directories(dir + "/escaping");
  fs::create_directories(dir + "/missing");
  fs::create_directories(dir + "/none");
  std::ofstream(dir + "/broken/manifest.json") << "{";
  std::string sha(64, '0');
  auto manifest = [&](std::string id, std::string path) {
    return "{\"id\":\"" + id + "\",\"kind\":\"language\",\"files\":[{\"path\":\"" + path + "\",\"bytes\":1,\"sha256\":\"" + sha + "\"}]}";
  };
  std::ofstream(dir + "/escaping/manifest.json") << manifest("escaping", "../../etc/passwd");
  std::ofstream(dir + "/missing/manifest.json") << manifest("missing", "model.gguf");
  auto models = list(dir);
  ASSERT_TRUE(models);
  ASSERT_EQ(models->size(), 4u);
  EXPECT_THAT((*models)[0].problem, HasSubstr("not valid JSON"));
  EXPECT_THAT((*models)[1].problem, HasSubstr("relative path"));
  EXPECT_THAT((*models)[2].problem, HasSubstr("model.gguf is missing"));
  EXPECT_EQ((*models)[3].problem, "");
  EXPECT_EQ(find(dir, "missing").error().code, Code::kFailedPrecondition);
  EXPECT_THAT(find(dir, "nothing").error().message, HasSubstr("tiny-q8_0"));
  EXPECT_TRUE(find(dir, "tiny-q8_0"));
  EXPECT_TRUE(list(dir + "/nowhere")->empty());
  std::ofstream(dir + "/tiny-q8_0/Tiny-Q8_0.gguf", std::ios::in | std::ios::binary) << "X";
  EXPECT_EQ(verify(context, *find(dir, "tiny-q8_0")).error().code, Code::kDataLoss);
}

TEST(Manifest, TheInstalledModelsAreReadAsTheyAre) {
  const char* home = std::getenv("HOME");
  const char* set = std::getenv("STRATA_MODELS");
  std::string dir = set ? set : std::string(home ? home : "") + "/.cache/strata/models";
  if (!fs::exists(dir + "/smollm2-135m-instruct/manifest.json")) GTEST_SKIP() << "no models in " << dir;
  auto model = find(dir, "smollm2-135m-instruct");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->format, "Q4_1");
  EXPECT_TRUE(model->demo);
  EXPECT_TRUE(verify(Context::background(), *model));
}

}  // namespace
}  // namespace strata::hub
