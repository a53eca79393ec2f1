// What is known of one database beside its rows: schema, values of small text columns, known questions. Inside knowledge/tool only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "knowledge/sql/sql.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {

// Read when a question needs it, kept for kKeptMs, for each database file apart (so also for each tenant). THREADS: safe.
class Known {
 public:
  struct Source {
    std::string dialect, about;
    KnownQuestions examples;
    std::function<Result<std::vector<std::string>>(const Context&, bool anew)> command;   // tells databases apart
    std::function<Result<Json>(const Context&, Json request)> ask;
  };
  explicit Known(Source source) : source_(std::move(source)) {}

  // {"text", "tables", "values", "examples", "draft": {"sql", "question", "score"} or null}: the result of NAME_context.
  Result<Json> context_of(const Context& context, const std::string& question);
  // Of a statement without rows: which of its texts stand nowhere, and what was probably meant.
  Result<Json> hints(const Context& context, const std::string& sql);

 private:
  struct State {
    sql::Schema schema;
    sql::ValueIndex values;
    sql::Examples examples;
    int64_t read_ms = 0;
  };
  using Shared = std::shared_ptr<const State>;
  Result<Shared> state(const Context& context, bool anew);
  Result<Shared> read(const Context& context) const;

  const Source source_;
  std::mutex mutex_;
  std::map<std::vector<std::string>, Shared> states_;
};

}  // namespace strata::tool
