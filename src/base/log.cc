#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/clock.h"

namespace strata::log {
namespace {

std::atomic<Level> least_level{Level::kInfo};

void write(Level level, std::string_view name, std::string_view event, Fields fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  Json line = Json::object({{"time", iso8601(system_clock().unix_ms())}, {"level", name}, {"event", event}});
  for (auto& [key, value] : fields) line.set(std::string(key), value);
  std::string text = line.dump() + "\n";
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nowhere left to say so
}

}  // namespace

void debug(std::string_view event, Fields fields) { write(Level::kDebug, "debug", event, fields); }
void info(std::string_view event, Fields fields) { write(Level::kInfo, "info", event, fields); }
void warning(std::string_view event, Fields fields) { write(Level::kWarning, "warning", event, fields); }
void error(std::string_view event, Fields fields) { write(Level::kError, "error", event, fields); }
void set_level(Level least) { least_level.store(least, std::memory_order_relaxed); }

}  // namespace strata::log
