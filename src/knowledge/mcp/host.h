// This platform as an MCP server: its tools, and its documents as resources, whatever the messages travel on. Part of knowledge/mcp's front door.
//
//   POST /mcp → handle(): body and headers in, status and body out; where a stream is asked for, the transport opens one and attach()es it
//
// Both eras on one endpoint: a request with the modern per-request _meta is served without state; `initialize` opens a legacy session.
// What a caller may not call is not listed and not found. Whoever calls through MCP is treated as holding untrusted text (nobody tells us what
// the model behind it has read): a tool above the risk line needs a person's approval of exactly these arguments.
//
// tools/call reads from params._meta: "strata/idempotencyKey", "strata/approvalId", "strata/dryRun" (tool.h says what they do).
// Not offered: prompts, completions, logging, sampling and elicitation of the client, subscriptions to single resources, progress.
//
// THREADS: safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "knowledge/mcp/rpc.h"
#include "knowledge/tool/tool.h"

namespace strata::catalog { class Catalog; }

namespace strata::mcp {

struct Resource {
  std::string uri, name, title, mime;
  int64_t bytes = -1;                  // -1: not known
};
struct ResourcePage {
  std::vector<Resource> items;
  std::string next;                    // cursor of the next page; empty: that was the last
};
// What is offered to be read beside the tools.
class Resources {
 public:
  virtual ~Resources() = default;
  virtual Result<ResourcePage> list(const Context& context, const std::string& cursor) = 0;   // kInvalidArgument: no such cursor
  virtual Result<std::string> read(const Context& context, const std::string& uri) = 0;       // kNotFound; the text
};
// The documents of all knowledge bases as "strata://documents/ID"; their extracted text.
std::unique_ptr<Resources> make_document_resources(catalog::Catalog& catalog);

// What a stream carries once it is open. `listen_id`: the request that opened it, of a modern stream; null: a legacy session's.
struct Listening {
  Json listen_id;
  bool tools = false;
  std::string session;
};

struct Reply {
  int status = 200;
  std::string body;                    // JSON; empty: none
  std::string session;                 // for the header Mcp-Session-Id
  bool stream = false;                 // open an event stream, send `body` as its first event where there is one, and attach()
  Listening listening;
};

class Host {
 public:
  using Header = std::function<std::string_view(std::string_view lower_case_name)>;
  // An open event stream. Neither call may block.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual bool write(const std::string& message) = 0;   // false: the client is gone
    virtual void end() = 0;
  };

  static constexpr size_t kSessionsMost = 256;            // past it the one that was idle longest ends
  static constexpr int64_t kSessionIdleMs = 3'600'000;
  static constexpr size_t kStreamsMost = 128;

  struct Options {
    std::string version;                                  // of this program
    Resources* resources = nullptr;                       // optional
    std::string where_to_approve;                         // told to whoever calls what a person must approve: how to get there
  };
  Host(tool::Tools& tools, const Clock& clock, Options options);
  ~Host();

  Reply post(const Context& context, std::string_view body, const Header& header);
  Reply get(const Context& context, const Header& header);         // a legacy session's stream
  Reply remove(const Context& context, const Header& header);      // ends a legacy session
  // `context`: of the request that opened it, cancelled when its client leaves.
  void attach(const Context& context, Listening listening, std::unique_ptr<Sink> sink);
  // Tells all streams that asked for it. Called after tools were added or removed.
  void tools_changed();
  // Ends all streams, in good order, and takes no more: before the transport stops.
  void close();

  size_t sessions() const;

 private:
  struct Session;
  struct Stream;
  Reply modern(const Context& context, const rpc::Message& message, const Header& header);
  Reply legacy(const Context& context, const rpc::Message& message, const Header& header);
  Reply initialize(const Context& context, const rpc::Message& message);
  Reply subscribe(const rpc::Message& message);
  rpc::Message dispatch(const Context& context, const rpc::Message& message, bool modern);
  Result<bool> may_call(const Context& context, const std::string& name);
  Result<Json> offered(const Context& context);           // the tools that this caller may call, as tools/list has them
  Result<Json> list_tools(const Context& context);
  Result<Json> call_tool(const Context& context, const Json& params);
  Result<Json> list_resources(const Context& context, const Json& params);
  Result<Json> read_resource(const Context& context, const Json& params);
  Json capabilities(bool modern) const;
  Json server_info() const;
  bool knows(const std::string& session, const Principal& who);
  void cancel(const std::string& session, const Json& id);

  tool::Tools& tools_;
  const Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  std::map<std::string, Session> sessions_;
  std::map<std::string, Context> running_;                // legacy calls by session and id, for notifications/cancelled
  std::vector<std::shared_ptr<Stream>> streams_;
  bool closed_ = false;
};

}  // namespace strata::mcp
