// The tools over one database: a process for each question, its answer read as if an enemy had written it.
#include "base/text.h"
#include "infra/process/process.h"
#include "knowledge/tool/parts.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr size_t kSqlBytesMost = 64u << 10;
constexpr int64_t kRowsMost = 1'000, kRowsDefault = 100;
constexpr uint64_t kValueBytesMost = 256u << 10;
// For a process to begin, and to reach a database elsewhere. UNITS: milliseconds.
constexpr int64_t kSetUpMs = 15'000;

constexpr int kWorkerCannotReach = 5;

// What the two kinds of databases differ in.
struct Asked {
  std::string name, about, dialect;        // dialect: "SQLite", "PostgreSQL"
  std::vector<std::string> command;        // the worker and its arguments
  std::string preamble;                    // what its standard input begins with
  int64_t time_ms = 0;
};

class Database {
 public:
  explicit Database(Asked asked) : asked_(std::move(asked)) {}

  // The worker's answer; an Error where it could not give one.
  Result<Json> ask(const Context& context, Json request) const {
    request.set("time_ms", asked_.time_ms);
    request.set("bytes", kValueBytesMost);
    process::Command command{.arguments = asked_.command};
    command.limits.wall_ms = asked_.time_ms + kSetUpMs;   // it ends itself at time_ms; this is for what does not
    command.limits.output_bytes = 16 * kValueBytesMost;
    TRY_ASSIGN(const process::Outcome outcome, process::run(context, command, asked_.preamble + request.dump()));
    if (outcome.ending == process::Ending::kExited && outcome.exit_code == 0) return Json::parse(outcome.output, {.bytes = 16 * kValueBytesMost, .depth = 16});
    if (outcome.ending == process::Ending::kCancelled) {
      TRY(context.check());
      return cancelled();
    }
    if (outcome.ending == process::Ending::kTimedOut) return Error{Code::kDeadlineExceeded, "the query ran over its time limit", "", "timeout"};
    if (outcome.ending == process::Ending::kExited) {
      const std::string why = "the database cannot be asked: " + utf8_repaired(trim(outcome.errors.substr(0, 500)));
      return outcome.exit_code == kWorkerCannotReach ? unavailable(why) : failed_precondition(why);
    }
    return Error{Code::kInvalidArgument, "the query took more memory or time than it may, and its process was ended", "", "too_large"};
  }

 private:
  const Asked asked_;
};

Answer failed_query(const Json& error, const std::string& dialect) {
  const std::string code = text_of(error["code"]), message = text_of(error["message"]);
  const std::string near = text_of(error["nearest"]);
  std::vector<schema::Problem> problems;
  problems.push_back({"/sql", code, error["expected"].is_null() ? "one SELECT that " + dialect + " takes" : text_of(error["expected"]),
                      error["got"].is_null() ? message : text_of(error["got"]), near});
  Answer answer = Answer::failed(code, message + (near.empty() ? "" : "; did you mean '" + near + "'?"), std::move(problems));
  answer.failure->retry = code == "unavailable";
  return answer;
}

Description query_description(const Asked& asked) {
  Description about;
  about.name = asked.name;
  about.description = "Answers one " + asked.dialect + " SELECT over this database, read-only. " + asked.about + " Ask " + asked.name +
                      "_schema first for the tables and columns. At most " + std::to_string(kRowsMost) + " rows come back.";
  about.parameters = *Json::parse(R"({"type":"object","properties":{"sql":{"type":"string","minLength":1,"description":"One SELECT statement"},
    "rows":{"type":"integer","minimum":1,"maximum":1000,"description":"Rows at most, 100 if not given"}},"required":["sql"],"additionalProperties":false})");
  about.result = *Json::parse(R"({"type":"object","properties":{"columns":{"type":"array","items":{"type":"string"}},
    "rows":{"type":"array","maxItems":1000,"items":{"type":"array","items":{"type":["string","number","boolean","null"]}}},
    "truncated":{"type":"boolean"},"sql":{"type":"string"}},"required":["columns","rows","truncated","sql"],"additionalProperties":false})");
  about.untrusted_result = true;   // people wrote what stands in tables
  about.limits.time_ms = asked.time_ms + kSetUpMs + 1'000;
  about.limits.argument_bytes = kSqlBytesMost;
  about.limits.result_bytes = 4u << 20;
  return about;
}

Description schema_description(const Asked& asked) {
  Description about;
  about.name = asked.name + "_schema";
  about.description = "Lists the tables and columns of the database that " + asked.name + " asks. " + asked.about;
  about.parameters = *Json::parse(R"({"type":"object","properties":{},"additionalProperties":false})");
  about.result = *Json::parse(R"({"type":"object","properties":{"tables":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},
    "columns":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"type":{"type":"string"},"key":{"type":"boolean"},
    "references":{"type":"string"}},"required":["name","type"]}}},"required":["name","columns"]}}},"required":["tables"],"additionalProperties":false})");
  about.limits.time_ms = asked.time_ms + kSetUpMs + 1'000;
  return about;
}

std::vector<std::unique_ptr<Tool>> make_both(const Asked& asked) {
  auto database = std::make_shared<const Database>(asked);
  std::vector<std::unique_ptr<Tool>> out;
  out.push_back(make_tool(query_description(asked), [database, dialect = asked.dialect](const Context& context, const Invocation& call) -> Result<Answer> {
    const Json& rows = call.arguments["rows"];
    TRY_ASSIGN(Json answer, database->ask(context, Json::object({{"sql", call.arguments["sql"]}, {"rows", rows.is_null() ? Json(kRowsDefault) : rows}})));
    if (answer["error"].is_object()) return failed_query(answer["error"], dialect);
    answer.set("sql", call.arguments["sql"]);
    return Answer::of(std::move(answer));
  }));
  out.push_back(make_tool(schema_description(asked), [database](const Context& context, const Invocation&) -> Result<Answer> {
    TRY_ASSIGN(Json answer, database->ask(context, Json::object({{"describe", true}})));
    return Answer::of(std::move(answer));
  }));
  return out;
}

}  // namespace

std::vector<std::unique_ptr<Tool>> make_sql(const SqlOptions& options) {
  Asked asked{options.name, options.about, "SQLite", {options.worker, options.database}, "", options.time_ms};
  asked.command.insert(asked.command.end(), options.tables.begin(), options.tables.end());
  return make_both(asked);
}

std::vector<std::unique_ptr<Tool>> make_postgres(const PostgresOptions& options) {
  const Json where = Json::object({{"connection", options.connection}, {"password", options.password}});
  return make_both({options.name, options.about, "PostgreSQL", {options.worker}, where.dump() + "\n", options.time_ms});
}

}  // namespace strata::tool
