// /v1/batches, and what asks the lines of a batch: the handlers of the routes themselves, without the network between.
#pragma once

#include <memory>

#include "app/api/api.h"
#include "app/api/params.h"
#include "orchestration/batch/batch.h"

namespace strata::api {

std::vector<Field> batch_fields();
// Of services that are complete, but for the batches themselves. It must outlive what its lines begin.
std::unique_ptr<batch::Executor> batch_executor(const Services& services);

}  // namespace strata::api
