#include "base/text.h"
#include "orchestration/agent/agent.h"

namespace strata::agent {

Result<Kept> Shelf::put(const Context& context, const std::string& name, const std::string& text, int base_version, const std::string& why) {
  TRY_ASSIGN(auto head, check_(text));
  if (head.name != name) return invalid_argument(kind_ + ": the text names '" + head.name + "', the address '" + name + "'", kind_);
  TRY_ASSIGN(auto version, registry_.add_version(context, {kind_, name}, text, base_version, {.who = "", .why = why}));
  return Kept{name, head.description, version.number, text, version.who, version.why, version.created_ms};
}

Result<Kept> Shelf::get(const Context& context, const std::string& name, int version) {
  auto found = registry_.version(context, {kind_, name}, version);
  if (!found) {
    if (found.error().code != Code::kNotFound) return found.error();
    TRY_ASSIGN(auto all, registry_.list(context, kind_, 1000));
    std::vector<std::string_view> names;
    for (auto& one : all) names.push_back(one.key.name);
    auto near = nearest_name(name, names);
    return not_found("no " + kind_ + " '" + name + "'" + (version ? " has a version " + std::to_string(version) : "") +
                         (near.empty() || near == name ? "" : ": did you mean '" + std::string(near) + "'?"),
                     kind_);
  }
  Kept kept{name, "", found->number, found->content, found->who, found->why, found->created_ms};
  if (auto head = check_(kept.text)) kept.description = head->description;
  return kept;
}

Result<std::vector<Kept>> Shelf::list(const Context& context, int limit, const std::string& after) {
  TRY_ASSIGN(auto artifacts, registry_.list(context, kind_, limit, after));
  std::vector<Kept> all;
  for (auto& artifact : artifacts) {
    if (artifact.latest == 0) continue;
    TRY_ASSIGN(auto one, get(context, artifact.key.name, artifact.latest));
    all.push_back(std::move(one));
  }
  return all;
}

Shelf make_shelf(registry::Registry& registry) {
  return Shelf(registry, kArtifactKind, [](const std::string& text) -> Result<Shelf::Head> {
    TRY_ASSIGN(auto checked, check(text));
    return Shelf::Head{checked.name, checked.description};
  });
}

Shelf make_team_shelf(registry::Registry& registry) {
  return Shelf(registry, kTeamKind, [](const std::string& text) -> Result<Shelf::Head> {
    TRY_ASSIGN(auto checked, check_team(text));
    return Shelf::Head{checked.name, checked.description};
  });
}

}  // namespace strata::agent
