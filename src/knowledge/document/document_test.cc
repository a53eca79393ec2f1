#include "knowledge/document/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

namespace strata::document {
namespace {

using testing::HasSubstr;

TEST(Detect, KnowsKindsByNameAndBytes) {
  EXPECT_EQ(*detect("a/b.MD", "x"), Kind::kMarkdown);
  EXPECT_EQ(*detect("page.html", "x"), Kind::kHtml);
  EXPECT_EQ(*detect("notes.txt", "x"), Kind::kText);
  EXPECT_EQ(*detect("report.pdf", "%PDF-1.7"), Kind::kPdf);
  EXPECT_EQ(*detect("noname", "%PDF-1.7"), Kind::kPdf);
  EXPECT_EQ(*detect("noname", "<!DOCTYPE html><p>"), Kind::kHtml);
  EXPECT_EQ(*detect("README", "hello"), Kind::kText);
  EXPECT_EQ(*detect("letter.docx", "PK\x03\x04"), Kind::kDocx);
  EXPECT_EQ(*detect("scan.png", "\x89PNG\r\n\x1a\n"), Kind::kImage);
  EXPECT_EQ(*detect("utf16.txt", std::string_view("\xff\xfeh\0i\0", 6)), Kind::kText);
  EXPECT_EQ(kind_name(Kind::kPdf), "pdf");
  EXPECT_EQ(content_type(Kind::kMarkdown), "text/markdown");
}

TEST(Detect, RefusesWhatIsNotWhatItsNameSaysAndNamesWhatIsSupported) {
  for (const auto& [name, bytes] : {std::pair<std::string, std::string>{"a.pdf", "hello"},
                                    {"a.docx", "hello"},
                                    {"a.png", "hello"},
                                    {"a.exe", "MZ"},
                                    {"a.txt", std::string("a\0b", 3)},
                                    {"a.doc", "x"},
                                    {"noname", std::string("\0\1", 2)}}) {
    const auto kind = detect(name, bytes);
    ASSERT_FALSE(kind.has_value()) << name;
    EXPECT_EQ(kind.error().code, Code::kInvalidArgument);
    EXPECT_EQ(kind.error().reason, "document_unsupported");
    EXPECT_THAT(kind.error().message, HasSubstr("PDF (.pdf)"));
  }
}

Document sample() {
  return {.kind = Kind::kPdf,
          .title = "Title é",
          .text = "Head\n\nText é here.",
          .headings = {{2, "Head", {0, 4}}},
          .blocks = {{BlockType::kHeading, {0, 4}}, {BlockType::kParagraph, {6, 19}}},
          .pages = {{1, {0, 4}, false}, {2, {6, 19}, true}},
          .warnings = {"careful"}};
}
const wire::Request kRequest{.kind = Kind::kPdf, .limits = {.text_bytes = 1000, .pages = 10}, .bytes = 5};

TEST(Wire, RequestAndReplyComeBackAsTheyWere) {
  const std::string request = wire::encode_request(kRequest);
  ASSERT_EQ(request.size(), wire::kRequestBytes);
  const auto decoded = wire::decode_request(request);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->kind, Kind::kPdf);
  EXPECT_EQ(decoded->bytes, 5u);
  EXPECT_EQ(decoded->limits.pages, 10);
  const auto document = wire::decode_reply(wire::encode_reply(sample()), kRequest);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(document->title, "Title é");
  EXPECT_EQ(document->text, sample().text);
  ASSERT_EQ(document->headings.size(), 1u);
  EXPECT_EQ(document->headings[0].at, (Range{0, 4}));
  EXPECT_EQ(document->blocks[1].at, (Range{6, 19}));
  EXPECT_TRUE(document->pages[1].by_ocr);
  EXPECT_EQ(document->warnings, std::vector<std::string>{"careful"});
  const auto error = wire::decode_reply(wire::encode_reply(invalid_argument("no", "file", "document_unreadable")), kRequest);
  ASSERT_FALSE(error.has_value());
  EXPECT_EQ(error.error().reason, "document_unreadable");
}

void expect_nonsense(const Document& document) {
  const auto result = wire::decode_reply(wire::encode_reply(document), kRequest);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().reason, "parser_output") << result.error().message;
}

TEST(Wire, AHostileReplyIsRefused) {
  Document bad = sample();
  bad.text += "\xff";
  expect_nonsense(bad);
  bad = sample(), bad.text += std::string("\0", 1);
  expect_nonsense(bad);
  bad = sample(), bad.text = std::string(1001, 'a');
  expect_nonsense(bad);
  bad = sample(), bad.headings[0].level = 7;
  expect_nonsense(bad);
  bad = sample(), bad.headings[0].at = {4, 4};
  expect_nonsense(bad);
  bad = sample(), bad.blocks[1].at = {2, 8};  // overlaps the first
  expect_nonsense(bad);
  bad = sample(), bad.blocks[1].at = {6, 20};  // beyond the end
  expect_nonsense(bad);
  bad = sample(), bad.blocks[1].at = {6, 12};  // inside é
  expect_nonsense(bad);
  bad = sample(), bad.blocks[1].type = static_cast<BlockType>(9);
  expect_nonsense(bad);
  bad = sample(), bad.pages[1].number = 7;
  expect_nonsense(bad);
  bad = sample(), bad.pages.resize(11, {});
  expect_nonsense(bad);
  bad = sample(), bad.pages[1].at = {19, 6};
  expect_nonsense(bad);
}

TEST(Wire, EveryCutAndEveryFlippedByteIsAnErrorOrAValidDocument) {
  const std::string good = wire::encode_reply(sample());
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(wire::decode_reply(good.substr(0, size), kRequest).has_value());
  EXPECT_FALSE(wire::decode_reply(good + "x", kRequest).has_value());
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int i = 0, n = 1 + random() % 3; i < n; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto result = wire::decode_reply(bytes, kRequest);
    if (!result) continue;
    for (const Block& block : result->blocks) ASSERT_LE(block.at.end, result->text.size());
  }
}

// A folder with a strata-parse of our own making.
class FakeWorker : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/strata-worker-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& script) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    chmod(path.c_str(), 0755);
  }
  Error error(const std::string& script, const std::string& filename = "a.txt", const std::string& bytes = "hello") {
    write("strata-parse", script);
    write("strata-parse-pdf", script);
    auto parser = Parser::make(folder_, limits_);
    EXPECT_TRUE(parser.has_value());
    const auto result = (*parser)->parse(Context::background(), filename, bytes);
    EXPECT_FALSE(result.has_value());
    return result ? Error{} : result.error();
  }
  std::string folder_;
  Limits limits_;
};

TEST_F(FakeWorker, AMissingProgramIsAFailedPrecondition) {
  EXPECT_EQ(Parser::make("/no/such/folder", {}).error().code, Code::kFailedPrecondition);
  write("strata-parse", "exit 0");
  auto parser = Parser::make(folder_ + "/strata-parse", {});
  ASSERT_TRUE(parser.has_value());
  EXPECT_EQ((*parser)->parse(Context::background(), "a.pdf", "%PDF-1.7").error().code, Code::kFailedPrecondition);
}

TEST_F(FakeWorker, ItsEndIsToldInWords) {
  EXPECT_EQ(error("cat > /dev/null; kill -SEGV $$").reason, "parser_crashed");
  EXPECT_EQ(error("cat > /dev/null; kill -SYS $$").reason, "parser_forbidden");
  EXPECT_EQ(error("cat > /dev/null; exit 3").reason, "parser_crashed");
  EXPECT_EQ(error("cat > /dev/null").reason, "parser_output");
  EXPECT_EQ(error("cat > /dev/null; echo nonsense of some length").reason, "parser_output");
  limits_.memory_bytes = 1u << 30;
  const Error memory = error("cat > /dev/null; echo 'at: page 6' >&2; echo 'at: page 7' >&2; exit 70", "a.pdf", "%PDF-1.7");
  EXPECT_EQ(memory.reason, "parser_memory");
  EXPECT_EQ(memory.code, Code::kInvalidArgument);
  EXPECT_EQ(memory.message, "the PDF parser ran over its memory limit of 1.0 GiB on page 7");
  const Error confined = error("echo 'fail: no seccomp here' >&2; exit 71");
  EXPECT_EQ(confined.code, Code::kFailedPrecondition);
  EXPECT_THAT(confined.message, HasSubstr("no seccomp here"));
}

TEST_F(FakeWorker, HangsFloodsAndLargeInputsAreStopped) {
  limits_.wall_ms = 200;
  EXPECT_EQ(error("sleep 1000").reason, "parser_timeout");
  limits_.wall_ms = 60'000;
  limits_.text_bytes = 1000;
  EXPECT_EQ(error("cat > /dev/null; exec cat /dev/zero").reason, "parser_output");
  limits_.input_bytes = 3;
  EXPECT_EQ(error("exit 0").reason, "document_too_large");
}

TEST_F(FakeWorker, TheContextCancelsAndEndsIt) {
  write("strata-parse", "sleep 1000");
  auto parser = Parser::make(folder_, {});
  ASSERT_TRUE(parser.has_value());
  const Context context = Context::background().with_timeout_ms(100);
  const Code code = (*parser)->parse(context, "a.txt", "x").error().code;
  EXPECT_EQ(code, Code::kDeadlineExceeded);
}

TEST_F(FakeWorker, TheTitleFallsBackToTheFileName) {
  Document document = sample();
  document.title.clear();
  std::ofstream(folder_ + "/reply", std::ios::binary) << wire::encode_reply(document);
  write("strata-parse", "cat > /dev/null; exec cat " + folder_ + "/reply");
  auto parser = Parser::make(folder_, {});
  EXPECT_EQ((*parser)->parse(Context::background(), "dir/a.txt", "x")->title, "Head");
  document.headings.clear();
  std::ofstream(folder_ + "/reply", std::ios::binary) << wire::encode_reply(document);
  EXPECT_EQ((*parser)->parse(Context::background(), "dir/a.txt", "x")->title, "a.txt");
}

}  // namespace
}  // namespace strata::document
