// What other routes share with those of a product's outcomes.
#pragma once

#include <string>
#include <vector>

#include "app/api/api.h"
#include "app/api/params.h"
#include "base/json.h"
#include "product/outcome/outcome.h"

namespace strata::api {

Json product_json(const outcome::Product& row);
Json outcome_json(const outcome::Conversation& row);
Json output_json(const outcome::Output& row);
Json draft_json(const outcome::Draft& row, bool texts);
Json handover_json(const outcome::Handover& row);
Json judgement_json(const outcome::Judgement& row);
Json satisfaction_json(const outcome::Satisfaction& row);
Json fact_json(const outcome::Fact& row);
Json developer_event_json(const outcome::DeveloperEvent& row);
Json call_json(const outcome::Call& row);

// Records a stored answer as an output of the conversation's product; nothing where the conversation belongs to none. Call it once the
// answer is committed (feedback::put_answer), from any route that answers inside a conversation.
Status record_output(const Services& services, const Context& context, const std::string& conversation_id, const std::string& answer_id);

// A body's `at`: unix seconds, fractions allowed; 0 where absent. For what is simulated or imported (product/outcome).
Field at_field();
int64_t at_ms(const Body& body);

std::vector<Field> product_fields();
std::vector<Field> product_conversation_fields();
std::vector<Field> outcome_fields();
std::vector<Field> satisfaction_fields();
std::vector<Field> product_satisfaction_fields();
std::vector<Field> judgement_fields();
std::vector<Field> output_fields();
std::vector<Field> fact_fields();
std::vector<Field> import_fields();
std::vector<Field> developer_event_fields();

}  // namespace strata::api
