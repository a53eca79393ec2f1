// product/feedback: what was answered and what people thought of it, and the web app's conversations. Kept from the first day, because
// later evals and training start from it. Everything is committed before the call returns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::feedback {

enum class Rating { kNone, kUp, kDown };
std::string_view rating_name(Rating rating);           // "none", "up", "down"
Result<Rating> rating_from(std::string_view name);     // kInvalidArgument with param "rating"

struct StoredAnswer {
  std::string id;                // "ans_…", made by orchestration/answer
  std::string conversation_id;   // empty where it belongs to none
  std::string question, text;
  std::string outcome;           // "answered", "not_in_documents", …
  double confidence = 0;         // calibrated: P(the text holds the right answer)
  double raw_confidence = 0;     // as the evidence was weighed
  std::string json;              // the whole answer, for "Why this answer?"
  std::string model;
  double first_text_ms = 0, total_ms = 0;
  int prompt_tokens = 0, completion_tokens = 0;
  int64_t created_ms = 0;        // set by put_answer
};

struct Vote {
  std::string answer_id;
  Rating rating = Rating::kNone;
  std::vector<std::string> reasons;   // "wrong", "incomplete", "bad citation", …: at most 16 of 64 bytes
  std::string comment;                // at most 4,000 bytes
  int64_t updated_ms = 0;
};

struct Issue {                   // "report issue"
  std::string id;                // "issue_…"
  std::string answer_id;
  std::string category;          // "harmful", "private", "broken", …
  std::string comment;
  int64_t created_ms = 0;
};

struct Conversation {
  std::string id;                // "conv_…"
  std::string title;
  int64_t created_ms = 0, updated_ms = 0;
  int messages = 0;
};

struct Message {
  int ordinal = 0;               // from 0 in its conversation
  std::string role, content;     // role: "user", "assistant"
  std::string answer_id;         // of an assistant's message; may be empty
  int64_t created_ms = 0;
};

struct AnswerFilter {
  std::optional<Rating> rating;  // kNone: those without a vote
  std::string conversation_id;   // empty: any
};

std::vector<store::Migration> migrations();

// THREADS: safe. Errors: kNotFound names the id; kInvalidArgument names the field. Lists: newest first, `after` is the id of the last
// one seen, `limit` in [1, 10001].
class Feedback {
 public:
  Feedback(store::Store& store, const Clock& clock);

  Status put_answer(const Context&, StoredAnswer answer);   // again with the same id: replaced, votes kept
  Result<StoredAnswer> answer(const Context&, const std::string& id);
  Result<std::vector<StoredAnswer>> answers(const Context&, const AnswerFilter& filter, int limit, std::string_view after);  // without json

  // With their votes and issues; an id that is not there is no error. Messages that showed one stay.
  Status remove_answers(const Context&, const std::vector<std::string>& ids);

  // One vote per answer: the last. kNone takes it back (reasons and comment stay).
  Result<Vote> rate(const Context&, const std::string& answer_id, Rating rating, std::vector<std::string> reasons, std::string comment);
  Result<Vote> vote(const Context&, const std::string& answer_id);   // kNone where there is none yet
  Result<Issue> report_issue(const Context&, const std::string& answer_id, std::string category, std::string comment);
  Result<std::vector<Issue>> issues(const Context&, int limit, std::string_view after);

  Result<Conversation> add_conversation(const Context&, std::string title);
  Result<Conversation> conversation(const Context&, const std::string& id);
  Result<std::vector<Conversation>> conversations(const Context&, int limit, std::string_view after);  // last changed first
  Status rename_conversation(const Context&, const std::string& id, std::string title);
  // With its messages; answers and votes stay, without their place in it.
  Status remove_conversation(const Context&, const std::string& id);
  Result<Message> add_message(const Context&, const std::string& conversation_id, std::string role, std::string content, std::string answer_id);
  // Removes the messages from `ordinal` on: for "regenerate" and for editing a question.
  Status cut_messages(const Context&, const std::string& conversation_id, int ordinal);
  Result<std::vector<Message>> messages(const Context&, const std::string& conversation_id);

 private:
  store::Store& store_;
  const Clock& clock_;
};

}  // namespace strata::feedback
