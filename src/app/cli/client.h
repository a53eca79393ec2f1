// The command line's way to a Strata server: one that runs already (on --server, or on this data folder), else one of its own, on a
// free loopback port for the length of the command. Both are the same HTTP API.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/cli/cli.h"
#include "infra/egress/egress.h"

namespace strata::app { class Running; }

namespace strata::cli {

// Text as one segment of a path: what is not a letter, digit or -._~ is escaped.
std::string path_segment(std::string_view text);

class Client {
 public:
  // `server` is a URL, or empty.
  static Result<std::unique_ptr<Client>> connect(const Common& common, const std::string& server);
  ~Client();

  const std::string& url() const { return base_url_; }     // "http://127.0.0.1:8080"
  Result<Json> get(const std::string& path);
  Result<Json> post(const std::string& path, const Json& body);
  Result<Json> put(const std::string& path, const Json& body);
  Result<Json> remove(const std::string& path);
  Result<Json> upload(const std::string& file);            // to /v1/files
  Result<Json> upload(std::string name, std::string_view bytes, const std::string& purpose = "user_data");
  // Piece by piece, whatever its size; `each` stops it by returning false, which is an error.
  Status download(const std::string& path, const std::function<bool(std::string_view)>& each);
  // Calls `each` for every data: object of an event stream until [DONE].
  Status stream(const std::string& path, const Json& body, const std::function<void(const Json&)>& each);

 private:
  Client();
  Result<Json> call(egress::Request request);
  Result<Json> send(std::string method, const std::string& path, const Json& body);
  std::unique_ptr<egress::Client> http_;
  std::unique_ptr<app::Running> own_;
  std::string base_url_;
};

}  // namespace strata::cli
