#include "knowledge/mcp/relay.h"

#include "base/text.h"
#include "model/schema/schema.h"

namespace strata::mcp {
namespace {

constexpr size_t kBlocksMost = 1'000;
constexpr size_t kErrorBytesMost = 4'000;

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

bool mentions_reference(const Json& json, int depth = 0) {
  if (depth > 64) return true;
  if (const auto* items = json.as_array()) {
    for (const Json& item : *items) {
      if (mentions_reference(item, depth + 1)) return true;
    }
  } else if (const auto* members = json.as_object()) {
    for (const auto& [key, value] : *members) {
      if (key == "$ref" || key == "$id" || key == "$anchor" || mentions_reference(value, depth + 1)) return true;
    }
  }
  return false;
}

// WHY not where it has references: they are from the root of a schema, and inside ours it is none. read_result() judges by the whole one anyway.
Json result_schema(const Definition& definition) {
  Json properties = Json::object({{"content", Json::object({{"type", "array"}})}});
  if (definition.output.is_object() && !mentions_reference(definition.output)) properties.set("structuredContent", definition.output);
  return Json::object({{"type", "object"}, {"properties", std::move(properties)}, {"required", Json::array({"content"})}});
}

std::string text_of_blocks(const Json::Array& blocks) {
  std::string out;
  for (const Json& block : blocks) {
    if (block["type"] != Json("text")) continue;
    out += (out.empty() ? "" : "\n") + text_of(block["text"]);
  }
  return out;
}

std::string wrong_block(const Json& block) {
  const std::string type = text_of(block["type"]);
  if (type == "text") return block["text"].is_string() ? "" : "a text block without text";
  if (type == "image" || type == "audio")
    return block["data"].is_string() && block["mimeType"].is_string() ? "" : "an " + type + " block without data and type";
  if (type == "resource") return block["resource"]["uri"].is_string() ? "" : "an embedded resource without a URI";
  if (type == "resource_link") return block["uri"].is_string() && block["name"].is_string() ? "" : "a link without URI and name";
  return "a content block of an unknown type '" + type.substr(0, 40) + "'";
}

}  // namespace

std::unique_ptr<tool::Tool> make_relay(const Relayed& about, Definition definition, RelayCall call) {
  tool::Description out;
  out.name = about.name;
  out.description = definition.description;
  out.parameters = definition.input;
  out.result = result_schema(definition);
  out.risk = about.reads ? tool::Risk::kMedium : tool::Risk::kHigh;
  out.changes = !about.reads;
  out.repeatable = about.reads;
  out.untrusted_result = true;
  out.source = "mcp:" + about.server;
  out.limits.time_ms = 60'000;
  return tool::make_tool(std::move(out),
                         [definition = std::move(definition), call = std::move(call), reads = about.reads](
                             const Context& context, const tool::Invocation& invocation) -> Result<tool::Answer> {
                           auto answer = call(context, definition, invocation);
                           if (answer && answer->failure && reads) answer->failure->stands = false;   // nothing to stand
                           return answer;
                         });
}

Result<tool::Answer> read_result(const Definition& definition, Json result) {
  if (const std::string type = text_of(result["resultType"]); !type.empty() && type != "complete")
    return tool::Answer::failed(type == "input_required" ? "input_required" : "invalid_result",
                                type == "input_required" ? "the MCP server wants something from the user that this program does not give: " + definition.name
                                                         : "the MCP server gave a result of an unknown type '" + type.substr(0, 40) + "'");
  const auto* blocks = result["content"].as_array();
  if (!blocks || blocks->size() > kBlocksMost)
    return tool::Answer::failed("invalid_result", "the MCP server's result has no list of content, or a very long one");
  for (const Json& block : *blocks) {
    if (const std::string wrong = wrong_block(block); !wrong.empty()) return tool::Answer::failed("invalid_result", "the MCP server's result has " + wrong);
  }
  if (result["isError"] == Json(true)) {
    const std::string text = text_of_blocks(*blocks);
    return tool::Answer::failed("tool_error", text.empty() ? "the tool failed and did not say why" : utf8_repaired(text.substr(0, kErrorBytesMost)));
  }
  Json out = Json::object({{"content", result["content"]}});
  const Json* structured = result.find("structuredContent");
  if (structured) out.set("structuredContent", *structured);
  if (definition.output.is_null()) return tool::Answer::of(std::move(out));
  if (!structured) return tool::Answer::failed("invalid_result", "the tool promises structured content and gave none");
  TRY_ASSIGN(const auto validator, schema::Validator::compile(definition.output, "outputSchema"));
  if (auto problems = validator->check(*structured); !problems.empty()) {
    const std::string first = problems.front().text();
    return tool::Answer::failed("invalid_result", "the tool's structured content does not fit its own schema: " + first, std::move(problems));
  }
  return tool::Answer::of(std::move(out));
}

}  // namespace strata::mcp
