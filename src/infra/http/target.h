// The request target taken apart: path segments and query, percent-decoded once, nothing normalized.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace strata::http {

struct Target {
  std::vector<std::string> segments;   // of "/a/b%2Fc/": "a", "b/c", ""; of "/": one empty segment
  std::string path;                    // "/" and the segments joined by "/"
  std::vector<std::pair<std::string, std::string>> query;
};

// kInvalidArgument where the target does not begin with "/", holds a broken escape, a control character (decoded or not), or is
// not UTF-8 once decoded. Segments are cut before decoding, so an escaped slash never makes a new one.
Result<Target> parse_target(std::string_view target);

}  // namespace strata::http
