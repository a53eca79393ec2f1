// /v1/files: uploads, kept by content hash.
#include "app/api/api.h"
#include "app/api/reply.h"
#include "infra/http/http.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/ingest/ingest.h"

namespace strata::api {

Json file_json(const catalog::File& file) {
  return Json::object({{"id", file.id},
                       {"object", "file"},
                       {"bytes", file.bytes},
                       {"created_at", seconds_of(file.created_ms)},
                       {"filename", file.filename},
                       {"purpose", file.purpose},
                       {"status", "processed"},
                       {"expires_at", nullptr},
                       {"status_details", nullptr}});
}

namespace {

constexpr size_t kUploadBytesMax = 128u << 20;  // twice the parsers' limit, so that the parser can say what is wrong with a large file

Result<Json> upload(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto parts, http::parse_multipart(request.header("content-type"), request.body));
  const http::Part* file = nullptr;
  std::string purpose;
  for (auto& part : parts) {
    if (part.name == "file" && part.is_file) file = &part;
    else if (part.name == "purpose") purpose = std::string(part.data);
    else return invalid_argument("unknown form field '" + part.name + "': expected file and purpose", part.name, "unknown_parameter");
  }
  if (!file) return invalid_argument("missing required form field 'file'", "file", "missing_required_parameter");
  if (purpose.empty())
    return invalid_argument("missing required form field 'purpose' (\"assistants\", \"user_data\" or \"batch\")", "purpose", "missing_required_parameter");
  if (purpose != "assistants" && purpose != "user_data" && purpose != "batch")
    return invalid_argument("purpose: expected 'assistants', 'user_data' or 'batch', got '" + purpose.substr(0, 64) + "'", "purpose", "invalid_value");
  TRY_ASSIGN(auto row, services.catalog->add_file(context, file->filename, purpose, file->data));
  return file_json(row);
}

Result<Json> list(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 100, 1000));
  TRY_ASSIGN(auto files, services.catalog->files(context, request.parameter("purpose"), page.limit + 1, page.after, page.ascending));
  Json::Array items;
  for (auto& file : files) items.push_back(file_json(file));
  return list_json(std::move(items), page.limit);
}

// Never shown as what it claims to be: an attachment of unknown type, which a browser saves and does not run.
Result<http::Response> content(const Services& services, const Context& context, const std::string& id) {
  TRY_ASSIGN(auto file, services.catalog->file(context, id));
  TRY_ASSIGN(std::string bytes, services.catalog->file_bytes(context, id));
  std::string name;
  for (char c : file.filename) name += (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') ? c : '_';
  http::Response response;
  response.content_type = "application/octet-stream";
  response.headers = {{"content-disposition", "attachment; filename=\"" + name + "\""}, {"x-content-type-options", "nosniff"}};
  response.body = std::move(bytes);
  return response;
}

Result<Json> remove(const Services& services, const Context& context, const std::string& id) {
  TRY(services.ingest->remove_file(context, id));
  return Json::object({{"id", id}, {"object", "file"}, {"deleted", true}});
}

}  // namespace

void add_file_routes(http::Server& server, Services& services) {
  http::RouteOptions form;
  form.content_types = {"multipart/form-data"};
  form.body_bytes_max = kUploadBytesMax;
  server.route(
      "POST", "/v1/files",
      [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
        send(*responder, upload(services, context, request));
      },
      form);
  server.route("GET", "/v1/files", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    send(*responder, list(services, context, request));
  });
  server.route("GET", "/v1/files/{}", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    auto file = services.catalog->file(context, request.captures[0]);
    send(*responder, file ? Result<Json>(file_json(*file)) : Result<Json>(file.error()));
  });
  server.route("GET", "/v1/files/{}/content", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    auto response = content(services, context, request.captures[0]);
    responder->send(response ? std::move(*response) : error_response(response.error()));
  });
  server.route("DELETE", "/v1/files/{}", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    send(*responder, remove(services, context, request.captures[0]));
  });
}

}  // namespace strata::api
