// strata-postgres: asks one question of one PostgreSQL database, confined. Started by knowledge/tool.
//
//   standard input: one line {"connection", "password"}; then, read after confinement: {"sql", "rows", "bytes", "time_ms"}, or {"describe": true}
//   standard output: what worker/postgres/postgres.h says
//   exit status: 3 what an operator must mend, 4 it cannot confine itself, 5 the database cannot be reached now; the reason on standard error
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "worker/confine/confine.h"
#include "worker/postgres/postgres.h"

using namespace strata;  // NOLINT: a main program

namespace {

constexpr size_t kRequestBytesMost = 256u << 10;
constexpr int kCannot = 3, kCannotConfine = 4, kCannotReach = 5;

int say(int status, const std::string& message) {
  const std::string line = "fail: " + message + "\n";
  return write(STDERR_FILENO, line.data(), line.size()) < 0 ? status : status;
}

// Up to the end of the line, or of the input.
std::string read_until(bool line) {
  std::string out;
  char byte;
  while (out.size() <= kRequestBytesMost) {
    const ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || (line && byte == '\n')) break;
    out += byte;
  }
  return out;
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

}  // namespace

int main() {
  setenv("TZ", "UTC0", 1);
  auto where = Json::parse(read_until(true));
  if (!where) return say(kCannot, "expected a connection (this program is started by strata)");
  auto database = worker::PostgresDatabase::open(text_of((*where)["connection"]), text_of((*where)["password"]));
  if (!database) return say(database.error().code == Code::kUnavailable ? kCannotReach : kCannot, database.error().message);
  const worker::Walls walls{.memory_bytes = 512u << 20, .cpu_seconds = 60, .opening = worker::Opening::kRefuse, .reading = true, .connected = true};
  if (auto standing = worker::confine(walls); !standing) return say(kCannotConfine, standing.error().message);
  auto request = Json::parse(read_until(false));
  if (!request) return say(kCannot, request.error().message);
  worker::PostgresLimits limits;
  limits.rows = (*request)["rows"].to_int("rows").value_or(limits.rows);
  limits.bytes = static_cast<uint64_t>((*request)["bytes"].to_int("bytes").value_or(static_cast<int64_t>(limits.bytes)));
  limits.time_ms = (*request)["time_ms"].to_int("time_ms").value_or(limits.time_ms);
  const bool describe = (*request)["describe"] == Json(true);
  const Json answer = describe ? (*database)->describe() : (*database)->query(text_of((*request)["sql"]), limits);
  _exit(write_all(answer.dump()) ? 0 : kCannot);
}
