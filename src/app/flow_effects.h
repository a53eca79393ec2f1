// What steps of flows do to the world, over this program's models and documents.
#pragma once

#include <memory>

#include "app/api/api.h"
#include "knowledge/tool/tool.h"
#include "orchestration/flow/flow.h"

namespace strata::app {

// The services must outlive them.
std::unique_ptr<flow::Models> flow_models(const api::Services& services);
std::unique_ptr<flow::Library> flow_library(const api::Services& services);

std::unique_ptr<flow::Tools> flow_tools(const api::Services& services);
// Grants of the tools' registry: what a person decided in the inbox of the flows.
std::unique_ptr<tool::Approvals> flow_approvals(const api::Services& services);

// Secrets of webhooks in infra/secret; deliveries through infra/egress.
flow::SecretBox flow_secrets(const api::Services& services);
flow::Deliver flow_deliver(const api::Services& services);

}  // namespace strata::app
