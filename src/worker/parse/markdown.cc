#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "worker/parse/builder.h"
#include "worker/parse/encoding.h"
#include "worker/parse/html.h"
#include "worker/parse/markdown_source.h"
#include "worker/parse/parse.h"

namespace strata::worker {
namespace {

using document::BlockType;

struct ParserFree {
  void operator()(cmark_parser* parser) const { cmark_parser_free(parser); }
};
struct NodeFree {
  void operator()(cmark_node* node) const { cmark_node_free(node); }  // not recursive
};
struct IterFree {
  void operator()(cmark_iter* iter) const { cmark_iter_free(iter); }
};

std::unique_ptr<cmark_node, NodeFree> read_tree(std::string_view text) {
  cmark_gfm_core_extensions_ensure_registered();
  std::unique_ptr<cmark_parser, ParserFree> parser(cmark_parser_new(CMARK_OPT_DEFAULT | CMARK_OPT_FOOTNOTES | CMARK_OPT_VALIDATE_UTF8));
  for (const char* name : {"table", "strikethrough", "tasklist"}) {
    if (cmark_syntax_extension* extension = cmark_find_syntax_extension(name)) cmark_parser_attach_syntax_extension(parser.get(), extension);
  }
  cmark_parser_feed(parser.get(), text.data(), text.size());
  return std::unique_ptr<cmark_node, NodeFree>(cmark_parser_finish(parser.get()));
}

std::string_view literal(cmark_node* node) {
  const char* text = cmark_node_get_literal(node);
  return text == nullptr ? std::string_view{} : text;
}

// The table extension's node types have no public names, only strings.
enum class TablePart { kNone, kTable, kRow, kCell };
TablePart table_part(cmark_node* node) {
  const std::string_view name = cmark_node_get_type_string(node);
  if (name == "table") return TablePart::kTable;
  if (name == "table_row" || name == "table_header") return TablePart::kRow;
  return name == "table_cell" ? TablePart::kCell : TablePart::kNone;
}

// Walks the tree by cmark's iterator, which does not recurse, and keeps what is open in members.
class MarkdownWriter {
 public:
  explicit MarkdownWriter(Builder* out) : out_(out) {}

  void write(cmark_node* root) {
    const std::unique_ptr<cmark_iter, IterFree> iter(cmark_iter_new(root));
    for (cmark_event_type event = cmark_iter_next(iter.get()); event != CMARK_EVENT_DONE && !out_->full(); event = cmark_iter_next(iter.get())) {
      cmark_node* node = cmark_iter_get_node(iter.get());
      if (event == CMARK_EVENT_ENTER) enter(node);
      else leave(node);
    }
    flush_html();
  }

 private:
  void enter(cmark_node* node) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type != CMARK_NODE_HTML_BLOCK && is_block(type)) flush_html();
    if (type == CMARK_NODE_LIST) lists_.push_back(cmark_node_get_list_type(node) == CMARK_ORDERED_LIST ? cmark_node_get_list_start(node) : -1);
    else if (type == CMARK_NODE_ITEM || type == CMARK_NODE_FOOTNOTE_DEFINITION) begin_item(node);
    else if (type == CMARK_NODE_BLOCK_QUOTE) ++quotes_;
    else if (type == CMARK_NODE_CODE_BLOCK) code(literal(node));
    else if (type == CMARK_NODE_HTML_BLOCK) html_ += literal(node);
    else if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE) line_ += literal(node);
    else if (type == CMARK_NODE_SOFTBREAK) line_ += ' ';
    else if (type == CMARK_NODE_LINEBREAK) line_ += '\n';
    else if (type == CMARK_NODE_HTML_INLINE) inline_html(literal(node));
    else if (type == CMARK_NODE_FOOTNOTE_REFERENCE) line_ += "[" + std::string(literal(node)) + "]";
    else if (table_part(node) == TablePart::kTable) table_.clear(), in_table_ = true;
  }

  void leave(cmark_node* node) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_PARAGRAPH) paragraph();
    else if (type == CMARK_NODE_HEADING) out_->add_heading(cmark_node_get_heading_level(node), std::exchange(line_, {}));
    else if (type == CMARK_NODE_LIST) lists_.pop_back();
    else if (type == CMARK_NODE_ITEM || type == CMARK_NODE_FOOTNOTE_DEFINITION) flush_html(), marker_.clear();
    else if (type == CMARK_NODE_BLOCK_QUOTE) flush_html(), --quotes_;
    else leave_table(table_part(node));
  }
  void leave_table(TablePart part) {
    if (part == TablePart::kCell) cells_.push_back(std::exchange(line_, {}));
    if (part == TablePart::kRow) end_row();
    if (part != TablePart::kTable) return;
    in_table_ = false;
    out_->add(BlockType::kTable, std::exchange(table_, {}));
  }

  static bool is_block(cmark_node_type type) { return (type & CMARK_NODE_TYPE_MASK) == CMARK_NODE_TYPE_BLOCK; }

  void begin_item(cmark_node* node) {
    const std::string indent(lists_.size() > 1 ? std::min<size_t>(2 * (lists_.size() - 1), 20) : 0, ' ');
    if (cmark_node_get_type(node) == CMARK_NODE_FOOTNOTE_DEFINITION)
      marker_ = "[" + std::to_string(++footnotes_) + "] ";  // they come in the order of their marks
    else if (lists_.empty() || lists_.back() < 0) marker_ = indent + "- ";
    else marker_ = indent + std::to_string(lists_.back()++) + ". ";
  }

  void paragraph() {
    const std::string text = clean_prose(std::exchange(line_, {}));
    if (text.empty()) return;
    if (!marker_.empty()) out_->add(BlockType::kListItem, std::exchange(marker_, {}) + text);
    else out_->add(quotes_ > 0 ? BlockType::kQuote : BlockType::kParagraph, text);
  }

  void code(std::string_view text) {
    flush_marker();
    out_->add(BlockType::kCode, text);
  }
  // A list item that begins with code or HTML: its mark must not go to a later paragraph.
  void flush_marker() { marker_.clear(); }

  void end_row() {
    const bool any = std::ranges::any_of(cells_, [](const std::string& cell) { return !trim(cell).empty(); });
    if (any) table_ += table_row(cells_) + "\n";
    cells_.clear();
  }

  // Tags fall away; a line break stays, and an image's alternative text.
  void inline_html(std::string_view tag) {
    if (starts_with_ignoring_case(tag, "<br")) line_ += in_table_ ? ' ' : '\n';
    if (!starts_with_ignoring_case(tag, "<img")) return;
    const size_t at = tag.find("alt=\"");
    if (at == tag.npos) return;
    const size_t end = tag.find('"', at + 5);
    if (end != tag.npos) line_ += tag.substr(at + 5, end - at - 5);
  }

  // Raw blocks that follow each other ("<div>", blank line, "<p>…") are read together.
  void flush_html() {
    if (html_.empty()) return;
    flush_marker();
    add_html_fragment(std::exchange(html_, {}), out_);
  }

  Builder* out_;
  std::string line_, html_, marker_, table_;
  std::vector<std::string> cells_;
  std::vector<int> lists_;  // the next number, or -1 for bullets
  int quotes_ = 0;
  int footnotes_ = 0;
  bool in_table_ = false;
};

}  // namespace

Result<document::Document> parse_markdown(std::string_view bytes, const document::Limits& limits) {
  Builder builder(limits);
  const Decoded decoded = decode_text(bytes, "");
  if (!decoded.encoding.starts_with("utf-")) builder.warn("the text is not UTF-8; it was read as " + decoded.encoding);
  const MarkdownSource source = prepare_markdown(decoded.text);
  builder.set_title(source.title);
  const auto tree = read_tree(source.body);
  if (!tree) return unreadable("the Markdown could not be read");
  MarkdownWriter(&builder).write(tree.get());
  return builder.finish();
}

}  // namespace strata::worker
