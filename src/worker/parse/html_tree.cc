#include "worker/parse/html_tree.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <new>

namespace strata::worker {

struct HtmlTree::Pile {
  static constexpr size_t kBlockBytes = 256 << 10;
  static constexpr size_t kAlign = alignof(std::max_align_t);

  static void* take(void* self, size_t bytes) { return static_cast<Pile*>(self)->take(bytes); }
  static void give(void*, void*) {}

  void* take(size_t bytes) {
    bytes = (bytes + kAlign - 1) / kAlign * kAlign;
    if (bytes > left) {
      const size_t block = std::max(kBlockBytes, bytes);
      blocks.push_back(std::make_unique<char[]>(block));
      if (bytes > kBlockBytes / 4) return blocks.back().get();  // the open block goes on
      at = blocks.back().get();
      left = block;
    }
    void* out = at;
    at += bytes;
    left -= bytes;
    return out;
  }

  std::deque<std::unique_ptr<char[]>> blocks;
  char* at = nullptr;
  size_t left = 0;
  std::string text;  // gumbo's tree points into it
};

HtmlTree::HtmlTree(std::string_view utf8) : pile_(std::make_unique<Pile>()) {
  pile_->text = utf8;
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &Pile::take;
  options.deallocator = &Pile::give;
  options.userdata = pile_.get();
  options.max_errors = 0;
  output_ = gumbo_parse_with_options(&options, pile_->text.data(), pile_->text.size());
}
HtmlTree::~HtmlTree() = default;

const GumboNode* HtmlTree::root() const { return output_->root; }

bool is_element(const GumboNode* node) { return node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE; }
bool is_text(const GumboNode* node) { return node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE || node->type == GUMBO_NODE_CDATA; }

std::string_view element_name(const GumboNode* node) {
  if (!is_element(node)) return {};
  if (node->v.element.tag != GUMBO_TAG_UNKNOWN) return gumbo_normalized_tagname(node->v.element.tag);
  GumboStringPiece name = node->v.element.original_tag;
  gumbo_tag_from_original_text(&name);
  return name.data == nullptr ? std::string_view{} : std::string_view(name.data, name.length);
}

std::string_view text_of(const GumboNode* node) { return node->v.text.text; }

std::string_view attribute(const GumboNode* node, const char* name) {
  if (!is_element(node)) return {};
  const GumboAttribute* found = gumbo_get_attribute(&node->v.element.attributes, name);
  return found == nullptr ? std::string_view{} : found->value;
}
bool has_attribute(const GumboNode* node, const char* name) { return is_element(node) && gumbo_get_attribute(&node->v.element.attributes, name) != nullptr; }

std::vector<const GumboNode*> children(const GumboNode* node) {
  if (!is_element(node)) return {};
  const GumboVector& list = node->v.element.children;
  std::vector<const GumboNode*> out(list.length);
  for (unsigned i = 0; i < list.length; ++i) out[i] = static_cast<const GumboNode*>(list.data[i]);
  return out;
}

const GumboNode* parent(const GumboNode* node) { return node->parent; }

}  // namespace strata::worker
