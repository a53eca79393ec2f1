// A conversation with one MCP server: finds out which era it speaks, opens and re-opens what needs opening, matches answers to requests.
// Part of knowledge/mcp's front door.
//
//   open(): server/discover (modern) → its versions; an error that no modern server gives → initialize (legacy)
//
// A server cannot hold us: each exchange ends with its context, after kOthersMost messages that are not the answer, or at the transport's limits.
// It may ask us nothing: we declare no capabilities, and answer any request of its own but ping with "method not found".
// SOURCE: .../2026-07-28/basic/versioning (Backward Compatibility with Initialization-Based Versions).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "knowledge/mcp/transport.h"

namespace strata::mcp {

struct Peer {
  std::string name, version;             // what it says of itself; not to be relied upon
  std::string protocol;                  // the version agreed on
};

// THREADS: safe.
class Session {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  static constexpr int kOthersMost = 1'000;

  // `version`: of this program.
  Session(std::unique_ptr<Transport> transport, std::string version) : transport_(std::move(transport)), version_(std::move(version)) {}

  // Does nothing where it is open. Errors: those of the transport; kFailedPrecondition (no_common_version).
  Result<Peer> open(const Context& context);
  // Opens first where need be; a session that the server forgot is opened again, once. The result, or an Error: of the transport, or what the
  // server said, with reason "rpc_refused" (it did not do it) or "rpc_error" (it may have begun). kResourceExhausted (too_many_messages).
  Result<Json> request(const Context& context, const std::string& method, Json params, const Headers& headers = {});
  // Whether the server said since the last time that its tools changed. However often it says so, this is one flag.
  bool take_tools_changed() { return tools_changed_.exchange(false); }
  bool is_modern() const;                // REQUIRES: open

 private:
  struct Answer;
  Result<Peer> discover(const Context& context, bool& legacy);
  Result<Peer> initialize(const Context& context);
  Result<Answer> exchange(const Context& context, const std::string& method, Json params, const std::string& version, const Headers& headers);
  Next look(const Arrival& arrival, const Json& id, int& others, Answer& answer);
  void give_up(const rpc::Message& message, const Envelope& envelope);

  const std::unique_ptr<Transport> transport_;
  const std::string version_;
  std::mutex open_mutex_;                // one opens at a time
  mutable std::mutex mutex_;             // of what follows
  bool open_ = false;
  Peer peer_;
  std::string session_;                  // Mcp-Session-Id
  std::atomic<int64_t> next_id_{1};
  std::atomic<bool> tools_changed_{false};
};

}  // namespace strata::mcp
