#include "worker/parse/html_rules.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace strata::worker {
namespace {

template <size_t N>
bool among(const std::array<std::string_view, N>& sorted, std::string_view name) {
  return std::ranges::binary_search(sorted, name);
}

constexpr auto kUnseen = std::to_array<std::string_view>(
    {"annotation", "annotation-xml", "applet", "area",  "audio", "base",     "button",   "canvas",   "datalist", "embed",    "frame",  "frameset",
     "head",       "iframe",         "input",  "link",  "map",   "meta",     "noembed",  "noframes", "object",   "optgroup", "option", "param",
     "script",     "select",         "source", "style", "svg",   "template", "textarea", "title",    "track",    "video"});
static_assert(std::ranges::is_sorted(kUnseen));

// As class or id. Names of documentation generators and of common site templates.
constexpr auto kFurniture = std::to_array<std::string_view>({"breadcrumb",
                                                             "breadcrumbs",
                                                             "catlinks",
                                                             "contentinfo",
                                                             "cookie-banner",
                                                             "edit-this-page",
                                                             "footer",
                                                             "headerlink",
                                                             "jump-to-nav",
                                                             "linenodiv",
                                                             "linenos",
                                                             "mw-editsection",
                                                             "mw-jump-link",
                                                             "mw-navigation",
                                                             "nav",
                                                             "navbar",
                                                             "navbox",
                                                             "navfooter",
                                                             "navheader",
                                                             "noprint",
                                                             "page-footer",
                                                             "pagination",
                                                             "prev-next-area",
                                                             "printfooter",
                                                             "rst-footer-buttons",
                                                             "screen-reader-text",
                                                             "site-footer",
                                                             "site-header",
                                                             "site-nav",
                                                             "skip-link",
                                                             "skiplink",
                                                             "skipnav",
                                                             "sphinxsidebar",
                                                             "sr-only",
                                                             "table-of-contents",
                                                             "toc",
                                                             "usa-skipnav",
                                                             "visually-hidden",
                                                             "wy-nav-side"});
static_assert(std::ranges::is_sorted(kFurniture));

constexpr auto kFurnitureRoles = std::to_array<std::string_view>({"banner", "contentinfo", "menu", "menubar", "navigation", "search", "toolbar"});
static_assert(std::ranges::is_sorted(kFurnitureRoles));

constexpr auto kBlocks = std::to_array<std::string_view>({"address", "article", "aside", "body",   "caption",  "center",     "dd",     "details", "dialog",
                                                          "dir",     "div",     "dl",    "dt",     "fieldset", "figcaption", "figure", "footer",  "form",
                                                          "header",  "hgroup",  "html",  "legend", "main",     "menu",       "nav",    "ol",      "p",
                                                          "section", "summary", "tbody", "td",     "tfoot",    "th",         "thead",  "tr",      "ul"});
static_assert(std::ranges::is_sorted(kBlocks));

bool is_hidden(const GumboNode* node) {
  if (has_attribute(node, "hidden") || attribute(node, "aria-hidden") == "true") return true;
  const std::string_view style = attribute(node, "style");
  if (style.empty()) return false;
  std::string plain;
  for (char c : ascii_lower(style.substr(0, 2000))) {
    if (c != ' ') plain += c;
  }
  return plain.find("display:none") != plain.npos || plain.find("visibility:hidden") != plain.npos;
}

bool has_furniture_name(std::string_view names) {
  if (names.empty() || names.size() > 2000) return false;
  for (std::string_view name : split(names, ' ')) {
    if (among(kFurniture, ascii_lower(name))) return true;
  }
  return false;
}

// Looks only so far, up or down: pages that nest deeper want to waste our time.
constexpr int kLookUp = 400, kLookDown = 2'000;

bool lies_in_content(const GumboNode* node) {
  int steps = 0;
  for (const GumboNode* up = parent(node); up != nullptr && ++steps < kLookUp; up = parent(up)) {
    const std::string_view name = element_name(up);
    if (name == "main" || name == "article" || attribute(up, "role") == "main") return true;
  }
  return false;
}

// Visits every node under `top` (unless `enter` refuses it) without recursion: a page may be as deep as it is long.
template <class Enter>
void walk(const GumboNode* top, Enter enter) {
  std::vector<const GumboNode*> open = {top};
  while (!open.empty()) {
    const GumboNode* node = open.back();
    open.pop_back();
    if (!enter(node)) continue;
    for (const GumboNode* child : children(node)) open.push_back(child);
  }
}

bool holds_h1(const GumboNode* node) {
  bool found = false;
  int steps = 0;
  walk(node, [&](const GumboNode* at) {
    found = found || element_name(at) == "h1";
    return !found && ++steps < kLookDown;
  });
  return found;
}

size_t letters(const GumboNode* top) {
  size_t sum = 0;
  walk(top, [&](const GumboNode* at) {
    if (is_text(at)) sum += trim(text_of(at)).size();
    return !is_element(at) || !is_dropped(at, Trim::kFurniture);
  });
  return sum;
}

bool is_furniture(const GumboNode* node) {
  const std::string_view name = element_name(node);
  if (name == "body" || name == "html" || name == "main" || name == "article") return false;
  if (name == "nav") return true;
  const std::string_view role = attribute(node, "role");
  if (!role.empty() && among(kFurnitureRoles, ascii_lower(role))) return role != "banner" || !holds_h1(node);
  if ((name == "footer" || name == "aside") && !lies_in_content(node)) return true;
  if (name == "header" && !lies_in_content(node) && !holds_h1(node)) return true;
  if (name == "a" && attribute(node, "href").starts_with("#") && children(node).size() == 1 && is_text(children(node)[0])) {
    const std::string_view text = trim(text_of(children(node)[0]));
    if (starts_with_ignoring_case(text, "skip to ") || text == "¶" || text == "#" || text == "§") return true;
  }
  return has_furniture_name(attribute(node, "class")) || has_furniture_name(attribute(node, "id"));
}

}  // namespace

bool is_dropped(const GumboNode* node, Trim trim) {
  if (!is_element(node)) return false;
  const std::string_view name = element_name(node);
  if (among(kUnseen, name) || is_hidden(node)) return true;
  return trim == Trim::kFurniture && is_furniture(node);
}

const GumboNode* main_content(const GumboNode* root) {
  std::vector<const GumboNode*> mains, articles;
  const GumboNode* body = root;
  walk(root, [&](const GumboNode* node) {
    const std::string_view name = element_name(node);
    if (name == "body") body = node;
    if (is_element(node) && is_dropped(node, Trim::kUnseen)) return false;
    if (name == "main" || attribute(node, "role") == "main") mains.push_back(node);
    if (name == "article") articles.push_back(node);
    // What lies inside a candidate is not a better one.
    return name != "main" && name != "article" && attribute(node, "role") != "main";
  });
  const size_t all = letters(body);
  if (mains.size() == 1 && (letters(mains[0]) >= 200 || letters(mains[0]) * 10 >= all)) return mains[0];
  if (mains.empty() && articles.size() == 1 && letters(articles[0]) * 5 >= all * 2) return articles[0];
  return body;
}

Layout layout(const GumboNode* node) {
  const std::string_view name = element_name(node);
  if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') return Layout::kHeading;
  if (name == "li") return Layout::kListItem;
  if (name == "pre" || name == "listing" || name == "xmp" || name == "plaintext") return Layout::kCode;
  if (name == "table") return Layout::kTable;
  if (name == "blockquote") return Layout::kQuote;
  if (name == "br") return Layout::kBreak;
  if (name == "img") return Layout::kImage;
  if (name == "hr" || among(kBlocks, name)) return Layout::kBlock;
  return Layout::kInline;
}

}  // namespace strata::worker
