#include <gtest/gtest.h>

#include "worker/parse/markdown_source.h"
#include "worker/parse/parse.h"
#include "worker/parse/test_document.h"

namespace strata::worker {
namespace {

std::string read(std::string_view markdown) {
  const auto document = parse_markdown(markdown, {});
  expect_sound(document);
  return shown(document);
}

TEST(Markdown, IsWhatAPersonReads) {
  EXPECT_EQ(read("# A *title* with `code`\n\nSome **bold** [link text](http://x.y \"t\") and ![a picture](p.png).\nSoft break\\\nhard break\n"),
            "H1 A title with code\nP Some bold link text and a picture. Soft break⏎hard break");
  EXPECT_EQ(read("Setext\n===\n\n> A quote\n> goes on\n\n***\n\nAfter &amp; entity &copy; <http://auto.link>"),
            "H1 Setext\nQ A quote goes on\nP After & entity © http://auto.link");
}

TEST(Markdown, ListsKeepTheirMarksAndNesting) {
  EXPECT_EQ(read("- one\n- two\n  - inner\n\n    more of inner\n\n3. three\n4. four\n"),
            "L - one\nL - two\nL   - inner\nP more of inner\nL 3. three\nL 4. four");
  EXPECT_EQ(read("- [x] done\n- [ ] open\n"), "L - done\nL - open");
}

TEST(Markdown, TablesBecomeRows) {
  EXPECT_EQ(read("| Name | *Days* |\n| --- | ---: |\n| Anna | 3<br>4 |\n| `Bo` |  |\n"), "T | Name | Days |⏎| Anna | 3 4 |⏎| Bo |  |");
}

TEST(Markdown, CodeIsKeptAsItIs) {
  EXPECT_EQ(read("```yaml\na:\n  - {{ x }} {% raw %} <!-- kept -->\n\n\nb: 1\n```\n\n    indented code\n"),
            "C a:⏎  - {{ x }} {% raw %} <!-- kept -->⏎⏎⏎b: 1\nC indented code");
}

TEST(Markdown, FrontMatterGivesTheTitleAndIsDropped) {
  const auto yaml = parse_markdown("---\ntitle: \"Leave policy\"\nweight: 10\n---\n# Leave\nText", {});
  EXPECT_EQ(yaml->title, "Leave policy");
  EXPECT_EQ(shown(yaml), "H1 Leave\nP Text");
  EXPECT_EQ(parse_markdown("+++\ntitle = 'Toml'\n+++\nText", {})->title, "Toml");
  EXPECT_EQ(read("---\nnot: closed\n"), "P not: closed");
  EXPECT_EQ(read("Text\n\n---\ntitle: no\n---\n"), "P Text\nH2 title: no");
}

TEST(Markdown, TagsOfSiteGeneratorsFallAwayButNotFromCode) {
  EXPECT_EQ(read("{{< note >}}Read {{% this %}}this{{% /this %}}.{{< /note >}}\n\n{% include nav.html %}\n\n## Head {#anchor}\n{: .no_toc }\n\nUse `{{< x >}}` "
                 "here.\n"),
            "P Read this.\nH2 Head\nP Use {{< x >}} here.");
  EXPECT_EQ(read("- Item\n\n    {% image \"a\" \"b\" %}\n\n{% include \"x\"\n  steps: y\n%}\nAfter {% x and so on"), "L - Item\nP After {% x and so on");
  EXPECT_EQ(read("[Go](http://x){target=_blank .button} now {: .c} end"), "P Go now end");
}

TEST(Markdown, AdmonitionsAndTabsAreUnwrapped) {
  EXPECT_EQ(read("!!! warning \"Take care\"\n    It is hot.\n\n    ```\n    code\n    ```\n\nAfter."), "P Take care\nP It is hot.\nC code\nP After.");
  EXPECT_EQ(read("=== \"Linux\"\n\n    1. Run it.\n\n=== \"Mac\"\n\n    Walk it.\n"), "P Linux\nL 1. Run it.\nP Mac\nP Walk it.");
  EXPECT_EQ(read("??? tip\n    Hidden.\n"), "P Tip\nP Hidden.");
}

TEST(Markdown, HtmlInsideIsReadAndCommentsAreDropped) {
  EXPECT_EQ(read("A <!-- secret --> b\n\n<!-- many\n\nlines -->\n\n<div><p>In <b>HTML</b></p>\n<script>no()</script></div>\n\nx <kbd>Ctrl</kbd><br>y\n"),
            "P A b\nP In HTML\nP x Ctrl⏎y");
  EXPECT_EQ(read("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>\n"), "T | A | B |⏎| 1 | 2 |");
}

TEST(Markdown, FootnotesStandWithTheirMarks) { EXPECT_EQ(read("Text[^1].\n\n[^1]: The note.\n"), "P Text[1].\nL [1] The note."); }

TEST(Markdown, HostileInputsEnd) {
  for (const std::string& part : {"> ", "- ", "[", "![", "*a ", "`", "<", "|", "{{<", "!!! x\n    ", "[^1]"}) {
    std::string text;
    while (text.size() < 20'000) text += part;
    expect_sound(parse_markdown(text, {}));
  }
}

}  // namespace
}  // namespace strata::worker
