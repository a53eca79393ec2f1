// multipart/form-data, RFC 7578 on RFC 2046:
//   --boundary CRLF  headers CRLF CRLF  data CRLF  --boundary CRLF …  --boundary-- [CRLF anything]
#include "base/text.h"
#include "infra/http/http.h"

namespace strata::http {
namespace {

constexpr size_t kPartsMax = 64;                  // an upload form has a handful
constexpr size_t kPartHeaderBytesMax = 8u << 10;

Error bad(std::string what) { return invalid_argument("multipart body: " + std::move(what), "", "bad_multipart"); }

// Takes one `; name=value` off the front of `rest`, the value a token or a quoted string. nullopt-like: false where malformed.
bool take_parameter(std::string_view& rest, std::string* name, std::string* value) {
  rest = trim(rest);
  if (rest.empty() || rest[0] != ';') return false;
  rest = trim(rest.substr(1));
  size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return false;
  *name = ascii_lower(trim(rest.substr(0, equals)));
  rest = rest.substr(equals + 1);
  value->clear();
  if (rest.empty() || rest[0] != '"') {
    size_t end = std::min(rest.find(';'), rest.size());
    *value = std::string(trim(rest.substr(0, end)));
    rest = rest.substr(end);
    return true;
  }
  // Browsers escape a quote as %22 and leave a backslash alone; curl writes \" and \\. Both are read: a backslash escapes only these.
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest = rest.substr(i + 1);
      return true;
    }
    if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
    *value += rest[i];
  }
  return false;
}

Result<std::string> find_boundary(std::string_view content_type) {
  if (media_type(content_type) != "multipart/form-data") return bad("expected Content-Type multipart/form-data");
  std::string_view rest = content_type.substr(std::min(content_type.find(';'), content_type.size()));
  std::string name, value;
  while (take_parameter(rest, &name, &value))
    if (name == "boundary") {
      if (value.empty() || value.size() > 70) return bad("the boundary must have 1 to 70 characters");   // RFC 2046, 5.1.1
      return value;
    }
  return bad("the Content-Type has no boundary");
}

// What a stored file may be called comes later; here only what is not part of the name at all goes: folders, as some clients send.
std::string base_name(std::string_view path) { return std::string(path.substr(path.find_last_of("/\\") + 1)); }

Status read_disposition(std::string_view value, Part* part) {
  if (media_type(value) != "form-data") return bad("a part's Content-Disposition is not form-data");
  std::string_view rest = value.substr(std::min(value.find(';'), value.size()));
  std::string name, text;
  bool named = false;
  while (!trim(rest).empty()) {
    if (!take_parameter(rest, &name, &text)) return bad("a part's Content-Disposition is not well formed");
    if (!utf8_valid(text)) return bad("a part's name is not UTF-8");
    if (name == "name") part->name = text, named = true;
    if (name == "filename") part->filename = base_name(text), part->is_file = true;
  }
  if (!named) return bad("a part has no name");
  return {};
}

Status read_headers(std::string_view block, Part* part) {
  bool disposed = false;
  while (!block.empty()) {
    size_t end = block.find("\r\n");
    std::string_view line = block.substr(0, end);
    block = end == std::string_view::npos ? std::string_view() : block.substr(end + 2);
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bad("a part's header has no colon");
    std::string name = ascii_lower(trim(line.substr(0, colon)));
    std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-type") part->content_type = std::string(value);
    if (name != "content-disposition") continue;
    if (disposed) return bad("a part has two Content-Dispositions");
    disposed = true;
    TRY(read_disposition(value, part));
  }
  if (!disposed) return bad("a part has no Content-Disposition");
  if (part->content_type.empty()) part->content_type = "text/plain";
  return {};
}

}  // namespace

Result<std::vector<Part>> parse_multipart(std::string_view content_type, std::string_view body) {
  TRY_ASSIGN(std::string boundary, find_boundary(content_type));
  const std::string delimiter = "\r\n--" + boundary;
  std::vector<Part> parts;
  std::string_view opening = std::string_view(delimiter).substr(2);
  if (body.substr(0, opening.size()) != opening) return bad("it does not begin with the boundary");
  std::string_view rest = body.substr(opening.size());
  while (rest.substr(0, 2) != "--") {
    if (rest.substr(0, 2) != "\r\n") return bad("a boundary is not followed by a line end");
    if (parts.size() == kPartsMax) return bad("more than " + std::to_string(kPartsMax) + " parts");
    rest = rest.substr(2);
    size_t headers_end = rest.substr(0, kPartHeaderBytesMax).find("\r\n\r\n");
    if (headers_end == std::string_view::npos) return bad("a part's headers do not end, or are over 8 KiB");
    Part part;
    TRY(read_headers(rest.substr(0, headers_end), &part));
    rest = rest.substr(headers_end + 2);   // keeps one CRLF, so that an empty part's delimiter is found
    size_t end = rest.find(delimiter);
    if (end == std::string_view::npos) return bad("the closing boundary is missing");
    part.data = end == 0 ? std::string_view() : rest.substr(2, end - 2);
    rest = rest.substr(end + delimiter.size());
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace strata::http
