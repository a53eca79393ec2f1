// knowledge/mcp: the Model Context Protocol, both sides. Other programs' tools become tools of our registry (client), and our tools and
// documents become theirs (server).
//
//   protocol.h   the versions, and rules that both sides share
//   rpc.h        one JSON-RPC message, read and written
//   transport.h  how messages travel: Streamable HTTP (infra/egress), or a program's standard input and output (infra/process)
//   session.h    a conversation with one server
//   servers.h    the servers whose tools we use: approved, watched, withheld
//   host.h       this platform as a server
//
// What comes from the other side is never trusted: each size, count and time has a limit, and results are untrusted text.
#pragma once

#include "knowledge/mcp/host.h"
#include "knowledge/mcp/protocol.h"
#include "knowledge/mcp/rpc.h"
#include "knowledge/mcp/servers.h"
#include "knowledge/mcp/session.h"
#include "knowledge/mcp/transport.h"
