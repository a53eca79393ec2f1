// infra/secret: named secrets (API keys of providers, hub tokens), sealed at rest. Never in configuration, logs or traces.
//
// Each value is sealed (XSalsa20-Poly1305, base/crypto) together with its name under the 32 bytes of data/secret.key, which is made at
// the first start (0600). The database alone, or a copy of it, shows names but no value; so back the key up apart from the data.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::secret {

struct Entry {
  std::string name;
  int64_t updated_ms = 0;
};

// THREADS: safe.
class Secrets {
 public:
  static constexpr size_t kNameBytesMax = 128;            // letters, digits and - _ . / :
  static constexpr size_t kValueBytesMax = 64u << 10;

  static std::vector<store::Migration> migrations();
  // Refused (kFailedPrecondition): a key file that others may read, or one that is missing while secrets are stored.
  // kDataLoss: a key file of another length.
  static Result<std::unique_ptr<Secrets>> open(const Context& context, store::Store& store, const Clock& clock);
  ~Secrets();

  Status set(const Context& context, const std::string& name, std::string_view value);   // replaces
  Result<std::string> get(const Context& context, const std::string& name);              // kNotFound; kDataLoss where the key does not fit
  Status remove(const Context& context, const std::string& name);                        // kNotFound
  Result<std::vector<Entry>> list(const Context& context);                               // by name; no values

 private:
  Secrets(store::Store& store, const Clock& clock, std::string key) : store_(store), clock_(clock), key_(std::move(key)) {}
  store::Store& store_;
  const Clock& clock_;
  std::string key_;
};

}  // namespace strata::secret
