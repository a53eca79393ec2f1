#include "knowledge/mcp/rpc.h"

namespace strata::mcp::rpc {
namespace {

Error wrong(std::string message) { return invalid_argument(std::move(message), "", "invalid_request"); }

bool is_id(const Json& id) { return id.is_int() || (id.is_string() && id.as_string()->size() <= kIdBytesMost); }

Result<Message> read_call(const Json& json) {
  Message out;
  const std::string* method = json["method"].as_string();
  if (!method || method->empty() || method->size() > 256)
    return wrong("method: expected a text of 1 to 256 bytes, got " + std::string(json["method"].type_name()));
  out.method = *method;
  const Json* params = json.find("params");
  if (params && !params->is_object() && !params->is_null()) return wrong("params: expected an object, got " + std::string(params->type_name()));
  if (params) out.params = *params;
  const Json* id = json.find("id");
  if (!id) {
    out.kind = Message::Kind::kNotification;
    return out;
  }
  if (!is_id(*id)) return wrong("id: expected an integer or a text of at most 256 bytes, got " + std::string(id->type_name()));
  out.id = *id;
  return out;
}

Result<Message> read_answer(const Json& json) {
  Message out;
  const Json* id = json.find("id");
  if (id && !id->is_null() && !is_id(*id)) return wrong("id: expected an integer or a text, got " + std::string(id->type_name()));
  if (id) out.id = *id;
  const Json *value = json.find("result"), *fault = json.find("error");
  if ((value != nullptr) == (fault != nullptr)) return wrong("expected a method, a result or an error");
  if (value) {
    if (!value->is_object()) return wrong("result: expected an object, got " + std::string(value->type_name()));
    if (out.id.is_null()) return wrong("id: a result needs the id of its request");
    out.kind = Message::Kind::kResult;
    out.result = *value;
    return out;
  }
  const std::string* text = (*fault)["message"].as_string();
  if (!(*fault)["code"].is_int() || !text) return wrong("error: expected an integer code and a message");
  out.kind = Message::Kind::kError;
  out.fault = {*(*fault)["code"].to_int("code"), *text, (*fault)["data"]};
  return out;
}

}  // namespace

Json Message::json() const {
  Json out = Json::object({{"jsonrpc", "2.0"}});
  if (!id.is_null()) out.set("id", id);
  if (kind == Kind::kResult) {
    out.set("result", result);
  } else if (kind == Kind::kError) {
    Json said = Json::object({{"code", fault.code}, {"message", fault.message}});
    if (!fault.data.is_null()) said.set("data", fault.data);
    out.set("error", std::move(said));
  } else {
    out.set("method", method);
    if (!params.is_null()) out.set("params", params);
  }
  return out;
}

Message request(Json id, std::string method, Json params) {
  Message out;
  out.id = std::move(id);
  out.method = std::move(method);
  out.params = std::move(params);
  return out;
}

Message notification(std::string method, Json params) {
  Message out = request({}, std::move(method), std::move(params));
  out.kind = Message::Kind::kNotification;
  return out;
}

Message result(Json id, Json value) {
  Message out;
  out.kind = Message::Kind::kResult;
  out.id = std::move(id);
  out.result = std::move(value);
  return out;
}

Message error(Json id, Fault fault) {
  Message out;
  out.kind = Message::Kind::kError;
  out.id = std::move(id);
  out.fault = std::move(fault);
  return out;
}

Result<Message> parse(std::string_view bytes, Json* id) {
  auto json = Json::parse(bytes, {.bytes = kMessageBytesMost, .depth = kDepthMost});
  if (!json) return invalid_argument("no JSON-RPC message: " + json.error().message, "", "parse_error");
  if (json->is_array()) return wrong("batches of messages are not taken: send each by itself");
  if (!json->is_object()) return wrong("expected a JSON-RPC message, got " + std::string(json->type_name()));
  if (id && is_id((*json)["id"])) *id = (*json)["id"];
  if ((*json)["jsonrpc"] != Json("2.0")) return wrong("jsonrpc: expected \"2.0\"");
  return json->find("method") ? read_call(*json) : read_answer(*json);
}

}  // namespace strata::mcp::rpc
