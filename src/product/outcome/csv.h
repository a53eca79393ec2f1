// CSV of people's spreadsheets (RFC 4180, UTF-8, with or without a byte order mark), bounded and checked against the columns that are
// wanted. Errors are kInvalidArgument with param "csv" and name the line. Only this folder includes it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::outcome {

struct Column {
  std::string_view name;
  bool required = true;
};

struct CsvLine {
  int number = 0;                        // of the file, from 1, where the record begins
  std::vector<std::string> fields;
};

// The records of a file by column name, after its header was checked. Blank lines are skipped.
class Table {
 public:
  static Result<Table> parse(std::string_view csv, const std::vector<Column>& columns);
  size_t rows() const { return lines_.size() - 1; }
  int line(size_t row) const { return lines_[row + 1].number; }
  // The field without white space around it; `absent` where the column is not there or the field is empty.
  std::string text(size_t row, std::string_view column, const std::string& absent = "") const;

 private:
  Status take_header(const std::vector<Column>& columns);
  std::vector<CsvLine> lines_;                               // [0] is the header
  std::map<std::string, size_t, std::less<>> columns_;
};

}  // namespace strata::outcome
