// OpenAI-compatible providers, kept whole (address and key) as sealed secrets named "provider/ID".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "infra/egress/egress.h"
#include "infra/secret/secret.h"
#include "model/interface/interface.h"

namespace strata::api {

struct Provider {
  std::string id, base_url, model, key;
  int context_tokens = 32'768;
  std::string residency;        // where its data stays: "US", "EU"; empty: not said
};

Result<std::vector<Provider>> stored_providers(secret::Secrets& secrets, const Context& context);
Status store_provider(secret::Secrets& secrets, const Context& context, const Provider& provider);
Status forget_provider(secret::Secrets& secrets, const Context& context, const std::string& id);
Result<std::shared_ptr<model::LanguageModel>> connect_provider(egress::Client& egress, const Provider& provider);

}  // namespace strata::api
