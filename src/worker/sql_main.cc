// strata-sql: answers one question to one SQLite database, confined. Started by knowledge/tool.
//
//   argv[1]: the database; argv[2…]: the tables that may be named (none: all)
//   standard input, read after confinement: {"sql", "rows", "bytes", "time_ms"}, or {"describe": true}
//   standard output: what worker/sql/sql.h says
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "worker/confine/confine.h"
#include "worker/sql/sql.h"

using namespace strata;  // NOLINT: a main program

namespace {

constexpr size_t kRequestBytesMost = 256u << 10;
constexpr int kCannot = 3, kCannotConfine = 4;

int say(int status, const std::string& message) {
  const std::string line = "fail: " + message + "\n";
  return write(STDERR_FILENO, line.data(), line.size()) < 0 ? status : status;
}

std::string read_all() {
  std::string out;
  char buffer[4096];
  while (out.size() <= kRequestBytesMost) {
    const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out.append(buffer, static_cast<size_t>(got));
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

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return say(kCannot, "expected the path of a database (this program is started by strata)");
  setenv("TZ", "UTC0", 1);
  auto database = worker::SqlDatabase::open(argv[1], {argv + 2, argv + argc});
  if (!database) return say(kCannot, database.error().message);
  const worker::Walls walls{.memory_bytes = 512u << 20, .cpu_seconds = 60, .opening = worker::Opening::kRefuse, .reading = true};
  if (auto standing = worker::confine(walls); !standing) return say(kCannotConfine, standing.error().message);
  auto request = Json::parse(read_all());
  if (!request) return say(kCannot, request.error().message);
  worker::SqlLimits limits;
  limits.rows = (*request)["rows"].to_int("rows").value_or(limits.rows);
  limits.bytes = static_cast<uint64_t>((*request)["bytes"].to_int("bytes").value_or(static_cast<int64_t>(limits.bytes)));
  limits.time_ms = (*request)["time_ms"].to_int("time_ms").value_or(limits.time_ms);
  const bool describe = (*request)["describe"] == Json(true);
  const auto* sql = (*request)["sql"].as_string();
  const Json answer = describe ? (*database)->describe() : (*database)->query(sql ? *sql : "", limits);
  _exit(write_all(answer.dump()) ? 0 : kCannot);
}
