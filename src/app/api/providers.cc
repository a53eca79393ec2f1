#include "app/api/providers.h"

#include "base/json.h"
#include "model/remote/remote.h"

namespace strata::api {
namespace {

constexpr std::string_view kPrefix = "provider/";

Result<Provider> parse_provider(const std::string& text) {
  TRY_ASSIGN(Json json, Json::parse(text));
  Provider provider;
  TRY_ASSIGN(provider.id, json["id"].to_string("id"));
  TRY_ASSIGN(provider.base_url, json["base_url"].to_string("base_url"));
  TRY_ASSIGN(provider.model, json["model"].to_string("model"));
  TRY_ASSIGN(provider.key, json["key"].to_string("key"));
  TRY_ASSIGN(int64_t context_tokens, json["context_tokens"].to_int("context_tokens"));
  provider.context_tokens = static_cast<int>(context_tokens);
  if (auto* residency = json["residency"].as_string()) provider.residency = *residency;
  return provider;
}

}  // namespace

Result<std::vector<Provider>> stored_providers(secret::Secrets& secrets, const Context& context) {
  TRY_ASSIGN(auto entries, secrets.list(context));
  std::vector<Provider> out;
  for (auto& entry : entries) {
    if (!entry.name.starts_with(kPrefix)) continue;
    TRY_ASSIGN(std::string text, secrets.get(context, entry.name));
    TRY_ASSIGN(Provider provider, parse_provider(text));
    out.push_back(std::move(provider));
  }
  return out;
}

Status store_provider(secret::Secrets& secrets, const Context& context, const Provider& p) {
  Json json = Json::object(
      {{"id", p.id}, {"base_url", p.base_url}, {"model", p.model}, {"key", p.key}, {"context_tokens", p.context_tokens}, {"residency", p.residency}});
  return secrets.set(context, std::string(kPrefix) + p.id, json.dump());
}

Status forget_provider(secret::Secrets& secrets, const Context& context, const std::string& id) { return secrets.remove(context, std::string(kPrefix) + id); }

Result<std::shared_ptr<model::LanguageModel>> connect_provider(egress::Client& egress, const Provider& provider) {
  remote::RemoteOptions options;
  options.id = provider.id;
  options.base_url = provider.base_url;
  options.model = provider.model;
  options.key = provider.key;
  options.context_tokens = provider.context_tokens;
  TRY_ASSIGN(auto model, remote::connect(egress, options));
  return std::shared_ptr<model::LanguageModel>(std::move(model));
}

}  // namespace strata::api
