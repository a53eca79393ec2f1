// Whatever parses has in each row a field for each column of the header.
#include <cstdlib>

#include "product/outcome/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto table = strata::outcome::Table::parse({reinterpret_cast<const char*>(data), size}, {{"week"}, {"name", false}, {"value", false}});
  if (!table) return 0;
  for (size_t row = 0; row < table->rows(); ++row) {
    if (table->line(row) < 1) std::abort();
    for (auto column : {"week", "name", "value", "absent"}) (void)table->text(row, column);
  }
  return 0;
}
