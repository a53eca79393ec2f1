// Streamable HTTP, the client's side.
#include "base/crypto.h"
#include "base/text.h"
#include "knowledge/mcp/events.h"
#include "knowledge/mcp/protocol.h"
#include "knowledge/mcp/transport.h"

namespace strata::mcp {
namespace {

constexpr int64_t kStallMs = 120'000;        // an event stream says something, be it a comment, more often than that
constexpr int64_t kReplyMs = 5'000;          // for our answer to a question of the server's
constexpr std::string_view kBase64Begin = "=?base64?", kBase64End = "?=";

std::string header_of(const egress::Response& response, std::string_view name) {
  for (auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

bool is_event_stream(const egress::Response& response) { return ascii_lower(header_of(response, "content-type")).starts_with("text/event-stream"); }

Error refusal(const egress::Response& response) {
  const std::string status = std::to_string(response.status);
  const std::string said(trim(utf8_repaired(response.body.substr(0, 300))));
  Error out = unavailable("the MCP server answered with status " + status + (said.empty() ? "" : ": " + said));
  out.reason = "http_" + status;
  if (response.status == 401 || response.status == 403) {
    out.code = Code::kPermissionDenied;
    out.message += " (it wants a token: give it one when adding the server)";
  } else if (response.status == 404) {
    out.code = Code::kNotFound;
  } else if (response.status >= 300 && response.status < 500) {
    out.code = Code::kInvalidArgument;
  }
  return out;
}

class HttpTransport : public Transport {
 public:
  HttpTransport(egress::Client& client, HttpOptions options) : client_(client), options_(std::move(options)) {}

  Status send(const Context& context, const Envelope& envelope, const std::function<Next(const Arrival&)>& each) override {
    Exchange exchange{*this, context, envelope, each};
    return exchange.run();
  }
  bool hangs_up() const override { return true; }

 private:
  egress::Request post(const Envelope& envelope) const {
    const rpc::Message& message = envelope.message;
    egress::Request out{.method = "POST", .url = options_.url, .trust = options_.trust, .redirects_max = 0, .bytes_max = options_.bytes_most};
    out.stall_timeout_ms = kStallMs;
    out.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json, text/event-stream"}};
    if (!envelope.version.empty()) out.headers.emplace_back("MCP-Protocol-Version", envelope.version);
    if (!envelope.session.empty()) out.headers.emplace_back("Mcp-Session-Id", envelope.session);
    if (is_modern(envelope.version) && !message.method.empty()) {
      out.headers.emplace_back("Mcp-Method", header_value(message.method));
      if (const auto name = mirrored_name(message)) out.headers.emplace_back("Mcp-Name", header_value(*name));
    }
    for (const auto& header : envelope.headers) out.headers.push_back(header);
    out.secret_header = options_.secret_header;
    out.body = message.text();
    return out;
  }

  // One POST and its answer.
  struct Exchange {
    HttpTransport& transport;
    const Context& context;
    const Envelope& envelope;
    const std::function<Next(const Arrival&)>& each;
    EventReader events = {};
    Status failed = {};
    bool stream = false, done = false;
    std::string body = {}, session = {};

    Status run() {
      egress::Request request = transport.post(envelope);
      request.on_head = [this](const egress::Response& head) {
        stream = is_event_stream(head);
        session = header_of(head, "mcp-session-id");
        return true;
      };
      auto response = transport.client_.fetch(context, request, [this](std::string_view bytes) { return take(bytes); });
      if (!failed) return failed;
      if (!response) return std::move(response.error());
      if (response->status >= 200 && response->status < 300) return stream || done || trim(body).empty() ? Status() : deliver(body, response->status);
      // A JSON-RPC error in the body says more than the status.
      if (auto message = rpc::parse(response->body); message && message->kind == rpc::Message::Kind::kError) return deliver(response->body, response->status);
      return refusal(*response);
    }

    bool take(std::string_view bytes) {
      if (!stream) {
        body += bytes;
        if (body.size() > rpc::kMessageBytesMost) failed = resource_exhausted("the MCP server's message is over the limit", "too_large");
        return static_cast<bool>(failed);
      }
      auto fed = events.feed(bytes, [this](const std::string& data) {
        failed = deliver(data, 200);
        return failed && !done;
      });
      if (failed && !fed) failed = std::move(fed);
      return failed && !done;
    }

    Status deliver(const std::string& text, int status) {
      TRY_ASSIGN(rpc::Message message, rpc::parse(text));
      const Next next = each({std::move(message), status, session});
      done = !next.more;
      if (!next.reply) return {};
      // What it answers to our answer does not matter.
      const Envelope answer{*next.reply, envelope.version, envelope.session, {}};
      const Context limited = context.with_timeout_ms(kReplyMs);
      (void)transport.client_.fetch(limited, transport.post(answer), [](std::string_view) { return false; });
      return context.check();
    }
  };

  egress::Client& client_;
  const HttpOptions options_;
};

}  // namespace

std::unique_ptr<Transport> make_http_transport(egress::Client& client, HttpOptions options) {
  return std::make_unique<HttpTransport>(client, std::move(options));
}

std::string header_value(const std::string& text) {
  bool plain = !text.empty() && text.front() != ' ' && text.back() != ' ';
  for (const char c : text) plain = plain && c >= 0x20 && c < 0x7f;
  if (plain && !(text.starts_with(kBase64Begin) && text.ends_with(kBase64End))) return text;
  return std::string(kBase64Begin) + base64_encode(text) + std::string(kBase64End);
}

std::optional<std::string> value_of_header(std::string_view header) {
  for (const char c : header) {
    if ((c < 0x20 && c != '\t') || c >= 0x7f) return std::nullopt;
  }
  if (!header.starts_with(kBase64Begin) || !header.ends_with(kBase64End) || header.size() < kBase64Begin.size() + kBase64End.size()) return std::string(header);
  header.remove_prefix(kBase64Begin.size());
  header.remove_suffix(kBase64End.size());
  auto text = base64_decode(header);
  if (!text || !utf8_valid(*text)) return std::nullopt;
  return std::move(*text);
}

}  // namespace strata::mcp
