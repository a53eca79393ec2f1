// strata-postgres: asks one question of one PostgreSQL database, confined. Started by knowledge/tool.
//
//   standard input: one line {"connection", "password"}; then, read after confinement: {"sql", "rows", "bytes", "time_ms"}, or {"describe": true}
//   standard output: what worker/postgres/postgres.h says
//   exit status: 3 what an operator must mend, 4 it cannot confine itself, 5 the database cannot be reached now; the reason on standard error
#include <unistd.h>

#include <cstdlib>

#include "worker/confine/confine.h"
#include "worker/pipes/pipes.h"
#include "worker/postgres/postgres.h"

using namespace strata;  // NOLINT: a main program

namespace {

constexpr size_t kRequestBytesMost = 256u << 10;
constexpr int kCannot = 3, kCannotConfine = 4, kCannotReach = 5;

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

}  // namespace

int main() {
  setenv("TZ", "UTC0", 1);
  auto where = Json::parse(worker::read_line(kRequestBytesMost));
  if (!where) return worker::fail(kCannot, "expected a connection (this program is started by strata)");
  auto database = worker::PostgresDatabase::open(text_of((*where)["connection"]), text_of((*where)["password"]));
  if (!database) return worker::fail(database.error().code == Code::kUnavailable ? kCannotReach : kCannot, database.error().message);
  const worker::Walls walls{.memory_bytes = 512u << 20, .cpu_seconds = 60, .opening = worker::Opening::kRefuse, .reading = true, .connected = true};
  if (auto standing = worker::confine(walls); !standing) return worker::fail(kCannotConfine, standing.error().message);
  auto request = Json::parse(worker::read_rest(kRequestBytesMost));
  if (!request) return worker::fail(kCannot, request.error().message);
  worker::PostgresLimits limits;
  limits.rows = (*request)["rows"].to_int("rows").value_or(limits.rows);
  limits.bytes = static_cast<uint64_t>((*request)["bytes"].to_int("bytes").value_or(static_cast<int64_t>(limits.bytes)));
  limits.time_ms = (*request)["time_ms"].to_int("time_ms").value_or(limits.time_ms);
  const bool describe = (*request)["describe"] == Json(true);
  const Json answer = describe ? (*database)->describe() : (*database)->query(text_of((*request)["sql"]), limits);
  _exit(worker::write_all(answer.dump()) ? 0 : kCannot);
}
