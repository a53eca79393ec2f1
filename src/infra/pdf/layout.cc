#include "infra/pdf/layout.h"

namespace strata::pdf {
namespace {

struct Style {
  double size, leading, before;
  bool bold;
};
constexpr Style style_of(Kind kind) {
  switch (kind) {
    case Kind::kTitle: return {20, 26, 0, true};
    case Kind::kHeading: return {13, 18, 14, true};
    case Kind::kNote: return {8.5, 12, 4, false};
    default: return {10.5, 15, 7, false};
  }
}

class Setter {
 public:
  Layout done() {
    if (out_.pages.empty()) out_.pages.emplace_back();
    return std::move(out_);
  }
  void block(const Block& block) {
    style_ = style_of(block.kind);
    const bool heading = block.kind == Kind::kHeading || block.kind == Kind::kTitle;
    if (out_.pages.empty()) new_page();
    else y_ -= style_.before;
    // A heading stays with two lines of what follows it.
    if (y_ - style_.leading * (heading ? 3 : 1) < kMargin) new_page();
    const Place here{out_.pages.size() - 1, y_};
    if (block.anchor > 0) out_.anchors.emplace_back(block.anchor, here);
    if (heading) {
      std::string title;
      for (const Span& span : block.spans) title += span.text;
      out_.bookmarks.push_back({std::move(title), here});
    }
    begin_line();
    for (const Span& span : block.spans) this->span(span);
    end_line();
  }

 private:
  void new_page() {
    out_.pages.emplace_back();
    y_ = kPageHeight - kMargin;
  }
  void begin_line() {
    line_.clear();
    x_ = kMargin;
  }
  void end_line() {
    if (line_.empty()) return;
    if (y_ - style_.leading < kMargin) new_page();
    y_ -= style_.leading;
    for (Run& run : line_) {
      run.y = y_;
      out_.pages.back().push_back(std::move(run));
    }
    begin_line();
  }
  // Word by word; white space stays with the word before it and may hang over the edge.
  void span(const Span& span) {
    const std::string text = to_windows_1252(span.text, &out_.missing);
    for (size_t at = 0; at < text.size();) {
      size_t end = text.find(' ', at);
      end = end == text.npos ? text.size() : end + 1;
      word(span, text.substr(at, end - at));
      at = end;
    }
  }
  void word(const Span& span, std::string word) {
    const bool bold = span.bold || style_.bold;
    const double room = kPageWidth - 2 * kMargin;
    const std::string_view bare(word.data(), word.size() - (word.ends_with(' ') ? 1 : 0));
    if (x_ > kMargin && x_ + width_of(bare, bold, style_.size) > kPageWidth - kMargin) end_line();
    while (width_of(word, bold, style_.size) > room && word.size() > 1) {   // longer than a line: cut
      size_t fits = 1;
      while (fits + 1 < word.size() && width_of(std::string_view(word).substr(0, fits + 1), bold, style_.size) <= room) ++fits;
      put(span, word.substr(0, fits), bold);
      end_line();
      word.erase(0, fits);
    }
    if (word == " " && x_ == kMargin) return;
    put(span, word, bold);
  }
  void put(const Span& span, const std::string& text, bool bold) {
    const double width = width_of(text, bold, style_.size);
    Run* last = line_.empty() ? nullptr : &line_.back();
    if (last && last->bold == bold && last->url == span.url && last->target == span.target) {
      last->text += text;
      last->width += width;
    } else {
      line_.push_back({text, bold, x_, 0, style_.size, width, span.url, span.target});
    }
    x_ += width;
  }

  Layout out_;
  Style style_{};
  double x_ = kMargin, y_ = kPageHeight - kMargin;
  std::vector<Run> line_;
};

}  // namespace

Layout lay_out(const std::vector<Block>& blocks) {
  Setter setter;
  for (const Block& block : blocks) setter.block(block);
  return setter.done();
}

}  // namespace strata::pdf
