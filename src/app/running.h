// A running Strata: the platform and its HTTP server. `strata serve` is one; commands that need one start their own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/settings.h"
#include "base/status.h"

namespace strata::app {

class Running {
 public:
  static Result<std::unique_ptr<Running>> start(const Settings& settings);
  ~Running();  // drains and stops
  int port() const;
  void stop(int64_t drain_ms);
  // Ingests the folder of demo documents into a base of its own, once (remembered in the data folder).
  Status bring_demo_documents(const std::string& folder);

 private:
  struct Parts;
  explicit Running(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The URL of the server that runs on this data folder, where one left word of itself.
std::optional<std::string> find_running(const std::string& data_folder);

}  // namespace strata::app
