#include "app/tool_sources.h"

#include <filesystem>
#include <fstream>

#include "infra/egress/egress.h"
#include "knowledge/tool/tool.h"
#include "model/schema/schema.h"

namespace strata::app {
namespace {

constexpr const char* kSchema = R"({"type":"object","properties":{
  "databases":{"type":"array","maxItems":50,"items":{"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z][a-z0-9_]{0,39}$"},
    "path":{"type":"string","minLength":1},"about":{"type":"string","maxLength":2000},"tables":{"type":"array","items":{"type":"string"}}},
    "required":["name","path"],"additionalProperties":false}},
  "openapi":{"type":"array","maxItems":50,"items":{"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z][a-z0-9_]{0,39}$"},
    "path":{"type":"string","minLength":1}},"required":["name","path"],"additionalProperties":false}},
  "code_folder":{"type":"string","minLength":1}},"additionalProperties":false})";

Result<Json> read_json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_found(path + " cannot be read");
  auto json = Json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
  if (!json) return annotate(std::move(json.error()), path);
  return json;
}

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

Status add_databases(tool::Tools& tools, const Json& list, const std::string& workers) {
  if (!list.is_array()) return {};
  for (const Json& one : *list.as_array()) {
    tool::SqlOptions options;
    options.name = "query_" + text_of(one["name"]);
    options.about = one["about"].is_null() ? "The database is called " + text_of(one["name"]) + "." : text_of(one["about"]);
    options.worker = workers + "/strata-sql";
    options.database = text_of(one["path"]);
    if (const auto* tables = one["tables"].as_array()) {
      for (const Json& table : *tables) options.tables.push_back(text_of(table));
    }
    for (auto& made : tool::make_sql(options)) TRY(tools.add(std::move(made)));
  }
  return {};
}

Status add_services(tool::Tools& tools, egress::Client& client, const Json& list) {
  if (!list.is_array()) return {};
  for (const Json& one : *list.as_array()) {
    TRY_ASSIGN(const Json document, read_json(text_of(one["path"])));
    TRY_ASSIGN(auto made, tool::make_openapi(client, document, {.name = text_of(one["name"])}));
    for (auto& tool : made) TRY(tools.add(std::move(tool)));
  }
  return {};
}

}  // namespace

Status add_tools(tool::Tools& tools, retrieve::Retriever& retriever, egress::Client& client, const std::string& data_folder, const std::string& workers) {
  TRY(tools.add(tool::make_calculator()));
  TRY(tools.add(tool::make_retrieval(retriever)));
  TRY(tools.add(tool::make_python({.worker = workers + "/strata-sandbox"})));
  const std::string path = data_folder + "/tools.json";
  if (std::error_code error; !std::filesystem::exists(path, error)) return {};
  TRY_ASSIGN(const Json sources, read_json(path));
  TRY_ASSIGN(const Json asked, Json::parse(kSchema));
  TRY_ASSIGN(const auto validator, schema::Validator::compile(asked, "tools.json"));
  if (const auto problems = validator->check(sources); !problems.empty()) return invalid_argument(path + ": " + problems.front().text());
  TRY(add_databases(tools, sources["databases"], workers));
  TRY(add_services(tools, client, sources["openapi"]));
  if (sources["code_folder"].is_string()) TRY(tools.add(tool::make_code_search(text_of(sources["code_folder"]))));
  return {};
}

}  // namespace strata::app
