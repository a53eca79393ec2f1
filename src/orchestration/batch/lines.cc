#include "orchestration/batch/lines.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <variant>

#include "base/text.h"

namespace strata::batch {
namespace {

constexpr size_t kCustomIdBytesMax = 512;
constexpr int64_t kWindowMsLeast = 1'000, kWindowMsMost = 7 * 24 * 3'600'000LL;

LineError wrong(int64_t line, std::string code, std::string message, std::string param) {
  return {line, std::move(code), "line " + std::to_string(line) + ": " + std::move(message), std::move(param)};
}

std::string named(const std::string& param, const std::string& message) { return param.empty() ? message : param + ": " + message; }

// A line, or what is wrong with it.
std::variant<Line, LineError> read_line(std::string_view text, int64_t number, const std::string& endpoint, const std::function<Status(const Json&)>& check) {
  auto json = Json::parse(text);
  if (!json) return wrong(number, "invalid_json_line", "expected one JSON object: " + json.error().message, "");
  if (!json->is_object()) return wrong(number, "invalid_json_line", "expected a JSON object, got " + std::string(json->type_name()), "");
  static const std::vector<std::string_view> kNames = {"custom_id", "method", "url", "body"};
  for (auto& [name, value] : *json->as_object()) {
    if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) continue;
    const std::string near(nearest_name(name, kNames));
    return wrong(number, "unknown_parameter", "unknown field '" + name.substr(0, 64) + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
                 name.substr(0, 64));
  }
  const Json& read = *json;
  const auto* id = read["custom_id"].as_string();
  if (!id || id->empty() || id->size() > kCustomIdBytesMax)
    return wrong(number, "invalid_custom_id", named("custom_id", "expected a string of 1 to " + std::to_string(kCustomIdBytesMax) + " bytes"), "custom_id");
  const auto* method = read["method"].as_string();
  if (!method || *method != "POST") return wrong(number, "invalid_method", named("method", "expected \"POST\""), "method");
  const auto* url = read["url"].as_string();
  if (!url || *url != endpoint)
    return wrong(number, "mismatched_url",
                 named("url", "expected the batch's endpoint, \"" + endpoint + "\"") + (url ? ", got \"" + url->substr(0, 64) + "\"" : ""), "url");
  const Json& body = read["body"];
  if (!body.is_object()) return wrong(number, "invalid_request", named("body", "expected a JSON object, got " + std::string(body.type_name())), "body");
  if (check) {
    if (Status status = check(body); !status) {
      const Error& error = status.error();
      return wrong(number, error.reason.empty() ? "invalid_request" : error.reason, "body: " + error.message,
                   error.param.empty() ? "body" : "body." + error.param);
    }
  }
  return Line{number, *id, body.dump()};
}

}  // namespace

Lines read_lines(std::string_view text, const std::string& endpoint, const std::function<Status(const Json& body)>& check) {
  Lines out;
  std::unordered_set<std::string> seen;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  int64_t number = 0;
  while (!text.empty() && out.errors.size() < kErrorsMax) {
    ++number;
    const size_t end = text.find('\n');
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (trim(one).empty()) continue;
    if (out.lines.size() == kLinesMax) {
      out.errors.push_back({0, "too_many_requests", "expected at most " + std::to_string(kLinesMax) + " requests: split the file", "input_file_id"});
      break;
    }
    auto read = read_line(one, number, endpoint, check);
    if (auto* error = std::get_if<LineError>(&read)) {
      out.errors.push_back(std::move(*error));
      continue;
    }
    Line& line = std::get<Line>(read);
    if (seen.insert(line.custom_id).second) out.lines.push_back(std::move(line));
    else out.errors.push_back(wrong(number, "duplicate_custom_id", "custom_id: '" + line.custom_id.substr(0, 64) + "' is on a line before it", "custom_id"));
  }
  if (out.lines.empty() && out.errors.empty()) out.errors.push_back({0, "empty_file", "the input file holds no request", "input_file_id"});
  return out;
}

Result<int64_t> parse_window(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const int64_t ms = unit == "s" ? 1'000 : unit == "m" ? 60'000 : unit == "h" ? 3'600'000 : unit == "d" ? 86'400'000 : 0;
  const bool fits = error == std::errc() && ms > 0 && number > 0 && number <= kWindowMsMost / ms;
  if (!fits || number * ms < kWindowMsLeast || number * ms > kWindowMsMost)
    return invalid_argument("completion_window: expected \"24h\", or another time from \"1s\" to \"7d\", got '" + text.substr(0, 32) + "'", "completion_window",
                            "invalid_value");
  return number * ms;
}

std::string output_line(const std::string& batch_id, const Line& line, const Answer& answer) {
  std::string out = "{\"id\":" + json_quote("batch_req_" + batch_id.substr(batch_id.find('_') + 1) + "_" + std::to_string(line.number));
  out += ",\"custom_id\":" + json_quote(line.custom_id) + ",\"response\":";
  if (answer.status > 0) {
    out += "{\"status_code\":" + std::to_string(answer.status) + ",\"request_id\":" + json_quote(answer.request_id) + ",\"body\":" + answer.body +
           "},\"error\":null}\n";
  } else {
    out += "null,\"error\":{\"code\":" + json_quote(answer.code) + ",\"message\":" + json_quote(answer.message) + "}}\n";
  }
  return out;
}

}  // namespace strata::batch
