#include "product/responses/responses.h"

#include <algorithm>

namespace strata::responses {
namespace {

Json input_json(const std::vector<model::Message>& input) {
  Json out = Json::array();
  for (auto& message : input) {
    Json item = Json::object({{"role", message.role}, {"content", message.content}});
    if (!message.call_id.empty()) item.set("call_id", message.call_id);
    Json calls = Json::array();
    for (auto& call : message.calls) calls.push(Json::object({{"call_id", call.id}, {"name", call.name}, {"arguments", call.arguments}}));
    if (calls.size() > 0) item.set("calls", std::move(calls));
    out.push(std::move(item));
  }
  return out;
}

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

std::vector<model::FunctionCall> calls_in(const Json& list) {
  std::vector<model::FunctionCall> out;
  if (auto* items = list.as_array()) {
    for (auto& item : *items) {
      if (item["call_id"].is_string()) out.push_back({text_of(item["call_id"]), text_of(item["name"]), text_of(item["arguments"])});
    }
  }
  return out;
}

Result<Stored> read_row(const store::Row& row) {
  Stored stored;
  stored.id = row.text(0);
  stored.previous_id = row.text(1);
  stored.output_text = row.text(4);
  stored.created_ms = row.integer(5);
  TRY_ASSIGN(stored.response, Json::parse(row.text(2)));
  TRY_ASSIGN(Json input, Json::parse(row.text(3)));
  if (auto* items = input.as_array()) {
    for (auto& item : *items) {
      TRY_ASSIGN(std::string role, item["role"].to_string("role"));
      TRY_ASSIGN(std::string content, item["content"].to_string("content"));
      model::Message message{std::move(role), std::move(content), ""};
      message.call_id = text_of(item["call_id"]);
      message.calls = calls_in(item["calls"]);
      stored.input.push_back(std::move(message));
    }
  }
  return stored;
}

Error missing(const std::string& id) { return not_found("the response '" + id + "' does not exist (it may have been sent with store: false)", "response_id"); }

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"responses", 1,
           "CREATE TABLE responses (id TEXT PRIMARY KEY, previous_id TEXT NOT NULL, response TEXT NOT NULL, input TEXT NOT NULL, "
           "output_text TEXT NOT NULL, created_ms INTEGER NOT NULL)"}};
}

Status Responses::put(const Context& context, const Stored& s) {
  return store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO responses (id, previous_id, response, input, output_text, created_ms) VALUES (?, ?, ?, ?, ?, ?)",
                            {s.id, s.previous_id, s.response.dump(), input_json(s.input).dump(), s.output_text, s.created_ms}));
    return {};
  });
}

Result<Stored> Responses::get(const Context& context, const std::string& id) {
  Result<Stored> found = missing(id);
  TRY(store_.read(context, [&](store::Reader& reader) {
    return reader.query("SELECT id, previous_id, response, input, output_text, created_ms FROM responses WHERE id = ?", {id}, [&](const store::Row& row) {
      found = read_row(row);
      return false;
    });
  }));
  return found;
}

Status Responses::remove(const Context& context, const std::string& id) {
  return store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t changed, transaction.execute("DELETE FROM responses WHERE id = ?", {id}));
    if (changed == 0) return missing(id);
    return {};
  });
}

Result<std::vector<model::Message>> Responses::conversation(const Context& context, const std::string& id) {
  std::vector<Stored> turns;
  for (std::string at = id; !at.empty();) {
    if (turns.size() >= kChainMax)
      return invalid_argument("previous_response_id: the chain is longer than " + std::to_string(kChainMax) + " responses", "previous_response_id");
    TRY_ASSIGN(Stored turn, get(context, at));
    at = turn.previous_id;
    turns.push_back(std::move(turn));
  }
  std::vector<model::Message> out;
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
    out.insert(out.end(), turn->input.begin(), turn->input.end());
    model::Message reply{"assistant", turn->output_text, ""};
    reply.calls = calls_in(turn->response["output"]);   // of its items only calls have a call_id
    out.push_back(std::move(reply));
  }
  return out;
}

}  // namespace strata::responses
