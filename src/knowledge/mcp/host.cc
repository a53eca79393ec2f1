// The server's side of the protocol: eras, sessions, streams. What the methods do is in host_methods.cc.
#include "knowledge/mcp/host.h"

#include <algorithm>

#include "base/random.h"
#include "knowledge/mcp/protocol.h"
#include "knowledge/mcp/transport.h"

namespace strata::mcp {

struct Host::Session {
  std::string user;                    // tenant and user that opened it
  int64_t used_ms = 0;
};

struct Host::Stream {
  Context context;
  Listening listening;
  std::unique_ptr<Sink> sink;
};

namespace {

std::string who(const Principal& principal) { return principal.tenant + "/" + principal.user; }

Reply answer(const rpc::Message& message, int status = 200) {
  Reply out;
  out.status = status;
  out.body = message.text();
  return out;
}

Reply refuse(const Json& id, int64_t code, std::string message, int status = 400, Json data = {}) {
  return answer(rpc::error(id, {code, std::move(message), std::move(data)}), status);
}

Reply empty(int status) {
  Reply out;
  out.status = status;
  return out;
}

Reply unsupported(const Json& id, std::string_view version) {
  return refuse(id, rpc::kUnsupportedVersion, "this server does not speak protocol version '" + std::string(version.substr(0, 40)) + "'", 400,
                Json::object({{"supported", Json::array({kModern, kLegacy})}, {"requested", version.substr(0, 40)}}));
}

// What is wrong with a modern request's headers; empty: nothing.
std::string header_mismatch(const rpc::Message& message, const Host::Header& header) {
  const auto method = value_of_header(header("mcp-method"));
  if (!method || method->empty()) return "the header Mcp-Method is missing or malformed";
  if (*method != message.method) return "the header Mcp-Method says '" + *method + "', the body '" + message.method + "'";
  const auto name = mirrored_name(message);
  if (!name) return "";
  const auto said = value_of_header(header("mcp-name"));
  if (!said || said->empty()) return "the header Mcp-Name is missing or malformed";
  return *said == *name ? "" : "the header Mcp-Name says '" + *said + "', the body '" + name->substr(0, 200) + "'";
}

}  // namespace

Host::Host(tool::Tools& tools, const Clock& clock, Options options) : tools_(tools), clock_(clock), options_(std::move(options)) {}
Host::~Host() = default;

Json Host::server_info() const { return Json::object({{"name", "strata"}, {"title", "Strata"}, {"version", options_.version}}); }

Json Host::capabilities(bool modern) const {
  Json out = Json::object({{"tools", Json::object({{"listChanged", true}})}});
  if (options_.resources) out.set("resources", Json::object());
  if (modern) out.set("extensions", Json::object());
  return out;
}

Reply Host::post(const Context& context, std::string_view body, const Header& header) {
  Json id;
  auto message = rpc::parse(body, &id);
  if (!message) {
    const bool parsed = message.error().reason == "invalid_request";
    return refuse(id, parsed ? rpc::kInvalidRequest : rpc::kParseError, message.error().message);
  }
  const std::string_view version = header("mcp-protocol-version");
  const Json& meta = message->params["_meta"];
  if (is_modern(version) || meta.find(kMetaVersion)) return modern(context, *message, header);
  // Any other version but the one that we give in initialize is none of ours; the header came with 2025-06-18, so none is fine.
  if (!version.empty() && version != kLegacy && message->method != "initialize") return unsupported(message->id, version);
  return legacy(context, *message, header);
}

Reply Host::modern(const Context& context, const rpc::Message& message, const Header& header) {
  // Over HTTP a client ends a request by hanging up; there is no notification that it could send, and nothing that we would have asked.
  if (message.kind == rpc::Message::Kind::kNotification) return empty(202);
  if (!message.asks()) return refuse({}, rpc::kInvalidRequest, "expected a request: this server asks its clients nothing");
  const std::string_view stated = header("mcp-protocol-version");
  if (stated.empty()) return refuse(message.id, rpc::kHeaderMismatch, "the header MCP-Protocol-Version is missing");
  const Json& meta = message.params["_meta"];
  const std::string* version = meta[kMetaVersion].as_string();
  if (!version) return refuse(message.id, rpc::kInvalidParams, "params._meta: expected " + std::string(kMetaVersion));
  if (*version != stated) return refuse(message.id, rpc::kHeaderMismatch, "the header MCP-Protocol-Version and params._meta name different versions");
  if (*version != kModern) return unsupported(message.id, *version);
  if (!meta[kMetaCapabilities].is_object()) return refuse(message.id, rpc::kInvalidParams, "params._meta: expected " + std::string(kMetaCapabilities));
  if (const std::string wrong = header_mismatch(message, header); !wrong.empty()) return refuse(message.id, rpc::kHeaderMismatch, wrong);
  if (message.method == "subscriptions/listen") return subscribe(message);
  const rpc::Message out = dispatch(context, message, true);
  const bool unknown = out.kind == rpc::Message::Kind::kError && out.fault.code == rpc::kMethodNotFound;
  return answer(out, unknown ? 404 : 200);
}

Reply Host::subscribe(const rpc::Message& message) {
  const Json& wanted = message.params["notifications"];
  if (!wanted.is_object()) return refuse(message.id, rpc::kInvalidParams, "notifications: expected an object");
  Reply out;
  out.stream = true;
  out.listening = {message.id, wanted["toolsListChanged"] == Json(true), ""};
  Json agreed = Json::object();
  if (out.listening.tools) agreed.set("toolsListChanged", true);
  out.body = rpc::notification("notifications/subscriptions/acknowledged",
                               Json::object({{"_meta", Json::object({{std::string(kMetaSubscription), message.id}})}, {"notifications", std::move(agreed)}}))
                 .text();
  return out;
}

bool Host::knows(const std::string& session, const Principal& principal) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  if (found == sessions_.end() || found->second.user != who(principal)) return false;
  found->second.used_ms = clock_.unix_ms();
  return true;
}

Reply Host::legacy(const Context& context, const rpc::Message& message, const Header& header) {
  if (message.asks() && message.method == "initialize") return initialize(context, message);
  const std::string session(header("mcp-session-id"));
  if (session.empty()) return refuse(message.id, rpc::kInvalidRequest, "the header Mcp-Session-Id is missing: begin with initialize");
  if (!knows(session, context.principal())) return refuse(message.id, rpc::kInvalidRequest, "this session ended: begin again with initialize", 404);
  if (message.kind == rpc::Message::Kind::kNotification && message.method == "notifications/cancelled") cancel(session, message.params["requestId"]);
  if (!message.asks()) return empty(202);
  const std::string key = session + "/" + message.id.dump();
  {
    const std::lock_guard lock(mutex_);
    running_.insert_or_assign(key, context);
  }
  const rpc::Message out = dispatch(context, message, false);
  const std::lock_guard lock(mutex_);
  running_.erase(key);
  return answer(out);
}

void Host::cancel(const std::string& session, const Json& id) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(session + "/" + id.dump());
  if (found != running_.end()) found->second.cancel();
}

Reply Host::initialize(const Context& context, const rpc::Message& message) {
  if (!message.params["protocolVersion"].is_string()) return refuse(message.id, rpc::kInvalidParams, "protocolVersion: expected a text");
  const std::string session = make_id("mcp");
  const int64_t now_ms = clock_.unix_ms();
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [&](const auto& one) { return one.second.used_ms + kSessionIdleMs < now_ms; });
    if (sessions_.size() >= kSessionsMost)
      sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) { return a.second.used_ms < b.second.used_ms; }));
    sessions_.emplace(session, Session{who(context.principal()), now_ms});
  }
  // Whatever legacy version was asked for: the one that we speak. A client that cannot says so and leaves.
  Reply out =
      answer(rpc::result(message.id, Json::object({{"protocolVersion", kLegacy}, {"capabilities", capabilities(false)}, {"serverInfo", server_info()}})));
  out.session = session;
  return out;
}

Reply Host::get(const Context& context, const Header& header) {
  const std::string session(header("mcp-session-id"));
  if (session.empty() || is_modern(header("mcp-protocol-version"))) return empty(405);
  if (!knows(session, context.principal())) return refuse({}, rpc::kInvalidRequest, "this session ended: begin again with initialize", 404);
  Reply out;
  out.stream = true;
  out.listening = {{}, true, session};
  return out;
}

Reply Host::remove(const Context& context, const Header& header) {
  const std::string session(header("mcp-session-id"));
  if (session.empty()) return empty(405);
  if (!knows(session, context.principal())) return refuse({}, rpc::kInvalidRequest, "there is no such session", 404);
  const std::lock_guard lock(mutex_);
  sessions_.erase(session);
  std::erase_if(streams_, [&](const auto& stream) { return stream->listening.session == session; });
  return empty(204);
}

void Host::attach(const Context& context, Listening listening, std::unique_ptr<Sink> sink) {
  const std::lock_guard lock(mutex_);
  if (closed_) return sink->end();
  std::erase_if(streams_, [](const auto& stream) { return stream->context.cancelled(); });
  if (streams_.size() >= kStreamsMost) streams_.erase(streams_.begin());   // the oldest: its client opens another
  streams_.push_back(std::make_shared<Stream>(Stream{context, std::move(listening), std::move(sink)}));
}

namespace {

Json tag_of(const Listening& listening) {
  return listening.listen_id.is_null() ? Json() : Json::object({{"_meta", Json::object({{std::string(kMetaSubscription), listening.listen_id}})}});
}

}  // namespace

void Host::tools_changed() {
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [](const auto& stream) {
    if (stream->context.cancelled()) return true;
    if (!stream->listening.tools) return false;
    return !stream->sink->write(rpc::notification("notifications/tools/list_changed", tag_of(stream->listening)).text());
  });
}

void Host::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const auto& stream : streams_) {
    Json value = tag_of(stream->listening);
    if (!value.is_null()) {
      value.set("resultType", "complete");
      stream->sink->write(rpc::result(stream->listening.listen_id, std::move(value)).text());
    }
    stream->sink->end();
  }
  streams_.clear();
}

size_t Host::sessions() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace strata::mcp
