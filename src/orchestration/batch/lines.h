// The input file: one request a line, as JSON. Only this folder includes it.
//
//   {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {…}}
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestration/batch/batch.h"

namespace strata::batch {

struct Line {
  int64_t number = 0;        // from 1, empty lines counted
  std::string custom_id;     // unlike every other
  std::string body;          // a JSON object
};

struct Lines {
  std::vector<Line> lines;
  std::vector<LineError> errors;   // at most kErrorsMax; then the rest was not read
};

// `check`: of a body; may be null.
Lines read_lines(std::string_view text, const std::string& endpoint, const std::function<Status(const Json& body)>& check);

// "24h" → milliseconds. kInvalidArgument (completion_window).
Result<int64_t> parse_window(const std::string& text);

// One line of the output or error file, with its line break. `answer` without a status becomes an error.
std::string output_line(const std::string& batch_id, const Line& line, const Answer& answer);

}  // namespace strata::batch
