#include "worker/ocr/ocr.h"

#include <allheaders.h>
#include <tesseract/baseapi.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "worker/parse/builder.h"

namespace strata::worker {
namespace {

constexpr int64_t kPixels = 80'000'000;  // A3 at 600 dpi is 70 million; 8-bit gray takes as many bytes
constexpr int kLeastConfidence = 20;     // a word below is noise: specks, ruled lines, pictures
constexpr int kSmallWidth = 1500;        // narrower pictures (screenshots) are doubled: tesseract wants letters of 20 pixels and more

// Where Debian, Ubuntu and others put the language data. UNITS: bytes; the best data for English has 15 MB.
constexpr const char* kDataPaths[] = {"/usr/share/tesseract-ocr/5/tessdata/eng.traineddata", "/usr/share/tesseract-ocr/4.00/tessdata/eng.traineddata",
                                      "/usr/share/tessdata/eng.traineddata", "/usr/share/tesseract/tessdata/eng.traineddata"};
constexpr size_t kDataBytesMax = 100u << 20;

struct PixFree {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using PixPtr = std::unique_ptr<Pix, PixFree>;

// Joins the lines of a paragraph: "exam-" + "ple" is one word.
void join_line(std::string* paragraph, std::string_view line) {
  if (paragraph->empty()) {
    *paragraph = line;
    return;
  }
  const size_t size = paragraph->size();
  const bool letter_before = size >= 2 && std::isalpha(static_cast<unsigned char>((*paragraph)[size - 2]));
  if (paragraph->back() == '-' && letter_before && !line.empty() && std::islower(static_cast<unsigned char>(line[0]))) paragraph->pop_back();
  else *paragraph += ' ';
  *paragraph += line;
}

class Collector {
 public:
  void take(tesseract::ResultIterator& at) {
    if (at.IsAtBeginningOf(tesseract::RIL_PARA)) end_paragraph();
    if (at.IsAtBeginningOf(tesseract::RIL_TEXTLINE)) end_line();
    const std::unique_ptr<char[]> word(at.GetUTF8Text(tesseract::RIL_WORD));
    const float confidence = at.Confidence(tesseract::RIL_WORD);
    if (!word || confidence < kLeastConfidence || trim(word.get()).empty()) return;
    if (!line_.empty()) line_ += ' ';
    line_ += word.get();
    sum_ += confidence;
    ++text_.words;
  }
  OcrText finish() {
    end_paragraph();
    text_.confidence = text_.words > 0 ? static_cast<int>(sum_ / static_cast<float>(text_.words)) : 0;
    return std::move(text_);
  }

 private:
  void end_line() {
    if (!line_.empty()) join_line(&paragraph_, line_);
    line_.clear();
  }
  void end_paragraph() {
    end_line();
    if (!paragraph_.empty()) text_.paragraphs.push_back(std::move(paragraph_));
    paragraph_.clear();
  }
  OcrText text_;
  std::string line_, paragraph_;
  float sum_ = 0;
};

class TesseractOcr : public Ocr {
 public:
  explicit TesseractOcr(std::string data) : data_(std::move(data)) {}

  Status prepare() override {
    if (data_.empty()) return {};  // done before
    const std::string data = std::exchange(data_, "");
    setMsgSeverity(L_SEVERITY_NONE);
    const int failed = api_.Init(data.data(), static_cast<int>(data.size()), "eng", tesseract::OEM_LSTM_ONLY, nullptr, 0, nullptr, nullptr, false, nullptr);
    if (failed != 0) return failed_precondition("the data for reading scanned text does not fit this tesseract: reinstall tesseract-ocr-eng");
    api_.SetVariable("debug_file", "/dev/null");
    api_.SetPageSegMode(tesseract::PSM_AUTO);
    return {};
  }

  OcrText read(const Picture& picture) override {
    api_.SetImage(picture.pixels, picture.width, picture.height, 1, picture.stride);
    return recognize(picture.dpi);
  }

  Result<document::Document> read_file(std::string_view bytes, const document::Limits& limits) override {
    TRY(prepare());
    const auto* data = reinterpret_cast<const l_uint8*>(bytes.data());
    l_int32 format = 0, width = 0, height = 0;
    if (pixReadHeaderMem(data, bytes.size(), &format, &width, &height, nullptr, nullptr, nullptr) != 0) return unreadable("the image is damaged");
    Builder builder(limits);
    const bool tiff = bytes.starts_with("II") || bytes.starts_with("MM");
    size_t offset = 0;
    do {
      TRY(check_size(width, height));
      const PixPtr page(tiff ? pixReadMemFromMultipageTiff(data, bytes.size(), &offset) : pixReadMem(data, bytes.size()));
      if (!page) return unreadable("the image is damaged");
      TRY(check_size(pixGetWidth(page.get()), pixGetHeight(page.get())));
      builder.begin_page(true);
      const OcrText text = read_pix(page.get());
      if (text.words == 0) builder.warn("no text was found in the image");
      add_ocr_text(text, &builder);
      if (++pages_ >= limits.ocr_pages && offset != 0) {
        builder.warn("only the first " + std::to_string(pages_) + " pages were read");
        break;
      }
    } while (tiff && offset != 0);
    return builder.finish();
  }

 private:
  static Status check_size(int64_t width, int64_t height) {
    if (width > 0 && height > 0 && width * height <= kPixels) return {};
    return invalid_argument("the image has " + std::to_string(width) + " x " + std::to_string(height) + " pixels; at most " +
                                std::to_string(kPixels / 1'000'000) + " million are taken",
                            "file", "document_too_large");
  }

  OcrText read_pix(Pix* pix) {
    const PixPtr gray(pixConvertTo8(pix, 0));
    if (!gray) return {};
    const bool small = pixGetWidth(gray.get()) < kSmallWidth;
    const PixPtr scaled(small ? pixScale(gray.get(), 2.0f, 2.0f) : pixClone(gray.get()));
    if (!scaled) return {};
    const int dpi = pixGetXRes(pix) * (small ? 2 : 1);
    api_.SetImage(scaled.get());
    return recognize(dpi >= 100 && dpi <= 1200 ? dpi : 300);
  }

  OcrText recognize(int dpi) {
    api_.SetSourceResolution(dpi);
    Collector collector;
    if (api_.Recognize(nullptr) == 0) {
      const std::unique_ptr<tesseract::ResultIterator> at(api_.GetIterator());
      if (at && !at->Empty(tesseract::RIL_WORD)) {
        do collector.take(*at);
        while (at->Next(tesseract::RIL_WORD));
      }
    }
    api_.Clear();
    return collector.finish();
  }

  std::string data_;  // the language data's file, until it is taken apart
  tesseract::TessBaseAPI api_;
  int pages_ = 0;
};

}  // namespace

Result<std::unique_ptr<Ocr>> Ocr::make() {
  for (const char* path : kDataPaths) {
    std::ifstream file(path, std::ios::binary);
    std::string data((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!data.empty() && data.size() <= kDataBytesMax) return std::unique_ptr<Ocr>(std::make_unique<TesseractOcr>(std::move(data)));
  }
  return failed_precondition("the data for reading scanned text is missing: install tesseract-ocr-eng");
}

void add_ocr_text(const OcrText& text, Builder* out) {
  for (const std::string& paragraph : text.paragraphs) out->add(document::BlockType::kParagraph, paragraph);
}

}  // namespace strata::worker
