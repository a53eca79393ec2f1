// HTML inside other formats.
#pragma once

#include <string_view>

#include "worker/parse/builder.h"

namespace strata::worker {

// A piece of HTML, such as Markdown's raw blocks: all that a reader sees of it, as blocks.
void add_html_fragment(std::string_view utf8, Builder* out);

}  // namespace strata::worker
