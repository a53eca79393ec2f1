// What the server answers by itself: an Error and the HTTP status that it must have.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "infra/http/http.h"

namespace strata::http {

struct Refusal {
  int status = 400;
  Error error;
  std::vector<Header> headers;   // Allow, Retry-After
};

}  // namespace strata::http
