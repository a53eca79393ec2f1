// The servers whose tools we use: what is approved, what they list now, and the difference.
#include "knowledge/mcp/servers.h"

#include <algorithm>
#include <atomic>

#include "base/log.h"
#include "base/text.h"
#include "knowledge/mcp/relay.h"
#include "knowledge/mcp/rows.h"
#include "knowledge/mcp/session.h"
#include "knowledge/mcp/tool_list.h"

namespace strata::mcp {

struct Servers::Server {
  ServerSpec spec;
  bool from_file = false;
  std::string target;                      // where it is, for the hash
  std::mutex look_mutex;                   // one look at a time
  std::mutex row_mutex;                    // its row is written and removed in the order in which it changed. Taken before the mutex of Servers
  std::atomic<int64_t> looked_ns{INT64_MIN};
  std::atomic<bool> removed{false};
  // Under the mutex of Servers:
  std::shared_ptr<Session> session;
  rows::Row row;
  std::vector<std::string> enlisted;       // names in the registry
  std::vector<LeftOut> left_out;
  std::string error;
  bool approved() const { return !row.pinned_hash.empty() && row.pinned_hash == row.seen_hash; }
};

namespace {

constexpr int64_t kLookTimeMs = 50'000;    // of one look, with all its pages
constexpr size_t kUrlBytesMost = 2'000;

constexpr size_t kSecretBytesMost = 8'192;

std::string secret_name(const std::string& server, const std::string& variable) { return "mcp/" + server + "/" + variable; }

bool is_name(const std::string& name) {
  if (name.empty() || name.size() > 32 || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

bool is_prefix(const std::string& prefix) {
  return prefix.size() <= 33 && std::all_of(prefix.begin(), prefix.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

Status check_spec(const ServerSpec& spec) {
  if (!is_name(spec.name))
    return invalid_argument("name: expected 1 to 32 of a-z, 0-9, '_' and '-', a letter first, got '" + spec.name.substr(0, 100) + "'", "name", "invalid_value");
  if (spec.prefix && !is_prefix(*spec.prefix)) return invalid_argument("prefix: expected at most 33 letters, digits, '_' or '-'", "prefix", "invalid_value");
  if (!spec.command.empty()) {
    if (!spec.command[0].starts_with('/')) return invalid_argument("command: expected the whole path of a program, got '" + spec.command[0] + "'", "command");
    return {};
  }
  const bool http = spec.url.starts_with("http://") || spec.url.starts_with("https://");
  if (!http || spec.url.size() > kUrlBytesMost || spec.url.find_first_of(" \t\r\n#") != spec.url.npos || spec.url.find('@') != spec.url.npos)
    return invalid_argument("url: expected http:// or https:// without user name and fragment, got '" + spec.url.substr(0, 100) + "'", "url", "invalid_value");
  return {};
}

std::string target_of(const ServerSpec& spec) {
  if (spec.command.empty()) return spec.url;
  Json command = Json::array(), environment = Json::object();
  for (const std::string& part : spec.command) command.push(part);
  for (const auto& [name, value] : spec.environment) environment.set(name, value);
  for (const std::string& name : spec.secrets) environment.set(name, Json());
  return Json::array({std::move(command), std::move(environment)}).dump();
}

Status check_secret(const std::string& value, const char* param) {
  if (value.size() <= kSecretBytesMost && value.find_first_of(std::string("\r\n\0", 3)) == value.npos) return {};
  return invalid_argument(std::string(param) + ": expected one line of at most 8,192 bytes", param, "invalid_value");
}

// "files_" and "read.text" → "files_read_text".
std::string name_in_registry(const std::string& prefix, const std::string& name) {
  std::string out = prefix;
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    out += fits ? c : '_';
  }
  return out;
}

// It was asked, and nobody but the server knows what it did before it failed.
tool::Answer may_have_acted(tool::Answer answer) {
  if (answer.failure) answer.failure->stands = true;
  return answer;
}

// The call may be made again as it is.
tool::Answer not_sent(std::string why) {
  tool::Answer out = tool::Answer::failed("server_unreachable", std::move(why));
  out.failure->retry = true;
  return out;
}

const Json::Array& items_of(const Json& list) {
  static const Json::Array kNone;
  return list.as_array() ? *list.as_array() : kNone;
}

}  // namespace

std::string_view server_state_name(ServerState state) {
  constexpr std::string_view kNames[] = {"new", "pending", "approved", "changed"};
  return kNames[static_cast<size_t>(state)];
}

Servers::Servers(Parts parts) : parts_(std::move(parts)) {}

Servers::~Servers() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, server] : servers_) withdraw(*server);
}

Servers::Held Servers::make(ServerSpec spec, bool from_file) const {
  auto server = std::make_shared<Server>();
  server->target = target_of(spec);
  server->row.name = spec.name;
  server->row.url = spec.url;
  server->row.prefix = spec.prefix.value_or(spec.name + "_");
  server->spec = std::move(spec);
  server->from_file = from_file;
  return server;
}

Result<Servers::Held> Servers::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = servers_.find(name);
  if (found != servers_.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& [known, server] : servers_) names.push_back(known);
  const std::string near(nearest_name(name, names));
  return not_found("there is no MCP server '" + name.substr(0, 100) + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"), "name", "server_not_found");
}

Status Servers::load(const Context& context, const std::vector<ServerSpec>& from_file) {
  TRY_ASSIGN(const auto rows, rows::all(parts_.store, context));
  std::map<std::string, Held> made;
  for (const ServerSpec& spec : from_file) {
    TRY(check_spec(spec));
    if (spec.command.empty()) return invalid_argument("server " + spec.name + ": expected a command", "command");
    if (!made.emplace(spec.name, make(spec, true)).second) return invalid_argument("there are two servers '" + spec.name + "'", "name");
  }
  for (const rows::Row& row : rows) {
    auto found = made.find(row.name);
    if (found == made.end() && row.url.empty()) continue;   // its command is gone from the file; should it return, its approval stands
    if (found == made.end()) {
      ServerSpec spec;
      spec.name = row.name, spec.url = row.url, spec.prefix = row.prefix;
      found = made.emplace(row.name, make(std::move(spec), false)).first;
    }
    const std::string prefix = found->second->row.prefix;
    found->second->row = row;
    found->second->row.prefix = prefix;
    // Approved for another place: not approved.
    Server& server = *found->second;
    if (server.approved() && read_tools(items_of(server.row.pinned), server.target).hash != server.row.pinned_hash) {
      server.row.seen = Json();
      server.row.seen_hash.clear();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, server] : servers_) {
      server->removed = true;
      withdraw(*server);
    }
    servers_ = std::move(made);
    for (const auto& [name, server] : servers_) {
      if (server->approved()) enlist(server);
    }
  }
  if (parts_.on_change) parts_.on_change();
  return {};
}

// REQUIRES: mutex_ held. What is approved becomes tools of the registry.
void Servers::enlist(const Held& server) {
  withdraw(*server);
  ToolList list = read_tools(items_of(server->row.pinned), server->target);
  server->left_out = std::move(list.left_out);
  for (Definition& one : list.tools) {
    const std::string shown = one.name, name = name_in_registry(server->row.prefix, one.name);
    const bool reads = std::find(server->row.reading.begin(), server->row.reading.end(), one.name) != server->row.reading.end();
    auto call = [this, server](const Context& context, const Definition& definition, const tool::Invocation& invocation) {
      return this->call(context, server, definition, invocation);
    };
    auto added = parts_.tools.add(make_relay({name, server->spec.name, reads}, std::move(one), std::move(call)));
    if (added) server->enlisted.push_back(name);
    else server->left_out.push_back({shown, added.error().message});
  }
}

// REQUIRES: mutex_ held. True where there were any.
bool Servers::withdraw(Server& server) {
  for (const std::string& name : server.enlisted) parts_.tools.remove(name);
  const bool any = !server.enlisted.empty();
  server.enlisted.clear();
  return any;
}

Status Servers::connect(const Context& context, Server& server) {
  {
    const std::lock_guard lock(mutex_);
    if (server.session) return {};
  }
  std::unique_ptr<Transport> transport;
  if (server.spec.command.empty()) {
    HttpOptions options;
    options.url = server.spec.url;
    if (auto token = parts_.secrets.get(context, secret_name(server.spec.name, "token"))) options.secret_header = "Authorization: Bearer " + *token;
    else if (token.error().code != Code::kNotFound) return std::move(token.error());
    transport = make_http_transport(parts_.egress, std::move(options));
  } else {
    process::Command command;
    command.arguments = server.spec.command;
    command.environment = {"LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin"};
    for (const auto& [name, value] : server.spec.environment) command.environment.push_back(name + "=" + value);
    for (const std::string& name : server.spec.secrets) {
      auto value = parts_.secrets.get(context, secret_name(server.spec.name, name));
      if (!value) return annotate(std::move(value.error()), "the secret " + name);
      command.environment.push_back(name + "=" + *value);
    }
    transport = make_stdio_transport(std::move(command));
  }
  const std::lock_guard lock(mutex_);
  if (!server.session) server.session = std::make_shared<Session>(std::move(transport), parts_.version);
  return {};
}

// Asks the server what it has, and acts on it. An error: it could not be asked; what is approved stands.
Status Servers::refresh(const Context& context, const Held& server) {
  const std::lock_guard looking(server->look_mutex);
  const Context limited = context.with_timeout_ms(kLookTimeMs);
  auto looked = [&]() -> Result<ToolList> {
    TRY(connect(limited, *server));
    std::shared_ptr<Session> session;
    {
      const std::lock_guard lock(mutex_);
      session = server->session;
    }
    if (!session) return unavailable("it is being connected anew");
    TRY_ASSIGN(const Peer peer, session->open(limited));
    session->take_tools_changed();
    TRY_ASSIGN(ToolList list, fetch_tools(limited, *session, server->target));
    const std::lock_guard lock(mutex_);
    server->row.protocol = peer.protocol;
    server->row.peer = utf8_repaired(peer.name.substr(0, 200) + (peer.version.empty() ? "" : " " + peer.version.substr(0, 50)));
    return list;
  }();
  server->looked_ns = parts_.clock.monotonic_ns();
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    server->error = looked ? "" : looked.error().message;
    if (!looked) return std::move(looked.error());
    news = server->row.seen_hash != looked->hash || server->row.seen_ms == 0;
    server->row.seen = std::move(looked->pinned);
    server->row.seen_hash = looked->hash;
    server->row.seen_ms = parts_.clock.unix_ms();
    if (!server->approved()) server->left_out = std::move(looked->left_out);
  }
  return settle(context, server, news);
}

// Brings the registry in step with what is approved and what was seen.
Status Servers::settle(const Context& context, const Held& server, bool save) {
  bool changed = false, approved = false;
  {
    const std::lock_guard lock(mutex_);
    if (server->removed) return {};
    approved = server->approved();
    if (!approved) changed = withdraw(*server);
    else if (server->enlisted.empty() || save) enlist(server), changed = true;
  }
  if (changed && parts_.on_change) parts_.on_change();
  if (changed) log::info("mcp.tools", {{"server", server->spec.name}, {"approved", approved}});
  if (!save) return {};
  const std::lock_guard writing(server->row_mutex);
  rows::Row row;
  {
    const std::lock_guard lock(mutex_);
    if (server->removed) return {};   // meanwhile: its row is gone, or will be
    row = server->row;
  }
  return rows::put(parts_.store, context, row);
}

ServerView Servers::view(const Server& server) const {
  ServerView out;
  out.spec = server.spec;
  out.spec.prefix = server.row.prefix;
  out.approved_hash = server.row.pinned_hash;
  out.seen_hash = server.row.seen_hash;
  if (!server.row.seen.is_null()) out.seen = server.row.seen;
  const bool ever = !server.row.pinned_hash.empty(), looked = !server.row.seen_hash.empty();
  out.state = server.approved() ? ServerState::kApproved : !looked ? ServerState::kNew : ever ? ServerState::kChanged : ServerState::kPending;
  if (looked && !server.approved()) out.difference = difference(server.row.pinned, server.row.seen);
  out.tools = server.enlisted;
  for (const LeftOut& one : server.left_out) out.left_out.emplace_back(one.name, one.why);
  out.reading = server.row.reading;
  out.protocol = server.row.protocol, out.peer = server.row.peer;
  out.approved_by = server.row.approved_by, out.error = server.error;
  out.approved_ms = server.row.approved_ms, out.seen_ms = server.row.seen_ms;
  return out;
}

Result<ServerView> Servers::add(const Context& context, ServerSpec spec, const std::string& token) {
  if (!spec.command.empty())
    return invalid_argument("a program is added in the file mcp.json of the data folder, or with `strata mcp add` at the command line", "command",
                            "not_allowed");
  TRY(check_spec(spec));
  TRY(check_secret(token, "token"));
  const Held server = make(std::move(spec), false);
  const std::string name = server->spec.name;
  {
    const std::lock_guard lock(mutex_);
    if (servers_.contains(name)) return Error{Code::kAlreadyExists, "there is an MCP server '" + name + "' already", "name", ""};
    if (servers_.size() >= kServersMost) return resource_exhausted("there are " + std::to_string(kServersMost) + " MCP servers already; remove one");
    servers_.emplace(name, server);   // the name is taken while we look
  }
  Status added = token.empty() ? Status() : parts_.secrets.set(context, secret_name(name, "token"), token);
  if (added) added = refresh(context, server);
  if (added) return show(context, name);
  (void)forget(context, name);
  return std::move(added.error());
}

Result<std::vector<ServerView>> Servers::list(const Context& context) {
  TRY(context.check());
  const std::lock_guard lock(mutex_);
  std::vector<ServerView> out;
  for (const auto& [name, server] : servers_) out.push_back(view(*server));
  return out;
}

Result<ServerView> Servers::show(const Context& context, const std::string& name) {
  TRY(context.check());
  TRY_ASSIGN(const Held server, find(name));
  const std::lock_guard lock(mutex_);
  return view(*server);
}

Result<ServerView> Servers::look(const Context& context, const std::string& name) {
  TRY_ASSIGN(const Held server, find(name));
  (void)refresh(context, server);   // what went wrong stands in `error`
  TRY(context.check());
  return show(context, name);
}

Result<ServerView> Servers::approve(const Context& context, const std::string& name, const std::string& hash, std::vector<std::string> reading,
                                    std::string who) {
  TRY_ASSIGN(const Held server, find(name));
  {
    const std::lock_guard writing(server->row_mutex);
    rows::Row row;
    {
      const std::lock_guard lock(mutex_);
      if (server->removed) return not_found("there is no MCP server '" + name + "' any more", "name", "server_not_found");
      row = server->row;
    }
    if (row.seen_hash.empty()) return failed_precondition("MCP server " + name + " has not been looked at yet: refresh it first");
    if (row.seen_hash != hash) {
      Error error{Code::kAborted, "MCP server " + name + " lists other tools than those with that hash: look at them again", "hash", "list_changed"};
      return error;
    }
    for (const std::string& one : reading) {
      const auto& tools = items_of(row.seen);
      if (std::none_of(tools.begin(), tools.end(), [&](const Json& tool) { return tool["name"] == Json(one); }))
        return invalid_argument("reading: MCP server " + name + " has no tool '" + one.substr(0, 100) + "'", "reading", "invalid_value");
    }
    row.pinned = row.seen;
    row.pinned_hash = row.seen_hash;
    row.reading = std::move(reading);
    row.approved_by = who.empty() ? context.principal().user : std::move(who);
    row.approved_ms = parts_.clock.unix_ms();
    TRY(rows::put(parts_.store, context, row));   // before anything can be called
    const std::lock_guard lock(mutex_);
    server->row.pinned = std::move(row.pinned), server->row.pinned_hash = row.pinned_hash;
    server->row.reading = std::move(row.reading);
    server->row.approved_by = row.approved_by, server->row.approved_ms = row.approved_ms;
  }
  TRY(settle(context, server, true));
  return show(context, name);
}

Status Servers::set_secret(const Context& context, const std::string& name, const std::string& variable, const std::string& value) {
  TRY_ASSIGN(const Held server, find(name));
  const std::vector<std::string>& named = server->spec.secrets;
  const bool known = server->spec.command.empty() ? variable == "token" : std::find(named.begin(), named.end(), variable) != named.end();
  if (!known)
    return invalid_argument("MCP server " + name + " takes no secret '" + variable.substr(0, 100) + "'" +
                                (server->spec.command.empty() ? "; expected 'token'" : ": name it under \"secrets\" in mcp.json first"),
                            "variable", "invalid_value");
  TRY(check_secret(value, "value"));
  const std::string key = secret_name(name, variable);
  auto done = value.empty() ? parts_.secrets.remove(context, key) : parts_.secrets.set(context, key, value);
  if (!done && done.error().code != Code::kNotFound) return done;
  const std::lock_guard lock(mutex_);
  server->session.reset();
  server->looked_ns = INT64_MIN;
  return {};
}

Status Servers::remove(const Context& context, const std::string& name) {
  TRY_ASSIGN(const Held server, find(name));
  if (server->from_file) return failed_precondition("MCP server " + name + " stands in the file mcp.json: take it out there");
  return forget(context, name);
}

Status Servers::forget(const Context& context, const std::string& name) {
  bool changed = false;
  Held server;
  {
    const std::lock_guard lock(mutex_);
    const auto found = servers_.find(name);
    if (found == servers_.end()) return {};
    server = found->second;
    server->removed = true;
    changed = withdraw(*server);
    servers_.erase(found);
  }
  if (changed && parts_.on_change) parts_.on_change();
  TRY_ASSIGN(const auto secrets, parts_.secrets.list(context));
  for (const secret::Entry& one : secrets) {
    if (one.name.starts_with(secret_name(name, ""))) TRY(parts_.secrets.remove(context, one.name));
  }
  const std::lock_guard writing(server->row_mutex);   // after whoever writes it just now
  return rows::remove(parts_.store, context, name);
}

Status Servers::fresh_enough(const Context& context, const Held& server) {
  std::shared_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    session = server->session;
  }
  const int64_t looked_ns = server->looked_ns;
  const int64_t age_ms = looked_ns == INT64_MIN ? INT64_MAX : (parts_.clock.monotonic_ns() - looked_ns) / 1'000'000;
  const bool due = age_ms >= kFreshMs || (age_ms >= kLookMs && session && session->take_tools_changed());
  return due ? refresh(context, server) : Status();
}

Result<tool::Answer> Servers::call(const Context& context, const Held& server, const Definition& definition, const tool::Invocation& invocation) {
  const std::string& name = server->spec.name;
  if (server->removed) return tool::Answer::failed("server_removed", "MCP server " + name + " was removed");
  if (auto fresh = fresh_enough(context, server); !fresh) {
    return not_sent("MCP server " + name + ": " + fresh.error().message);
  }
  std::shared_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    if (!server->approved())
      return tool::Answer::failed("tools_changed",
                                  "MCP server " + name + " lists other tools than those that were approved: a person must approve its new list");
    session = server->session;
    if (!session) return not_sent("MCP server " + name + " is being connected anew");
  }
  auto headers = mirrored_headers(definition, invocation.arguments);
  if (!headers) return tool::Answer::failed("invalid_arguments", headers.error().message);
  auto result = session->request(context, "tools/call", Json::object({{"name", definition.name}, {"arguments", invocation.arguments}}), *headers);
  if (!result && result.error().reason == "rpc_refused") return tool::Answer::failed("server_refused", result.error().message);
  if (!result && result.error().reason == "rpc_error") return may_have_acted(tool::Answer::failed("server_error", result.error().message));
  if (!result) return annotate(std::move(result.error()), "MCP server " + name);
  TRY_ASSIGN(tool::Answer answer, read_result(definition, std::move(*result)));
  return may_have_acted(std::move(answer));
}

}  // namespace strata::mcp
