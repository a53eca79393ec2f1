// strata trace list, show, replay, diff, and strata usage: what a server's requests did and cost.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>

#include "app/cli/cli.h"
#include "app/cli/client.h"
#include "base/clock.h"

namespace strata::cli {
namespace {

struct Wanted {
  std::string server, id, other, span;
  std::string route, model, product, status, text, by = "day", from, to;
  double min_ms = 0;
  int limit = 20;
};

std::string text_at(const Json& json, std::string_view key, std::string fallback = "") {
  const std::string* text = json[key].as_string();
  return text ? *text : fallback;
}
double number_at(const Json& json, std::string_view key) { return json[key].to_double(key).value_or(0); }

std::string cost_text(const Json& json, const std::string& currency) {
  if (json["cost"].is_null()) return "";
  char out[64];
  std::snprintf(out, sizeof out, "%.6f %s", number_at(json, "cost"), currency.c_str());
  return out;
}

// Connects, asks, prints JSON where that is wanted, else as `show` says.
template <class Ask, class Show>
int with_server(const Common& common, const Wanted& wanted, Ask ask, Show show) {
  auto client = Client::connect(common, wanted.server);
  if (!client) return fail(common, client.error());
  Result<Json> json = ask(**client);
  if (!json) return fail(common, json.error());
  if (common.json) return std::printf("%s\n", json->dump().c_str()), kDone;
  return show(*json);
}

int list(const Common& common, const Wanted& wanted) {
  std::string path = "/strata/v1/traces?limit=" + std::to_string(wanted.limit);
  for (auto& [name, value] :
       {std::pair("route", wanted.route), {"model", wanted.model}, {"product", wanted.product}, {"status", wanted.status}, {"text", wanted.text}})
    if (!value.empty()) path += std::string("&") + name + "=" + path_segment(value);
  if (wanted.min_ms > 0) path += "&min_ms=" + std::to_string(wanted.min_ms);
  return with_server(
      common, wanted, [&](Client& client) { return client.get(path); },
      [](const Json& json) -> int {
        const auto* rows = json["data"].as_array();
        if (!rows || rows->empty()) return std::printf("no traces\n"), kNothing;
        for (auto& row : *rows)
          std::printf("%s  %s  %9.1f ms  %-5s  %s  %s\n", text_at(row, "id").c_str(), iso8601(std::llround(number_at(row, "started_at") * 1e3)).c_str(),
                      number_at(row, "duration_ms"), text_at(row, "status").c_str(), text_at(row, "name").c_str(),
                      cost_text(row, text_at(json, "currency")).c_str());
        return kDone;
      });
}

void print_span(const Json& span, int depth, const std::string& currency) {
  std::string note;
  const Json& attributes = span["attributes"];
  if (!attributes["gen_ai.usage.input_tokens"].is_null()) {
    note = std::to_string(static_cast<int64_t>(number_at(attributes, "gen_ai.usage.input_tokens"))) + " → " +
           std::to_string(static_cast<int64_t>(number_at(attributes, "gen_ai.usage.output_tokens"))) + " tokens";
  }
  if (std::string cost = cost_text(span, currency); !cost.empty()) note += (note.empty() ? "" : ", ") + cost;
  if (text_at(span, "status") == "error")
    note += (note.empty() ? "" : ", ") + colour(text_at(span["error"], "type") + ": " + text_at(span["error"], "message"), 31);
  std::printf("%10.1f %10.1f  %*s%s%s%s\n", number_at(span, "start_ms"), number_at(span, "duration_ms"), 2 * depth, "", text_at(span, "name").c_str(),
              note.empty() ? "" : "  ", note.c_str());
  if (const auto* children = span["children"].as_array())
    for (auto& child : *children) print_span(child, depth + 1, currency);
}

int show(const Common& common, const Wanted& wanted) {
  return with_server(
      common, wanted, [&](Client& client) { return client.get("/strata/v1/traces/" + path_segment(wanted.id)); },
      [](const Json& json) -> int {
        const std::string currency = text_at(json, "currency");
        std::printf("%s  %s  %s\n%10s %10s  span\n", text_at(json, "id").c_str(), text_at(json, "status").c_str(), cost_text(json, currency).c_str(),
                    "start ms", "ms");
        if (const auto* tree = json["tree"].as_array())
          for (auto& span : *tree) print_span(span, 0, currency);
        return kDone;
      });
}

int replay(const Common& common, const Wanted& wanted) {
  Json body = Json::object();
  if (!wanted.span.empty()) body.set("span_id", wanted.span);
  bool same = false;
  const int code = with_server(
      common, wanted,
      [&](Client& client) -> Result<Json> {
        TRY_ASSIGN(Json json, client.post("/strata/v1/traces/" + path_segment(wanted.id) + "/replay", body));
        same = json["same"] == Json(true);
        return json;
      },
      [](const Json& json) -> int {
        for (auto& call : *json["calls"].as_array())
          std::printf("%s  %s  %s\n", text_at(call, "span_id").c_str(), text_at(call, "name").c_str(),
                      call["same"] == Json(true) ? ("the same " + std::to_string(static_cast<int64_t>(number_at(call, "tokens"))) + " output tokens").c_str()
                                                 : text_at(call, "difference").c_str());
        return kDone;
      });
  return code == kDone && !same ? kFailed : code;
}

int diff(const Common& common, const Wanted& wanted) {
  return with_server(
      common, wanted, [&](Client& client) { return client.get("/strata/v1/traces/diff?a=" + path_segment(wanted.id) + "&b=" + path_segment(wanted.other)); },
      [](const Json& json) -> int {
        for (auto& row : *json["spans"].as_array()) {
          const std::string in = text_at(row, "in");
          std::printf("%s %10.1f %10.1f  %s\n",
                      in == "both" ? " "
                      : in == "a"  ? "-"
                                   : "+",
                      number_at(row, "a_ms"), number_at(row, "b_ms"), text_at(row, "place").c_str());
          for (auto& change : *row["changes"].as_array())
            std::printf("      %s: %s → %s\n", text_at(change, "key").c_str(), change["a"].dump().substr(0, 200).c_str(),
                        change["b"].dump().substr(0, 200).c_str());
        }
        return kDone;
      });
}

int usage(const Common& common, const Wanted& wanted) {
  std::string path = "/strata/v1/usage?by=" + path_segment(wanted.by);
  if (!wanted.from.empty()) path += "&from=" + path_segment(wanted.from);
  if (!wanted.to.empty()) path += "&to=" + path_segment(wanted.to);
  return with_server(
      common, wanted, [&](Client& client) { return client.get(path); },
      [](const Json& json) -> int {
        const auto line = [&](const Json& row) {
          std::printf("%-32s %8.0f calls %12.0f in %12.0f out %10.1f CPU s %14.6f %s%s\n", text_at(row, "key").empty() ? "(none)" : text_at(row, "key").c_str(),
                      number_at(row, "calls"), number_at(row, "input_tokens"), number_at(row, "output_tokens"), number_at(row, "cpu_seconds"),
                      number_at(row, "cost"), text_at(json, "currency").c_str(),
                      number_at(row, "unpriced_calls") > 0 ? (" (" + row["unpriced_calls"].dump() + " calls without a price)").c_str() : "");
        };
        for (auto& row : *json["data"].as_array()) line(row);
        line(json["total"]);
        return kDone;
      });
}

}  // namespace

void add_trace(CLI::App& app, Common& common, Chosen& chosen) {
  auto wanted = std::make_shared<Wanted>();
  auto choose = [&common, &chosen, wanted](CLI::App* command, auto function) {
    command->add_option("--server", wanted->server, "A running server's URL; default: the one on this data folder, else its own");
    command->callback([&common, &chosen, wanted, function] { chosen = [&common, wanted, function] { return function(common, *wanted); }; });
  };
  auto* trace = app.add_subcommand("trace", "What requests and jobs did")->require_subcommand(1);
  auto* list_command = trace->add_subcommand("list", "Traces, newest first");
  list_command->add_option("--route", wanted->route, "As the API's documentation writes it: /v1/chat/completions");
  list_command->add_option("--with-model", wanted->model, "With a call of this model");
  list_command->add_option("--product", wanted->product, "Of this product");
  list_command->add_option("--status", wanted->status, "ok or error")->check(CLI::IsMember({"ok", "error"}));
  list_command->add_option("--text", wanted->text, "In names, attributes and content");
  list_command->add_option("--min-ms", wanted->min_ms, "That took at least so long")->check(CLI::NonNegativeNumber);
  list_command->add_option("--limit", wanted->limit, "How many")->check(CLI::Range(1, 500));
  choose(list_command, list);
  auto* show_command = trace->add_subcommand("show", "One trace as a tree");
  show_command->add_option("id", wanted->id, "Id of the trace (the header x-trace-id)")->required();
  choose(show_command, show);
  auto* replay_command = trace->add_subcommand("replay", "Run its model calls again: the same tokens? Exit status 1 where not");
  replay_command->add_option("id", wanted->id, "Id of the trace")->required();
  replay_command->add_option("--span", wanted->span, "One call only");
  choose(replay_command, replay);
  auto* diff_command = trace->add_subcommand("diff", "Two traces, span by span");
  diff_command->add_option("a", wanted->id, "Id of a trace")->required();
  diff_command->add_option("b", wanted->other, "Id of another")->required();
  choose(diff_command, diff);
  auto* usage_command = app.add_subcommand("usage", "What models' calls cost");
  usage_command->add_option("--by", wanted->by, "day, model or product")->check(CLI::IsMember({"day", "model", "product"}));
  usage_command->add_option("--from", wanted->from, "First day, as 2026-11-22; default: 30 days back");
  usage_command->add_option("--to", wanted->to, "Last day");
  choose(usage_command, usage);
}

}  // namespace strata::cli
