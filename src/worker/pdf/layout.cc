#include "worker/pdf/layout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include "base/text.h"
#include "worker/pdf/table.h"

namespace strata::worker {
namespace {

using document::BlockType;

constexpr double kHeadingRatio = 1.12;   // a heading's letters are so much larger than the body's
constexpr size_t kHeadingBytes = 200;
constexpr size_t kHeadingLines = 3;
constexpr size_t kEdgeLines = 2;         // of each page's top and bottom that may be running heads and feet
constexpr double kMargin = 0.12;         // of a page's height, where page numbers stand
constexpr size_t kRunningPages = 3;      // on so many pages the same line makes a running head

size_t letters(const Line& line) {
  size_t sum = 0;
  for (const Word& word : line.words) sum += word.text.size();
  return sum;
}

double height(const Line& line) { return line.height(); }

// Numbers away: "Page 3 of 9" and "Page 4 of 9" are one running line.
std::string without_digits(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c < '0' || c > '9') out += c;
  }
  return std::string(trim(out));
}
bool is_page_number(const std::string& text) {
  const std::string_view plain = trim(text);
  if (plain.empty() || plain.size() > 8) return false;
  return plain.find_first_not_of("0123456789-–ivxlcIVXLC.[]() ") == plain.npos && without_digits(text).size() <= 4;
}

// "Scope . . . . . . . 3", a line of a table of contents → "Scope … 3".
size_t leader_begin(const std::string& text) { return std::min(text.find(" . . . ."), text.find("....")); }
bool has_leader(const std::string& text) { return leader_begin(text) != text.npos; }
std::string without_leader(const std::string& text) {
  const size_t begin = leader_begin(text);
  const size_t end = text.find_first_not_of(". ", begin);
  return text.substr(0, begin) + (end == text.npos ? "" : " … " + text.substr(end));
}

// A list item's mark at the start of a line: its bytes, and what is written for it.
struct Mark {
  size_t bytes = 0;
  std::string written;
};
Mark list_mark(const std::string& text) {
  for (std::string_view bullet : {"•", "●", "◦", "○", "▪", "■", "‣", "⁃", "∙", "·", "➢", "✓", "\xEF\x82\xB7", "\xEF\x82\xA7", "–", "-", "*", "o"}) {
    if (text.starts_with(bullet) && text.size() > bullet.size() + 1 && text[bullet.size()] == ' ') return {bullet.size() + 1, "- "};
  }
  size_t at = text.starts_with("(") ? 1 : 0;
  const size_t begin = at;
  while (at < text.size() && at - begin < 3 && text[at] >= '0' && text[at] <= '9') ++at;
  if (at == begin && at < text.size() && text[at] >= 'a' && text[at] <= 'z') ++at;
  if (at == begin || at + 1 >= text.size() || (text[at] != '.' && text[at] != ')') || text[at + 1] != ' ') return {};
  if (text[at] == '.' && text[begin] >= 'a') return {};
  return {at + 2, text.substr(0, at + 2)};
}

// What the document looks like as a whole.
struct Style {
  double body = 10;                // the size of most letters
  bool body_is_bold = false;
  std::vector<double> larger;      // sizes of headings, largest first
  std::set<std::string> running;   // lines of page edges that repeat
};

class Writer {
 public:
  explicit Writer(Builder* out) : out_(out) {}

  void write(std::vector<PageWords> pages) {
    std::vector<std::vector<Row>> rows;
    for (PageWords& page : pages) rows.push_back(reading_order(std::move(page.words)));
    learn(rows, pages);
    for (size_t i = 0; i < pages.size() && !out_->full(); ++i) {
      out_->begin_page(pages[i].by_ocr);
      if (pages[i].by_ocr) {
        for (const std::string& paragraph : pages[i].ocr) out_->add(BlockType::kParagraph, paragraph);
      } else {
        drop_running(&rows[i], pages[i].height);
        write_page(rows[i]);
      }
    }
  }

 private:
  void learn(const std::vector<std::vector<Row>>& pages, const std::vector<PageWords>& about) {
    std::map<int, size_t> sizes;
    size_t bold = 0, all = 0;
    std::map<std::string, size_t> edges;
    for (size_t i = 0; i < pages.size(); ++i) {
      for (const Row& row : pages[i]) {
        const Line& line = row.line;
        if (!line.upright()) continue;
        sizes[static_cast<int>(std::lround(line.size * 2))] += letters(line);
        all += letters(line);
        if (line.bold) bold += letters(line);
      }
      if (!about[i].by_ocr) count_edges(pages[i], &edges);
    }
    for (const auto& [line, count] : edges) {
      if (count >= kRunningPages) style_.running.insert(line);
    }
    size_t most = 0;
    for (const auto& [size, count] : sizes) {
      if (count > most) style_.body = size / 2.0, most = count;
    }
    style_.body_is_bold = bold * 2 > all;
    for (auto at = sizes.rbegin(); at != sizes.rend(); ++at) {
      if (at->first / 2.0 >= style_.body * kHeadingRatio) style_.larger.push_back(at->first / 2.0);
    }
  }

  // The lines nearest to the top and the bottom of the page, wherever they stand in reading order.
  static std::vector<size_t> edge_lines(const std::vector<Row>& lines) {
    std::vector<size_t> order(lines.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](size_t a, size_t b) { return lines[a].line.top < lines[b].line.top; });
    if (order.size() <= 2 * kEdgeLines) return order;
    order.erase(order.begin() + kEdgeLines, order.end() - kEdgeLines);
    return order;
  }
  static void count_edges(const std::vector<Row>& lines, std::map<std::string, size_t>* edges) {
    std::set<std::string> here;
    for (size_t i : edge_lines(lines)) {
      std::string key = without_digits(lines[i].line.text());
      if (key.size() >= 3) here.insert(std::move(key));
    }
    for (const std::string& key : here) ++(*edges)[key];
  }
  void drop_running(std::vector<Row>* lines, double height) const {
    if (lines->size() <= 2) return;
    std::vector<size_t> drop;
    for (size_t i : edge_lines(*lines)) {
      const Row& row = (*lines)[i];
      const std::string text = row.line.text();
      const bool at_edge = row.cells.size() == 1 && (row.line.top < kMargin * height || row.line.bottom > (1 - kMargin) * height);
      if ((at_edge && is_page_number(text)) || style_.running.contains(without_digits(text))) drop.push_back(i);
    }
    std::ranges::sort(drop, std::greater<>());
    for (size_t i : drop) lines->erase(lines->begin() + static_cast<std::ptrdiff_t>(i));
  }

  void write_page(const std::vector<Row>& rows) {
    const std::span<const Row> all(rows);
    std::vector<Line> lines;
    for (const Row& row : rows) lines.push_back(row.line);
    for (size_t at = 0; at < rows.size() && !out_->full();) {
      if (const size_t count = table_rows(all.subspan(at)); count > 0) {
        out_->add(BlockType::kTable, table_text(all.subspan(at, count)));
        at += count;
        continue;
      }
      size_t end = at + 1;
      while (end < rows.size() && rows[end].cells.size() == 1 && continues(lines, at, end)) ++end;
      write_group({lines.begin() + static_cast<std::ptrdiff_t>(at), lines.begin() + static_cast<std::ptrdiff_t>(end)});
      at = end;
    }
  }

  // Does line `next` go on with the paragraph that began at `first`?
  bool continues(const std::vector<Line>& lines, size_t first, size_t next) const {
    const Line& before = lines[next - 1];
    const Line& line = lines[next];
    if (std::abs(before.size - line.size) > 0.12 * std::max(before.size, line.size)) return false;
    if (before.mono != line.mono) return false;
    if (looks_like_heading(before) != looks_like_heading(line)) return false;
    const double gap = line.top - before.bottom;
    // Down the same column, within what this paragraph's own line distance allows.
    if (line.top < before.top || std::min(before.right, line.right) - std::max(before.left, line.left) <= 0) return false;
    double usual = 0.45 * height(line);
    if (next - first >= 2) usual = std::max(0.1 * height(line), lines[first + 1].top - lines[first].bottom) + 0.25 * height(line);
    if (gap > (line.mono ? 1.6 * height(line) : usual)) return false;
    if (!line.mono && list_mark(line.text()).bytes > 0) return false;
    // A first line that is indented, in a paragraph that was not, begins a new one; and a short line before a full stop ends one.
    if (has_leader(before.text()) || has_leader(line.text())) return false;
    const bool indented = line.left > lines[next - 1].left + 0.8 * line.size && list_mark(lines[first].text()).bytes == 0;
    return line.mono || !(indented && ends_sentence(before.text()));
  }

  static bool ends_sentence(const std::string& text) {
    return !text.empty() && (text.back() == '.' || text.back() == ':' || text.back() == '?' || text.back() == '!');
  }

  bool looks_like_heading(const Line& line) const {
    if (line.mono || !line.upright() || letters(line) < 2) return false;
    if (line.size >= style_.body * kHeadingRatio) return true;
    const std::string text = line.text();
    return line.bold && !style_.body_is_bold && line.size >= style_.body * 0.95 && text.size() <= 100 && text.back() != '.' && text.back() != ',' &&
           text.back() != ':' && list_mark(text).bytes == 0;
  }

  int level_of(const Line& line) const {
    int level = 1;
    for (double size : style_.larger) {
      if (line.size >= size - 0.3) return std::min(level, 5);
      ++level;
    }
    return std::min(level, 6);
  }

  void write_group(const std::vector<Line>& group) {
    if (group[0].mono) return write_code(group);
    std::string text;
    for (const Line& line : group) join(&text, line.text());
    if (has_leader(text)) text = without_leader(text);
    const bool has_letter =
        std::ranges::any_of(text, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80; });
    if (has_letter && group.size() <= kHeadingLines && text.size() <= kHeadingBytes && looks_like_heading(group[0])) {
      return out_->add_heading(level_of(group[0]), text);
    }
    if (const Mark mark = list_mark(text); mark.bytes > 0) return out_->add(BlockType::kListItem, mark.written + text.substr(mark.bytes));
    out_->add(BlockType::kParagraph, text);
  }

  // Lines of typewriter letters are kept, and their indentation.
  void write_code(const std::vector<Line>& group) {
    double left = group[0].left;
    for (const Line& line : group) left = std::min(left, line.left);
    std::string text;
    for (const Line& line : group) {
      const double wide = std::max(1.0, line.size * 0.6);
      text += std::string(static_cast<size_t>(std::clamp((line.left - left) / wide + 0.5, 0.0, 60.0)), ' ') + line.text() + "\n";
    }
    out_->add(BlockType::kCode, text);
  }

  static void join(std::string* text, const std::string& line) {
    if (text->empty()) {
      *text = line;
      return;
    }
    const size_t size = text->size();
    const bool letter_before = size >= 2 && std::isalpha(static_cast<unsigned char>((*text)[size - 2]));
    if (text->back() == '-' && letter_before && !line.empty() && std::islower(static_cast<unsigned char>(line[0]))) text->pop_back();
    else *text += ' ';
    *text += line;
  }

  Builder* out_;
  Style style_;
};

}  // namespace

void write_pages(std::vector<PageWords> pages, Builder* out) { Writer(out).write(std::move(pages)); }

}  // namespace strata::worker
