#include "worker/pdf/pdf.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace strata::worker {
namespace {

std::string fixture(const std::string& name) {
  std::ifstream file(std::string(STRATA_SOURCE_DIR) + "/tests/fixtures/documents/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct CountingOcr : Ocr {
  int prepared = 0, pictures = 0;
  bool usable = true;
  Status prepare() override {
    ++prepared;
    if (usable) return {};
    return failed_precondition("damaged data");
  }
  OcrText read(const Picture& picture) override {
    ++pictures;
    EXPECT_GT(picture.width, 1000);
    return {.paragraphs = {"what the stand-in read on the page"}, .words = 7, .confidence = 90};
  }
  Result<document::Document> read_file(std::string_view, const document::Limits&) override { return unimplemented("not in this test"); }
};

TEST(Pdf, OcrIsNotEvenPreparedWherePagesHaveText) {
  CountingOcr ocr;
  const auto document = parse_pdf(fixture("leave.pdf"), {}, &ocr);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_GT(document->text.size(), 40u);
  EXPECT_EQ(ocr.prepared + ocr.pictures, 0);
}

TEST(Pdf, APageThatIsAPictureGoesToOcr) {
  CountingOcr ocr;
  const auto document = parse_pdf(fixture("scan.pdf"), {}, &ocr);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_NE(document->text.find("the stand-in read"), std::string::npos);
  EXPECT_GE(ocr.prepared, 1);
  EXPECT_EQ(ocr.pictures, 1);
}

TEST(Pdf, UnusableOcrDataLeavesAWarningAndNoCrash) {
  CountingOcr ocr;
  ocr.usable = false;
  const auto document = parse_pdf(fixture("scan.pdf"), {}, &ocr);
  ASSERT_TRUE(document) << document.error().message;
  ASSERT_FALSE(document->warnings.empty());
  EXPECT_NE(document->warnings[0].find("the OCR data cannot be used"), std::string::npos);
  EXPECT_EQ(ocr.pictures, 0);
}

}  // namespace
}  // namespace strata::worker
