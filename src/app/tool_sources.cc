#include "app/tool_sources.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "infra/egress/egress.h"
#include "knowledge/tool/tool.h"
#include "model/schema/schema.h"

namespace strata::app {
namespace {

constexpr const char* kSchema = R"({"type":"object","properties":{
  "databases":{"type":"array","maxItems":50,"items":{"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z][a-z0-9_]{0,39}$"},
    "path":{"type":"string","minLength":1},"about":{"type":"string","maxLength":2000},"tables":{"type":"array","items":{"type":"string"}}},
    "required":["name","path"],"additionalProperties":false}},
  "postgres":{"type":"array","maxItems":50,"items":{"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z][a-z0-9_]{0,39}$"},
    "connection":{"type":"string","minLength":1},"password_file":{"type":"string","minLength":1},"about":{"type":"string","maxLength":2000}},
    "required":["name","connection"],"additionalProperties":false}},
  "web_search":{"type":"object","properties":{"store":{"type":"string","minLength":1},"url":{"type":"string","minLength":1},"body":{"type":"object"},
    "header_file":{"type":"string","minLength":1},"results":{"type":"string"},"title":{"type":"string"},"link":{"type":"string"},
    "snippet":{"type":"string"}},"additionalProperties":false},
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

// A secret of one line, in a file that nobody else may read; "" where none is named.
Result<std::string> read_secret(const Json& path) {
  if (path.is_null()) return std::string();
  const std::string name = text_of(path);
  struct stat about;
  if (stat(name.c_str(), &about) != 0) return not_found(name + " cannot be read");
  if ((about.st_mode & 077) != 0) return failed_precondition(name + " holds a secret and others may read it: chmod 600 " + name);
  std::ifstream file(name, std::ios::binary);
  if (!file) return permission_denied(name + " cannot be read: it must belong to the user that strata runs as");
  std::string line;
  if (!std::getline(file, line) || trim(line).empty()) return failed_precondition(name + ": expected a secret on the first line");
  return std::string(trim(line));
}

Status add_postgres(tool::Tools& tools, const Json& list, const std::string& workers) {
  if (!list.is_array()) return {};
  for (const Json& one : *list.as_array()) {
    tool::PostgresOptions options;
    options.name = "query_" + text_of(one["name"]);
    options.about = one["about"].is_null() ? "The database is called " + text_of(one["name"]) + "." : text_of(one["about"]);
    options.worker = workers + "/strata-postgres";
    options.connection = text_of(one["connection"]);
    if (options.connection.find("password") != std::string::npos || options.connection.find("://") != std::string::npos)
      return invalid_argument("postgres '" + text_of(one["name"]) + "': connection: expected host=… dbname=… user=…, and the password in password_file");
    TRY_ASSIGN(options.password, read_secret(one["password_file"]));
    for (auto& made : tool::make_postgres(options)) TRY(tools.add(std::move(made)));
  }
  return {};
}

Status add_web_search(tool::Tools& tools, const ToolServices& services, const Json& asked) {
  if (asked["url"].is_null()) {
    for (const char* name : {"body", "header_file", "results", "title", "link", "snippet"}) {
      if (!asked[name].is_null()) return invalid_argument("web_search." + std::string(name) + ": only with 'url', of a search service");
    }
    const std::string store = asked["store"].is_null() ? "web" : text_of(asked["store"]);
    return tools.add(tool::make_web_search(tool::make_web_pages(services.retriever, services.catalog, store)));
  }
  if (!asked["store"].is_null()) return invalid_argument("web_search: expected 'store' or 'url', not both");
  tool::WebService service;
  service.url = text_of(asked["url"]);
  service.body = asked["body"];
  TRY_ASSIGN(service.secret_header, read_secret(asked["header_file"]));
  for (const auto& [name, member] :
       {std::pair<const char*, std::string*>{"results", &service.results}, {"title", &service.title}, {"link", &service.link}, {"snippet", &service.snippet}}) {
    if (!asked[name].is_null()) *member = text_of(asked[name]);
  }
  TRY_ASSIGN(auto web, tool::make_web_service(services.client, std::move(service)));
  return tools.add(tool::make_web_search(std::move(web)));
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

Status add_tools(tool::Tools& tools, const ToolServices& services, const std::string& data_folder, const std::string& workers) {
  TRY(tools.add(tool::make_calculator()));
  TRY(tools.add(tool::make_retrieval(services.retriever)));
  TRY(tools.add(tool::make_python({.worker = workers + "/strata-sandbox"})));
  const std::string path = data_folder + "/tools.json";
  if (std::error_code error; !std::filesystem::exists(path, error)) return add_web_search(tools, services, Json::object());
  TRY_ASSIGN(const Json sources, read_json(path));
  TRY_ASSIGN(const Json asked, Json::parse(kSchema));
  TRY_ASSIGN(const auto validator, schema::Validator::compile(asked, "tools.json"));
  if (const auto problems = validator->check(sources); !problems.empty()) return invalid_argument(path + ": " + problems.front().text());
  TRY(add_databases(tools, sources["databases"], workers));
  TRY(add_postgres(tools, sources["postgres"], workers));
  TRY(add_web_search(tools, services, sources["web_search"]));
  TRY(add_services(tools, services.client, sources["openapi"]));
  if (sources["code_folder"].is_string()) TRY(tools.add(tool::make_code_search(text_of(sources["code_folder"]))));
  return {};
}

}  // namespace strata::app
