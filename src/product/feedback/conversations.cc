// The tables, and the conversations that the web app keeps.
#include <optional>

#include "base/random.h"
#include "base/text.h"
#include "product/feedback/feedback.h"
#include "product/feedback/rows.h"

namespace strata::feedback {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr size_t kTitleBytesMax = 512;
constexpr size_t kContentBytesMax = 1u << 20;

constexpr char kConversationColumns[] =
    "SELECT id, title, created_ms, updated_ms, (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) FROM conversations c WHERE true";

Conversation conversation_from(const Row& row) { return {row.text(0), row.text(1), row.integer(2), row.integer(3), static_cast<int>(row.integer(4))}; }

// `changed` numbers the changes of all conversations: the order of the list, whatever the clock does.
Status touch(Transaction& transaction, const std::string& id, int64_t now_ms) {
  TRY(transaction.execute("UPDATE conversations SET updated_ms = ?, changed = (SELECT max(changed) + 1 FROM conversations) WHERE id = ?", {now_ms, id}));
  return {};
}

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"feedback", 1, R"(
    CREATE TABLE conversations(
      id TEXT NOT NULL PRIMARY KEY,
      title TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      updated_ms INTEGER NOT NULL,
      changed INTEGER NOT NULL);
    CREATE INDEX conversations_by_change ON conversations(changed);
    CREATE TABLE messages(
      conversation_id TEXT NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
      ordinal INTEGER NOT NULL,
      role TEXT NOT NULL,
      content TEXT NOT NULL,
      answer_id TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      PRIMARY KEY(conversation_id, ordinal));
    CREATE TABLE answers(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      conversation_id TEXT REFERENCES conversations(id) ON DELETE SET NULL,
      question TEXT NOT NULL,
      body TEXT NOT NULL,
      outcome TEXT NOT NULL,
      confidence REAL NOT NULL,
      json TEXT NOT NULL,
      model TEXT NOT NULL,
      first_text_ms REAL NOT NULL,
      total_ms REAL NOT NULL,
      prompt_tokens INTEGER NOT NULL,
      completion_tokens INTEGER NOT NULL,
      created_ms INTEGER NOT NULL);
    CREATE INDEX answers_by_conversation ON answers(conversation_id);
    CREATE TABLE votes(
      answer_id TEXT NOT NULL PRIMARY KEY REFERENCES answers(id) ON DELETE CASCADE,
      rating TEXT NOT NULL,
      reasons TEXT NOT NULL,
      comment TEXT NOT NULL,
      user_name TEXT NOT NULL,
      updated_ms INTEGER NOT NULL);
    CREATE TABLE issues(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      answer_id TEXT NOT NULL REFERENCES answers(id) ON DELETE CASCADE,
      category TEXT NOT NULL,
      comment TEXT NOT NULL,
      user_name TEXT NOT NULL,
      created_ms INTEGER NOT NULL);
  )"},
          // Answers from before calibration have none: what they call confidence is raw.
          {"feedback", 2, "ALTER TABLE answers ADD COLUMN raw_confidence REAL"}};
}

Status check_text(std::string_view text, size_t bytes_max, const std::string& param) {
  if (!utf8_valid(text) || text.find('\0') != text.npos) return invalid_argument(param + " must be valid UTF-8 without NUL", param);
  if (text.size() > bytes_max)
    return invalid_argument(param + " may have at most " + std::to_string(bytes_max) + " bytes, got " + std::to_string(text.size()), param);
  return {};
}

Status check_limit(int limit) {
  if (limit < 1 || limit > 10'001) return invalid_argument("limit must be between 1 and 10000, got " + std::to_string(limit), "limit");
  return {};
}

Status add_cursor(Reader& reader, const std::string& table, const std::string& column, std::string_view after, std::string& sql, std::vector<Value>& values,
                  const std::string& alias) {
  if (after.empty()) return {};
  std::optional<int64_t> position;
  TRY(reader.query("SELECT " + column + " FROM " + table + " WHERE id = ?", {std::string(after)},
                   [&](const Row& row) { return position = row.integer(0), false; }));
  if (!position) return invalid_argument("after: no '" + std::string(after) + "' is in this list", "after");
  sql += " AND " + alias + column + " < ?";
  values.push_back(*position);
  return {};
}

Result<Conversation> conversation_in(Reader& reader, const std::string& id) {
  std::optional<Conversation> found;
  TRY(reader.query(std::string(kConversationColumns) + " AND id = ?", {id}, [&](const Row& row) { return found = conversation_from(row), false; }));
  if (!found) return not_found("no conversation has the id '" + id + "'", "conversation_id");
  return std::move(*found);
}

Result<Conversation> Feedback::add_conversation(const Context& context, std::string title) {
  TRY(check_text(title, kTitleBytesMax, "title"));
  Conversation conversation{make_id("conv"), std::move(title), clock_.unix_ms(), clock_.unix_ms()};
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(
        transaction.execute("INSERT INTO conversations(id, title, created_ms, updated_ms, changed) "
                            "VALUES(?, ?, ?, ?, (SELECT coalesce(max(changed), 0) + 1 FROM conversations))",
                            {conversation.id, conversation.title, conversation.created_ms, conversation.updated_ms}));
    return {};
  }));
  return conversation;
}

Result<Conversation> Feedback::conversation(const Context& context, const std::string& id) {
  Conversation conversation;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(conversation, conversation_in(reader, id));
    return {};
  }));
  return conversation;
}

Result<std::vector<Conversation>> Feedback::conversations(const Context& context, int limit, std::string_view after) {
  TRY(check_limit(limit));
  std::vector<Conversation> conversations;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    std::string sql = kConversationColumns;
    std::vector<Value> values;
    TRY(add_cursor(reader, "conversations", "changed", after, sql, values, ""));
    values.push_back(int64_t{limit});
    return reader.query(sql + " ORDER BY changed DESC LIMIT ?", values, [&](const Row& row) { return conversations.push_back(conversation_from(row)), true; });
  }));
  return conversations;
}

Status Feedback::rename_conversation(const Context& context, const std::string& id, std::string title) {
  TRY(check_text(title, kTitleBytesMax, "title"));
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(conversation_in(transaction, id));
    TRY(transaction.execute("UPDATE conversations SET title = ? WHERE id = ?", {title, id}));
    return {};
  });
}

Status Feedback::remove_conversation(const Context& context, const std::string& id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(conversation_in(transaction, id));
    TRY(transaction.execute("DELETE FROM conversations WHERE id = ?", {id}));
    return {};
  });
}

Result<Message> Feedback::add_message(const Context& context, const std::string& conversation_id, std::string role, std::string content,
                                      std::string answer_id) {
  if (role != "user" && role != "assistant") return invalid_argument("role must be user or assistant", "role");
  TRY(check_text(content, kContentBytesMax, "content"));
  TRY(check_text(answer_id, 128, "answer_id"));
  Message message{0, std::move(role), std::move(content), std::move(answer_id), clock_.unix_ms()};
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Conversation conversation, conversation_in(transaction, conversation_id));
    message.ordinal = conversation.messages;  // dense: messages are only cut off at the end
    TRY(transaction.execute("INSERT INTO messages(conversation_id, ordinal, role, content, answer_id, created_ms) VALUES(?, ?, ?, ?, ?, ?)",
                            {conversation_id, int64_t{message.ordinal}, message.role, message.content, message.answer_id, message.created_ms}));
    return touch(transaction, conversation_id, message.created_ms);
  }));
  return message;
}

Status Feedback::cut_messages(const Context& context, const std::string& conversation_id, int ordinal) {
  if (ordinal < 0) return invalid_argument("ordinal must not be negative", "ordinal");
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(conversation_in(transaction, conversation_id));
    TRY(transaction.execute("DELETE FROM messages WHERE conversation_id = ? AND ordinal >= ?", {conversation_id, int64_t{ordinal}}));
    return touch(transaction, conversation_id, clock_.unix_ms());
  });
}

Result<std::vector<Message>> Feedback::messages(const Context& context, const std::string& conversation_id) {
  std::vector<Message> messages;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(conversation_in(reader, conversation_id));
    return reader.query("SELECT ordinal, role, content, answer_id, created_ms FROM messages WHERE conversation_id = ? ORDER BY ordinal", {conversation_id},
                        [&](const Row& row) {
                          messages.push_back({static_cast<int>(row.integer(0)), row.text(1), row.text(2), row.text(3), row.integer(4)});
                          return true;
                        });
  }));
  return messages;
}

}  // namespace strata::feedback
