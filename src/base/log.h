// Structured logs: one JSON object a line on standard error. Never secrets, prompts or document text.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace strata::log {

enum class Level { kDebug, kInfo, kWarning, kError };

using Fields = std::initializer_list<std::pair<std::string_view, Json>>;

// `event` is a stable name ("model.loaded"); what varies goes into the fields. THREADS: safe; one write per line.
void debug(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
void warning(std::string_view event, Fields fields = {});
void error(std::string_view event, Fields fields = {});

void set_level(Level least);  // default: info

}  // namespace strata::log
