#include "app/api/api.h"

namespace strata::api {

void add_routes(http::Server& server, Services& services) {
  add_model_routes(server, services);
  add_adapter_routes(server, services);
  add_chat_routes(server, services);
  add_completion_routes(server, services);
  add_embedding_routes(server, services);
  add_file_routes(server, services);
  add_vector_store_routes(server, services);
  add_response_routes(server, services);
  add_batch_routes(server, services);
  add_knowledge_routes(server, services);
  add_conversation_routes(server, services);
  add_outcome_routes(server, services);
  add_draft_routes(server, services);
  add_suggestion_routes(server, services);
  add_calibration_routes(server, services);
  add_product_metric_routes(server, services);
  add_update_routes(server, services);
  add_spec_routes(server, services);
  add_flow_routes(server, services);
  add_agent_routes(server, services);
  add_run_routes(server, services);
  add_system_routes(server, services);
  add_landscape_routes(server, services);
  add_trace_routes(server, services);
  add_usage_routes(server, services);
  add_cache_routes(server, services);
  add_operation_routes(server, services);
  add_web_routes(server, services);
}

}  // namespace strata::api
