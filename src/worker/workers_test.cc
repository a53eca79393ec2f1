// The real programs, as the server uses them; and a hostile one behind the same walls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "knowledge/document/document.h"

namespace strata::document {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;  // NOLINT: for zero bytes

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::string fixture(const std::string& name) { return read_file(STRATA_SOURCE_DIR "/tests/fixtures/documents/" + name); }

Result<Document> parse(const std::string& name, const std::string& bytes, const Limits& limits = {}) {
  auto parser = Parser::make(STRATA_WORKER_DIR, limits);
  if (!parser) return parser.error();
  return (*parser)->parse(Context::background(), name, bytes);
}

TEST(Workers, EachKindOfDocumentComesThrough) {
  EXPECT_EQ(parse("a.txt", "Hello there.\n\nSecond.")->blocks.size(), 2u);
  EXPECT_EQ(parse("a.md", "# Title\n\nText *here*.")->text, "Title\n\nText here.");
  EXPECT_EQ(parse("a.html", "<title>T</title><h1>Head</h1><p>Text")->title, "T");
  EXPECT_EQ(parse("a.txt", "\xff\xfeh\0i\0"s)->text, "hi");
  EXPECT_THAT(parse("sjis.html", "<meta charset=shift_jis><p>\x93\xfa\x96\x7b")->text, HasSubstr("日本"));
}

TEST(Workers, PdfTextHasPagesHeadingsAndTables) {
  const auto document = parse("leave.pdf", fixture("leave.pdf"));
  ASSERT_TRUE(document.has_value()) << document.error().message;
  ASSERT_EQ(document->pages.size(), 2u);
  EXPECT_FALSE(document->pages[0].by_ocr);
  EXPECT_EQ(document->title, "Leave policy");
  ASSERT_GE(document->headings.size(), 2u);
  EXPECT_EQ(document->headings[0].title, "Leave policy");
  EXPECT_EQ(document->headings[0].level, 1);
  EXPECT_THAT(document->text, HasSubstr("Parents may take twelve weeks of paid leave after the birth or adoption of a child."));
  EXPECT_THAT(document->text, HasSubstr("| Years | Days |\n| 1 | 20 |\n| 5 | 25 |"));
  const std::string second = document->text.substr(document->pages[1].at.begin, document->pages[1].at.end - document->pages[1].at.begin);
  EXPECT_THAT(second, HasSubstr("Call your manager before nine"));
}

TEST(Workers, ScannedPagesAndImagesAreReadByOcr) {
  const auto pdf = parse("scan.pdf", fixture("scan.pdf"));
  ASSERT_TRUE(pdf.has_value()) << pdf.error().message;
  ASSERT_EQ(pdf->pages.size(), 1u);
  EXPECT_TRUE(pdf->pages[0].by_ocr);
  EXPECT_THAT(pdf->text, HasSubstr("refund window is thirty days"));
  ASSERT_FALSE(pdf->warnings.empty());
  EXPECT_THAT(pdf->warnings[0], HasSubstr("page 1: no text found, OCR gave"));
  const auto image = parse("scan.png", fixture("scan.png"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  EXPECT_THAT(image->text, HasSubstr("refund window is thirty days"));
}

TEST(Workers, DamagedFilesAreErrorsNotCrashes) {
  for (const char* name : {"leave.pdf", "scan.pdf", "scan.png"}) {
    const std::string good = fixture(name);
    for (size_t keep : {good.size() / 2, good.size() / 5, size_t{12}}) {
      const auto result = parse(name, good.substr(0, keep));
      if (!result) {
        EXPECT_EQ(result.error().reason, "document_unreadable") << name << ": " << result.error().message;
      }
    }
  }
  EXPECT_EQ(parse("a.docx", "PK\x03\x04 and nothing more").error().reason, "document_unreadable");
  EXPECT_EQ(parse("locked.pdf", fixture("locked.pdf")).error().message, "the PDF is encrypted with a password: save it without one");
}

TEST(Workers, TheLimitOnTextIsTold) {
  const auto result = parse("a.txt", std::string(10'000, 'x'), {.text_bytes = 5'000});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().reason, "document_too_large");
}

TEST(Workers, ThisMachineConfines) {
  const auto found = confinement(STRATA_WORKER_DIR);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_TRUE(found->seccomp);
}

// The hostile program under the names of the real ones.
class Hostile : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/strata-hostile-XXXXXX";
    folder_ = mkdtemp(name);
    std::filesystem::copy_file(STRATA_HOSTILE, folder_ + "/strata-parse");
    std::filesystem::copy_file(STRATA_HOSTILE, folder_ + "/strata-parse-pdf");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Result<Document> ask(const std::string& what, bool pdf = false, int64_t wall_ms = 120'000) {
    Limits limits;
    limits.wall_ms = wall_ms;
    limits.memory_bytes = 512u << 20;
    auto parser = Parser::make(folder_, limits);
    EXPECT_TRUE(parser.has_value());
    return (*parser)->parse(Context::background(), pdf ? "a.pdf" : "a.txt", (pdf ? "%PDF-" : "") + what);
  }
  std::string folder_;
};

TEST_F(Hostile, NothingForbiddenSucceeds) {
  for (const char* what : {"open", "create", "socket", "fork", "exec", "kill", "ptrace", "executable", "thread"}) {
    const auto result = ask(what);
    ASSERT_FALSE(result.has_value()) << what << ": " << result->text;
    EXPECT_EQ(result.error().reason, "parser_forbidden") << what << ": " << result.error().message;
    EXPECT_THAT(result.error().message, HasSubstr("tried what it may not (SIGSYS)"));
  }
}

TEST_F(Hostile, WhereOpeningIsRefusedInsteadItStillFails) {
  for (const char* what : {"open", "create"}) {
    const auto result = ask(what, true);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_THAT(result->text, HasSubstr("Permission denied"));
  }
  for (const char* what : {"socket", "fork", "exec"}) EXPECT_EQ(ask(what, true).error().reason, "parser_forbidden");
}

TEST_F(Hostile, RootIsGivenUp) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has something to give up";
  const auto result = ask("user");
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->text, "user: 65534");
}

TEST_F(Hostile, MemoryTimeAndCrashesAreTold) {
#if !defined(__SANITIZE_ADDRESS__)
  const Error memory = ask("malloc", true).error();
  EXPECT_EQ(memory.reason, "parser_memory");
  EXPECT_EQ(memory.message, "the PDF parser ran over its memory limit of 512 MiB on page 7");
  EXPECT_EQ(ask("c-malloc").error().reason, "parser_memory");
  EXPECT_EQ(ask("crash").error().reason, "parser_crashed");
  EXPECT_EQ(ask("recurse").error().reason, "parser_crashed");
#endif
  const Error time = ask("spin", true, 1'500).error();
  EXPECT_EQ(time.reason, "parser_timeout");
  EXPECT_EQ(time.message, "the PDF parser ran over its time limit of 1 s on page 3");
  EXPECT_EQ(ask("throw").error().reason, "parser_crashed");
}

}  // namespace
}  // namespace strata::document
