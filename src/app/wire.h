// The one place that names concrete backends: opens the store, loads the models, and hands every room what it needs.
#pragma once

#include <memory>

#include "app/api/api.h"
#include "app/settings.h"

namespace strata::app {

// Owns everything below the HTTP server. Destroyed in reverse order of making.
class Platform {
 public:
  static Result<std::unique_ptr<Platform>> open(const Settings& settings);
  virtual ~Platform() = default;
  virtual api::Services& services() = 0;
};

std::string workers_folder();  // where strata-parse lies: beside the program, or $STRATA_WORKER

}  // namespace strata::app
