// Rows with cells → the rows of a table, cells under their columns.
#pragma once

#include <span>
#include <string>

#include "worker/pdf/rows.h"

namespace strata::worker {

// How many rows from the start of `rows` make a table; 0 where there is none. A table has two rows at least with two cells or more.
size_t table_rows(std::span<const Row> rows);

// "| a | b |" lines. Lines of a wrapped cell are joined.
std::string table_text(std::span<const Row> rows);

}  // namespace strata::worker
