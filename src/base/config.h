// Typed configuration: one TOML file, environment overrides, command-line overrides, in that order of growing strength.
//
// Each field is declared once (key, kind, default, range, meaning); the declaration parses, checks and documents it. An unknown key
// is an error that names the nearest one; a wrong value names the key, what was expected, and where it came from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace strata::config {

using Value = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

struct Field {
  std::string key;        // "server.port"; its environment variable is STRATA_SERVER_PORT
  Value fallback;         // also fixes the type
  std::string meaning;    // one sentence, with the unit
  double least = -1e18, most = 1e18;      // of numbers
  std::vector<std::string> choices;       // of strings; empty: any
};

class Config {
 public:
  bool flag(std::string_view key) const;
  int64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  const std::string& text(std::string_view key) const;
  const std::vector<std::string>& list(std::string_view key) const;
  // Where the value came from: "default", "FILE:LINE", "environment", "command line".
  const std::string& origin(std::string_view key) const;

 private:
  friend Result<Config> load(const std::vector<Field>&, std::string_view, std::string_view, const std::map<std::string, std::string>&,
                             const std::map<std::string, std::string>&);
  struct Entry {
    Value value;
    std::string origin;
  };
  const Entry& entry(std::string_view key) const;  // CHECKs that the key is declared
  std::map<std::string, Entry, std::less<>> entries_;
};

// `file_text` is TOML ("" where there is no file), `file_name` names it in errors; `environment` and `command_line` map variable
// names (STRATA_…) and keys to text. Variables that begin with STRATA_ and name no field are left alone (scripts use some).
Result<Config> load(const std::vector<Field>& fields, std::string_view file_text, std::string_view file_name,
                    const std::map<std::string, std::string>& environment, const std::map<std::string, std::string>& command_line);

// The documented form: every field with its meaning, range, default, current value and origin, as TOML.
std::string describe(const std::vector<Field>& fields, const Config& config);

}  // namespace strata::config
