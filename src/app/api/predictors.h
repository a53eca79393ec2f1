// /strata/v1/predictors: classifiers and recommenders that are trained here and offered as tools.
#pragma once

#include <vector>

#include "app/api/params.h"
#include "infra/http/http.h"

namespace strata::catalog { class Catalog; }
namespace strata::predict { class Predictors; }

namespace strata::api {

void add_predictor_routes(http::Server& server, predict::Predictors& predictors, catalog::Catalog& catalog);   // which outlive the server

std::vector<Field> predictor_fields();
std::vector<Field> predictor_use_fields();

}  // namespace strata::api
