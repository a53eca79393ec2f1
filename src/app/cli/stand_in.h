// A small OpenAI-compatible server on loopback that plays a language model for `strata simulate fill --scripted`: it repeats the first
// sentence of the first passage that it is given. Deterministic, and quick where the real model takes a second.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace strata::http { class Server; }

namespace strata::cli {

class StandIn {
 public:
  static Result<std::unique_ptr<StandIn>> start();
  ~StandIn();
  std::string base_url() const;   // "http://127.0.0.1:PORT/v1"

 private:
  StandIn() = default;
  std::unique_ptr<http::Server> server_;
};

// What it says to a prompt whose passages stand after "[1]".
std::string scripted_reply(const std::string& prompt);

}  // namespace strata::cli
