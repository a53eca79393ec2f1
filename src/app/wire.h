// The one place that names concrete backends: opens the store, loads the models, and hands every room what it needs.
#pragma once

#include <memory>
#include <vector>

#include "app/api/api.h"
#include "app/settings.h"
#include "infra/store/store.h"

namespace strata::mcp {
class Host;
class Servers;
}  // namespace strata::mcp
namespace strata::predict { class Predictors; }
namespace strata::tool { class Tools; }

namespace strata::app {

// Owns everything below the HTTP server. Destroyed in reverse order of making.
class Platform {
 public:
  static Result<std::unique_ptr<Platform>> open(const Settings& settings);
  virtual ~Platform() = default;
  virtual api::Services& services() = 0;
  virtual tool::Tools& tools() = 0;
  virtual predict::Predictors& predictors() = 0;
  virtual mcp::Host& mcp_host() = 0;
  virtual mcp::Servers& mcp_servers() = 0;
};

// Every room's, in the order in which they run: the schema of strata.db.
std::vector<store::Migration> all_migrations();

std::string workers_folder();  // where strata-parse lies: beside the program, or $STRATA_WORKER

}  // namespace strata::app
