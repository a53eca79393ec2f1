// worker/ocr: pictures of text → text, by tesseract (and leptonica for PNG, JPEG and TIFF). English.
//
// make() reads the language data's file; after that no file is needed, so a worker calls it before it confines itself. The data is
// taken apart (a third of a second) only once a picture comes. The caller's environment must hold OMP_THREAD_LIMIT=1: with threads
// tesseract is slower here, and a confined worker may start none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "knowledge/document/document.h"

namespace strata::worker {

// A picture in memory: rows of `stride` bytes, 8-bit gray.
struct Picture {
  const uint8_t* pixels = nullptr;
  int width = 0, height = 0, stride = 0;
  int dpi = 300;
};

struct OcrText {
  std::vector<std::string> paragraphs;  // lines joined, words that were hyphenated at a line's end joined too
  int words = 0;
  int confidence = 0;  // mean over words, 0..100
};

class Ocr {
 public:
  // kFailedPrecondition where the language data is not installed (Debian: tesseract-ocr-eng).
  static Result<std::unique_ptr<Ocr>> make();
  virtual ~Ocr() = default;
  // Called before the first read(): an error where the language data is damaged, or another version's.
  virtual Status prepare() = 0;
  virtual OcrText read(const Picture& picture) = 0;

  // A PNG, JPEG or TIFF file as a document (prepares itself): one page a picture. Bounded in pixels and in Limits::ocr_pages.
  virtual Result<document::Document> read_file(std::string_view bytes, const document::Limits& limits) = 0;
};

// Adds what was read as paragraphs of the builder's open page.
class Builder;
void add_ocr_text(const OcrText& text, Builder* out);

}  // namespace strata::worker
