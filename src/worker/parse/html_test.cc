#include <gtest/gtest.h>

#include "worker/parse/parse.h"
#include "worker/parse/test_document.h"

namespace strata::worker {
namespace {

std::string read(std::string_view html) {
  const auto document = parse_html(html, {});
  expect_sound(document);
  return shown(document);
}

TEST(Html, BlocksHeadingsAndInlineText) {
  EXPECT_EQ(read("<h2>Head <em>ing</em></h2><p>One\n  <b>two</b>&nbsp;&amp;<br>three<p>Four<div>Five<span>six</span></div>"),
            "H2 Head ing\nP One two &⏎three\nP Four\nP Fivesix");
  EXPECT_EQ(read("<blockquote>Quoted</blockquote><pre>a\n  b</pre><img alt='a map'>"), "Q Quoted\nC a⏎  b\nP a map");
}

TEST(Html, ListsAndDefinitions) {
  EXPECT_EQ(read("<ul><li>one<ul><li>inner</ul><li><p>two</p><p>more</p></ul><ol start=3><li>x<li>y</ol>"),
            "L - one\nL   - inner\nL - two\nP more\nL 3. x\nL 4. y");
  EXPECT_EQ(read("<dl><dt>ASCII</dt><dd>A code.</dd><dt>Only</dt></dl><dl><dt>1</dt><dd>A note.</dd></dl>"), "P ASCII: A code.\nP Only\nP [1] A note.");
}

TEST(Html, TablesBecomeRowsUnlessTheyAreLayout) {
  EXPECT_EQ(read("<table><caption>C</caption><tr><th>A<th>B<tr><td>1<td>two <b>words</b><p>more</table>"), "P C\nT | A | B |⏎| 1 | two words more |");
  EXPECT_EQ(read("<table><tr><th colspan=2>Both<th>C<tr><td rowspan=2>a<td>b<td>c<tr><td>d<td>e</table>"), "T | Both |  | C |⏎| a | b | c |⏎| a | d | e |");
  EXPECT_EQ(read("<table><tr><td><h1>Title</h1><p>Text</table>"), "H1 Title\nP Text");
  EXPECT_EQ(read("<table><tr><td>outer<td><table><tr><td>a<td>b</table></table>"), "P outer\nT | a | b |");
}

TEST(Html, UnseenThingsAreDropped) {
  EXPECT_EQ(read("<style>x{}</style><script>y()</script><p hidden>h</p><p style='display: NONE'>d</p><p aria-hidden=true>a</p><template>t</template><p>seen</p>"
                 "<!-- c --><select><option>o</select><noscript>plain</noscript><svg><text>s</text></svg>"),
            "P seen\nP plain");
}

TEST(Html, NavigationHeadersAndFootersOfThePageAreDropped) {
  const std::string body = "<p>" + std::string(300, 'x') + "</p>";
  EXPECT_EQ(read("<header>Site</header><nav>Menu</nav><div role=navigation>More</div><div class='navheader'>Prev</div>" + body +
                 "<aside>Ad</aside><div class=\"sphinxsidebar\">Toc</div><footer>Legal</footer>"),
            "P " + std::string(300, 'x'));
  EXPECT_EQ(
      read("<div>Around</div><main><header><h1>Head<a class='headerlink' href='#h'>¶</a></h1></header><aside>Note</aside>" + body + "</main><div>Around</div>"),
      "H1 Head\nP Note\nP " + std::string(300, 'x'));
  EXPECT_EQ(read("<header><h1>Only title</h1></header>" + body), "H1 Only title\nP " + std::string(300, 'x')) << "a header with the page's title stays";
}

TEST(Html, APageThatIsAllNavigationKeepsIt) { EXPECT_EQ(read("<nav><ul><li><a href=x>One</a><li>Two</ul></nav>"), "L - One\nL - Two"); }

TEST(Html, TheTitleIsThePagesOwn) {
  EXPECT_EQ(parse_html("<title> My\n page </title><h1>Head</h1>", {})->title, "My page");
  EXPECT_EQ(parse_html("<h1>Head</h1>", {})->title, "");
}

TEST(Html, CharsetsAreHonoured) {
  EXPECT_EQ(read("<meta charset='iso-8859-1'><p>caf\xE9"), "P café");
  EXPECT_EQ(read("<meta http-equiv=content-type content='text/html; charset=windows-1251'><p>\xEF\xF0\xE8"), "P при");
}

TEST(Html, DepthAndSizeAreBounded) {
  for (const std::string& part : {"<div>", "<b>", "<table><tr><td>", "<ul><li>", "<blockquote>", "<header>", "<dl><dt>", "<aside><h1>", "<font><p>"}) {
    std::string text;
    while (text.size() < 30'000) text += part;
    const auto document = parse_html(text + "deep", {});
    expect_sound(document);
  }
  EXPECT_FALSE(parse_html("<p>1234567890</p>", {.text_bytes = 5}).has_value());
}

}  // namespace
}  // namespace strata::worker
