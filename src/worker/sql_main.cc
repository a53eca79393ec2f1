// strata-sql: answers one question to one SQLite database, confined. Started by knowledge/tool.
//
//   argv[1]: the database; argv[2…]: the tables that may be named (none: all)
//   standard input, read after confinement: {"sql", "rows", "bytes", "time_ms"}, or {"describe": true}
//   standard output: what worker/sql/sql.h says
#include <unistd.h>

#include <cstdlib>

#include "worker/confine/confine.h"
#include "worker/pipes/pipes.h"
#include "worker/sql/sql.h"

using namespace strata;  // NOLINT: a main program

namespace {

constexpr size_t kRequestBytesMost = 256u << 10;
constexpr int kCannot = 3, kCannotConfine = 4;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return worker::fail(kCannot, "expected the path of a database (this program is started by strata)");
  setenv("TZ", "UTC0", 1);
  auto database = worker::SqlDatabase::open(argv[1], {argv + 2, argv + argc});
  if (!database) return worker::fail(kCannot, database.error().message);
  const worker::Walls walls{.memory_bytes = 512u << 20, .cpu_seconds = 60, .opening = worker::Opening::kRefuse, .reading = true};
  if (auto standing = worker::confine(walls); !standing) return worker::fail(kCannotConfine, standing.error().message);
  auto request = Json::parse(worker::read_rest(kRequestBytesMost));
  if (!request) return worker::fail(kCannot, request.error().message);
  worker::SqlLimits limits;
  limits.rows = (*request)["rows"].to_int("rows").value_or(limits.rows);
  limits.bytes = static_cast<uint64_t>((*request)["bytes"].to_int("bytes").value_or(static_cast<int64_t>(limits.bytes)));
  limits.time_ms = (*request)["time_ms"].to_int("time_ms").value_or(limits.time_ms);
  const bool describe = (*request)["describe"] == Json(true);
  const auto* sql = (*request)["sql"].as_string();
  const Json answer = describe ? (*database)->describe() : (*database)->query(sql ? *sql : "", limits);
  _exit(worker::write_all(answer.dump()) ? 0 : kCannot);
}
