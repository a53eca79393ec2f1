// strata-parse-pdf: reads one PDF from standard input, confined, and writes its text and structure to standard output. Started by
// knowledge/document.
//
// This program links poppler and is therefore, as a whole, under the GNU General Public License, version 2 or later. It is a program
// of its own for that reason (and for safety); the rest of Strata neither links poppler nor needs this program to run. The source in
// this folder is Apache-2.0 as far as it is ours.
#include <memory>

#include "worker/ocr/ocr.h"
#include "worker/pdf/pdf.h"
#include "worker/serve/serve.h"

using namespace strata;  // NOLINT: a main program

int main(int argc, char** argv) {
  std::unique_ptr<worker::Ocr> ocr;
  worker::Program program;
  program.opening = worker::Opening::kRefuse;  // poppler looks for fonts that a PDF does not embed, and does without
  program.prepare = [&](const document::wire::Request&) -> Status {
    worker::preload_pdf();
    if (auto loaded = worker::Ocr::make()) ocr = std::move(*loaded);  // without it scanned pages stay empty, with a warning
    return {};
  };
  program.parse = [&](const document::wire::Request& request, std::string_view bytes) { return worker::parse_pdf(bytes, request.limits, ocr.get()); };
  return worker::serve(argc, argv, program);
}
