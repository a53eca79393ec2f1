#include "worker/pdf/rows.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "worker/parse/builder.h"

namespace strata::worker {
namespace {

constexpr size_t kRowsMost = 3'000;
constexpr size_t kRaisedMost = 6'000;   // words; looking for raised ones is quadratic
// Gaps between words, in sizes of the letters. A cell's is wider than any space between words; the gutter between columns of text is
// often narrower than that, and is told by standing at one place in many rows.
constexpr double kCellGap = 1.6, kGutterGap = 0.75;
constexpr size_t kColumnRows = 4;       // text columns have so many rows at least, on both sides,
constexpr double kColumnLetters = 20;   // of so many letters each; cells of tables have fewer
constexpr int kColumnDepth = 3;

double center(const Word& word) { return (word.top + word.bottom) / 2; }

double usual_size(const std::vector<Word>& words) {
  std::map<int, size_t> sizes;
  for (const Word& word : words) sizes[static_cast<int>(std::lround(word.size * 2))] += word.text.size();
  const auto most = std::ranges::max_element(sizes, {}, [](const auto& entry) { return entry.second; });
  return most == sizes.end() ? 10 : most->first / 2.0;
}

// Raised and lowered marks (footnotes, exponents) go into the row of the word they touch.
void settle_small_words(std::vector<Word>* words) {
  if (words->size() > kRaisedMost) return;
  const double small = 0.82 * usual_size(*words);
  for (Word& word : *words) {
    if (word.size > small || word.text.size() > 12) continue;
    for (const Word& near : *words) {
      if (near.size < word.size * 1.15) continue;
      const double overlap = std::min(near.bottom, word.bottom) - std::max(near.top, word.top);
      const double apart = std::min(std::abs(word.left - near.right), std::abs(near.left - word.right));
      if (overlap < 0.2 * (word.bottom - word.top) || apart > 0.4 * near.size) continue;
      word.top = near.top;
      word.bottom = near.bottom;
      break;
    }
  }
}

// "•", "3.", "2.1.4", "(a)": what stands far before the text that it marks is no cell of its own.
bool is_mark(const Line& line) {
  const std::string text = line.text();
  if (text.size() > 8 || line.words.size() > 1) return false;
  if (text.find_first_not_of("0123456789.()abcdefivx") == text.npos)
    return text.back() == '.' || text.back() == ')' || text.find('.') != text.npos || text.size() <= 2;
  return text.size() <= 3 && static_cast<unsigned char>(text[0]) >= 0x80;
}

std::vector<Line> cells_of(std::vector<Word> words, double gap) {
  std::ranges::stable_sort(words, {}, &Word::left);
  std::vector<Line> cells;
  for (Word& word : words) {
    const bool apart = cells.empty() || word.left - cells.back().right > std::max(gap * std::max(word.size, cells.back().size), 5 * gap);
    if (apart && !(cells.size() == 1 && is_mark(cells[0]) && word.left - cells[0].right < 5 * word.size)) cells.emplace_back();
    cells.back().add(std::move(word));
  }
  return cells;
}

Row row_of(std::vector<Line> cells) {
  Row row;
  for (const Line& cell : cells) {
    for (const Word& word : cell.words) row.line.add(word);
  }
  row.cells = std::move(cells);
  return row;
}

std::vector<Row> rows_of(std::vector<Word> words) {
  std::ranges::stable_sort(words, {}, center);
  std::vector<Row> rows;
  for (size_t at = 0; at < words.size();) {
    size_t end = at + 1;
    double height = words[at].bottom - words[at].top;
    while (end < words.size() && center(words[end]) - center(words[at]) < 0.4 * std::min(height, words[end].bottom - words[end].top)) {
      height = std::max(height, words[end].bottom - words[end].top);
      ++end;
    }
    std::vector<Word> some(std::make_move_iterator(words.begin() + static_cast<std::ptrdiff_t>(at)),
                           std::make_move_iterator(words.begin() + static_cast<std::ptrdiff_t>(end)));
    rows.push_back(row_of(cells_of(std::move(some), kGutterGap)));
    at = end;
  }
  return rows;
}

// A stretch of rows that a white gutter at `x` parts into two columns of text.
struct Run {
  size_t begin = 0, end = 0;
};

class Columns {
 public:
  explicit Columns(std::vector<Row>* out) : out_(out) {}

  void order(std::vector<Row> rows, int depth) {
    if (depth >= kColumnDepth || rows.size() < kColumnRows || rows.size() > kRowsMost) return emit(std::move(rows));
    double best_x = 0;
    std::vector<Run> best;
    size_t most = 0;
    for (double x : gutters(rows)) {
      const std::vector<Run> found = runs(rows, x);
      size_t covered = 0;
      for (const Run& run : found) covered += run.end - run.begin;
      if (covered > most) best = found, best_x = x, most = covered;
    }
    size_t at = 0;
    for (const Run& run : best) {
      emit(slice(&rows, at, run.begin));
      std::vector<Row> left, right;
      for (size_t i = run.begin; i < run.end; ++i) part(std::move(rows[i]), best_x, &left, &right);
      order(std::move(left), depth + 1);
      order(std::move(right), depth + 1);
      at = run.end;
    }
    emit(slice(&rows, at, rows.size()));
  }

 private:
  void emit(std::vector<Row> rows) {
    for (Row& row : rows) out_->push_back(row_of(cells_of(std::move(row.line.words), kCellGap)));
  }

  static std::vector<Row> slice(std::vector<Row>* rows, size_t begin, size_t end) {
    return {std::make_move_iterator(rows->begin() + static_cast<std::ptrdiff_t>(begin)),
            std::make_move_iterator(rows->begin() + static_cast<std::ptrdiff_t>(end))};
  }

  static void part(Row row, double x, std::vector<Row>* left, std::vector<Row>* right) {
    std::vector<Line> before, after;
    for (Line& cell : row.cells) (cell.right <= x ? before : after).push_back(std::move(cell));
    if (!before.empty()) left->push_back(row_of(std::move(before)));
    if (!after.empty()) right->push_back(row_of(std::move(after)));
  }

  // Places that the fewest rows cross, in the middle of the page: the centres of the best few white stripes.
  static std::vector<double> gutters(const std::vector<Row>& rows) {
    double left = rows[0].line.left, right = rows[0].line.right;
    for (const Row& row : rows) left = std::min(left, row.line.left), right = std::max(right, row.line.right);
    const double width = right - left;
    if (!(width > 50) || width > 20'000) return {};
    std::vector<int> crossing(static_cast<size_t>(width) + 2, 0);
    for (const Row& row : rows) {
      for (const Line& cell : row.cells) {
        ++crossing[static_cast<size_t>(cell.left - left)];
        --crossing[static_cast<size_t>(cell.right - left) + 1];
      }
    }
    for (size_t i = 1; i < crossing.size(); ++i) crossing[i] += crossing[i - 1];
    struct Stripe {
      int crossed;
      size_t begin, end;
    };
    std::vector<Stripe> stripes;
    for (size_t i = static_cast<size_t>(width * 0.15); i < static_cast<size_t>(width * 0.85); ++i) {
      if (!stripes.empty() && stripes.back().end == i && stripes.back().crossed == crossing[i]) stripes.back().end = i + 1;
      else stripes.push_back({crossing[i], i, i + 1});
    }
    std::erase_if(stripes, [&](const Stripe& stripe) { return stripe.end - stripe.begin < 4; });
    std::ranges::sort(stripes,
                      [](const Stripe& a, const Stripe& b) { return a.crossed != b.crossed ? a.crossed < b.crossed : a.end - a.begin > b.end - b.begin; });
    std::vector<double> out;
    for (const Stripe& stripe : stripes) {
      if (out.size() < 4) out.push_back(left + static_cast<double>(stripe.begin + stripe.end) / 2);
    }
    return out;
  }

  static bool crosses(const Row& row, double x) {
    return std::ranges::any_of(row.cells, [&](const Line& cell) { return cell.left < x && cell.right > x; });
  }

  static std::vector<Run> runs(const std::vector<Row>& rows, double x) {
    std::vector<Run> out;
    for (size_t at = 0; at < rows.size();) {
      size_t end = at;
      while (end < rows.size() && !crosses(rows[end], x)) ++end;
      const Run run = without_tail(rows, {at, end}, x);
      if (run.end > run.begin && is_text(rows, run, x)) out.push_back(run);
      at = std::max(end, at) + 1;
    }
    return out;
  }

  // Rows on the left only, set off behind the columns (a heading over what comes next), are not part of them.
  static Run without_tail(const std::vector<Row>& rows, Run run, double x) {
    size_t last = run.end;
    while (last > run.begin && rows[last - 1].line.right <= x) --last;
    for (size_t i = std::max(last, run.begin + 1); i < run.end; ++i) {
      if (rows[i].line.top - rows[i - 1].line.bottom > 0.9 * rows[i].line.height()) return {run.begin, i};
    }
    return run;
  }

  static bool is_text(const std::vector<Row>& rows, Run run, double x) {
    size_t left = 0, right = 0;
    double left_letters = 0, right_letters = 0, left_cells = 0, right_cells = 0;
    for (size_t i = run.begin; i < run.end; ++i) {
      bool on_left = false, on_right = false;
      for (const Line& cell : rows[i].cells) {
        const bool before = cell.right <= x;
        (before ? on_left : on_right) = true;
        (before ? left_letters : right_letters) += static_cast<double>(cell.text().size());
        ++(before ? left_cells : right_cells);
      }
      left += on_left;
      right += on_right;
    }
    return left >= kColumnRows && right >= kColumnRows && left_letters >= kColumnLetters * left_cells && right_letters >= kColumnLetters * right_cells;
  }

  std::vector<Row>* out_;
};

}  // namespace

void Line::add(Word word) {
  if (words.empty()) left = word.left, top = word.top, right = word.right, bottom = word.bottom, size = word.size;
  left = std::min(left, word.left);
  top = std::min(top, word.top);
  right = std::max(right, word.right);
  bottom = std::max(bottom, word.bottom);
  size = std::max(size, word.size);
  bold = bold && word.bold;
  mono = mono && word.mono;
  words.push_back(std::move(word));
}

std::string Line::text() const {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) {
      const double gap = words[i].left - words[i - 1].right;
      // Typewriter text keeps its columns.
      const double wide = std::max(1.0, 0.6 * words[i].size);
      if (mono && gap > 1.5 * wide) out.append(static_cast<size_t>(std::clamp(gap / wide + 0.5, 1.0, 80.0)), ' ');
      else if (gap > 0.1 * words[i].size) out += ' ';
    }
    out += words[i].text;
  }
  return mono ? clean_text(out, true) : one_line(out);
}

std::vector<Row> reading_order(std::vector<Word> words) {
  std::erase_if(words, [](const Word& word) { return trim(word.text).empty(); });
  std::vector<Row> out;
  // The way most of the page is turned is upright; the rest (stamps, axis labels) is read by itself, after that.
  size_t letters[4] = {};
  for (const Word& word : words) letters[word.rotation & 3] += word.text.size();
  const int upright = static_cast<int>(std::max_element(letters, letters + 4) - letters);
  for (Word& word : words) word.rotation = (word.rotation - upright) & 3;
  for (int rotation = 0; rotation < 4; ++rotation) {
    std::vector<Word> some;
    std::ranges::copy_if(words, std::back_inserter(some), [&](const Word& word) { return word.rotation == rotation; });
    if (some.empty()) continue;
    settle_small_words(&some);
    Columns(&out).order(rows_of(std::move(some)), 0);
  }
  return out;
}

}  // namespace strata::worker
