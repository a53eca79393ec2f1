// strata batch create, list, show, cancel, results: files of many requests, answered when nothing else has work.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "app/cli/choose.h"
#include "app/cli/client.h"

namespace strata::cli {
namespace {

// How often a command that waits asks how far the batch is.
constexpr auto kLook = std::chrono::milliseconds(300);

struct Wanted {
  std::string server, file, id, endpoint, window = "24h", out;
  bool wait = false;
};

std::string text_at(const Json& json, std::string_view key) { return json[key].as_string() ? *json[key].as_string() : ""; }
int64_t count_at(const Json& json, std::string_view key) { return json[key].to_int(key).value_or(0); }
std::string route(const std::string& id) { return "/v1/batches/" + path_segment(id); }

bool over(const Json& batch) {
  const std::string status = text_at(batch, "status");
  return status == "completed" || status == "failed" || status == "expired" || status == "cancelled";
}

void print_row(const Json& batch) {
  const Json& counts = batch["request_counts"];
  std::printf("%s  %-11s  %lld of %lld done, %lld failed  %s\n", text_at(batch, "id").c_str(), text_at(batch, "status").c_str(),
              static_cast<long long>(count_at(counts, "completed")), static_cast<long long>(count_at(counts, "total")),
              static_cast<long long>(count_at(counts, "failed")), text_at(batch, "endpoint").c_str());
  if (const auto* errors = batch["errors"]["data"].as_array())
    for (const Json& error : *errors) std::printf("  %s\n", text_at(error, "message").c_str());
}

int print(const Common& common, const Json& batch) {
  if (common.json) std::printf("%s\n", batch.dump().c_str());
  else print_row(batch);
  return text_at(batch, "status") == "failed" ? kFailed : kDone;
}

// The endpoint that the first line asks.
Result<std::string> endpoint_in(const std::string& bytes) {
  TRY_ASSIGN(const Json first, Json::parse(bytes.substr(0, bytes.find('\n'))));
  return first["url"].to_string("url");
}

Result<Json> wait(Client& client, Json batch) {
  while (!over(batch)) {
    const Json& counts = batch["request_counts"];
    progress_bar(text_at(batch, "status"), count_at(counts, "completed") + count_at(counts, "failed"), count_at(counts, "total"));
    std::this_thread::sleep_for(kLook);
    TRY_ASSIGN(batch, client.get(route(text_at(batch, "id"))));
  }
  progress_end();
  return batch;
}

Status save_file(Client& client, const std::string& id, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  TRY(client.download("/v1/files/" + path_segment(id) + "/content",
                      [&](std::string_view piece) { return bool(file.write(piece.data(), static_cast<std::streamsize>(piece.size()))); }));
  if (!file.flush()) return failed_precondition("cannot write " + path);
  std::fprintf(stderr, "wrote %s\n", path.c_str());
  return {};
}

// The answers to `out` and what failed to out.errors; or the answers to standard output, and then how many failed.
Status save(Client& client, const Json& batch, const std::string& out) {
  const std::string answers = text_at(batch, "output_file_id"), errors = text_at(batch, "error_file_id");
  if (out.empty()) {
    if (!answers.empty())
      TRY(client.download("/v1/files/" + path_segment(answers) + "/content",
                          [](std::string_view piece) { return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size(); }));
    if (!errors.empty())
      std::fprintf(stderr, "%lld failed: with --out FILE they are written to FILE.errors\n",
                   static_cast<long long>(count_at(batch["request_counts"], "failed")));
    return {};
  }
  if (!answers.empty()) TRY(save_file(client, answers, out));
  if (!errors.empty()) TRY(save_file(client, errors, out + ".errors"));
  return {};
}

Result<int> create(const Common& common, Client& client, const Wanted& wanted) {
  std::ifstream file(wanted.file, std::ios::binary);
  if (!file) return not_found("cannot read " + wanted.file);
  std::ostringstream read;
  read << file.rdbuf();
  const std::string bytes = read.str();
  std::string endpoint = wanted.endpoint;
  if (endpoint.empty()) {
    auto found = endpoint_in(bytes);
    if (!found) return annotate(found.error(), "the first line of " + wanted.file + " does not say its url: give --endpoint");
    endpoint = *found;
  }
  TRY_ASSIGN(const Json uploaded, client.upload(std::filesystem::path(wanted.file).filename().string(), bytes, "batch"));
  TRY_ASSIGN(Json batch,
             client.post("/v1/batches", Json::object({{"input_file_id", uploaded["id"]}, {"endpoint", endpoint}, {"completion_window", wanted.window}})));
  if (wanted.wait) {
    TRY_ASSIGN(batch, wait(client, std::move(batch)));
    if (!wanted.out.empty()) TRY(save(client, batch, wanted.out));
  }
  return print(common, batch);
}

Result<int> list(const Common& common, Client& client, const Wanted&) {
  TRY_ASSIGN(const Json batches, client.get("/v1/batches?limit=100"));
  if (common.json) return std::printf("%s\n", batches.dump().c_str()), kDone;
  const auto* rows = batches["data"].as_array();
  if (!rows || rows->empty()) return std::printf("no batches\n"), kNothing;
  for (const Json& row : *rows) print_row(row);
  return kDone;
}

Result<int> show(const Common& common, Client& client, const Wanted& wanted) {
  TRY_ASSIGN(Json batch, client.get(route(wanted.id)));
  if (wanted.wait) {
    TRY_ASSIGN(batch, wait(client, std::move(batch)));
  }
  return print(common, batch);
}

Result<int> cancel(const Common& common, Client& client, const Wanted& wanted) {
  TRY_ASSIGN(const Json batch, client.post(route(wanted.id) + "/cancel", Json::object()));
  return print(common, batch);
}

Result<int> results(const Common&, Client& client, const Wanted& wanted) {
  TRY_ASSIGN(const Json batch, client.get(route(wanted.id)));
  if (!over(batch))
    return failed_precondition("batch " + wanted.id + " is " + text_at(batch, "status") + ": wait for it with `strata batch show --wait " + wanted.id + "`");
  TRY(save(client, batch, wanted.out));
  return text_at(batch, "status") == "failed" ? kFailed : kDone;
}

using Function = Result<int> (*)(const Common&, Client&, const Wanted&);

}  // namespace

void add_batch(CLI::App& app, Common& common, Chosen& chosen) {
  auto wanted = std::make_shared<Wanted>();
  auto* batch = app.add_subcommand("batch", "Many requests in one file, answered when nothing else has work")->require_subcommand(1)->fallthrough();
  auto add = [&](const char* name, const char* about, Function function) {
    auto* command = batch->add_subcommand(name, about)->fallthrough();
    add_server_option(*command, wanted->server);
    run_where_chosen(*command, common, chosen, [&common, wanted, function]() -> Result<int> {
      TRY_ASSIGN(auto client, Client::connect(common, wanted->server));
      return function(common, *client, *wanted);
    });
    return command;
  };
  auto* make = add("create", "Upload a file of requests, one a line, and have them answered", create);
  make->add_option("file", wanted->file, "JSONL: {\"custom_id\", \"method\": \"POST\", \"url\", \"body\"}")->required();
  make->add_option("--endpoint", wanted->endpoint, "Default: the first line's url");
  make->add_option("--window", wanted->window, "What is not done by then is not run: 24h, or 1s to 7d");
  auto* waits = make->add_flag("--wait", wanted->wait, "Wait for the answers");
  make->add_option("--out", wanted->out, "Write the answers here, and what failed to OUT.errors")->needs(waits);
  add("list", "Batches, newest first", list);
  auto* one = add("show", "One batch: its state, what is done", show);
  one->add_flag("--wait", wanted->wait, "Wait until it has ended");
  auto* answers = add("results", "The answers of a batch that has ended, one a line", results);
  answers->add_option("--out", wanted->out, "Write them here, and what failed to OUT.errors; default: standard output");
  for (auto* command : {one, answers, add("cancel", "Cancel a batch; what is done is kept", cancel)})
    command->add_option("id", wanted->id, "Its id")->required();
}

}  // namespace strata::cli
