// Operations of an OpenAPI document as tools. The document is outside bytes: what is odd in it is an error that names the place.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "infra/egress/egress.h"
#include "knowledge/tool/parts.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr size_t kOperationsMost = 200;
constexpr uint64_t kBodyBytesMost = 1u << 20;
constexpr std::array<std::string_view, 5> kMethods = {"get", "post", "put", "patch", "delete"};

std::string tool_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 64)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    out += fits ? c : '_';
  }
  return out;
}

// "#/components/schemas/Order" → "#/$defs/Order", everywhere.
Json with_local_references(const Json& schema, int depth = 0) {
  if (depth > 64) return schema;
  if (const auto* items = schema.as_array()) {
    Json::Array out;
    for (const Json& item : *items) out.push_back(with_local_references(item, depth + 1));
    return Json(std::move(out));
  }
  const auto* members = schema.as_object();
  if (!members) return schema;
  Json out = Json::object();
  constexpr std::string_view kFrom = "#/components/schemas/";
  for (const auto& [key, value] : *members) {
    if (key == "$ref" && text_of(value).starts_with(kFrom)) out.set(key, "#/$defs/" + text_of(value).substr(kFrom.size()));
    else out.set(key, with_local_references(value, depth + 1));
  }
  return out;
}

struct Parameter {
  std::string name;
  enum class In { kPath, kQuery } in = In::kPath;
};

struct Operation {
  std::string method, path;                 // "GET", "/users/{id}"
  std::vector<Parameter> parameters;
  bool body = false;
  bool takes_key = false;                   // honours the header Idempotency-Key
};

// A value as one piece of a URL.
std::string plain(const Json& value) { return value.as_string() ? *value.as_string() : value.dump(); }

class Maker {
 public:
  Maker(egress::Client& client, const OpenApiOptions& options, const Json& document) : client_(client), options_(options), document_(document) {}

  Result<std::vector<std::unique_ptr<Tool>>> run() {
    if (!text_of(document_["openapi"]).starts_with("3.")) return wrong("openapi", "expected version 3.x");
    const auto* paths = document_["paths"].as_object();
    if (!paths) return wrong("paths", "expected an object");
    std::vector<std::unique_ptr<Tool>> out;
    for (const auto& [path, item] : *paths) {
      for (const std::string_view method : kMethods) {
        if (!item[method].is_object()) continue;
        if (out.size() >= kOperationsMost) return wrong("paths", "more than 200 operations");
        TRY_ASSIGN(auto tool, make(path, std::string(method), item));
        out.push_back(std::move(tool));
      }
    }
    return out;
  }

 private:
  static Error wrong(const std::string& where, const std::string& what) {
    return invalid_argument("the OpenAPI document at " + where + ": " + what, "openapi", "invalid_openapi");
  }

  Json definitions() const {
    const Json& schemas = document_["components"]["schemas"];
    return schemas.is_object() ? with_local_references(schemas) : Json::object();
  }

  Result<std::unique_ptr<Tool>> make(const std::string& path, const std::string& method, const Json& item) {
    const Json& described = item[method];
    const std::string where = "paths." + path + "." + method;
    Operation operation{.method = method, .path = path};
    std::transform(operation.method.begin(), operation.method.end(), operation.method.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    Json properties = Json::object(), required = Json::array();
    for (const Json* list : {&item["parameters"], &described["parameters"]}) {
      for (const Json& parameter : list->is_array() ? *list->as_array() : Json::Array()) TRY(add_parameter(parameter, where, operation, properties, required));
    }
    TRY(check_path(operation, where));
    if (described["requestBody"].is_object()) {
      const Json& schema = described["requestBody"]["content"]["application/json"]["schema"];
      if (!schema.is_object()) return wrong(where + ".requestBody", "expected content application/json with a schema");
      operation.body = true;
      properties.set("body", with_local_references(schema));
      if (described["requestBody"]["required"] == Json(true)) required.push("body");
    }
    return make_tool(describe(described, operation, std::move(properties), std::move(required)),
                     [client = &client_, options = options_, operation](const Context& context, const Invocation& call) {
                       return send(*client, options, operation, context, call);
                     });
  }

  Status add_parameter(const Json& parameter, const std::string& where, Operation& operation, Json& properties, Json& required) const {
    const std::string name = text_of(parameter["name"]), in = text_of(parameter["in"]);
    if (in == "header" && ascii_lower(name) == "idempotency-key") {
      operation.takes_key = true;
      return {};
    }
    if (name.empty() || (in != "path" && in != "query")) {
      if (parameter["required"] == Json(true) || in.empty()) return wrong(where + ".parameters", "'" + name + "': only path and query parameters are taken");
      return {};   // an optional header or cookie is left out
    }
    operation.parameters.push_back({name, in == "path" ? Parameter::In::kPath : Parameter::In::kQuery});
    Json schema = parameter["schema"].is_object() ? with_local_references(parameter["schema"]) : Json::object({{"type", "string"}});
    if (parameter["description"].is_string() && !schema.find("description")) schema.set("description", parameter["description"]);
    properties.set(name, std::move(schema));
    if (in == "path" || parameter["required"] == Json(true)) required.push(name);
    return {};
  }

  // Each {name} of the path is a parameter, and the path leads nowhere else.
  static Status check_path(const Operation& operation, const std::string& where) {
    if (!operation.path.starts_with('/') || operation.path.find_first_of("?#\\ ") != std::string::npos || operation.path.find("//") != std::string::npos ||
        operation.path.find("..") != std::string::npos)
      return wrong(where, "expected a path such as /users/{id}");
    for (size_t at = 0; (at = operation.path.find('{', at)) != std::string::npos; ++at) {
      const std::string name = operation.path.substr(at + 1, operation.path.find('}', at) - at - 1);
      const bool known = std::any_of(operation.parameters.begin(), operation.parameters.end(),
                                     [&](const Parameter& parameter) { return parameter.name == name && parameter.in == Parameter::In::kPath; });
      if (!known) return wrong(where, "the path's {" + name + "} is no parameter");
    }
    return {};
  }

  Description describe(const Json& described, const Operation& operation, Json properties, Json required) const {
    Description about;
    const std::string id = text_of(described["operationId"]);
    about.name = tool_name(id.empty() ? ascii_lower(operation.method) + operation.path : id);
    about.description = (text_of(described["summary"]) + " " + text_of(described["description"])).substr(0, 2'000);
    about.parameters = Json::object({{"type", "object"},
                                     {"properties", std::move(properties)},
                                     {"required", std::move(required)},
                                     {"additionalProperties", false},
                                     {"$defs", definitions()}});
    const Json* schema = nullptr;
    for (const char* status : {"200", "201", "default"}) {
      const Json& found = described["responses"][status]["content"]["application/json"]["schema"];
      if (!schema && found.is_object()) schema = &found;
    }
    about.result = schema ? with_local_references(*schema) : Json::object();
    if (schema) about.result.set("$defs", definitions());
    about.changes = operation.method != "GET";
    about.risk = about.changes ? Risk::kHigh : Risk::kMedium;
    about.repeatable = operation.method == "GET" || operation.method == "PUT" || operation.method == "DELETE" || operation.takes_key;
    about.untrusted_result = true;
    about.source = "openapi:" + options_.name;
    about.limits.time_ms = options_.time_ms;
    about.limits.result_bytes = kBodyBytesMost;
    return about;
  }

  static Result<Answer> send(egress::Client& client, const OpenApiOptions& options, const Operation& operation, const Context& context,
                             const Invocation& call) {
    std::string path = operation.path, query;
    for (const Parameter& parameter : operation.parameters) {
      const Json* value = call.arguments.find(parameter.name);
      if (!value) continue;
      const std::string text = plain(*value);
      if (parameter.in == Parameter::In::kQuery) {
        query += (query.empty() ? "?" : "&") + percent_encoded(parameter.name) + "=" + percent_encoded(text);
        continue;
      }
      // Dots alone are steps in a path, also when they are escaped.
      if (text.empty() || text.find_first_not_of('.') == text.npos)
        return Answer::failed("invalid_arguments", parameter.name + ": '" + text + "' cannot stand in a path",
                              {{"/" + parameter.name, "path", "a value that is not empty and not dots alone", "'" + text + "'", ""}});
      const std::string mark = "{" + parameter.name + "}";
      const size_t at = path.find(mark);
      if (at != path.npos) path.replace(at, mark.size(), percent_encoded(text));
    }
    egress::Request request{
        .method = operation.method, .url = options.base_url + path + query, .trust = options.trust, .redirects_max = 0, .bytes_max = kBodyBytesMost};
    request.headers = {{"Accept", "application/json"}};
    request.secret_header = options.secret_header;
    if (operation.takes_key && !call.idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", call.idempotency_key);
    if (const Json* body = call.arguments.find("body"); body && operation.body) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = body->dump();
    }
    TRY_ASSIGN(const egress::Response response, client.fetch(context, request));
    return read(response, operation.method != "GET");
  }

  // `changes`: where the service did not refuse (4xx), it did what it was asked, whatever its answer is worth.
  static Result<Answer> read(const egress::Response& response, bool changes) {
    const std::string status = std::to_string(response.status);
    if (response.status >= 500) return unavailable("the service answered with status " + status);
    if (response.status < 200 || response.status > 299) {
      Answer answer = Answer::failed("http_" + status, "the service answered with status " + status + ": " + utf8_repaired(response.body.substr(0, 500)));
      answer.failure->retry = response.status == 408 || response.status == 425 || response.status == 429;
      answer.failure->stands = changes && response.status < 400;
      return answer;
    }
    if (trim(response.body).empty()) return Answer::of(Json());
    auto body = Json::parse(response.body, {.bytes = kBodyBytesMost, .depth = 64});
    if (body) return Answer::of(std::move(*body));
    Answer answer = Answer::failed("invalid_result", "the service's answer is no JSON: " + body.error().message);
    answer.failure->stands = changes;
    return answer;
  }

  egress::Client& client_;
  const OpenApiOptions options_;
  const Json& document_;
};

}  // namespace

Result<std::vector<std::unique_ptr<Tool>>> make_openapi(egress::Client& client, const Json& document, OpenApiOptions options) {
  if (options.base_url.empty()) {
    if (const auto* servers = document["servers"].as_array(); servers && !servers->empty()) options.base_url = text_of(servers->front()["url"]);
  }
  while (!options.base_url.empty() && options.base_url.back() == '/') options.base_url.pop_back();
  if (!options.base_url.starts_with("http://") && !options.base_url.starts_with("https://"))
    return invalid_argument("the OpenAPI document at servers[0].url: expected a whole URL, got '" + options.base_url.substr(0, 100) + "'", "openapi",
                            "invalid_openapi");
  if (options.base_url.find_first_of("?#@ \\") != std::string::npos)
    return invalid_argument("the base URL must have no user name, query or fragment", "openapi");
  return Maker(client, options, document).run();
}

}  // namespace strata::tool
