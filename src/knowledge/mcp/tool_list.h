// A server's tools as it lists them: read strictly, pinned by a hash, compared. Inside knowledge/mcp only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "knowledge/mcp/session.h"

namespace strata::mcp {

struct Definition {
  std::string name;                        // the server's
  std::string description;
  Json input, output;                      // JSON Schemas; output is null where there is none
  // Arguments that are mirrored into headers (Mcp-Param-NAME): where in the arguments, and NAME.
  struct Mirror {
    std::vector<std::string> path;
    std::string header;
  };
  std::vector<Mirror> mirrors;
};

// A tool that is not taken, and why.
struct LeftOut {
  std::string name, why;
};

struct ToolList {
  Json pinned = Json::array();             // what a person approves: name, title, description, schemas and annotations, by name
  std::string hash;                        // SHA-256 over it and where the server is
  std::vector<Definition> tools;           // those that can be taken
  std::vector<LeftOut> left_out;
};

inline constexpr size_t kToolsMost = 200, kPagesMost = 50;
inline constexpr size_t kToolBytesMost = 64u << 10;      // of one tool's definition
inline constexpr size_t kDescriptionBytesMost = 4'000;   // a longer one leaves the tool out: it would be an essay to the model

// All pages. Whatever is wrong with one tool leaves that one out; whatever is wrong with the list is an error.
Result<ToolList> fetch_tools(const Context& context, Session& session, const std::string& target);
// `tools`: as listed, or `pinned` of a list read before. Never fails: what cannot be taken is left out.
ToolList read_tools(const Json::Array& tools, const std::string& target);

// What became different: {"added": [names], "removed": [names], "changed": [{"name", "fields": [{"field", "before", "after"}]}]}.
Json difference(const Json& before, const Json& after);

// The headers of one call. kInvalidArgument where a value cannot be mirrored.
Result<Session::Headers> mirrored_headers(const Definition& tool, const Json& arguments);

}  // namespace strata::mcp
