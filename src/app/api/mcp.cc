// /mcp: HTTP in, the room's Host, HTTP out. Host and Origin are checked before any handler (infra/http).
#include "app/api/mcp.h"

#include "app/api/reply.h"
#include "knowledge/mcp/mcp.h"

namespace strata::api {
namespace {

using Respond = std::shared_ptr<http::Responder>;

std::string event(const std::string& message) { return "event: message\ndata: " + message + "\n\n"; }

// Keeps the stream open for as long as the host keeps it.
class EventSink : public mcp::Host::Sink {
 public:
  explicit EventSink(Respond responder) : responder_(std::move(responder)) {}
  bool write(const std::string& message) override { return responder_->write(event(message)); }
  void end() override { responder_->end(); }

 private:
  const Respond responder_;
};

void answer(mcp::Host& host, const Context& context, mcp::Reply reply, const Respond& responder) {
  if (reply.stream) {
    http::Response head = sse_head();
    head.headers.push_back({"x-accel-buffering", "no"});
    if (!reply.body.empty()) head.body = event(reply.body);
    responder->begin_stream(std::move(head));
    return host.attach(context, std::move(reply.listening), std::make_unique<EventSink>(responder));
  }
  http::Response response;
  response.status = reply.status;
  response.body = std::move(reply.body);
  if (response.body.empty()) response.content_type = "text/plain";
  if (!reply.session.empty()) response.headers.push_back({"mcp-session-id", reply.session});
  if (reply.status == 405) response.headers.push_back({"allow", "POST"});
  responder->send(std::move(response));
}

}  // namespace

void add_mcp_route(http::Server& server, mcp::Host& host) {
  const auto header_of = [](const http::Request& request) { return [&request](std::string_view name) { return request.header(name); }; };
  http::RouteOptions options;
  options.body_bytes_max = mcp::rpc::kMessageBytesMost;
  server.route(
      "POST", "/mcp",
      [&host, header_of](const Context& context, const http::Request& request, Respond responder) {
        answer(host, context, host.post(context, request.body, header_of(request)), responder);
      },
      options);
  server.route("GET", "/mcp", [&host, header_of](const Context& context, const http::Request& request, Respond responder) {
    answer(host, context, host.get(context, header_of(request)), responder);
  });
  server.route("DELETE", "/mcp", [&host, header_of](const Context& context, const http::Request& request, Respond responder) {
    answer(host, context, host.remove(context, header_of(request)), responder);
  });
}

}  // namespace strata::api
