// One HTTP exchange without redirects: a libcurl easy handle driven by our own loop, which watches the context.
#pragma once

#include <optional>

#include "infra/egress/address.h"
#include "infra/egress/egress.h"
#include "infra/egress/url.h"

namespace strata::egress {

struct Hop {
  Url url;
  std::string method;
  bool with_body = false;
  bool with_secret = false;
  bool foreign = false;               // another origin than the request's: headers that identify stay behind
  bool may_redirect = false;          // a 3xx with a Location is not the answer: its body is dropped
  std::optional<Place> previous;      // of the hop before
};

struct HopResult {
  Response response;
  std::optional<Place> place;         // connected to
};

Result<HopResult> transfer(const Context& context, const Request& request, const Hop& hop, const std::function<bool(std::string_view)>& on_body);

bool is_redirect(int status);

}  // namespace strata::egress
