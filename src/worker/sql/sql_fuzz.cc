// SQL from outside: any bytes give an answer or an error, in bounded time, and the database stays as it was.
#include <sqlite3.h>

#include <cstdlib>
#include <string>

#include "worker/sql/sql.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto database = [] {
    char path[] = "/tmp/strata-sql-fuzz-XXXXXX";
    if (mkstemp(path) < 0) abort();
    sqlite3* writer = nullptr;
    sqlite3_open(path, &writer);
    sqlite3_exec(writer, "CREATE TABLE city(name TEXT, people INTEGER); INSERT INTO city VALUES('Oslo', 700000), ('Rome', 2800000)", nullptr, nullptr, nullptr);
    sqlite3_close(writer);
    auto opened = worker::SqlDatabase::open(path, {});
    remove(path);
    if (!opened) abort();
    return std::move(*opened);
  }();
  const worker::SqlLimits limits{.rows = 10, .bytes = 4'096, .time_ms = 200, .heap_bytes = 32u << 20};
  database->query({reinterpret_cast<const char*>(data), size}, limits);
  const Json left = database->query("SELECT count(*) FROM city", limits);
  if (left["rows"].dump() != "[[2]]") abort();
  return 0;
}
