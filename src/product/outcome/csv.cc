#include "product/outcome/csv.h"

#include <algorithm>

#include "base/text.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

constexpr size_t kColumnsMax = 32;

Error at_line(int line, const std::string& text) { return invalid_argument("line " + std::to_string(line) + ": " + text, "csv"); }

// One record; takes it off `text` and counts the lines that it spans. A record ends at a line feed outside quotes.
Result<CsvLine> take_record(std::string_view& text, int& line) {
  CsvLine record{line, {""}};
  bool quoted = false, closed = false;   // inside quotes; just after a closing quote
  size_t i = 0;
  for (; i < text.size(); ++i) {
    char c = text[i];
    std::string& field = record.fields.back();
    if (quoted) {
      if (c == '\n') ++line;
      if (c != '"') field += c;
      else if (i + 1 < text.size() && text[i + 1] == '"') field += text[++i];
      else quoted = false, closed = true;
    } else if (c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) {
      i += c == '\r' ? 2 : 1;
      ++line;
      break;
    } else if (c == ',') {
      if (record.fields.size() == kColumnsMax) return at_line(record.number, "more than " + std::to_string(kColumnsMax) + " columns");
      record.fields.emplace_back();
      closed = false;
    } else if (closed) {
      return at_line(record.number, "expected a comma after the closing quote of column " + std::to_string(record.fields.size()));
    } else if (c == '"' && field.empty()) {
      quoted = true;
    } else {
      field += c;
    }
  }
  if (quoted) return at_line(record.number, "a quote is opened and never closed");
  text.remove_prefix(std::min(i, text.size()));
  return record;
}

bool blank(const CsvLine& record) { return record.fields.size() == 1 && trim(record.fields[0]).empty(); }

Result<std::vector<CsvLine>> parse_csv(std::string_view text) {
  if (text.size() > kImportBytesMax)
    return invalid_argument("csv: at most " + human_bytes(kImportBytesMax) + " in one import, got " + human_bytes(text.size()) + ": split it", "csv");
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (!utf8_valid(text) || text.find('\0') != text.npos) return invalid_argument("csv: must be UTF-8 without NUL", "csv");
  std::vector<CsvLine> lines;
  for (int number = 1; !text.empty();) {
    TRY_ASSIGN(CsvLine record, take_record(text, number));
    if (blank(record)) continue;
    if (lines.size() > static_cast<size_t>(kImportRowsMax))
      return invalid_argument("csv: at most " + std::to_string(kImportRowsMax) + " rows in one import: split it", "csv");
    lines.push_back(std::move(record));
  }
  if (lines.empty()) return invalid_argument("csv: it is empty; the first line names the columns", "csv");
  return lines;
}

}  // namespace

Status Table::take_header(const std::vector<Column>& columns) {
  const CsvLine& header = lines_[0];
  std::vector<std::string_view> names;
  for (auto& column : columns) names.push_back(column.name);
  for (size_t i = 0; i < header.fields.size(); ++i) {
    std::string name = ascii_lower(trim(header.fields[i]));
    if (std::find(names.begin(), names.end(), name) == names.end()) return at_line(header.number, not_one_of(name, names, "column").message);
    if (!columns_.emplace(name, i).second) return at_line(header.number, "column '" + name + "' is there twice");
  }
  for (auto& column : columns)
    if (column.required && !columns_.count(column.name)) return at_line(header.number, "the column '" + std::string(column.name) + "' is missing");
  return {};
}

Result<Table> Table::parse(std::string_view csv, const std::vector<Column>& columns) {
  Table table;
  TRY_ASSIGN(table.lines_, parse_csv(csv));
  TRY(table.take_header(columns));
  size_t width = table.lines_[0].fields.size();
  for (auto& line : table.lines_)
    if (line.fields.size() != width)
      return at_line(line.number, "expected " + std::to_string(width) + " columns as in the header, got " + std::to_string(line.fields.size()));
  return table;
}

std::string Table::text(size_t row, std::string_view column, const std::string& absent) const {
  auto found = columns_.find(column);
  if (found == columns_.end()) return absent;
  std::string value(trim(lines_[row + 1].fields[found->second]));
  return value.empty() ? absent : value;
}

}  // namespace strata::outcome
