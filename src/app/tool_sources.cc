#include "app/tool_sources.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "app/telemetry_tool.h"
#include "base/text.h"
#include "infra/egress/egress.h"
#include "knowledge/cite/cite.h"
#include "knowledge/tool/tool.h"
#include "model/schema/schema.h"

namespace strata::app {
namespace {

constexpr const char* kSchema = R"({"type":"object","properties":{
  "databases":{"type":"array","maxItems":50,"items":{"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z][a-z0-9_]{0,39}$"},
    "path":{"type":"string","minLength":1},"about":{"type":"string","maxLength":2000},"tables":{"type":"array","items":{"type":"string"}},
    "examples":{"type":"string","minLength":1}},
    "required":["name","path"],"additionalProperties":false}},
  "postgres":{"type":"array","maxItems":50,"items":{"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z][a-z0-9_]{0,39}$"},
    "connection":{"type":"string","minLength":1},"password_file":{"type":"string","minLength":1},"about":{"type":"string","maxLength":2000},
    "examples":{"type":"string","minLength":1}},
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

// Known questions of a database: a file with [{"question", "sql"}], or none.
Result<tool::KnownQuestions> read_examples(const Json& path) {
  tool::KnownQuestions out;
  if (path.is_null()) return out;
  TRY_ASSIGN(const Json list, read_json(text_of(path)));
  if (!list.is_array()) return invalid_argument(text_of(path) + ": expected a list of {question, sql}, got " + std::string(list.type_name()));
  for (const Json& one : *list.as_array()) {
    if (!one["question"].is_string() || !one["sql"].is_string())
      return invalid_argument(text_of(path) + ": item " + std::to_string(out.size() + 1) + ": expected 'question' and 'sql', both texts");
    out.emplace_back(text_of(one["question"]), text_of(one["sql"]));
  }
  return out;
}

// Models ask copies and databases of their own, never what this program lives on.
Status refuse_live(const std::string& path, const std::string& data_folder) {
  for (const char* live : {"strata.db", "telemetry.db"}) {
    std::error_code error;
    if (std::filesystem::equivalent(path, data_folder + "/" + live, error))
      return invalid_argument(path + " is this program's own live database, which is not asked: the database 'telemetry' has a copy of what may be");
  }
  return {};
}

Status add_databases(tool::Tools& tools, const Json& list, const std::string& data_folder, const std::string& workers) {
  if (!list.is_array()) return {};
  for (const Json& one : *list.as_array()) {
    TRY(refuse_live(text_of(one["path"]), data_folder));
    tool::SqlOptions options;
    options.name = "query_" + text_of(one["name"]);
    options.about = one["about"].is_null() ? "The database is called " + text_of(one["name"]) + "." : text_of(one["about"]);
    options.worker = workers + "/strata-sql";
    options.database = text_of(one["path"]);
    if (const auto* tables = one["tables"].as_array()) {
      for (const Json& table : *tables) options.tables.push_back(text_of(table));
    }
    TRY_ASSIGN(options.examples, read_examples(one["examples"]));
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
    TRY_ASSIGN(options.examples, read_examples(one["examples"]));
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

// The databases that there are, behind one pair of tools.
Status add_database_tools(tool::Tools& tools) {
  std::vector<std::string> names;
  for (const auto& about : tools.list()) {
    if (about.name.starts_with("query_") && about.name.ends_with("_context")) names.push_back(about.name.substr(6, about.name.size() - 14));
  }
  if (names.empty()) return {};
  for (auto& made : tool::make_databases(tools, names)) TRY(tools.add(std::move(made)));
  return {};
}

}  // namespace

Status add_tools(tool::Tools& tools, const ToolServices& services, const std::string& data_folder, const std::string& workers) {
  TRY(tools.add(tool::make_calculator()));
  TRY(tools.add(tool::make_retrieval(services.retriever)));
  TRY(tools.add(cite::make_read_document(services.catalog)));
  TRY(tools.add(cite::make_write_report(services.catalog)));
  TRY(tools.add(tool::make_python({.worker = workers + "/strata-sandbox"})));
  if (services.observer) TRY(add_telemetry(tools, *services.observer, data_folder, workers));
  TRY(tools.add(tool::make_analysis(tool::make_python({.worker = workers + "/strata-sandbox"}), services.catalog)));
  const std::string path = data_folder + "/tools.json";
  if (std::error_code error; !std::filesystem::exists(path, error)) {
    TRY(add_database_tools(tools));
    return add_web_search(tools, services, Json::object());
  }
  TRY_ASSIGN(const Json sources, read_json(path));
  TRY_ASSIGN(const Json asked, Json::parse(kSchema));
  TRY_ASSIGN(const auto validator, schema::Validator::compile(asked, "tools.json"));
  if (const auto problems = validator->check(sources); !problems.empty()) return invalid_argument(path + ": " + problems.front().text());
  TRY(add_databases(tools, sources["databases"], data_folder, workers));
  TRY(add_postgres(tools, sources["postgres"], workers));
  TRY(add_database_tools(tools));
  TRY(add_web_search(tools, services, sources["web_search"]));
  TRY(add_services(tools, services.client, sources["openapi"]));
  if (sources["code_folder"].is_string()) TRY(tools.add(tool::make_code_search(text_of(sources["code_folder"]))));
  return {};
}

}  // namespace strata::app
