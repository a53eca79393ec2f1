#include "worker/pdf/table.h"

#include <algorithm>

#include "worker/parse/builder.h"

namespace strata::worker {
namespace {

struct Interval {
  double left, right;
};

bool parted(const Row& row) { return row.cells.size() >= 2 && !row.line.mono; }

// Does `row`, of one cell, go on with a wrapped cell of the row before (not its first)?
bool continues_cell(const Row& before, const Row& row) {
  if (row.cells.size() != 1 || before.cells.size() < 2 || row.line.top - before.line.bottom > 0.7 * row.line.height()) return false;
  return std::ranges::any_of(before.cells.begin() + 1, before.cells.end(), [&](const Line& cell) { return std::abs(cell.left - row.line.left) < 4; });
}

// The columns: what all cells cover, overlapping ones together.
std::vector<Interval> columns_of(std::span<const Row> rows) {
  std::vector<Interval> all;
  for (const Row& row : rows) {
    for (const Line& cell : row.cells) all.push_back({cell.left, cell.right});
  }
  std::ranges::sort(all, {}, &Interval::left);
  std::vector<Interval> columns;
  for (const Interval& one : all) {
    if (columns.empty() || one.left > columns.back().right) columns.push_back(one);
    else columns.back().right = std::max(columns.back().right, one.right);
  }
  return columns;
}

}  // namespace

size_t table_rows(std::span<const Row> rows) {
  size_t count = 0, with_cells = 0;
  while (count < rows.size()) {
    const bool far =
        count > 0 && (rows[count].line.top < rows[count - 1].line.top || rows[count].line.top - rows[count - 1].line.bottom > 2.5 * rows[count].line.height());
    if (far) break;
    if (parted(rows[count])) ++with_cells;
    else if (count == 0 || !continues_cell(rows[count - 1], rows[count])) break;
    ++count;
  }
  return with_cells >= 2 ? count : 0;
}

std::string table_text(std::span<const Row> rows) {
  const std::vector<Interval> columns = columns_of(rows);
  size_t widest = 0;
  for (const Row& row : rows) widest = std::max(widest, row.cells.size());
  const bool aligned = columns.size() >= widest && columns.size() <= 2 * widest;
  std::vector<std::vector<std::string>> table;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> cells(aligned ? columns.size() : 0);
    for (const Line& cell : rows[i].cells) {
      if (!aligned) {
        cells.push_back(cell.text());
        continue;
      }
      size_t column = 0;
      while (column + 1 < columns.size() && columns[column].right < cell.left) ++column;
      cells[column] += (cells[column].empty() ? "" : " ") + cell.text();
    }
    const bool close = i > 0 && rows[i].line.top - rows[i - 1].line.bottom < 0.5 * rows[i].line.height();
    if (aligned && close && cells[0].empty()) {
      for (size_t c = 0; c < cells.size(); ++c) {
        if (!cells[c].empty()) table.back()[c] += (table.back()[c].empty() ? "" : " ") + cells[c];
      }
    } else {
      table.push_back(std::move(cells));
    }
  }
  std::string out;
  for (const auto& cells : table) out += table_row(cells) + "\n";
  return out;
}

}  // namespace strata::worker
