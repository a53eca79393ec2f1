// The tools of this installation: those that are built in, and those that tools.json in the data folder adds.
//
//   {"databases": [{"name": "shop", "path": "/srv/shop.db", "about": "Orders since 2020.", "tables": ["orders"]}],
//    "openapi":   [{"name": "orders", "path": "/srv/openapi.json"}],
//    "code_folder": "/srv/code"}
//
// A database gives the tools query_NAME and query_NAME_schema (read-only; `tables`: only these can be named), an OpenAPI document one tool an
// operation, on its first server; the folder gives search_code. What is wrong in the file is an error by path: nothing is passed over.
#pragma once

#include <string>

#include "base/status.h"

namespace strata::egress { class Client; }
namespace strata::retrieve { class Retriever; }
namespace strata::tool { class Tools; }

namespace strata::app {

// `workers`: the folder of strata-sql and strata-sandbox. The client and the retriever outlive the tools.
Status add_tools(tool::Tools& tools, retrieve::Retriever& retriever, egress::Client& client, const std::string& data_folder, const std::string& workers);

}  // namespace strata::app
