#include "app/telemetry_tool.h"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "base/crypto.h"
#include "infra/observe/observe.h"
#include "knowledge/tool/tool.h"

namespace strata::app {
namespace {

constexpr int64_t kCopyKeptMs = 60'000;   // for SQL that does not begin a question

constexpr char kAbout[] =
    "What this platform spent and was asked. spend: one row a day, model and product; cost in US dollars, tokens. requests: one row a request; "
    "failed is 0 or 1, duration in milliseconds, models is a text of model names. day is a text like '2026-11-22' (UTC); the last week is "
    "day >= date('now', '-7 days').";

const tool::KnownQuestions& known() {
  static const tool::KnownQuestions all = {
      {"what did we spend last week, by model?",
       "SELECT model, round(sum(cost), 4) AS cost FROM spend WHERE day >= date('now', '-7 days') GROUP BY model ORDER BY cost DESC"},
      {"what did we spend last month, by model?",
       "SELECT model, round(sum(cost), 4) AS cost FROM spend WHERE day >= date('now', '-30 days') GROUP BY model ORDER BY cost DESC"},
      {"what did we spend today?", "SELECT round(sum(cost), 4) AS cost FROM spend WHERE day = date('now')"},
      {"what did we spend per day?", "SELECT day, round(sum(cost), 4) AS cost FROM spend GROUP BY day ORDER BY day"},
      {"what did we spend by product?", "SELECT product, round(sum(cost), 4) AS cost FROM spend GROUP BY product ORDER BY cost DESC"},
      {"what did we spend in total?", "SELECT round(sum(cost), 4) AS cost FROM spend"},
      {"how many calls did each model get?", "SELECT model, sum(calls) AS calls FROM spend GROUP BY model ORDER BY calls DESC"},
      {"how many tokens did we use last week?",
       "SELECT sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens FROM spend WHERE day >= date('now', '-7 days')"},
      {"how many tokens did each model use?", "SELECT model, sum(input_tokens + output_tokens) AS tokens FROM spend GROUP BY model ORDER BY tokens DESC"},
      {"how many requests were there per day?", "SELECT day, count(*) AS requests FROM requests GROUP BY day ORDER BY day"},
      {"how many requests failed?", "SELECT count(*) AS failed FROM requests WHERE failed = 1"},
      {"which requests failed?", "SELECT started_at, name, http_status FROM requests WHERE failed = 1 ORDER BY started_at DESC LIMIT 50"},
      {"what are the slowest requests?", "SELECT name, duration_ms, started_at FROM requests ORDER BY duration_ms DESC LIMIT 10"},
      {"how long do requests take on average, by route?",
       "SELECT route, round(avg(duration_ms), 1) AS duration_ms FROM requests GROUP BY route ORDER BY duration_ms DESC"},
      {"what are the most expensive requests?", "SELECT name, cost, started_at FROM requests WHERE cost IS NOT NULL ORDER BY cost DESC LIMIT 10"}};
  return all;
}

// THREADS: safe.
class Copies {
 public:
  Copies(observe::Observer& observer, std::string folder) : observer_(observer), folder_(std::move(folder)) {}

  Result<std::string> locate(const Context& context, bool anew) {
    // A tenant's name may hold anything, a file's may not.
    const std::string path = folder_ + "/telemetry-" + sha256_hex(context.principal().tenant).substr(0, 24) + ".db";
    std::lock_guard lock(mutex_);
    const int64_t now = context.clock().unix_ms();
    std::error_code error;
    const auto made = made_.find(path);
    if (!anew && made != made_.end() && now - made->second < kCopyKeptMs && std::filesystem::exists(path, error)) return path;
    std::filesystem::create_directory(folder_, error);
    TRY(observer_.copy_for_tenant(context, path));
    made_[path] = now;
    return path;
  }

 private:
  observe::Observer& observer_;
  const std::string folder_;
  std::mutex mutex_;
  std::map<std::string, int64_t> made_;
};

}  // namespace

Status add_telemetry(tool::Tools& tools, observe::Observer& observer, const std::string& data_folder, const std::string& workers) {
  auto copies = std::make_shared<Copies>(observer, data_folder + "/asks");
  tool::SqlOptions options;
  options.name = "query_telemetry";
  options.about = kAbout;
  options.worker = workers + "/strata-sql";
  options.tables = {"spend", "requests"};
  options.examples = known();
  options.locate = [copies](const Context& context, bool anew) { return copies->locate(context, anew); };
  for (auto& made : tool::make_sql(options)) TRY(tools.add(std::move(made)));
  return {};
}

}  // namespace strata::app
