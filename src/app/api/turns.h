// One turn of a stored conversation, shared by the chat and by tickets: the question is committed before anything is answered, the
// reply before the stream ends. Where the conversation belongs to a product, what happened is told to product/outcome, and a customer
// whom the answer leaves unsure is handed over to a person.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/api/api.h"
#include "app/api/chat_writer.h"
#include "product/confidence/confidence.h"
#include "product/outcome/outcome.h"

namespace strata::api {

// The conversation's messages with the question committed; without `content`: the last question, with the replies to it cut off.
Result<std::vector<model::Message>> begin_turn(const Services& services, const Context& context, const std::string& conversation_id,
                                               const std::optional<std::string>& content);

// The head of a turn's event stream.
ChatHead turn_head(const Services& services, const model::LanguageModel& model);

// Stores the reply, and with it what the product counts. Adds `handover` to the strata object where it made one.
ChatWriter::Keep keep_reply(const Services& services, const std::string& conversation_id, std::string question);

// The conversation as a product sees it, or nothing where it belongs to none.
Result<std::optional<outcome::Conversation>> product_conversation(const Services& services, const Context& context, const std::string& conversation_id);

// … and as JSON with its drafts, hand-overs and satisfaction; null where it belongs to none.
Result<Json> product_view(const Services& services, const Context& context, const std::string& conversation_id);

// What a product's spec asks of its answers: see confidence::Presentation. Nothing special without a product.
confidence::Presentation presentation_for(const Services& services, const Context& context, const std::string& product, confidence::Place place);

}  // namespace strata::api
