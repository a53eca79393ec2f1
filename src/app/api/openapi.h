// The OpenAPI page, printed from the same declarations that check requests.
#pragma once

#include "app/api/params.h"

namespace strata::api {

std::vector<Field> load_adapter_fields();
std::vector<Field> unload_adapter_fields();
std::vector<Field> chat_fields();
std::vector<Field> completion_fields();
std::vector<Field> embedding_fields();
std::vector<Field> response_fields();
std::vector<Field> vector_store_fields();
std::vector<Field> vector_store_file_fields();
std::vector<Field> vector_store_search_fields();
std::vector<Field> landscape_compare_fields();
std::vector<Field> decide_fields();
std::vector<Field> ticket_fields();
std::vector<Field> draft_text_fields();
std::vector<Field> draft_send_fields();
std::vector<Field> draft_discard_fields();
std::vector<Field> escalate_fields();
std::vector<Field> who_fields();
std::vector<Field> reply_fields();
std::vector<Field> product_satisfaction_fields();
std::vector<Field> attribute_fields();
std::vector<Field> conversation_fields();
std::vector<Field> title_fields();
std::vector<Field> message_fields();
std::vector<Field> rating_fields();
std::vector<Field> issue_fields();
std::vector<Field> provider_fields();
std::vector<Field> default_model_fields();
std::vector<Field> update_week_fields();
std::vector<Field> update_body_fields();
std::vector<Field> schedule_fields();
std::vector<Field> metric_settings_fields();

Json openapi_document(const std::string& version);

}  // namespace strata::api
