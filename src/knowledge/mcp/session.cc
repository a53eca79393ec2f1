#include "knowledge/mcp/session.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "knowledge/mcp/protocol.h"

namespace strata::mcp {
namespace {

constexpr int64_t kProbeMs = 15'000;       // a legacy program may never answer what it does not know; a slow one takes its time to start
constexpr int64_t kGiveUpMs = 1'000;       // for telling the server that nobody waits any more
constexpr std::array<std::string_view, 3> kLegacyVersions = {kLegacy, "2025-06-18", "2025-03-26"};

std::string text_of(const Json& json, size_t most = 200) { return json.as_string() ? json.as_string()->substr(0, most) : ""; }

bool is_legacy_version(const std::string& version) { return std::find(kLegacyVersions.begin(), kLegacyVersions.end(), version) != kLegacyVersions.end(); }

// Codes that only a modern server gives.
bool is_modern_fault(int64_t code) { return code == rpc::kHeaderMismatch || code == rpc::kMissingCapability || code == rpc::kUnsupportedVersion; }

// By these codes the server did not do what it was asked; by others it may have begun.
bool is_refusal(int64_t code) { return code == rpc::kMethodNotFound || code == rpc::kInvalidParams || code == rpc::kInvalidRequest || is_modern_fault(code); }

Error said(const rpc::Fault& fault) {
  Error out{Code::kFailedPrecondition, "the MCP server says: " + fault.message.substr(0, 2'000) + " (" + std::to_string(fault.code) + ")", "",
            is_refusal(fault.code) ? "rpc_refused" : "rpc_error"};
  return out;
}

Error no_common_version(const std::string& theirs) {
  Error out = failed_precondition("the MCP server speaks " + (theirs.empty() ? std::string("no version that it names") : theirs) + "; this program speaks " +
                                  std::string(kModern) + " and " + std::string(kLegacy));
  out.reason = "no_common_version";
  return out;
}

bool has(const Json& list, std::string_view value) {
  const auto* items = list.as_array();
  return items && std::any_of(items->begin(), items->end(), [&](const Json& item) { return item == Json(value); });
}

bool has_legacy(const Json& list) {
  return std::any_of(kLegacyVersions.begin(), kLegacyVersions.end(), [&](std::string_view version) { return has(list, version); });
}

}  // namespace

struct Session::Answer {
  rpc::Message message;                    // a result or an error
  int status = 0;                          // 0: none came
  std::string session;
  bool flooded = false;
};

bool Session::is_modern() const {
  const std::lock_guard lock(mutex_);
  return mcp::is_modern(peer_.protocol);
}

Next Session::look(const Arrival& arrival, const Json& id, int& others, Answer& answer) {
  const rpc::Message& message = arrival.message;
  // An error without the id of its request, in an answer that is itself an error, can only be meant for this one.
  const bool ours = message.answers() && (message.id == id || (message.kind == rpc::Message::Kind::kError && arrival.status >= 400));
  if (ours) {
    answer = {message, arrival.status, arrival.session, false};
    return {false, {}};
  }
  answer.flooded = ++others > kOthersMost;
  if (answer.flooded) return {false, {}};
  if (message.kind == rpc::Message::Kind::kNotification && message.method == "notifications/tools/list_changed") tools_changed_ = true;
  if (!message.asks()) return {};
  if (message.method == "ping") return {true, rpc::result(message.id, Json::object())};
  return {true, rpc::error(message.id, {rpc::kMethodNotFound, "this client offers nothing to its servers", {}})};
}

Result<Session::Answer> Session::exchange(const Context& context, const std::string& method, Json params, const std::string& version, const Headers& headers) {
  Envelope envelope;
  if (mcp::is_modern(version)) {
    if (params.is_null()) params = Json::object();
    Json meta = params.find("_meta") ? params["_meta"] : Json::object();
    meta.set(std::string(kMetaVersion), version);
    meta.set(std::string(kMetaClientInfo), Json::object({{"name", "strata"}, {"version", version_}}));
    meta.set(std::string(kMetaCapabilities), Json::object());
    params.set("_meta", std::move(meta));
  }
  const Json id = next_id_++;
  envelope.message = rpc::request(id, method, std::move(params));
  envelope.version = method == "initialize" ? "" : version;
  envelope.headers = headers;
  {
    const std::lock_guard lock(mutex_);
    if (!mcp::is_modern(version) && method != "initialize") envelope.session = session_;
  }
  Answer answer;
  int others = 0;
  const auto each = [&](const Arrival& arrival) { return look(arrival, id, others, answer); };
  Status sent = transport_->send(context, envelope, each);
  const bool begins = method == "server/discover" || method == "initialize";
  if (!sent && sent.error().reason == "process_gone" && begins) sent = transport_->send(context, envelope, each);
  if (!sent && answer.status == 0) {
    if (sent.error().code == Code::kCancelled || sent.error().code == Code::kDeadlineExceeded) give_up(envelope.message, envelope);
    return std::move(sent.error());
  }
  if (answer.flooded) {
    give_up(envelope.message, envelope);
    return resource_exhausted("the MCP server sent " + std::to_string(kOthersMost) + " messages and no answer", "too_many_messages");
  }
  if (answer.status == 0) return unavailable("the MCP server ended its answer to " + method + " without answering");
  return answer;
}

// A modern server sees over HTTP that we hung up. All others are told.
void Session::give_up(const rpc::Message& message, const Envelope& envelope) {
  if (message.method == "initialize" || (mcp::is_modern(envelope.version) && transport_->hangs_up())) return;
  Envelope notice = envelope;
  notice.message = rpc::notification("notifications/cancelled", Json::object({{"requestId", message.id}, {"reason", "nobody waits for it any more"}}));
  notice.headers.clear();
  (void)transport_->send(Context::background().with_timeout_ms(kGiveUpMs), notice, [](const Arrival&) { return Next{false, {}}; });
}

Result<Peer> Session::discover(const Context& context, bool& legacy) {
  for (bool again = false;; again = true) {
    auto answer = exchange(context.with_timeout_ms(kProbeMs), "server/discover", {}, std::string(kModern), {});
    if (!answer) {
      TRY(context.check());
      const Error& error = answer.error();
      // Silence, and what a legacy endpoint says to a request that it does not know. Whoever is away, or wants a token, is so in either era.
      legacy = error.code == Code::kDeadlineExceeded || error.reason == "process_ended" ||
               (error.reason.starts_with("http_4") && error.code != Code::kPermissionDenied);
      return std::move(answer.error());
    }
    const rpc::Message& message = answer->message;
    const bool refused = message.kind == rpc::Message::Kind::kError;
    const Json& theirs = refused ? message.fault.data["supported"] : message.result["supportedVersions"];
    if (refused && message.fault.code == rpc::kUnsupportedVersion && has(theirs, kModern) && !again) continue;   // it says itself that it does
    if (refused && message.fault.code != rpc::kUnsupportedVersion) {
      legacy = !is_modern_fault(message.fault.code);
      return said(message.fault);
    }
    if (refused || !has(theirs, kModern)) {
      legacy = has_legacy(theirs) || (!refused && !theirs.is_array());   // some legacy servers answer anything
      return no_common_version(theirs.dump().substr(0, 200));
    }
    const Json& info = message.result["_meta"][kMetaServerInfo];
    return Peer{text_of(info["name"]), text_of(info["version"]), std::string(kModern)};
  }
}

Result<Peer> Session::initialize(const Context& context) {
  Json params =
      Json::object({{"protocolVersion", kLegacy}, {"capabilities", Json::object()}, {"clientInfo", Json::object({{"name", "strata"}, {"version", version_}})}});
  TRY_ASSIGN(Answer answer, exchange(context, "initialize", std::move(params), std::string(kLegacy), {}));
  if (answer.message.kind == rpc::Message::Kind::kError) return said(answer.message.fault);
  const Json& result = answer.message.result;
  const std::string version = text_of(result["protocolVersion"]);
  if (!is_legacy_version(version)) return no_common_version(version);
  {
    const std::lock_guard lock(mutex_);
    session_ = answer.session;
  }
  Envelope envelope{rpc::notification("notifications/initialized"), version, answer.session, {}};
  TRY(transport_->send(context, envelope, [](const Arrival&) { return Next{false, {}}; }));
  return Peer{text_of(result["serverInfo"]["name"]), text_of(result["serverInfo"]["version"]), version};
}

Result<Peer> Session::open(const Context& context) {
  const std::lock_guard opening(open_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (open_) return peer_;
    session_.clear();
  }
  bool legacy = false;
  auto peer = discover(context, legacy);
  if (!peer && legacy) peer = initialize(context);
  if (!peer) return std::move(peer.error());
  const std::lock_guard lock(mutex_);
  peer_ = *peer;
  open_ = true;
  return peer_;
}

Result<Json> Session::request(const Context& context, const std::string& method, Json params, const Headers& headers) {
  for (bool again = false;; again = true) {
    TRY_ASSIGN(const Peer peer, open(context));
    auto answer = exchange(context, method, params, peer.protocol, headers);
    const bool stateful = !mcp::is_modern(peer.protocol);
    // 404 on a session is the server's word that it forgot it, and did nothing. A program that ends in the middle may have acted.
    const bool gone = !answer && answer.error().reason == "process_gone";
    const bool forgotten = gone || (stateful && (answer ? answer->status == 404 : answer.error().reason == "http_404"));
    const bool ended = !answer && answer.error().reason == "process_ended";
    if (forgotten || ended) {
      const std::lock_guard lock(mutex_);
      open_ = false;
    }
    if (forgotten && !again) continue;
    if (!answer) return std::move(answer.error());
    if (answer->message.kind == rpc::Message::Kind::kError) return said(answer->message.fault);
    return std::move(answer->message.result);
  }
}

}  // namespace strata::mcp
