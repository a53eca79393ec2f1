// Markdown as site generators write it → Markdown that CommonMark understands.
#pragma once

#include <string>
#include <string_view>

namespace strata::worker {

struct MarkdownSource {
  std::string title;  // of the front matter
  std::string body;
};

// Takes off front matter (YAML "---" or TOML "+++"), and outside code: comments, Hugo shortcodes and Liquid tags ("{{< … >}}",
// "{{% … %}}", "{% … %}"), attribute lists ("{: .note}", "{#anchor}"), snippet includes ("--8<--"). MkDocs admonitions and tabs
// ("!!! note", "??? tip", '=== "Tab"') become a bold line and their contents, unindented.
MarkdownSource prepare_markdown(std::string_view text);

}  // namespace strata::worker
