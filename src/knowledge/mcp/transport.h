// The seam between a session and how its messages travel. Part of knowledge/mcp's front door.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "infra/egress/egress.h"
#include "infra/process/process.h"
#include "knowledge/mcp/rpc.h"

namespace strata::mcp {

// A message and what travels beside it over HTTP; a stream of lines needs the message alone.
struct Envelope {
  rpc::Message message;
  std::string version;                                       // MCP-Protocol-Version; empty: not sent
  std::string session;                                       // Mcp-Session-Id; empty: not sent
  std::vector<std::pair<std::string, std::string>> headers;  // Mcp-Param-…
};

struct Arrival {
  rpc::Message message;
  int status = 200;              // of the HTTP answer that it came in
  std::string session;           // Mcp-Session-Id of that answer
};

// What to do after one: whether more is wanted, and what the other side is answered (it may ask us something).
struct Next {
  bool more = true;
  std::optional<rpc::Message> reply;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Sends one message and hands over what comes back because of it, until `each` wants no more or the other side has no more; both are ok.
  // Errors: kUnavailable (away, ended, broke off; reason "process_gone": the program ended before, nothing was sent; send again), kResourceExhausted (a message over the limit, too many of them), kInvalidArgument (what came
  // is no message), kPermissionDenied and kNotFound (HTTP 401, 403, 404 without a message; reason "http_404"), and those of the context.
  // THREADS: safe; may block one behind the other.
  virtual Status send(const Context& context, const Envelope& envelope, const std::function<Next(const Arrival&)>& each) = 0;
  // Whether a request has an answer stream of its own, so that hanging up cancels it.
  virtual bool hangs_up() const = 0;
};

// Each message is a POST, answered by one JSON message or by an event stream. `client` outlives it. `secret_header`: "Authorization: Bearer …".
struct HttpOptions {
  std::string url;
  std::string secret_header;
  egress::Trust trust = egress::Trust::kOperator;
  uint64_t bytes_most = 16u << 20;                           // of one answer, however long its stream lasts
};
std::unique_ptr<Transport> make_http_transport(egress::Client& client, HttpOptions options);

// A program of this machine, a message a line. It is started with the first message, again with the
// message after the one that found it ended, and ended with the transport.
std::unique_ptr<Transport> make_stdio_transport(process::Command command);

// A value as a header's: as it is where it is plain ASCII, else as the specification's Base64 form. And back; nullopt where it is malformed.
std::string header_value(const std::string& text);
std::optional<std::string> value_of_header(std::string_view header);

}  // namespace strata::mcp
