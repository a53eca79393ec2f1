#include <algorithm>

#include "base/text.h"
#include "base/toml.h"
#include "infra/observe/observe.h"

namespace strata::observe {
namespace {

Error wrong(std::string_view name, const toml::Entry& entry, const std::string& what) {
  return invalid_argument(std::string(name) + ":" + std::to_string(entry.line) + ": " + toml::joined(entry.path) + ": " + what, toml::joined(entry.path));
}

Result<double> amount(std::string_view name, const toml::Entry& entry) {
  double value = -1;
  if (auto* whole = std::get_if<int64_t>(&entry.value)) value = static_cast<double>(*whole);
  if (auto* real = std::get_if<double>(&entry.value)) value = *real;
  if (!(value >= 0 && value <= 1e9)) return wrong(name, entry, "expected a price, a number from 0");
  return value;
}

Error unknown(std::string_view name, const toml::Entry& entry, const std::vector<std::string_view>& known) {
  const std::string_view nearest = nearest_name(entry.path.back(), known);
  return wrong(name, entry, "unknown key" + (nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?"));
}

}  // namespace

Result<Prices> parse_prices(std::string_view text, std::string_view name) {
  TRY_ASSIGN(auto entries, toml::parse(text, name));
  Prices prices;
  std::vector<std::string> with_cached;
  for (const toml::Entry& entry : entries) {
    const auto& path = entry.path;
    if (path.size() == 1 && path[0] == "currency") {
      const auto* currency = std::get_if<std::string>(&entry.value);
      if (currency == nullptr || currency->empty() || currency->size() > 8) return wrong(name, entry, "expected a currency's name such as \"USD\"");
      prices.currency = *currency;
    } else if (path.size() == 2 && path[0] == "local") {
      if (path[1] != "cpu_hour") return unknown(name, entry, {"cpu_hour"});
      TRY_ASSIGN(prices.cpu_hour, amount(name, entry));
    } else if (path.size() == 3 && path[0] == "models") {
      Price& price = prices.models[path[1]];
      TRY_ASSIGN(const double value, amount(name, entry));
      if (path[2] == "input") price.input = value;
      else if (path[2] == "output") price.output = value;
      else if (path[2] == "cached") price.cached = value, with_cached.push_back(path[1]);
      else return unknown(name, entry, {"input", "output", "cached"});
    } else {
      return unknown(name, entry, {"currency", "models", "local"});
    }
  }
  for (auto& [model, price] : prices.models)
    if (std::find(with_cached.begin(), with_cached.end(), model) == with_cached.end()) price.cached = price.input;
  return prices;
}

std::optional<double> cost_of(const Prices& prices, const Call& call) {
  if (auto found = prices.models.find(call.model); found != prices.models.end()) {
    const Price& price = found->second;
    const int64_t cached = std::clamp<int64_t>(call.cached_tokens, 0, call.input_tokens);
    return (static_cast<double>(call.input_tokens - cached) * price.input + static_cast<double>(cached) * price.cached +
            static_cast<double>(call.output_tokens) * price.output) /
           1e6;
  }
  if (call.remote || !prices.cpu_hour) return std::nullopt;
  return call.cpu_s / 3600 * *prices.cpu_hour;
}

}  // namespace strata::observe
