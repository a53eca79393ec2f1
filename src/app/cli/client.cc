#include "app/cli/client.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/running.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"

namespace strata::cli {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_found("cannot read " + path);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

Error error_of(const egress::Response& response) {
  auto json = Json::parse(response.body);
  Error error{Code::kInternal, "the server answered " + std::to_string(response.status), "", ""};
  if (response.status == 404) error.code = Code::kNotFound;
  else if (response.status >= 400 && response.status < 500) error.code = Code::kInvalidArgument;
  else if (response.status == 503) error.code = Code::kUnavailable;
  if (!json) return error;
  const Json& body = (*json)["error"];
  if (auto* message = body["message"].as_string()) error.message = *message;
  if (auto* param = body["param"].as_string()) error.param = *param;
  return error;
}

}  // namespace

std::string path_segment(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) out += c;
    else out += "%" + hex(std::string_view(&c, 1));
  }
  return out;
}

Client::Client() : http_(egress::Client::make()) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(const Common& common, const std::string& server) {
  std::unique_ptr<Client> client(new Client());
  if (!server.empty()) {
    client->base_url_ = server.ends_with('/') ? server.substr(0, server.size() - 1) : server;
    return client;
  }
  TRY_ASSIGN(app::Settings settings, common.load());
  if (auto running = app::find_running(settings.data_folder)) {
    client->base_url_ = *running;
    if (client->get("/livez")) return client;
  }
  settings.port = 0;
  settings.demo_documents.clear();
  log::set_level(log::Level::kWarning);
  TRY_ASSIGN(client->own_, app::Running::start(settings));
  client->base_url_ = "http://127.0.0.1:" + std::to_string(client->own_->port());
  return client;
}

Result<Json> Client::call(egress::Request request) {
  request.url = base_url_ + request.url;
  request.trust = egress::Trust::kOperator;
  request.redirects_max = 0;
  request.stall_timeout_ms = 600'000;
  TRY_ASSIGN(auto response, http_->fetch(Context::background(), request));
  if (response.status < 200 || response.status >= 300) return error_of(response);
  return Json::parse(response.body);
}

Result<Json> Client::get(const std::string& path) {
  egress::Request request;
  request.url = path;
  return call(std::move(request));
}

Result<Json> Client::send(std::string method, const std::string& path, const Json& body) {
  egress::Request request;
  request.method = std::move(method);
  request.url = path;
  request.headers = {{"content-type", "application/json"}};
  request.body = body.dump();
  return call(std::move(request));
}

Result<Json> Client::post(const std::string& path, const Json& body) { return send("POST", path, body); }
Result<Json> Client::put(const std::string& path, const Json& body) { return send("PUT", path, body); }

Result<Json> Client::remove(const std::string& path) {
  egress::Request request;
  request.method = "DELETE";
  request.url = path;
  return call(std::move(request));
}

Result<Json> Client::upload(const std::string& file) {
  TRY_ASSIGN(std::string bytes, read_file(file));
  return upload(std::filesystem::path(file).filename().string(), bytes);
}

Result<Json> Client::upload(std::string name, std::string_view bytes, const std::string& purpose) {
  std::string boundary = make_id("boundary");
  for (char& c : name)
    if (c == '"' || c == '\r' || c == '\n') c = '_';
  egress::Request request;
  request.method = "POST";
  request.url = "/v1/files";
  request.headers = {{"content-type", "multipart/form-data; boundary=" + boundary}};
  request.body = "--" + boundary + "\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\n" + purpose + "\r\n--" + boundary +
                 "\r\ncontent-disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\ncontent-type: application/octet-stream\r\n\r\n";
  request.body.append(bytes);
  request.body += "\r\n--" + boundary + "--\r\n";
  return call(std::move(request));
}

Status Client::download(const std::string& path, const std::function<bool(std::string_view)>& each) {
  egress::Request request;
  request.url = base_url_ + path;
  request.trust = egress::Trust::kOperator;
  request.redirects_max = 0;
  request.bytes_max = UINT64_MAX;
  TRY_ASSIGN(const auto response, http_->fetch(Context::background(), request, each));
  if (response.status < 200 || response.status >= 300) return error_of(response);
  if (response.stopped) return failed_precondition("what was downloaded could not be written");
  return {};
}

Status Client::stream(const std::string& path, const Json& body, const std::function<void(const Json&)>& each) {
  egress::Request request;
  request.method = "POST";
  request.url = base_url_ + path;
  request.headers = {{"content-type", "application/json"}};
  request.body = body.dump();
  request.trust = egress::Trust::kOperator;
  request.stall_timeout_ms = 600'000;
  std::string pending;
  Status broken;
  auto on_body = [&](std::string_view piece) {
    pending += piece;
    for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
      std::string_view line = trim(std::string_view(pending).substr(0, end));
      if (!line.starts_with("data:") || trim(line.substr(5)) == "[DONE]") continue;
      auto json = Json::parse(trim(line.substr(5)));
      if (!json) return broken = json.error(), false;
      if (auto* message = (*json)["error"]["message"].as_string()) return broken = Error{Code::kInternal, *message, "", ""}, false;
      each(*json);
    }
    return true;
  };
  auto response = http_->fetch(Context::background(), request, on_body);
  if (!broken) return broken.error();
  if (!response) return response.error();
  if (response->status != 200) return error_of(*response);
  return {};
}

}  // namespace strata::cli
