// What each method answers: tools and resources.
#include "base/text.h"
#include "knowledge/mcp/host.h"
#include "knowledge/mcp/protocol.h"

namespace strata::mcp {
namespace {

// WHY short: what a caller may call changes by an administrator's word, and those who do not listen should see it soon.
constexpr int64_t kFreshMs = 5'000;
constexpr size_t kResourceBytesMost = 2u << 20;

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

Error wrong(std::string message) { return invalid_argument(std::move(message), "", "invalid_params"); }

// Headers that mirror arguments are between us and the server that the tool came from; our callers need none.
Json without_header_marks(const Json& schema, int depth = 0) {
  if (depth > 64) return schema;
  if (const auto* items = schema.as_array()) {
    Json out = Json::array();
    for (const Json& item : *items) out.push(without_header_marks(item, depth + 1));
    return out;
  }
  const auto* members = schema.as_object();
  if (!members) return schema;
  Json out = Json::object();
  for (const auto& [key, value] : *members) {
    if (key != "x-mcp-header") out.set(key, without_header_marks(value, depth + 1));
  }
  return out;
}

bool is_relayed(const tool::Description& about) { return about.source.starts_with("mcp:"); }

Json tool_json(const tool::Description& about) {
  Json out = Json::object({{"name", about.name}, {"description", about.description}, {"inputSchema", without_header_marks(about.parameters)}});
  // A relayed tool's result is {"content", "structuredContent"}: only the second has the schema that its server promises.
  const Json& result = is_relayed(about) ? about.result["properties"]["structuredContent"] : about.result;
  if (result["type"] == Json("object")) out.set("outputSchema", result);
  out.set("annotations", Json::object({{"readOnlyHint", !about.changes},
                                       {"destructiveHint", about.changes},
                                       {"idempotentHint", about.repeatable},
                                       {"openWorldHint", about.untrusted_result}}));
  return out;
}

Json text_content(std::string text) { return Json::array({Json::object({{"type", "text"}, {"text", std::move(text)}})}); }

Json call_result(const tool::Description& about, const tool::Outcome& outcome) {
  if (outcome.state != tool::State::kDone) return Json::object({{"content", text_content(outcome.json().dump())}, {"isError", true}});
  if (is_relayed(about) && outcome.result["content"].is_array()) {
    Json out = Json::object({{"content", outcome.result["content"]}});
    if (const Json* structured = outcome.result.find("structuredContent")) out.set("structuredContent", *structured);
    out.set("isError", false);
    return out;
  }
  Json out = Json::object({{"content", text_content(outcome.result.as_string() ? *outcome.result.as_string() : outcome.result.dump())}});
  if (outcome.result.is_object()) out.set("structuredContent", outcome.result);
  out.set("isError", false);
  return out;
}

// Whatever went wrong as the protocol's errors: what the caller can mend, and the rest without its inside.
rpc::Fault fault_of(const Error& error) {
  if (error.reason == "method_not_found") return {rpc::kMethodNotFound, error.message, {}};
  const bool callers = error.code == Code::kInvalidArgument || error.code == Code::kNotFound || error.code == Code::kPermissionDenied;
  return {callers ? rpc::kInvalidParams : rpc::kInternalError, error.message, {}};
}

bool is_cacheable(const std::string& method) { return method == "server/discover" || method.starts_with("resources/") || method == "tools/list"; }

}  // namespace

rpc::Message Host::dispatch(const Context& context, const rpc::Message& message, bool modern) {
  auto value = [&]() -> Result<Json> {
    if (message.method == "tools/list") return list_tools(context);
    if (message.method == "tools/call") return call_tool(context, message.params);
    if (options_.resources && message.method == "resources/list") return list_resources(context, message.params);
    if (options_.resources && message.method == "resources/templates/list") return Json::object({{"resourceTemplates", Json::array()}});
    if (options_.resources && message.method == "resources/read") return read_resource(context, message.params);
    if (!modern && message.method == "ping") return Json::object();
    if (modern && message.method == "server/discover")
      return Json::object({{"supportedVersions", Json::array({kModern, kLegacy})}, {"capabilities", capabilities(true)}});
    return not_found("there is no method '" + message.method + "'", "", "method_not_found");
  }();
  if (!value) {
    rpc::Fault fault = fault_of(value.error());
    if (message.method == "resources/read" && value.error().code == Code::kNotFound) fault.data = Json::object({{"uri", message.params["uri"]}});
    return rpc::error(message.id, std::move(fault));
  }
  if (modern) {
    value->set("resultType", "complete");
    value->set("_meta", Json::object({{std::string(kMetaServerInfo), server_info()}}));
    if (is_cacheable(message.method)) {
      value->set("ttlMs", kFreshMs);
      value->set("cacheScope", "private");
    }
  }
  return rpc::result(message.id, std::move(*value));
}

Result<bool> Host::may_call(const Context& context, const std::string& name) {
  TRY_ASSIGN(const tool::Policy policy, tools_.policy(context, name));
  if (policy.permission == tool::Permission::kDeny) return false;
  if (policy.roles.empty()) return true;
  for (const std::string& role : context.principal().roles) {
    for (const std::string& allowed : policy.roles) {
      if (role == allowed) return true;
    }
  }
  return false;
}

Result<Json> Host::offered(const Context& context) {
  Json list = Json::array();
  for (const tool::Description& about : tools_.list()) {
    const auto may = may_call(context, about.name);
    if (!may && may.error().code == Code::kNotFound) continue;   // it went meanwhile
    if (!may) return may.error();
    if (*may) list.push(tool_json(about));
  }
  return list;
}

Result<Json> Host::list_tools(const Context& context) {
  TRY_ASSIGN(Json list, offered(context));
  return Json::object({{"tools", std::move(list)}});
}

Result<Json> Host::call_tool(const Context& context, const Json& params) {
  const std::string name = text_of(params["name"]);
  if (name.empty()) return wrong("name: expected the name of a tool");
  const Json* given = params.find("arguments");
  if (given && !given->is_object()) return wrong("arguments: expected an object, got " + std::string(given->type_name()));
  const auto about = tools_.describe(name);
  const auto may = about ? may_call(context, name) : Result<bool>(false);
  if (!may && may.error().code != Code::kNotFound) return may.error();
  if (!may || !*may) {   // in the same words, and with no name that the caller may not hear
    TRY_ASSIGN(const Json list, offered(context));
    std::vector<std::string_view> names;
    for (const Json& one : *list.as_array()) names.push_back(*one["name"].as_string());
    const std::string near(nearest_name(name, names));
    return not_found("there is no tool '" + name.substr(0, 100) + "' for this caller" + (near.empty() ? "" : "; did you mean '" + near + "'?"), "name",
                     "tool_not_found");
  }
  const Json& meta = params["_meta"];
  tool::CallOptions options;
  options.untrusted = true;
  options.approval_id = text_of(meta["strata/approvalId"]);
  options.dry_run = meta["strata/dryRun"] == Json(true);
  TRY_ASSIGN(tool::Outcome outcome, tools_.call(context, name, given ? *given : Json::object(), text_of(meta["strata/idempotencyKey"]), options));
  if (outcome.state == tool::State::kNeedsApproval && !options_.where_to_approve.empty()) outcome.failure->message += "; " + options_.where_to_approve;
  return call_result(*about, outcome);
}

Result<Json> Host::list_resources(const Context& context, const Json& params) {
  TRY_ASSIGN(const ResourcePage page, options_.resources->list(context, text_of(params["cursor"])));
  Json list = Json::array();
  for (const Resource& one : page.items) {
    Json item = Json::object({{"uri", one.uri}, {"name", one.name}, {"title", one.title}, {"mimeType", one.mime}});
    if (one.bytes >= 0) item.set("size", one.bytes);
    list.push(std::move(item));
  }
  Json out = Json::object({{"resources", std::move(list)}});
  if (!page.next.empty()) out.set("nextCursor", page.next);
  return out;
}

Result<Json> Host::read_resource(const Context& context, const Json& params) {
  const std::string uri = text_of(params["uri"]);
  if (uri.empty()) return wrong("uri: expected the URI of a resource");
  TRY_ASSIGN(std::string text, options_.resources->read(context, uri));
  if (text.size() > kResourceBytesMost)
    return resource_exhausted("this document has " + human_bytes(text.size()) + " of text, and a message holds 2 MiB: search it with search_documents");
  return Json::object({{"contents", Json::array({Json::object({{"uri", uri}, {"mimeType", "text/plain"}, {"text", std::move(text)}})})}});
}

}  // namespace strata::mcp
