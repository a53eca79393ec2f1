// knowledge/tool: what a model, a flow, an agent or a person may call. A tool is a name, a JSON Schema of its arguments, one of its results, and
// what may go wrong with it (risk, cost, limits); the registry stands between the caller and the tool and lets through only what fits.
//
//   call(name, arguments, key) → permission → arguments against the schema → approval → limits → idempotency → the tool → result against
//   the schema → Outcome
//
// 1. A tool never sees arguments, and a caller never sees a result, that its schema does not allow.
// 2. Whatever a model could mend is an Outcome with problems (path, expected, got, nearest), not an Error.
// 3. Untrusted text: where the caller's prompt holds text from documents, the web or tools (`untrusted`), a tool above the risk line runs only
//    with a person's approval of exactly these arguments. Results that hold such text say so; whoever puts one into a prompt sets the flag.
// 4. With an idempotency key a call that has an effect is recorded: the same key again gives the recorded outcome without a second effect. A
//    process that dies in a call leaves it open; the next call with that key runs again where the tool is `repeatable` (it honours the key itself),
//    else its state is kUnknown until a person resolves it. Never twice, never silently lost. What had no effect is not recorded (a tool that
//    only reads, a call that the other side refused): the same key then runs again.
// 5. A grant lets one call run, once: it is used up in the transaction that records the call, whatever becomes of the caller.
//
// Every call is a span ("execute_tool NAME"), whoever makes it: its size, outcome and cost; arguments and result where content is kept.
// THREADS: safe; a call blocks its thread until the tool's time limit at most.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/egress/egress.h"
#include "infra/store/store.h"
#include "model/schema/schema.h"

namespace strata::catalog { class Catalog; }
namespace strata::retrieve { class Retriever; }

namespace strata::tool {

// Ascending. The risk line lies above one of them (kMedium by default): what is above it needs approval in an untrusted context.
enum class Risk {
  kLow,     // computes, or reads what the caller may read anyway
  kMedium,  // runs code behind walls, or reads from a host fixed beforehand
  kHigh,    // changes something, or sends something out
};
std::string_view risk_name(Risk risk);          // "low", "medium", "high"

struct Limits {
  int64_t time_ms = 30'000;
  int calls_per_minute = 120;                   // of one user; past it: kRefused with reason "rate_limited"
  int at_once = 4;                              // past it likewise
  size_t argument_bytes = 256u << 10;
  size_t result_bytes = 1u << 20;
};

struct Description {
  std::string name;                             // 1 to 64 letters, digits, '_', '-'
  std::string description;                      // for the model: what it does, when to use it
  Json parameters;                              // JSON Schema, of an object
  Json result;                                  // JSON Schema
  Risk risk = Risk::kLow;
  bool changes = false;                         // has an effect outside the call
  bool repeatable = true;                       // running it again with the same key has no second effect
  bool dry_run = false;                         // can say what it would do without doing it (reading tools just run, as without the flag)
  bool untrusted_result = false;                // results hold text that others wrote
  double cost = 0;                              // UNITS: US dollars a call
  Limits limits;
  std::string source = "built-in";              // "openapi:NAME", "mcp:NAME"
};

struct Invocation {
  const Json& arguments;                        // valid
  const std::string& idempotency_key;           // may be empty
  bool dry_run = false;
};

// What did not work, in words that the caller can act on.
struct Failure {
  std::string code;                             // "invalid_arguments", "sql_error", "timeout", …
  std::string message;
  std::vector<schema::Problem> problems;
  bool retry = false;                           // the same call may work later, as it is, and has no second effect then
  bool stands = false;                          // of a tool that changes something: it did, or may have, and only its answer is of no use
  Json json() const;
};
struct Answer {
  Json result;
  std::optional<Failure> failure;
  static Answer of(Json result) { return {std::move(result), std::nullopt}; }
  static Answer failed(std::string code, std::string message, std::vector<schema::Problem> problems = {}) {
    return {Json(), Failure{std::move(code), std::move(message), std::move(problems)}};
  }
};

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const Description& description() const = 0;
  // Runs on the caller's thread, with the time limit in the context. An Answer with a failure that does not `stand` promises that nothing
  // happened. An Error: ours or a dependency's, after which, if the tool changes something, nobody knows whether it did. THREADS: safe.
  virtual Result<Answer> run(const Context& context, const Invocation& invocation) = 0;
};
using Run = std::function<Result<Answer>(const Context&, const Invocation&)>;
std::unique_ptr<Tool> make_tool(Description description, Run run);

// What an administrator decided about a tool. Stored; without a row the default stands (kAllow).
enum class Permission { kAllow, kAsk, kDeny };  // kAsk: every call needs a person's approval
std::string_view permission_name(Permission permission);                   // "allow", "ask", "deny"
Result<Permission> permission_from(std::string_view name);
struct Policy {
  Permission permission = Permission::kAllow;
  std::vector<std::string> roles;               // who may call it; empty: everyone
  std::string why, who;
  int64_t updated_ms = 0;                       // 0: the default
};

// Approvals are kept by whoever asks people (orchestration/flow). A grant is of one tool with exactly these arguments, once.
class Approvals {
 public:
  virtual ~Approvals() = default;
  // Whether a person granted `approval_id` for this digest (call_digest), to a call with this idempotency key. That no second call runs with
  // it is the registry's own business: a grant that a key took is that key's (so a crash in between costs no approval), until its call ends.
  virtual Result<bool> granted(const Context& context, const std::string& approval_id, const std::string& digest, const std::string& key) = 0;
};
// SHA-256 over name and arguments (members sorted): what a person approves.
std::string call_digest(const std::string& name, const Json& arguments);

enum class State {
  kDone,           // result
  kFailed,         // the tool ran and says why not; recorded under the key where what it did stands
  kRefused,        // not run: arguments, permission, limits (failure says which)
  kNeedsApproval,  // not run: call again with an approval of `digest`
  kUnknown,        // it was begun, and nobody knows how it ended; see resolve()
};
std::string_view state_name(State state);       // "done", "failed", "refused", "needs_approval", "unknown"

struct Outcome {
  State state = State::kDone;
  Json result;
  std::optional<Failure> failure;
  std::string digest;                           // where state is kNeedsApproval
  bool repeated = false;                        // from the record, not run now
  bool untrusted = false;                       // the result holds text that others wrote
  bool dry_run = false;
  double cost = 0;                              // UNITS: US dollars
  double ms = 0;
  Json json() const;                            // what a model is shown, and the API sends
};

struct CallOptions {
  bool untrusted = false;                       // the prompt behind this call holds text from documents, the web or tools
  bool dry_run = false;
  std::string approval_id;                      // of a grant
};

inline constexpr Risk kRiskLine = Risk::kMedium;

std::vector<store::Migration> migrations();

class Tools {
 public:
  Tools(store::Store& store, const Clock& clock);
  ~Tools();

  // kInvalidArgument names what is wrong with the description; kAlreadyExists. Its schemas are compiled here, once.
  Status add(std::unique_ptr<Tool> tool);
  bool remove(const std::string& name);         // calls that run go on
  void set_approvals(Approvals* approvals);     // without: nothing is ever approved. Outlives us

  std::vector<Description> list() const;        // by name
  Result<Description> describe(const std::string& name) const;             // kNotFound with the nearest name

  // What is wrong with these arguments, in the schema's order; empty: the tool takes them. Nothing is called. kNotFound as describe().
  Result<std::vector<schema::Problem>> check(const std::string& name, const Json& arguments) const;

  // Whatever the tool or its caller did is an Outcome; an Error only where the store fails or the context is over before it is begun.
  // `key`: at most 256 bytes, the caller's own, unique within tenant and tool; empty: not recorded.
  Result<Outcome> call(const Context& context, const std::string& name, const Json& arguments, const std::string& key, const CallOptions& options = {});

  // A person's word on a call that is kUnknown, or failed with what it did standing: it did happen (with what result; null where nobody knows),
  // or it did not and may run again. kFailedPrecondition: it is running, or has ended otherwise.
  Status resolve(const Context& context, const std::string& name, const std::string& key, bool happened, const Json& result);
  // Calls that were begun by a process that died, and are not repeatable.
  struct Open {
    std::string name, key;
    Json arguments;
    int64_t begun_ms = 0;
  };
  Result<std::vector<Open>> open_calls(const Context& context);

  Result<Policy> policy(const Context& context, const std::string& name);
  Result<Policy> set_policy(const Context& context, const std::string& name, Policy policy);

  // Forgets recorded calls begun before then, but for open ones. A grant stays used.
  Status prune(const Context& context, int64_t before_ms);

 private:
  struct Entry;
  class Turn;                                   // holds a place among the calls that run at once
  struct Call;
  class Mark;                                   // holds a key, so that it is used by one call at a time
  class Traced;                                 // a call's span
  std::shared_ptr<Entry> find(const std::string& name) const;
  Result<Outcome> call_entry(const Context& context, Entry& entry, const Json& arguments, const std::string& key, const CallOptions& options);
  Outcome unknown_tool(const std::string& name) const;
  static std::optional<Outcome> refuse(const Context& context, const Call& call);
  Result<std::optional<Outcome>> ask(const Context& context, const Call& call);
  Result<std::optional<Outcome>> recall(const Context& context, const Call& call);
  Result<Outcome> run_recorded(const Context& context, const Call& call, bool asks);
  Outcome run_now(const Context& context, const Call& call);

  store::Store& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::set<std::string> running_;               // tenant, tool and key of recorded calls in this process
  Approvals* approvals_ = nullptr;
};

// ---- Built-in tools ------------------------------------------------------------------------------------------------------------------------
// "calculator": an arithmetic expression. Result {"value"}.
std::unique_ptr<Tool> make_calculator();

// "search_documents": passages of vector stores that answer a question. Its results are untrusted text.
std::unique_ptr<Tool> make_retrieval(retrieve::Retriever& retriever);

// "web_search": pages that say something about a question. Its results are untrusted text. What stands behind it can be changed: a Web.
struct WebPage {
  std::string title, url, snippet;
};
class Web {
 public:
  virtual ~Web() = default;
  virtual std::string_view source() const = 0;  // "pages", or "service": then the question leaves this machine
  // Best first, at most `results`. kFailedPrecondition, with a reason, says what the operator can mend. THREADS: safe.
  virtual Result<std::vector<WebPage>> search(const Context& context, const std::string& query, int results) = 0;
};
std::unique_ptr<Tool> make_web_search(std::unique_ptr<Web> web);

// The default, without a network: the pages in the vector stores that are called `store`. A page's address is its file's attribute "url", else its
// file's name.
std::unique_ptr<Web> make_web_pages(retrieve::Retriever& retriever, catalog::Catalog& catalog, const std::string& store = "web");

// A search service over HTTP: {query} and {results} are filled into the address, or into a JSON body; JSON pointers say where in its answer
// the list is, and where in each item its parts are. kInvalidArgument names what is wrong. `client` outlives it.
struct WebService {
  std::string url;                              // "https://api.example.com/search?q={query}&count={results}"; its host is fixed
  Json body = {};                               // null: GET; else what is POSTed, where the text "{query}" becomes the question
  std::string secret_header = {};               // "X-Key: …"; empty: none
  std::string results = "/results", title = "/title", link = "/url", snippet = "/snippet";
};
Result<std::unique_ptr<Web>> make_web_service(egress::Client& client, WebService service);
// What an answer of the service says; kFailedPrecondition where the pointers lead to nothing.
Result<std::vector<WebPage>> pages_of(const Json& reply, const WebService& service, int results);

// "search_code": lines that hold a text, in the files of one folder (links are not followed, hidden and large files passed over).
std::unique_ptr<Tool> make_code_search(const std::string& folder);

// One SQLite database, read-only, each question in a confined process of its own (src/worker/sql): "NAME" answers one SELECT, "NAME_schema" says
// which tables and columns there are, "NAME_context" what of it concerns a question in words (knowledge/sql): tables, joins, values that the question
// names, known questions like it, a draft where one is near enough, and all of it as text for a model. A query that fails is an answer with the
// database's words, what was meant, and the nearest name; one without rows says which of its values stand nowhere.
using KnownQuestions = std::vector<std::pair<std::string, std::string>>;   // in words, and its SQL
struct SqlOptions {
  std::string name = "query_database";
  std::string about;                            // what is in it, for the model
  std::string worker;                           // the path of strata-sql
  std::string database;
  std::vector<std::string> tables;              // only these can be named; empty: all
  int64_t time_ms = 5'000;
  KnownQuestions examples = {};
  // Where set, instead of `database`: the file for who asks. `anew`: a question begins, what it is about should be up to date.
  std::function<Result<std::string>(const Context&, bool anew)> locate = {};
};
std::vector<std::unique_ptr<Tool>> make_sql(const SqlOptions& options);

// The same over one PostgreSQL database, as a role that may only read (any that may do more is refused): src/worker/postgres.
struct PostgresOptions {
  std::string name = "query_database";
  std::string about;
  std::string worker;                           // the path of strata-postgres
  std::string connection;                       // "host=… dbname=… user=…", as libpq has it, without a password
  std::string password;                         // reaches the worker by its standard input; empty: none
  int64_t time_ms = 5'000;
  KnownQuestions examples = {};
};
std::vector<std::unique_ptr<Tool>> make_postgres(const PostgresOptions& options);

// "database_context" and "database_query": the tools of the databases of these names by an argument `database`, for flows that are written once. They
// call query_NAME_context and query_NAME through the registry, so what was decided about those holds. `tools` is the registry that they are added to.
std::vector<std::unique_ptr<Tool>> make_databases(Tools& tools, const std::vector<std::string>& names);

// "run_python": a script behind walls (src/worker/sandbox): bubblewrap, seccomp, limits; no network, no file of this machine but /usr. Files in
// and out; open matplotlib figures come back as PNG files. Where the walls cannot be had it refuses ("sandbox_unavailable"), with the reason.
struct PythonOptions {
  std::string worker;                           // the path of strata-sandbox
  int64_t time_ms = 20'000;
  uint64_t memory_bytes = 1u << 30;
};
std::unique_ptr<Tool> make_python(const PythonOptions& options);

// "analyze_data": the same for agents, whose prompts hold no files: what the script writes and plots is kept among the files (purpose
// "assistants_output") and told by id, for people to open; files that it shall read are named by id.
std::unique_ptr<Tool> make_analysis(std::unique_ptr<Tool> python, catalog::Catalog& catalog);

// The operations of an OpenAPI 3 document, each a tool, all on the one host that the operator named. Path and query parameters and a JSON body are
// arguments; GET is of medium risk, everything else changes something and is of high risk. A redirect is a failure: nothing leads to another host.
// A call's idempotency key goes out as Idempotency-Key where the operation has that header, which makes it repeatable.
// kInvalidArgument names what in the document cannot be taken. `client` outlives the tools.
struct OpenApiOptions {
  std::string name;                             // of the service
  std::string base_url;                         // empty: the document's first server
  std::string secret_header;                    // "Authorization: Bearer …"; empty: none
  egress::Trust trust = egress::Trust::kOperator;  // kUntrusted where a user named the host: it must then be public
  int64_t time_ms = 15'000;
};
Result<std::vector<std::unique_ptr<Tool>>> make_openapi(egress::Client& client, const Json& document, OpenApiOptions options);

}  // namespace strata::tool
