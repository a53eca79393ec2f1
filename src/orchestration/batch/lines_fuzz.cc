// The input file comes from outside: any bytes are lines or errors, and what is a line can be written into the output.
#include "orchestration/batch/lines.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const batch::Lines read = batch::read_lines(text, "/v1/embeddings", nullptr);
  if (read.lines.empty() && read.errors.empty()) __builtin_trap();
  batch::Answer answer;
  answer.status = 200;
  for (const batch::Line& line : read.lines) {
    answer.body = line.body;
    const std::string out = batch::output_line("batch_1", line, answer);
    const auto parsed = Json::parse(out);
    if (!parsed || out.find('\n') != out.size() - 1) __builtin_trap();
  }
  (void)batch::parse_window(std::string(text.substr(0, 64)));
  return 0;
}
