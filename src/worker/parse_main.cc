// strata-parse: reads one document (text, Markdown, HTML, DOCX, or an image by OCR) from standard input, confined, and writes its text and structure to
// standard output. Started by knowledge/document; the messages are drawn in knowledge/document/wire.cc.
#include <memory>

#include "worker/ocr/ocr.h"
#include "worker/parse/encoding.h"
#include "worker/parse/parse.h"
#include "worker/serve/serve.h"

using namespace strata;  // NOLINT: a main program

int main(int argc, char** argv) {
  std::unique_ptr<worker::Ocr> ocr;
  worker::Program program;
  program.prepare = [&](const document::wire::Request& request) -> Status {
    if (request.kind == document::Kind::kImage) {
      TRY_ASSIGN(ocr, worker::Ocr::make());
      TRY(ocr->prepare());  // now: it looks for files in vain, and here that ends the process once confined
    } else if (request.kind == document::Kind::kHtml) {
      worker::preload_encodings();  // the others name no character set
    }
    return {};
  };
  program.parse = [&](const document::wire::Request& request, std::string_view bytes) {
    return ocr ? ocr->read_file(bytes, request.limits) : worker::parse(request.kind, bytes, request.limits);
  };
  return worker::serve(argc, argv, program);
}
