// Names of states and their JSON, and the small things of parts.h.
#include <algorithm>

#include "base/crypto.h"
#include "base/text.h"
#include "knowledge/tool/parts.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

Json sorted(const Json& json) {
  if (const auto* items = json.as_array()) {
    Json::Array out;
    for (const Json& item : *items) out.push_back(sorted(item));
    return Json(std::move(out));
  }
  const auto* members = json.as_object();
  if (!members) return json;
  Json::Object out;
  for (const auto& [name, value] : *members) out.emplace_back(name, sorted(value));
  std::sort(out.begin(), out.end(), [](const Json::Member& a, const Json::Member& b) { return a.first < b.first; });
  return Json(std::move(out));
}

class FunctionTool : public Tool {
 public:
  FunctionTool(Description description, Run run) : description_(std::move(description)), run_(std::move(run)) {}
  const Description& description() const override { return description_; }
  Result<Answer> run(const Context& context, const Invocation& invocation) override { return run_(context, invocation); }

 private:
  const Description description_;
  const Run run_;
};

}  // namespace

std::string percent_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~') out += static_cast<char>(c);
    else out += '%', out += kHex[c >> 4], out += kHex[c & 15];
  }
  return out;
}

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

std::string cut(std::string_view text, size_t bytes) {
  const std::string whole = utf8_repaired(text.substr(0, bytes));
  return text.size() > bytes ? whole.substr(0, utf8_complete_prefix(whole)) + "…" : whole;
}

std::unique_ptr<Tool> make_tool(Description description, Run run) { return std::make_unique<FunctionTool>(std::move(description), std::move(run)); }

std::string_view risk_name(Risk risk) { return risk == Risk::kLow ? "low" : risk == Risk::kMedium ? "medium" : "high"; }

std::string_view permission_name(Permission permission) { return permission == Permission::kAllow ? "allow" : permission == Permission::kAsk ? "ask" : "deny"; }

Result<Permission> permission_from(std::string_view name) {
  for (const Permission permission : {Permission::kAllow, Permission::kAsk, Permission::kDeny}) {
    if (permission_name(permission) == name) return permission;
  }
  return invalid_argument("permission: expected 'allow', 'ask' or 'deny', got '" + std::string(name) + "'", "permission", "invalid_value");
}

std::string_view state_name(State state) {
  switch (state) {
    case State::kDone: return "done";
    case State::kFailed: return "failed";
    case State::kRefused: return "refused";
    case State::kNeedsApproval: return "needs_approval";
    case State::kUnknown: break;
  }
  return "unknown";
}

std::string call_digest(const std::string& name, const Json& arguments) { return sha256_hex(name + "\n" + sorted(arguments).dump()); }

Json Failure::json() const {
  Json list = Json::array();
  for (const schema::Problem& problem : problems) list.push(problem.json());
  Json out = Json::object({{"code", code}, {"message", message}, {"retry", retry}});
  if (stands) out.set("stands", true);
  if (!problems.empty()) out.set("problems", std::move(list));
  return out;
}

Json Outcome::json() const {
  Json out = Json::object({{"state", state_name(state)}});
  if (state == State::kDone) out.set("result", result);
  if (failure) out.set("error", failure->json());
  if (state == State::kNeedsApproval) out.set("digest", digest);
  if (untrusted) out.set("untrusted", true);
  if (repeated) out.set("repeated", true);
  if (dry_run) out.set("dry_run", true);
  return out;
}

}  // namespace strata::tool
