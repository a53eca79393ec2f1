#include <algorithm>

#include "base/text.h"
#include "orchestration/registry/registry.h"

namespace strata::registry {
namespace {

using Lines = std::vector<std::string_view>;

// The work grows with the square of the differences: past this the middle is replaced as a whole. COST: 16 MB at the limit.
constexpr int kDifferencesMax = 2000;

Lines lines_of(std::string_view text) {
  if (text.empty()) return {};
  if (text.back() == '\n') text.remove_suffix(1);
  return split(text, '\n');
}

struct Range {
  int begin, end;
};

// Collects the lines in order.
class Script {
 public:
  Script(const Lines& a, const Lines& b) : a_(a), b_(b) {}
  void same(int i, int j) { out_.push_back({' ', i + 1, j + 1, std::string(a_[static_cast<size_t>(i)])}); }
  void gone(int i) { out_.push_back({'-', i + 1, 0, std::string(a_[static_cast<size_t>(i)])}); }
  void come(int j) { out_.push_back({'+', 0, j + 1, std::string(b_[static_cast<size_t>(j)])}); }
  std::vector<DiffLine> take() { return std::move(out_); }

 private:
  const Lines &a_, &b_;
  std::vector<DiffLine> out_;
};

// The steps of a shortest script from (0, 0) to (n, m), or nothing where there are too many differences. trace[d] holds, for each
// diagonal k in [-d, d], the furthest x that d differences reach.
class Myers {
 public:
  Myers(const Lines& a, Range ra, const Lines& b, Range rb) : a_(a), b_(b), ra_(ra), rb_(rb), n_(ra.end - ra.begin), m_(rb.end - rb.begin) {}

  bool run() {
    for (int d = 0; d <= std::min(n_ + m_, kDifferencesMax); ++d) {
      trace_.emplace_back(static_cast<size_t>(2 * d + 1), 0);
      for (int k = -d; k <= d; k += 2) {
        int x = start(d, k);
        while (x < n_ && x - k < m_ && equal(x, x - k)) ++x;
        at(d, k) = x;
        if (x >= n_ && x - k >= m_) return true;
      }
    }
    return false;
  }

  void write(Script& script) {
    struct Step {
      char sign;
      int x, y;
    };
    std::vector<Step> back;
    int x = n_, y = m_;
    for (int d = static_cast<int>(trace_.size()) - 1; d >= 0; --d) {
      int k = x - y, from = start(d, k);
      while (x > from) back.push_back({' ', --x, --y});
      if (d == 0) break;
      if (came_down(d, k)) back.push_back({'+', x, --y});
      else back.push_back({'-', --x, y});
    }
    std::reverse(back.begin(), back.end());
    for (auto& step : back) {
      if (step.sign == ' ') script.same(ra_.begin + step.x, rb_.begin + step.y);
      else if (step.sign == '-') script.gone(ra_.begin + step.x);
      else script.come(rb_.begin + step.y);
    }
  }

 private:
  int& at(int d, int k) { return trace_[static_cast<size_t>(d)][static_cast<size_t>(k + d)]; }
  bool equal(int x, int y) const { return a_[static_cast<size_t>(ra_.begin + x)] == b_[static_cast<size_t>(rb_.begin + y)]; }
  bool came_down(int d, int k) { return k == -d || (k != d && at(d - 1, k - 1) < at(d - 1, k + 1)); }
  int start(int d, int k) {
    if (d == 0) return 0;
    return came_down(d, k) ? at(d - 1, k + 1) : at(d - 1, k - 1) + 1;
  }

  const Lines &a_, &b_;
  Range ra_, rb_;
  int n_, m_;
  std::vector<std::vector<int>> trace_;
};

}  // namespace

std::vector<DiffLine> line_diff(std::string_view older, std::string_view newer) {
  Lines a = lines_of(older), b = lines_of(newer);
  int n = static_cast<int>(a.size()), m = static_cast<int>(b.size()), head = 0, tail = 0;
  auto line = [](const Lines& lines, int at) { return lines[static_cast<size_t>(at)]; };
  while (head < n && head < m && line(a, head) == line(b, head)) ++head;
  while (tail < n - head && tail < m - head && line(a, n - 1 - tail) == line(b, m - 1 - tail)) ++tail;
  Script script(a, b);
  for (int i = 0; i < head; ++i) script.same(i, i);
  Myers myers(a, {head, n - tail}, b, {head, m - tail});
  if (myers.run()) {
    myers.write(script);
  } else {
    for (int i = head; i < n - tail; ++i) script.gone(i);
    for (int j = head; j < m - tail; ++j) script.come(j);
  }
  for (int i = 0; i < tail; ++i) script.same(n - tail + i, m - tail + i);
  return script.take();
}

}  // namespace strata::registry
