#include "worker/parse/html.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "worker/parse/encoding.h"
#include "worker/parse/html_rules.h"
#include "worker/parse/html_tree.h"
#include "worker/parse/parse.h"

namespace strata::worker {
namespace {

using document::BlockType;

constexpr int kDepth = 400;           // real pages stay under 60
constexpr size_t kCellBytes = 2'000;  // a longer cell makes the table a means of layout
constexpr size_t kTermBytes = 200;
constexpr int kSpanRows = 200, kSpanColumns = 50;

bool is_html_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

// Inline text as it is collected: white space collapsed, line breaks kept.
class Line {
 public:
  void add(std::string_view text) {
    for (char c : text) {
      if (is_html_space(c)) {
        gap_ = true;
        continue;
      }
      if (gap_ && !text_.empty() && text_.back() != '\n') text_ += ' ';
      gap_ = false;
      text_ += c;
    }
  }
  void space() { gap_ = true; }
  void line_break() {
    gap_ = false;
    if (!text_.empty()) text_ += '\n';
  }
  bool empty() const { return text_.empty(); }
  std::string take() {
    gap_ = false;
    return std::exchange(text_, {});
  }

 private:
  std::string text_;
  bool gap_ = false;
};

class HtmlWriter {
 public:
  HtmlWriter(Trim trim, Builder* out) : trim_(trim), out_(out) {}

  void write(const GumboNode* content) {
    visit_children(content, 0);
    flush();
    flush_term();
  }

 private:
  struct List {
    bool ordered = false;
    int number = 1;
  };

  void visit_children(const GumboNode* node, int depth) {
    for (const GumboNode* child : children(node)) {
      if (out_->full()) return;
      visit(child, depth + 1);
    }
  }

  void visit(const GumboNode* node, int depth) {
    if (is_text(node)) return line_.add(text_of(node));
    if (!is_element(node) || is_dropped(node, trim_)) return;
    if (depth > kDepth) return too_deep();
    switch (layout(node)) {
      case Layout::kInline: return visit_children(node, depth);
      case Layout::kBreak: return line_.line_break();
      case Layout::kImage: return image(node);
      case Layout::kHeading: return heading(node);
      case Layout::kCode: return code(node);
      case Layout::kListItem: return item(node, depth);
      case Layout::kTable: return table(node, depth);
      case Layout::kQuote: return quote(node, depth);
      case Layout::kBlock: return block(node, depth);
    }
  }

  void too_deep() {
    if (!deep_) out_->warn("elements nested more than " + std::to_string(kDepth) + " deep were left out");
    deep_ = true;
  }

  void image(const GumboNode* node) {
    line_.space();
    line_.add(attribute(node, "alt"));
    line_.space();
  }

  void heading(const GumboNode* node) {
    flush();
    flush_term();
    marker_.clear();
    out_->add_heading(element_name(node)[1] - '0', flat_text(node));
  }

  void code(const GumboNode* node) {
    flush();
    flush_term();
    out_->add(BlockType::kCode, raw_text(node));
  }

  void block(const GumboNode* node, int depth) {
    flush();
    const std::string_view name = element_name(node);
    if (name == "dt") return term(node, depth);
    const bool list = name == "ul" || name == "ol" || name == "menu" || name == "dir";
    if (list) {
      List opened{.ordered = name == "ol"};
      if (const std::string_view start = attribute(node, "start"); !start.empty() && start.size() < 7) opened.number = std::atoi(std::string(start).c_str());
      lists_.push_back(opened);
    }
    visit_children(node, depth);
    flush();
    if (list) lists_.pop_back();
    if (name == "dl") flush_term();
  }

  // A term of a definition list goes in front of its definition: "ASCII: The encoding …".
  void term(const GumboNode* node, int depth) {
    flush_term();
    visit_children(node, depth);
    term_ = line_.take();
    if (term_.size() > kTermBytes || !marker_.empty()) flush_term();
  }
  void flush_term() {
    if (!term_.empty()) put(std::exchange(term_, {}));
  }
  static std::string join_term(const std::string& term, const std::string& text) {
    if (term.find_first_not_of("0123456789") == term.npos) return "[" + term + "] " + text;  // a footnote's number
    return term + (std::string_view(":.?!—").find(term.back()) == std::string_view::npos ? ": " : " ") + text;
  }

  void item(const GumboNode* node, int depth) {
    flush();
    flush_term();
    std::string indent(lists_.size() > 1 ? std::min<size_t>(2 * (lists_.size() - 1), 20) : 0, ' ');
    const bool ordered = !lists_.empty() && lists_.back().ordered;
    marker_ = indent + (ordered ? std::to_string(lists_.back().number++) + ". " : "- ");
    visit_children(node, depth);
    flush();
    marker_.clear();
  }

  void quote(const GumboNode* node, int depth) {
    flush();
    ++quotes_;
    visit_children(node, depth);
    flush();
    --quotes_;
  }

  void flush() {
    if (line_.empty()) {
      line_.take();
      return;
    }
    std::string text = line_.take();
    if (!term_.empty()) text = join_term(std::exchange(term_, {}), text);
    put(text);
  }
  void put(const std::string& text) {
    if (!marker_.empty()) out_->add(BlockType::kListItem, std::exchange(marker_, {}) + text);
    else out_->add(quotes_ > 0 ? BlockType::kQuote : BlockType::kParagraph, text);
  }

  // All text under an element on one line; blocks inside it are set apart by a space.
  std::string flat_text(const GumboNode* top) const {
    Line line;
    each_text(top, [&](const GumboNode* node, bool apart) {
      if (apart) line.space();
      if (is_text(node)) line.add(text_of(node));
      else if (element_name(node) == "img") line.add(attribute(node, "alt"));
    });
    return line.take();
  }
  std::string raw_text(const GumboNode* top) const {
    std::string out;
    each_text(top, [&](const GumboNode* node, bool) {
      if (is_text(node)) out += text_of(node);
      else if (element_name(node) == "br") out += '\n';
    });
    return out;
  }
  // Document order, without recursion. `apart`: a block element begins or ends here.
  template <class Take>
  void each_text(const GumboNode* top, Take take) const {
    std::vector<std::pair<const GumboNode*, bool>> open = {{top, false}};
    while (!open.empty()) {
      const auto [node, left] = open.back();
      open.pop_back();
      const bool apart = !is_text(node) && layout(node) != Layout::kInline && layout(node) != Layout::kImage;
      if (left) {
        if (apart) take(node, true);
        continue;
      }
      if (node != top && is_element(node) && is_dropped(node, trim_)) continue;
      take(node, apart);
      open.push_back({node, true});
      const auto below = children(node);
      for (size_t i = below.size(); i-- > 0;) open.push_back({below[i], false});
    }
  }

  // The rows that belong to a table itself; `nested`: it holds another table, or blocks that no cell of data has.
  struct Rows {
    std::vector<const GumboNode*> rows, captions;
    bool nested = false;
  };
  Rows rows_of(const GumboNode* table) const {
    Rows found;
    std::vector<const GumboNode*> open = {table};
    while (!open.empty() && !found.nested) {
      const GumboNode* node = open.back();
      open.pop_back();
      const std::string_view name = element_name(node);
      if (node != table && (layout(node) == Layout::kTable || layout(node) == Layout::kHeading)) found.nested = true;
      if (node != table && is_element(node) && is_dropped(node, trim_)) continue;
      if (name == "tr") found.rows.push_back(node);
      if (name == "caption") {
        found.captions.push_back(node);
        continue;
      }
      const auto below = children(node);
      for (size_t i = below.size(); i-- > 0;) open.push_back(below[i]);
    }
    return found;
  }

  // Cells that reach down over rows, by column: how many rows are left, and what they say in each.
  struct Span {
    int rows = 0;
    std::string text;
  };
  using Spans = std::vector<Span>;
  static int span_of(const GumboNode* cell, const char* name, int most) {
    const std::string_view value = attribute(cell, name);
    return value.empty() || value.size() > 5 ? 1 : std::clamp(std::atoi(std::string(value).c_str()), 1, most);
  }

  // One row's cells, each under its column: a cell over several rows is said again in each, so that a row makes sense by itself; one
  // over several columns stands in the first.
  std::vector<std::string> cells_of(const GumboNode* row, Spans* spans) const {
    std::vector<std::string> cells;
    const auto carry = [&] {
      while (cells.size() < spans->size() && (*spans)[cells.size()].rows > 0) {
        Span& span = (*spans)[cells.size()];
        --span.rows;
        cells.push_back(span.text);
      }
    };
    for (const GumboNode* cell : children(row)) {
      const std::string_view name = element_name(cell);
      if ((name != "td" && name != "th") || is_dropped(cell, trim_)) continue;
      carry();
      const int rows = span_of(cell, "rowspan", kSpanRows), across = span_of(cell, "colspan", kSpanColumns);
      const std::string text = flat_text(cell);
      for (int i = 0; i < across; ++i) {
        if (rows > 1 && text.size() < 300) {
          spans->resize(std::max(spans->size(), cells.size() + 1));
          (*spans)[cells.size()] = {rows - 1, i == 0 ? text : ""};
        }
        cells.push_back(i == 0 ? text : "");
      }
    }
    carry();
    return cells;
  }

  void table(const GumboNode* node, int depth) {
    flush();
    flush_term();
    const Rows found = rows_of(node);
    std::string text;
    bool data = !found.nested;
    size_t columns = 0;
    Spans spans;
    for (size_t i = 0; i < found.rows.size() && data; ++i) {
      const std::vector<std::string> cells = cells_of(found.rows[i], &spans);
      const auto filled = std::ranges::count_if(cells, [](const std::string& cell) { return !cell.empty(); });
      data = std::ranges::none_of(cells, [](const std::string& cell) { return cell.size() > kCellBytes; });
      columns = std::max(columns, cells.size());
      if (filled > 0) text += table_row(cells) + "\n";
    }
    if (!data || columns < 2) {
      visit_children(node, depth);
      return flush();
    }
    for (const GumboNode* caption : found.captions) out_->add(BlockType::kParagraph, flat_text(caption));
    out_->add(BlockType::kTable, text);
  }

  const Trim trim_;
  Builder* out_;
  Line line_;
  std::string marker_;  // of the list item that has begun and has no text yet
  std::string term_;    // of a definition that has not begun
  std::vector<List> lists_;
  int quotes_ = 0;
  bool deep_ = false;
};

// The charset that the page itself declares in its first kilobyte: <meta charset="…"> or content="text/html; charset=…", or XML's encoding.
std::string declared_charset(std::string_view bytes) {
  const std::string head = ascii_lower(bytes.substr(0, 1024));
  for (std::string_view key : {"charset=", "encoding="}) {
    size_t at = head.find(key);
    if (at == head.npos) continue;
    at += key.size();
    while (at < head.size() && (head[at] == '"' || head[at] == '\'' || head[at] == ' ')) ++at;
    const size_t end = head.find_first_of("\"' ;/>?", at);
    return head.substr(at, std::min<size_t>(end == head.npos ? 40 : end - at, 40));
  }
  return "";
}

std::string title_of(const GumboNode* root) {
  for (const GumboNode* child : children(root)) {
    if (element_name(child) != "head") continue;
    for (const GumboNode* node : children(child)) {
      if (element_name(node) == "title" && !children(node).empty() && is_text(children(node)[0])) return one_line(text_of(children(node)[0]));
    }
  }
  return "";
}

}  // namespace

void add_html_fragment(std::string_view utf8, Builder* out) {
  const HtmlTree tree(utf8);
  HtmlWriter(Trim::kUnseen, out).write(tree.root());
}

Result<document::Document> parse_html(std::string_view bytes, const document::Limits& limits) {
  const Decoded decoded = decode_text(bytes, declared_charset(bytes));
  const HtmlTree tree(decoded.text);
  const GumboNode* content = main_content(tree.root());
  auto read = [&](const GumboNode* top, Trim trim) {
    Builder builder(limits);
    builder.set_title(title_of(tree.root()));
    HtmlWriter(trim, &builder).write(top);
    return builder;
  };
  constexpr size_t kLittle = 200;  // bytes: so short a page was perhaps trimmed too far
  Builder trimmed = read(content, Trim::kFurniture);
  if (trimmed.text_bytes() < kLittle) {
    Builder whole = read(tree.root(), Trim::kUnseen);
    if (trimmed.text_bytes() == 0 || whole.text_bytes() > 4 * trimmed.text_bytes() + kLittle) return whole.finish();
  }
  return trimmed.finish();
}

}  // namespace strata::worker
