// Answers, votes and issues. Conversations are in conversations.cc.
#include "product/feedback/feedback.h"

#include "base/json.h"
#include "base/random.h"
#include "product/feedback/rows.h"

namespace strata::feedback {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr size_t kJsonBytesMax = 16u << 20;  // an answer with its candidates has about 50 KiB

constexpr char kAnswerColumns[] =
    "SELECT a.id, a.conversation_id, a.question, a.body, a.outcome, a.confidence, a.model, a.first_text_ms, a.total_ms, a.prompt_tokens, "
    "a.completion_tokens, a.created_ms, coalesce(a.raw_confidence, a.confidence)";

StoredAnswer answer_from(const Row& row) {
  StoredAnswer answer;
  answer.id = row.text(0);
  answer.conversation_id = row.is_null(1) ? "" : row.text(1);
  answer.question = row.text(2);
  answer.text = row.text(3);
  answer.outcome = row.text(4);
  answer.confidence = row.real(5);
  answer.model = row.text(6);
  answer.first_text_ms = row.real(7);
  answer.total_ms = row.real(8);
  answer.prompt_tokens = static_cast<int>(row.integer(9));
  answer.completion_tokens = static_cast<int>(row.integer(10));
  answer.created_ms = row.integer(11);
  answer.raw_confidence = row.real(12);
  return answer;
}

Status need_answer(Reader& reader, const std::string& id) {
  bool found = false;
  TRY(reader.query("SELECT 1 FROM answers WHERE id = ?", {id}, [&](const Row&) { return found = true, false; }));
  if (!found) return not_found("no answer has the id '" + id + "'", "answer_id");
  return {};
}

Result<Vote> vote_in(Reader& reader, const std::string& answer_id) {
  Vote vote;
  vote.answer_id = answer_id;
  Status broken;
  TRY(reader.query("SELECT rating, reasons, comment, updated_ms FROM votes WHERE answer_id = ?", {answer_id}, [&](const Row& row) {
    auto rating = rating_from(row.text(0));
    auto reasons = Json::parse(row.text(1));
    if (!rating || !reasons || !reasons->as_array()) return broken = data_loss("votes: the row of answer " + answer_id + " is damaged"), false;
    vote.rating = *rating;
    for (const Json& reason : *reasons->as_array())
      if (auto* text = reason.as_string()) vote.reasons.push_back(*text);
    vote.comment = row.text(2);
    vote.updated_ms = row.integer(3);
    return false;
  }));
  TRY(broken);
  return vote;
}

}  // namespace

std::string_view rating_name(Rating rating) {
  switch (rating) {
    case Rating::kNone: return "none";
    case Rating::kUp: return "up";
    case Rating::kDown: return "down";
  }
  return "none";
}

Result<Rating> rating_from(std::string_view name) {
  for (Rating rating : {Rating::kNone, Rating::kUp, Rating::kDown})
    if (rating_name(rating) == name) return rating;
  return invalid_argument("rating must be one of none, up, down; got '" + std::string(name.substr(0, 40)) + "'", "rating");
}

Feedback::Feedback(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

Status Feedback::put_answer(const Context& context, StoredAnswer answer) {
  if (answer.id.empty()) return invalid_argument("an answer must have an id", "id");
  if (answer.json.size() > kJsonBytesMax) return invalid_argument("an answer's record may have at most 16 MiB", "json");
  return store_.write(context, [&](Transaction& transaction) -> Status {
    Value conversation;
    if (!answer.conversation_id.empty()) {
      TRY(conversation_in(transaction, answer.conversation_id));
      conversation = answer.conversation_id;
    }
    TRY(transaction.execute(
        "INSERT INTO answers(id, conversation_id, question, body, outcome, confidence, json, model, first_text_ms, total_ms, prompt_tokens, "
        "completion_tokens, created_ms, raw_confidence) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
        "conversation_id = excluded.conversation_id, question = excluded.question, body = excluded.body, outcome = excluded.outcome, "
        "confidence = excluded.confidence, json = excluded.json, model = excluded.model, first_text_ms = excluded.first_text_ms, "
        "total_ms = excluded.total_ms, prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens, raw_confidence = "
        "excluded.raw_confidence",
        {answer.id, conversation, answer.question, answer.text, answer.outcome, answer.confidence, answer.json, answer.model, answer.first_text_ms,
         answer.total_ms, int64_t{answer.prompt_tokens}, int64_t{answer.completion_tokens}, clock_.unix_ms(), answer.raw_confidence}));
    return {};
  });
}

Result<StoredAnswer> Feedback::answer(const Context& context, const std::string& id) {
  std::optional<StoredAnswer> found;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query(std::string(kAnswerColumns) + ", a.json FROM answers a WHERE a.id = ?", {id}, [&](const Row& row) {
      found = answer_from(row);
      found->json = row.text(13);
      return false;
    });
  }));
  if (!found) return not_found("no answer has the id '" + id + "'", "answer_id");
  return std::move(*found);
}

Result<std::vector<StoredAnswer>> Feedback::answers(const Context& context, const AnswerFilter& filter, int limit, std::string_view after) {
  TRY(check_limit(limit));
  std::vector<StoredAnswer> answers;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    std::string sql = std::string(kAnswerColumns) + " FROM answers a LEFT JOIN votes v ON v.answer_id = a.id WHERE true";
    std::vector<Value> values;
    if (filter.rating) sql += " AND coalesce(v.rating, 'none') = ?", values.push_back(std::string(rating_name(*filter.rating)));
    if (!filter.conversation_id.empty()) sql += " AND a.conversation_id = ?", values.push_back(filter.conversation_id);
    TRY(add_cursor(reader, "answers", "sequence", after, sql, values, "a."));
    values.push_back(int64_t{limit});
    return reader.query(sql + " ORDER BY a.sequence DESC LIMIT ?", values, [&](const Row& row) { return answers.push_back(answer_from(row)), true; });
  }));
  return answers;
}

Result<Vote> Feedback::rate(const Context& context, const std::string& answer_id, Rating rating, std::vector<std::string> reasons, std::string comment) {
  TRY(check_text(comment, 4'000, "comment"));
  if (reasons.size() > 16) return invalid_argument("reasons may have at most 16 items, got " + std::to_string(reasons.size()), "reasons");
  Json list = Json::array();
  for (const auto& reason : reasons) {
    TRY(check_text(reason, 64, "reasons"));
    list.push(reason);
  }
  Vote vote;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(need_answer(transaction, answer_id));
    TRY(
        transaction.execute("INSERT INTO votes(answer_id, rating, reasons, comment, user_name, updated_ms) VALUES(?, ?, ?, ?, ?, ?) "
                            "ON CONFLICT(answer_id) DO UPDATE SET rating = excluded.rating, reasons = excluded.reasons, "
                            "comment = excluded.comment, user_name = excluded.user_name, updated_ms = excluded.updated_ms",
                            {answer_id, std::string(rating_name(rating)), list.dump(), comment, context.principal().user, clock_.unix_ms()}));
    TRY_ASSIGN(vote, vote_in(transaction, answer_id));
    return {};
  }));
  return vote;
}

Result<Vote> Feedback::vote(const Context& context, const std::string& answer_id) {
  Vote vote;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(need_answer(reader, answer_id));
    TRY_ASSIGN(vote, vote_in(reader, answer_id));
    return {};
  }));
  return vote;
}

Status Feedback::remove_answers(const Context& context, const std::vector<std::string>& ids) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    for (auto& id : ids) TRY(transaction.execute("DELETE FROM answers WHERE id = ?", {id}));
    return {};
  });
}

Result<Issue> Feedback::report_issue(const Context& context, const std::string& answer_id, std::string category, std::string comment) {
  if (category.empty()) return invalid_argument("category must not be empty", "category");
  TRY(check_text(category, 64, "category"));
  TRY(check_text(comment, 4'000, "comment"));
  Issue issue{make_id("issue"), answer_id, std::move(category), std::move(comment), clock_.unix_ms()};
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(need_answer(transaction, answer_id));
    TRY(transaction.execute("INSERT INTO issues(id, answer_id, category, comment, user_name, created_ms) VALUES(?, ?, ?, ?, ?, ?)",
                            {issue.id, issue.answer_id, issue.category, issue.comment, context.principal().user, issue.created_ms}));
    return {};
  }));
  return issue;
}

Result<std::vector<Issue>> Feedback::issues(const Context& context, int limit, std::string_view after) {
  TRY(check_limit(limit));
  std::vector<Issue> issues;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    std::string sql = "SELECT id, answer_id, category, comment, created_ms FROM issues WHERE true";
    std::vector<Value> values;
    TRY(add_cursor(reader, "issues", "sequence", after, sql, values, ""));
    values.push_back(int64_t{limit});
    return reader.query(sql + " ORDER BY sequence DESC LIMIT ?", values, [&](const Row& row) {
      issues.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4)});
      return true;
    });
  }));
  return issues;
}

}  // namespace strata::feedback
