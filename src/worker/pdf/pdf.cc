#include "worker/pdf/pdf.h"

#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-image.h>
#include <poppler/cpp/poppler-page-renderer.h>
#include <poppler/cpp/poppler-page.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "base/text.h"
#include "worker/parse/builder.h"
#include "worker/pdf/layout.h"
#include "worker/serve/serve.h"

namespace strata::worker {
namespace {

constexpr size_t kFewLetters = 20;        // fewer on a page: perhaps a scan with a stamped number
constexpr double kPixels = 25'000'000;    // of a rendered page: A4 at 300 dpi is 8.7 million
constexpr double kOcrDpi = 300, kLookDpi = 30;

std::string utf8(const poppler::ustring& text) {
  const poppler::byte_array bytes = text.to_utf8();
  return utf8_repaired({bytes.data(), bytes.size()});
}

bool has_word(const std::string& font, std::initializer_list<const char*> words) {
  const std::string lower = ascii_lower(font);
  return std::ranges::any_of(words, [&](const char* word) { return lower.find(word) != lower.npos; });
}

// Turned text is turned back, so that its lines run from left to right for the layout.
Word turned(Word word) {
  const Word was = word;
  const int rotation = word.rotation;
  if (rotation == 1) word.left = was.top, word.right = was.bottom, word.top = -was.right, word.bottom = -was.left;
  if (rotation == 2) word.left = -was.right, word.right = -was.left, word.top = -was.bottom, word.bottom = -was.top;
  if (rotation == 3) word.left = -was.bottom, word.right = -was.top, word.top = was.left, word.bottom = was.right;
  return word;
}

std::vector<Word> words_of(const poppler::page& page) {
  std::vector<Word> words;
  for (const poppler::text_box& box : page.text_list(poppler::page::text_list_include_font)) {
    const poppler::rectf at = box.bbox();
    const std::string font = box.has_font_info() ? box.get_font_name() : "";
    Word word{utf8(box.text()), at.left(), at.top(), at.right(), at.bottom(), box.has_font_info() ? box.get_font_size() : at.height()};
    if (!std::isfinite(word.left + word.right + word.top + word.bottom + word.size)) continue;
    word.size = std::clamp(word.size, 1.0, 500.0);
    word.bold = has_word(font, {"bold", "black", "heavy", "cmbx", "-medi"});
    word.mono = has_word(font, {"mono", "courier", "cmtt", "consolas", "typewriter", "menlo"});
    word.rotation = box.rotation();
    words.push_back(turned(std::move(word)));
  }
  return words;
}

size_t letters(const std::vector<Word>& words) {
  size_t sum = 0;
  for (const Word& word : words) sum += word.text.size();
  return sum;
}

class PdfParser {
 public:
  PdfParser(const document::Limits& limits, Ocr* ocr) : limits_(limits), ocr_(ocr), builder_(limits), begin_(std::chrono::steady_clock::now()) {
    renderer_.set_image_format(poppler::image::format_gray8);
    renderer_.set_render_hint(poppler::page_renderer::antialiasing, true);
    renderer_.set_render_hint(poppler::page_renderer::text_antialiasing, true);
  }

  Result<document::Document> run(poppler::document& pdf) {
    const int count = pdf.pages();
    if (count <= 0) return unreadable("the PDF has no pages, or is damaged");
    if (count > limits_.pages) {
      return invalid_argument("the PDF has " + std::to_string(count) + " pages, at most " + std::to_string(limits_.pages) + " are taken", "file",
                              "document_too_large");
    }
    std::vector<PageWords> pages(static_cast<size_t>(count));
    size_t bytes = 0;
    for (int i = 0; i < count; ++i) {
      note_place("page " + std::to_string(i + 1));
      const std::unique_ptr<poppler::page> page(pdf.create_page(i));
      if (!page) builder_.warn("page " + std::to_string(i + 1) + ": damaged, left out");
      else pages[static_cast<size_t>(i)] = read(*page, i + 1);
      bytes += letters(pages[static_cast<size_t>(i)].words);
      if (bytes > limits_.text_bytes) break;  // the builder will say so
    }
    note_place("its text");
    if (skipped_ > 0) builder_.warn(std::to_string(skipped_) + " scanned pages were not read: " + why_skipped_);
    builder_.set_title(title_of(pdf));
    write_pages(std::move(pages), &builder_);
    return builder_.finish();
  }

 private:
  PageWords read(const poppler::page& page, int number) {
    PageWords out{.words = words_of(page), .height = page.page_rect().height()};
    if (letters(out.words) >= kFewLetters || !shows_something(page)) return out;
    const std::string name = "page " + std::to_string(number);
    if (!may_ocr()) {
      ++skipped_;
      return out;
    }
    ++ocr_pages_;
    const OcrText text = read_picture(page);
    size_t found = 0;
    for (const std::string& paragraph : text.paragraphs) found += paragraph.size();
    if (found <= letters(out.words)) return out;
    builder_.warn(name + ": no text found, OCR gave " + std::to_string(text.words) + " words");
    out.by_ocr = true;
    out.ocr = text.paragraphs;
    return out;
  }

  bool may_ocr() {
    using std::chrono::milliseconds;
    if (ocr_ == nullptr) why_skipped_ = "OCR is not installed";
    else if (ocr_pages_ >= limits_.ocr_pages) why_skipped_ = "at most " + std::to_string(limits_.ocr_pages) + " are";
    else if (std::chrono::steady_clock::now() - begin_ > milliseconds(limits_.wall_ms / 4 * 3)) why_skipped_ = "the time was used up";
    else if (!ocr_->prepare()) why_skipped_ = "the OCR data cannot be used";  // COST: a third of a second, once, and only where a scan is
    else return true;
    return false;
  }

  // The resolution that is wanted, or less for a page so large that it would take too many pixels.
  static double bounded_dpi(const poppler::page& page, double dpi) {
    const poppler::rectf box = page.page_rect();
    const double inches = std::max(1.0, box.width() / 72) * std::max(1.0, box.height() / 72);
    return std::min(dpi, std::sqrt(kPixels / inches));
  }

  bool shows_something(const poppler::page& page) {
    const double dpi = bounded_dpi(page, kLookDpi);
    const poppler::image image = renderer_.render_page(&page, dpi, dpi);
    if (!image.is_valid()) return false;
    size_t dark = 0;
    for (int y = 0; y < image.height(); ++y) {
      const auto* row = reinterpret_cast<const unsigned char*>(image.const_data()) + static_cast<std::ptrdiff_t>(y) * image.bytes_per_row();
      for (int x = 0; x < image.width(); ++x) dark += row[x] < 200;
    }
    return dark > 12;  // a word at 30 dpi
  }

  OcrText read_picture(const poppler::page& page) {
    const double dpi = bounded_dpi(page, kOcrDpi);
    const poppler::image image = renderer_.render_page(&page, dpi, dpi);
    if (!image.is_valid()) return {};
    return ocr_->read({.pixels = reinterpret_cast<const uint8_t*>(image.const_data()),
                       .width = image.width(),
                       .height = image.height(),
                       .stride = image.bytes_per_row(),
                       .dpi = static_cast<int>(dpi)});
  }

  // The title that the file names, unless it is what a program left there.
  static std::string title_of(poppler::document& pdf) {
    const std::string title = one_line(utf8(pdf.info_key("Title")));
    const std::string lower = ascii_lower(title);
    const bool file_name = lower.ends_with(".doc") || lower.ends_with(".docx") || lower.ends_with(".pdf") || lower.ends_with(".tex") ||
                           lower.ends_with(".dvi") || lower.ends_with(".indd") || lower.ends_with(".qxd") || lower.ends_with(".odt");
    if (file_name || lower.starts_with("microsoft word") || lower.starts_with("untitled") || lower == "title" || lower == "(anonymous)" || title.size() < 3)
      return "";
    return title;
  }

  const document::Limits limits_;
  Ocr* ocr_;
  Builder builder_;
  poppler::page_renderer renderer_;
  const std::chrono::steady_clock::time_point begin_;
  int ocr_pages_ = 0, skipped_ = 0;
  std::string why_skipped_;
};

void be_silent(const std::string&, void*) {}

}  // namespace

void preload_pdf() {
  // The C library's character set converters, which poppler's strings use.
  (void)poppler::ustring::from_utf8("é", 2).to_utf8();
}

Result<document::Document> parse_pdf(std::string_view bytes, const document::Limits& limits, Ocr* ocr) {
  poppler::set_debug_error_function(be_silent, nullptr);
  const std::unique_ptr<poppler::document> pdf(poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
  if (!pdf) return unreadable("the PDF is damaged: it could not be opened");
  if (pdf->is_locked()) return unreadable("the PDF is encrypted with a password: save it without one");
  return PdfParser(limits, ocr).run(*pdf);
}

}  // namespace strata::worker
