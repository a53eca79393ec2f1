// The HTML tree, read only: gumbo behind a small face. This header and html_tree.cc are the only ones that know gumbo.
#pragma once

#include <gumbo.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strata::worker {

// A parsed page. Its memory is one pile that is dropped at once: gumbo frees node by node and recursively, which a deep page turns
// into a crash.
class HtmlTree {
 public:
  explicit HtmlTree(std::string_view utf8);
  ~HtmlTree();
  HtmlTree(const HtmlTree&) = delete;
  HtmlTree& operator=(const HtmlTree&) = delete;
  const GumboNode* root() const;  // the html element

 private:
  struct Pile;
  std::unique_ptr<Pile> pile_;
  const GumboOutput* output_;
};

// An element's name in lower case, also for elements that gumbo does not know; empty for what is no element.
std::string_view element_name(const GumboNode* node);
bool is_element(const GumboNode* node);
bool is_text(const GumboNode* node);  // text, white space or CDATA
std::string_view text_of(const GumboNode* node);
// An attribute's value, or empty.
std::string_view attribute(const GumboNode* node, const char* name);
bool has_attribute(const GumboNode* node, const char* name);
std::vector<const GumboNode*> children(const GumboNode* node);
const GumboNode* parent(const GumboNode* node);

}  // namespace strata::worker
