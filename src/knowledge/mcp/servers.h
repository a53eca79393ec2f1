// Other programs' tools as ours: the MCP servers that this installation uses. Part of knowledge/mcp's front door.
//
//   add → list → [a person approves the hash of what was listed] → tools in the registry, with source "mcp:NAME"
//                        ▲                                              │ another list, at any later look
//                        └────────────── withheld, with the difference ◀┘
//
// 1. What a model is shown of a server's tools is what a person approved, word for word. A server that lists anything else has all of its tools
//    withdrawn until the new list is approved.
// 2. Where the server is (URL, or command with its environment) is part of the hash: the same words from elsewhere are another list.
// 3. A look is taken before a call when the last one is older than kFreshMs, or the server said that its list changed (never more often
//    than every kLookMs, however often it says so); and when a person asks for it. Nobody waits for a server at start-up.
// 4. Its tools are taken to be risky, with effects, not repeatable, their results untrusted: a server's own hints count for nothing. The person
//    who approves may name tools that only read: those are of medium risk and may be repeated.
// 5. A name in the registry is PREFIX and the tool's own. A tool never takes the place of another: it is left out, with the reason.
// 6. A program is run only where the administrator's file names it: never from what an API request says.
//
// THREADS: safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "infra/egress/egress.h"
#include "infra/secret/secret.h"
#include "infra/store/store.h"
#include "knowledge/tool/tool.h"

namespace strata::mcp {

class Session;
struct Definition;

struct ServerSpec {
  std::string name;                                  // 1 to 32 of a-z, 0-9, '_', '-', a letter first
  std::string url;                                   // of a server over HTTP
  std::vector<std::string> command;                  // of one that is a program here: path and arguments
  std::map<std::string, std::string> environment;    // of the program; nothing else is passed on but PATH and LANG
  std::vector<std::string> secrets;                  // the same, by name: their values are kept sealed (set_secret)
  std::optional<std::string> prefix;                 // none: NAME_
};

enum class ServerState {
  kNew,        // not looked at yet
  kPending,    // listed, never approved
  kApproved,   // its tools are in the registry
  kChanged,    // lists other tools than those approved: withheld
};
std::string_view server_state_name(ServerState state);   // "new", "pending", "approved", "changed"

struct ServerView {
  ServerSpec spec;
  ServerState state = ServerState::kNew;
  std::string approved_hash, seen_hash;
  Json seen = Json::array();                         // the tools as last listed
  Json difference;                                   // from what was approved (all of it, at first); null where there is none
  std::vector<std::string> tools;                    // names in the registry
  std::vector<std::pair<std::string, std::string>> left_out;   // tools that are not taken, and why
  std::vector<std::string> reading;                  // tools that only read, by the word of who approved
  std::string protocol, peer;                        // the version agreed on; what the server calls itself
  std::string approved_by, error;                    // error: of the last look, empty where it went well
  int64_t approved_ms = 0, seen_ms = 0;
};

class Servers {
 public:
  static constexpr int64_t kFreshMs = 60'000, kLookMs = 5'000;
  static constexpr size_t kServersMost = 100;

  static std::vector<store::Migration> migrations();

  struct Parts {
    store::Store& store;
    secret::Secrets& secrets;
    egress::Client& egress;
    tool::Tools& tools;
    const Clock& clock;
    std::string version;                             // of this program
    std::function<void()> on_change = {};            // after tools came or went
  };
  explicit Servers(Parts parts);
  ~Servers();                                        // takes its tools out of the registry

  // The stored servers and those of the administrator's file. Puts what is approved into the registry; asks no server. Again: the file anew.
  Status load(const Context& context, const std::vector<ServerSpec>& from_file);

  // Over HTTP only (kInvalidArgument for a command). Looks first: what cannot be reached or listed is not added. `token`: for Authorization:
  // Bearer; kept sealed, may be empty. kAlreadyExists; kResourceExhausted past kServersMost.
  Result<ServerView> add(const Context& context, ServerSpec spec, const std::string& token);
  Result<std::vector<ServerView>> list(const Context& context);                    // by name
  Result<ServerView> show(const Context& context, const std::string& name);        // kNotFound with the nearest name
  Result<ServerView> look(const Context& context, const std::string& name);        // asks the server now; its failure is in `error`
  // `hash`: of the list that the person saw. kAborted where the server has listed another since; kFailedPrecondition where none was listed.
  // `reading`: names of its tools (kInvalidArgument for others).
  Result<ServerView> approve(const Context& context, const std::string& name, const std::string& hash, std::vector<std::string> reading, std::string who);
  // What the server is given and nobody is shown: of one over HTTP its token (`variable` "token"), of a program a variable of its environment that
  // its spec names. Empty: forgets it. Taken at the next connection, which this makes the next call's.
  Status set_secret(const Context& context, const std::string& name, const std::string& variable, const std::string& value);
  // With its tools, its approval and its secrets. kFailedPrecondition for one of the file.
  Status remove(const Context& context, const std::string& name);

 private:
  struct Server;
  using Held = std::shared_ptr<Server>;
  Result<Held> find(const std::string& name) const;
  Held make(ServerSpec spec, bool from_file) const;
  Status connect(const Context& context, Server& server);
  Status refresh(const Context& context, const Held& server);          // looks; registers or withdraws
  Status settle(const Context& context, const Held& server, bool save);
  void enlist(const Held& server);
  bool withdraw(Server& server);
  Status forget(const Context& context, const std::string& name);
  Result<tool::Answer> call(const Context& context, const Held& server, const Definition& tool, const tool::Invocation& invocation);
  Status fresh_enough(const Context& context, const Held& server);
  ServerView view(const Server& server) const;

  const Parts parts_;
  mutable std::mutex mutex_;
  std::map<std::string, Held> servers_;
};

}  // namespace strata::mcp
