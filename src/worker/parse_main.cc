// strata-parse: reads one document (text, Markdown, HTML, DOCX) from standard input, confined, and writes its text and structure to
// standard output. Started by knowledge/document; the messages are drawn in knowledge/document/wire.cc.
#include "worker/parse/encoding.h"
#include "worker/parse/parse.h"
#include "worker/serve/serve.h"

using namespace strata;  // NOLINT: a main program

int main(int argc, char** argv) {
  worker::Program program;
  program.prepare = [](const document::wire::Request&) -> Status {
    worker::preload_encodings();
    return {};
  };
  program.parse = [](const document::wire::Request& request, std::string_view bytes) { return worker::parse(request.kind, bytes, request.limits); };
  return worker::serve(argc, argv, program);
}
