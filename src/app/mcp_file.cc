#include "app/mcp_file.h"

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/json.h"
#include "knowledge/mcp/mcp.h"
#include "model/schema/schema.h"

namespace strata::app {
namespace {

constexpr const char* kSchema = R"({"type":"object","properties":{"servers":{"type":"array","maxItems":100,"items":{"type":"object","properties":{
  "name":{"type":"string","pattern":"^[a-z][a-z0-9_-]{0,31}$"},
  "command":{"type":"array","minItems":1,"maxItems":200,"items":{"type":"string"}},
  "environment":{"type":"object","propertyNames":{"pattern":"^[A-Za-z_][A-Za-z0-9_]*$"},"additionalProperties":{"type":"string"}},
  "secrets":{"type":"array","maxItems":50,"items":{"type":"string","pattern":"^[A-Za-z_][A-Za-z0-9_]*$"}},
  "prefix":{"type":"string","pattern":"^[A-Za-z0-9_-]{0,33}$"}},"required":["name","command"],"additionalProperties":false}}},
  "required":["servers"],"additionalProperties":false})";

std::string path_of(const std::string& data_folder) { return data_folder + "/mcp.json"; }

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

Result<Json> read_checked(const std::string& path) {
  if (std::error_code error; !std::filesystem::exists(path, error)) return Json::object({{"servers", Json::array()}});
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_found(path + " cannot be read");
  auto json = Json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
  if (!json) return annotate(std::move(json.error()), path);
  TRY_ASSIGN(const Json asked, Json::parse(kSchema));
  TRY_ASSIGN(const auto validator, schema::Validator::compile(asked, "mcp.json"));
  if (const auto problems = validator->check(*json); !problems.empty()) return invalid_argument(path + ": " + problems.front().text());
  return json;
}

std::map<std::string, std::string> texts_of(const Json& json) {
  std::map<std::string, std::string> out;
  if (const auto* members = json.as_object()) {
    for (const auto& [name, value] : *members) out[name] = text_of(value);
  }
  return out;
}

Json json_of(const std::map<std::string, std::string>& texts) {
  Json out = Json::object();
  for (const auto& [name, value] : texts) out.set(name, value);
  return out;
}

Status write(const std::string& path, const Json::Array& servers) { return replace_file(path, Json::object({{"servers", Json(servers)}}).dump(2) + "\n"); }

}  // namespace

Result<std::vector<mcp::ServerSpec>> read_mcp_file(const std::string& data_folder) {
  TRY_ASSIGN(const Json json, read_checked(path_of(data_folder)));
  std::vector<mcp::ServerSpec> out;
  for (const Json& one : *json["servers"].as_array()) {
    mcp::ServerSpec spec;
    spec.name = text_of(one["name"]);
    for (const Json& part : *one["command"].as_array()) spec.command.push_back(text_of(part));
    spec.environment = texts_of(one["environment"]);
    if (const auto* names = one["secrets"].as_array()) {
      for (const Json& name : *names) spec.secrets.push_back(text_of(name));
    }
    if (one["prefix"].is_string()) spec.prefix = text_of(one["prefix"]);
    out.push_back(std::move(spec));
  }
  return out;
}

Status add_to_mcp_file(const std::string& data_folder, const mcp::ServerSpec& spec) {
  TRY_ASSIGN(const Json json, read_checked(path_of(data_folder)));
  Json::Array servers = *json["servers"].as_array();
  for (const Json& one : servers) {
    if (text_of(one["name"]) == spec.name) return Error{Code::kAlreadyExists, "there is an MCP server '" + spec.name + "' in mcp.json already", "name", ""};
  }
  Json command = Json::array();
  for (const std::string& part : spec.command) command.push(part);
  Json added = Json::object({{"name", spec.name}, {"command", std::move(command)}});
  if (!spec.environment.empty()) added.set("environment", json_of(spec.environment));
  Json secrets = Json::array();
  for (const std::string& name : spec.secrets) secrets.push(name);
  if (secrets.size() > 0) added.set("secrets", std::move(secrets));
  if (spec.prefix) added.set("prefix", *spec.prefix);
  servers.push_back(std::move(added));
  return write(path_of(data_folder), servers);
}

Status remove_from_mcp_file(const std::string& data_folder, const std::string& name) {
  TRY_ASSIGN(const Json json, read_checked(path_of(data_folder)));
  Json::Array servers = *json["servers"].as_array();
  if (std::erase_if(servers, [&](const Json& one) { return text_of(one["name"]) == name; }) == 0)
    return not_found("there is no MCP server '" + name + "' in mcp.json", "name");
  return write(path_of(data_folder), servers);
}

}  // namespace strata::app
