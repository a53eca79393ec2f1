#include "knowledge/mcp/tool_list.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "knowledge/mcp/protocol.h"
#include "knowledge/tool/tool.h"
#include "model/schema/schema.h"

namespace strata::mcp {
namespace {

constexpr int kSchemaDepthMost = 48;
constexpr int64_t kSafeInteger = (1LL << 53) - 1;
constexpr std::string_view kMark = "x-mcp-header";

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

bool is_token(const std::string& text) {
  return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Marks anywhere in a value; those on the way of `properties` alone are the ones that count.
size_t count_marks(const Json& json, int depth = 0) {
  if (depth > kSchemaDepthMost) return 0;
  size_t out = 0;
  if (const auto* items = json.as_array()) {
    for (const Json& item : *items) out += count_marks(item, depth + 1);
  } else if (const auto* members = json.as_object()) {
    for (const auto& [key, value] : *members) out += key == kMark ? 1 : count_marks(value, depth + 1);
  }
  return out;
}

// Finds the mirrors of a schema; the text says what is wrong with one.
std::string find_mirrors(const Json& schema, std::vector<std::string>& path, std::vector<Definition::Mirror>& out, int depth = 0) {
  const auto* properties = depth > kSchemaDepthMost ? nullptr : schema["properties"].as_object();
  if (!properties) return "";
  for (const auto& [name, property] : *properties) {
    path.push_back(name);
    if (const Json* mark = property.find(kMark)) {
      const std::string header = text_of(*mark), type = text_of(property["type"]);
      if (!is_token(header)) return "x-mcp-header of '" + name + "' is no header name";
      if (type != "string" && type != "integer" && type != "boolean") return "x-mcp-header of '" + name + "': only texts, integers and booleans are mirrored";
      for (const Definition::Mirror& other : out) {
        if (ascii_lower(other.header) == ascii_lower(header)) return "x-mcp-header '" + header + "' appears twice";
      }
      out.push_back({path, header});
    }
    if (const std::string wrong = find_mirrors(property, path, out, depth + 1); !wrong.empty()) return wrong;
    path.pop_back();
  }
  return "";
}

// What is pinned of a tool: all that a model is shown or a call depends on. Icons and _meta are neither.
Json pinned_of(const Json& tool) {
  Json out = Json::object();
  for (const char* field : {"name", "title", "description", "inputSchema", "outputSchema", "annotations"}) {
    if (const Json* value = tool.find(field); value && !value->is_null()) out.set(field, *value);
  }
  return out;
}

std::string read_one(const Json& tool, Definition& out) {
  if (!tool.is_object()) return "it is no object";
  if (tool.dump().size() > kToolBytesMost) return "its definition has more than " + std::to_string(kToolBytesMost) + " bytes";
  if (out.name.empty() || out.name.size() > 128) return "its name has " + std::to_string(out.name.size()) + " bytes; expected 1 to 128";
  out.description = text_of(tool["description"]);
  if (out.description.size() > kDescriptionBytesMost) return "its description has more than " + std::to_string(kDescriptionBytesMost) + " bytes";
  out.input = tool["inputSchema"];
  out.output = tool["outputSchema"];
  if (out.input["type"] != Json("object")) return "inputSchema: expected a schema with type 'object'";
  if (auto compiled = schema::Validator::compile(out.input, "inputSchema"); !compiled) return compiled.error().message;
  if (!out.output.is_null()) {
    if (!out.output.is_object()) return "outputSchema: expected an object";
    if (auto compiled = schema::Validator::compile(out.output, "outputSchema"); !compiled) return compiled.error().message;
  }
  std::vector<std::string> path;
  if (const std::string wrong = find_mirrors(out.input, path, out.mirrors); !wrong.empty()) return wrong;
  if (count_marks(out.input) != out.mirrors.size()) return "x-mcp-header stands where only a chain of properties may lead";
  return "";
}

std::map<std::string, const Json*> by_name(const Json& list) {
  std::map<std::string, const Json*> out;
  if (const auto* items = list.as_array()) {
    for (const Json& item : *items) out.emplace(text_of(item["name"]), &item);
  }
  return out;
}

Json changed_fields(const Json& before, const Json& after) {
  Json out = Json::array();
  for (const char* field : {"title", "description", "inputSchema", "outputSchema", "annotations"}) {
    if (!schema::same(before[field], after[field])) out.push(Json::object({{"field", field}, {"before", before[field]}, {"after", after[field]}}));
  }
  return out;
}

}  // namespace

ToolList read_tools(const Json::Array& tools, const std::string& target) {
  ToolList out;
  std::map<std::string, Json> pinned;   // sorted, so that another order is no change
  std::set<std::string> names;
  for (const Json& tool : tools) {
    Definition definition;
    definition.name = text_of(tool["name"]);
    const bool twice = !names.insert(definition.name).second;
    const std::string why = twice ? "another tool of this server has the same name" : read_one(tool, definition);
    const std::string shown = utf8_repaired(definition.name.substr(0, 128));
    // A tool that is left out is pinned too: that it comes to fit is a change.
    if (!twice) pinned.emplace(definition.name, pinned_of(tool));
    if (why.empty()) out.tools.push_back(std::move(definition));
    else out.left_out.push_back({shown, why});
  }
  for (auto& [name, one] : pinned) out.pinned.push(std::move(one));
  out.hash = tool::call_digest(target, out.pinned);
  return out;
}

Result<ToolList> fetch_tools(const Context& context, Session& session, const std::string& target) {
  Json::Array all;
  std::string cursor;
  for (size_t page = 0; page < kPagesMost; ++page) {
    Json params = Json::object();
    if (!cursor.empty()) params.set("cursor", cursor);
    TRY_ASSIGN(const Json result, session.request(context, "tools/list", std::move(params)));
    const auto* tools = result["tools"].as_array();
    if (!tools) return invalid_argument("the MCP server's tools/list has no list of tools", "", "invalid_tool_list");
    for (const Json& tool : *tools) all.push_back(tool);
    if (all.size() > kToolsMost) return resource_exhausted("the MCP server lists more than " + std::to_string(kToolsMost) + " tools", "too_many_tools");
    const std::string next = text_of(result["nextCursor"]);
    if (next.empty()) return read_tools(all, target);
    if (next == cursor) break;
    cursor = next;
  }
  return resource_exhausted("the MCP server's list of tools has no end", "too_many_tools");
}

Json difference(const Json& before, const Json& after) {
  Json added = Json::array(), removed = Json::array(), changed = Json::array();
  const auto old_tools = by_name(before), new_tools = by_name(after);
  for (const auto& [name, tool] : new_tools) {
    const auto old = old_tools.find(name);
    if (old == old_tools.end()) {
      added.push(name);
    } else if (Json fields = changed_fields(*old->second, *tool); fields.size() > 0) {
      changed.push(Json::object({{"name", name}, {"fields", std::move(fields)}}));
    }
  }
  for (const auto& [name, tool] : old_tools) {
    if (!new_tools.contains(name)) removed.push(name);
  }
  return Json::object({{"added", std::move(added)}, {"removed", std::move(removed)}, {"changed", std::move(changed)}});
}

Result<Session::Headers> mirrored_headers(const Definition& tool, const Json& arguments) {
  Session::Headers out;
  for (const Definition::Mirror& mirror : tool.mirrors) {
    const Json* value = &arguments;
    for (const std::string& step : mirror.path) value = value ? value->find(step) : nullptr;
    if (!value || value->is_null()) continue;
    std::string text;
    if (const bool* flag = value->as_bool()) {
      text = *flag ? "true" : "false";
    } else if (value->is_string()) {
      text = *value->as_string();
    } else {
      const auto number = value->to_int(mirror.path.back());
      if (!number || std::llabs(*number) > kSafeInteger)
        return invalid_argument(mirror.path.back() + ": expected an integer of at most 2^53 - 1", mirror.path.back());
      text = std::to_string(*number);
    }
    out.emplace_back("Mcp-Param-" + mirror.header, header_value(text));
  }
  return out;
}

}  // namespace strata::mcp
