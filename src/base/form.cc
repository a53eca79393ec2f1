#include "base/form.h"

#include <algorithm>

#include "base/text.h"

namespace strata::form {

std::string hint(std::string_view wrong, const std::vector<std::string_view>& names) {
  auto near = nearest_name(wrong, names);
  if (!near.empty()) return ": did you mean '" + std::string(near) + "'?";
  std::string all;
  for (auto name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return "; known are " + all;
}

bool name_ok(std::string_view name, std::string_view more) {
  if (name.empty() || name.size() > 64 || !((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_')) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || more.find(c) != more.npos; });
}

Error Reader::wrong(const std::string& path, const std::string& message) const {
  const std::string line = document_ ? "line " + std::to_string(document_->at(path).line) + ": " : "";
  return invalid_argument(line + (path.empty() ? "" : path + ": ") + message, path, reason_);
}

Status Reader::typed(const Json& value, const std::string& path, std::string_view type) const {
  if (type == "any") return {};
  if (type == "text" || type == "step" || type == "expression") type = "string";
  if (type == "steps") type = "array";
  bool ok = value.type_name() == type || (type == "number" && value.is_number());
  if (!ok) return wrong(path, "expected " + std::string(type) + ", got " + std::string(value.type_name()));
  return {};
}

Status Reader::keys(const Json& value, const std::string& path, const std::vector<Key>& known) const {
  if (!value.is_object()) return wrong(path, "expected an object, got " + std::string(value.type_name()));
  std::vector<std::string_view> names;
  for (auto& key : known) names.push_back(key.name);
  for (auto& [name, member] : *value.as_object()) {
    auto key = std::find_if(known.begin(), known.end(), [&n = name](const Key& k) { return k.name == n; });
    if (key == known.end()) return wrong(join(path, name), "there is no '" + name + "' here" + hint(name, names));
    if (member.is_null() && !key->required) continue;
    TRY(typed(member, join(path, name), key->type));
  }
  for (auto& key : known)
    if (key.required && (key.type == "any" ? value.find(key.name) == nullptr : value[key.name].is_null()))
      return wrong(path, "'" + std::string(key.name) + "' is missing");
  return {};
}

}  // namespace strata::form
