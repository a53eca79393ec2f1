// The tools over one database: a process for each question, its answer read as if an enemy had written it.
#include "base/text.h"
#include "infra/process/process.h"
#include "knowledge/tool/parts.h"
#include "knowledge/tool/sql_known.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr size_t kSqlBytesMost = 64u << 10;
constexpr int64_t kRowsMost = 1'000, kRowsDefault = 100;
// Questions are read and cheap; a program that measures asks many.
constexpr int kCallsPerMinute = 600;
constexpr uint64_t kValueBytesMost = 256u << 10;
// For a process to begin, and to reach a database elsewhere. UNITS: milliseconds.
constexpr int64_t kSetUpMs = 15'000;

constexpr int kWorkerCannotReach = 5;

// What the two kinds of databases differ in.
struct Asked {
  std::string name, about, dialect;        // dialect: "SQLite", "PostgreSQL"
  std::string preamble;                    // what the worker's standard input begins with
  int64_t time_ms = 0;
  // The worker and its arguments, for who asks.
  std::function<Result<std::vector<std::string>>(const Context&, bool anew)> command;
  KnownQuestions examples;
};

class Database {
 public:
  explicit Database(Asked asked) : asked_(std::move(asked)) {}

  // The worker's answer; an Error where it could not give one.
  Result<Json> ask(const Context& context, Json request) const {
    TRY_ASSIGN(auto arguments, asked_.command(context, false));
    request.set("time_ms", asked_.time_ms);
    request.set("bytes", kValueBytesMost);
    process::Command command{.arguments = std::move(arguments)};
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
    "truncated":{"type":"boolean"},"sql":{"type":"string"},"sentence":{"type":"string"},"hints":{"type":"array","items":{"type":"string"}},
    "chart":{"anyOf":[{"type":"null"},{"type":"object","properties":{"kind":{"enum":["bar","line"]},"x":{"type":"string"},"y":{"type":"string"}},
    "required":["kind","x","y"],"additionalProperties":false}]}},"required":["columns","rows","truncated","sql","sentence","chart"],"additionalProperties":false})");
  about.untrusted_result = true;   // people wrote what stands in tables
  about.limits.time_ms = asked.time_ms + kSetUpMs + 1'000;
  about.limits.calls_per_minute = kCallsPerMinute;
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

Description context_description(const Asked& asked) {
  Description about;
  about.name = asked.name + "_context";
  about.description = "Says what of the database that " + asked.name +
                      " asks concerns a question in words: tables, joins, values that the question names, and "
                      "known questions like it. " +
                      asked.about + " Ask it before you write SQL.";
  about.parameters = *Json::parse(R"({"type":"object","properties":{"question":{"type":"string","minLength":1,"maxLength":4000}},
    "required":["question"],"additionalProperties":false})");
  about.result = *Json::parse(R"({"type":"object","properties":{"text":{"type":"string"},"tables":{"type":"array","items":{"type":"string"}},
    "values":{"type":"array","items":{"type":"object"}},"examples":{"type":"array","items":{"type":"object"}},
    "draft":{"type":["object","null"]}},"required":["text","tables","values","examples","draft"],"additionalProperties":false})");
  about.untrusted_result = true;
  about.limits.time_ms = 2 * (asked.time_ms + kSetUpMs);
  about.limits.calls_per_minute = kCallsPerMinute;
  about.limits.argument_bytes = kSqlBytesMost;
  return about;
}

// One SELECT, with what people and models want to see beside its rows.
Result<Answer> query(const Asked& asked, const Database& database, Known& known, const Context& context, const Json& arguments) {
  const Json& rows = arguments["rows"];
  TRY_ASSIGN(Json answer, database.ask(context, Json::object({{"sql", arguments["sql"]}, {"rows", rows.is_null() ? Json(kRowsDefault) : rows}})));
  if (answer["error"].is_object()) return failed_query(answer["error"], asked.dialect);
  answer.set("sql", arguments["sql"]);
  answer.set("sentence", sql::sentence_of(answer["columns"], answer["rows"], answer["truncated"] == Json(true)));
  answer.set("chart", sql::chart_of(answer["columns"], answer["rows"]));
  if (answer["rows"].size() == 0) {
    TRY_ASSIGN(const Json hints, known.hints(context, text_of(arguments["sql"])));
    if (hints.size() > 0) answer.set("hints", hints);
  }
  return Answer::of(std::move(answer));
}

std::vector<std::unique_ptr<Tool>> make_all(const Asked& asked) {
  auto database = std::make_shared<const Database>(asked);
  Known::Source source{asked.dialect, asked.about, asked.examples, asked.command,
                       [database](const Context& context, Json request) { return database->ask(context, std::move(request)); }};
  auto known = std::make_shared<Known>(std::move(source));
  std::vector<std::unique_ptr<Tool>> out;
  out.push_back(make_tool(query_description(asked), [asked, database, known](const Context& context, const Invocation& call) {
    return query(asked, *database, *known, context, call.arguments);
  }));
  out.push_back(make_tool(schema_description(asked), [database](const Context& context, const Invocation&) -> Result<Answer> {
    TRY_ASSIGN(Json answer, database->ask(context, Json::object({{"describe", true}})));
    return Answer::of(std::move(answer));
  }));
  out.push_back(make_tool(context_description(asked), [known](const Context& context, const Invocation& call) -> Result<Answer> {
    TRY_ASSIGN(Json answer, known->context_of(context, text_of(call.arguments["question"])));
    return Answer::of(std::move(answer));
  }));
  return out;
}

}  // namespace

std::vector<std::unique_ptr<Tool>> make_sql(const SqlOptions& options) {
  Asked asked{options.name, options.about, "SQLite", "", options.time_ms, {}, options.examples};
  asked.command = [options](const Context& context, bool anew) -> Result<std::vector<std::string>> {
    std::string file = options.database;
    if (options.locate) {
      TRY_ASSIGN(file, options.locate(context, anew));
    }
    std::vector<std::string> out = {options.worker, std::move(file)};
    out.insert(out.end(), options.tables.begin(), options.tables.end());
    return out;
  };
  return make_all(asked);
}

std::vector<std::unique_ptr<Tool>> make_postgres(const PostgresOptions& options) {
  const Json where = Json::object({{"connection", options.connection}, {"password", options.password}});
  const auto command = [worker = options.worker](const Context&, bool) -> Result<std::vector<std::string>> { return std::vector<std::string>{worker}; };
  return make_all({options.name, options.about, "PostgreSQL", where.dump() + "\n", options.time_ms, command, options.examples});
}

std::vector<std::unique_ptr<Tool>> make_databases(Tools& tools, const std::vector<std::string>& names) {
  Json choices = Json::array();
  for (const std::string& name : names) choices.push(name);
  std::vector<std::unique_ptr<Tool>> out;
  for (const bool context_wanted : {true, false}) {
    const std::string ending = context_wanted ? "_context" : "";
    auto one = tools.describe("query_" + names.front() + ending);
    if (!one) continue;
    Description about = std::move(*one);
    about.name = context_wanted ? "database_context" : "database_query";
    about.description = context_wanted ? "Says what of a database concerns a question in words: tables, values, known questions, and text for a model."
                                       : "Answers one SELECT over a database, read-only: rows, a sentence, a chart, and the SQL that ran.";
    about.parameters.find("properties")->set("database", Json::object({{"type", "string"}, {"enum", choices}}));
    about.parameters.find("required")->push("database");
    out.push_back(make_tool(about, [&tools, ending](const Context& context, const Invocation& call) -> Result<Answer> {
      Json arguments = call.arguments;
      const std::string name = "query_" + text_of(arguments["database"]) + ending;
      arguments.erase("database");
      TRY_ASSIGN(Outcome outcome, tools.call(context, name, arguments, ""));
      if (outcome.state == State::kDone) return Answer::of(std::move(outcome.result));
      if (outcome.failure) return Answer{Json(), std::move(outcome.failure)};
      return Answer::failed(std::string(state_name(outcome.state)), "'" + name + "' wants a person's approval of each call: ask it by its own name");
    }));
  }
  return out;
}

}  // namespace strata::tool
