// The tools of this installation: those that are built in, and those that tools.json in the data folder adds.
//
//   {"databases": [{"name": "shop", "path": "/srv/shop.db", "about": "Orders since 2020.", "tables": ["orders"], "examples": "/srv/shop.json"}],
//    "postgres":  [{"name": "crm", "connection": "host=db dbname=crm user=asker", "password_file": "/srv/secrets/crm", "about": "Customers."}],
//    "openapi":   [{"name": "orders", "path": "/srv/openapi.json"}],
//    "web_search": {"url": "https://api.example.com/search?q={query}", "header_file": "/srv/secrets/search", "results": "/web/results", "title": "/title",
//                   "link": "/url", "snippet": "/description"},
//    "code_folder": "/srv/code"}
//
// A database gives the tools query_NAME, query_NAME_schema and query_NAME_context (read-only; `tables`: only these can be named; of PostgreSQL what
// the role may read; `examples`: a JSON file of known questions, [{"question", "sql"}]). "telemetry" is always there: what the tenant that asks
// spent and asked, as a copy of its own rows in DATA/asks; the live databases of the data folder are refused. All of them stand behind
// database_context and database_query too. An OpenAPI document one tool an operation, on its first server; the folder gives search_code. web_search looks in the pages of the
// vector stores that are called "web" (or {"store": "NAME"}), or asks a search service (with "body" by POST). Secrets stand in files of their
// own that only we may read, never here. What is wrong in the file is an error by path: nothing is passed over.
#pragma once

#include <string>

#include "base/status.h"

namespace strata::catalog { class Catalog; }
namespace strata::egress { class Client; }
namespace strata::observe { class Observer; }
namespace strata::retrieve { class Retriever; }
namespace strata::tool { class Tools; }

namespace strata::app {

// The services outlive the tools. `workers`: the folder of strata-sql, strata-postgres and strata-sandbox.
struct ToolServices {
  retrieve::Retriever& retriever;
  catalog::Catalog& catalog;
  egress::Client& client;
  observe::Observer* observer = nullptr;  // null: no telemetry to ask
};
Status add_tools(tool::Tools& tools, const ToolServices& services, const std::string& data_folder, const std::string& workers);

}  // namespace strata::app
