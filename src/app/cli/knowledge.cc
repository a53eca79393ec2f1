// strata ingest, search, ask: through the HTTP API of a running server, or of one started for the command.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string server, base, question, mode = "quote_first";
  std::vector<std::string> paths;
  int results = 5;
  bool generate = true;
  bool wait = true;
};

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

// The base by id or name. With `make`, one that is missing is made.
Result<std::string> find_base(Client& client, const std::string& wanted, bool make) {
  TRY_ASSIGN(Json list, client.get("/v1/vector_stores?limit=100"));
  std::string names;
  auto* bases = list["data"].as_array();
  for (auto& base : *bases) {
    if (text_of(base["id"]) == wanted || text_of(base["name"]) == wanted) return text_of(base["id"]);
    names += (names.empty() ? "" : ", ") + text_of(base["name"]) + " (" + text_of(base["id"]) + ")";
  }
  if (wanted.empty() && bases->size() == 1) return text_of(bases->front()["id"]);
  if (wanted.empty() && !make)
    return invalid_argument(
        bases->empty() ? "there is no knowledge base yet: `strata ingest FILE…` makes one" : "say which knowledge base with --base; there is: " + names,
        "base");
  if (!make) return not_found("no knowledge base is called '" + wanted + "'; there is: " + names, "base");
  TRY_ASSIGN(Json made, client.post("/v1/vector_stores", Json::object({{"name", wanted.empty() ? "documents" : wanted}})));
  return text_of(made["id"]);
}

Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths) {
  static const std::vector<std::string> kEndings = {".md", ".markdown", ".html", ".htm", ".txt", ".pdf", ".docx", ".png", ".jpg", ".jpeg", ".tif", ".tiff"};
  std::vector<std::string> files;
  for (auto& path : paths) {
    std::error_code error;
    if (fs::is_regular_file(path, error)) {
      files.push_back(path);
      continue;
    }
    if (!fs::is_directory(path, error)) return not_found("no such file or folder: " + path);
    for (auto& entry : fs::recursive_directory_iterator(path, error)) {
      std::string ending = entry.path().extension().string();
      if (entry.is_regular_file(error) && std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end()) files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) return not_found("no documents there (.md .html .txt .pdf .docx .png .jpg .tif)");
  return files;
}

struct Progress {
  int64_t total = 0, completed = 0, failed = 0;
};

Result<Progress> wait_until_done(Client& client, const std::string& base, int64_t expected) {
  for (;;) {
    TRY_ASSIGN(Json row, client.get("/v1/vector_stores/" + base));
    const Json& counts = row["file_counts"];
    TRY_ASSIGN(int64_t running, counts["in_progress"].to_int("in_progress"));
    Progress progress;
    TRY_ASSIGN(progress.total, counts["total"].to_int("total"));
    TRY_ASSIGN(progress.completed, counts["completed"].to_int("completed"));
    TRY_ASSIGN(progress.failed, counts["failed"].to_int("failed"));
    progress_bar("ingesting", std::max<int64_t>(0, expected - running), expected);
    if (running == 0) return progress_end(), progress;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Status say_failures(const Common& common, Client& client, const std::string& base) {
  TRY_ASSIGN(Json failed, client.get("/v1/vector_stores/" + base + "/files?filter=failed&limit=100"));
  for (auto& file : *failed["data"].as_array())
    if (!common.json)
      std::fprintf(stderr, "%s %s: %s\n", colour("failed", 31).c_str(), text_of(file["strata"]["filename"]).c_str(),
                   text_of(file["last_error"]["message"]).c_str());
  return {};
}

Result<int> run_ingest(const Common& common, const Options& options) {
  TRY_ASSIGN(auto files, files_of(options.paths));
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(std::string base, find_base(*client, options.base, true));
  int64_t sent = 0;
  for (auto& file : files) {
    TRY_ASSIGN(Json uploaded, client->upload(file));
    TRY(client->post("/v1/vector_stores/" + base + "/files", Json::object({{"file_id", uploaded["id"]}})));
    progress_bar("sending", ++sent, static_cast<int64_t>(files.size()));
  }
  progress_end();
  TRY_ASSIGN(Progress progress, wait_until_done(*client, base, sent));
  TRY(say_failures(common, *client, base));
  if (common.json)
    std::printf(
        "%s\n",
        Json::object({{"vector_store_id", base}, {"files", sent}, {"total", progress.total}, {"completed", progress.completed}, {"failed", progress.failed}})
            .dump()
            .c_str());
  else std::printf("%lld of %lld documents ready in %s\n", static_cast<long long>(progress.completed), static_cast<long long>(progress.total), base.c_str());
  return progress.failed ? kFailed : kDone;
}

Result<int> run_search(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(std::string base, find_base(*client, options.base, false));
  TRY_ASSIGN(Json found,
             client->post("/strata/v1/search",
                          Json::object({{"query", options.question}, {"vector_store_ids", Json::array({base})}, {"max_num_results", options.results}})));
  auto& hits = *found["hits"].as_array();
  if (common.json) std::printf("%s\n", found.dump().c_str());
  else
    for (auto& hit : hits)
      std::printf("%s %s%s%s\n%s\n\n", colour(Json(static_cast<double>(static_cast<int>(*hit["score"].to_double("") * 1000)) / 1000).dump(), 32).c_str(),
                  text_of(hit["filename"]).c_str(), text_of(hit["heading"]).empty() ? "" : " › ", text_of(hit["heading"]).c_str(),
                  text_of(hit["text"]).c_str());
  return hits.empty() ? kNothing : kDone;
}

Result<int> run_ask(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(std::string base, find_base(*client, options.base, false));
  Json tool = Json::object({{"type", "file_search"}, {"vector_store_ids", Json::array({base})}, {"mode", options.mode}, {"generate", options.generate}});
  Json body = Json::object({{"messages", Json::array({Json::object({{"role", "user"}, {"content", options.question}})})},
                            {"tools", Json::array({std::move(tool)})},
                            {"stream", true}});
  std::string text;
  Json strata;
  TRY(client->stream("/v1/chat/completions", body, [&](const Json& event) {
    if (!event["strata"].is_null()) strata = event["strata"];
    auto* choices = event["choices"].as_array();
    if (!choices || choices->empty()) return;
    std::string piece = text_of(choices->front()["delta"]["content"]);
    text += piece;
    if (!common.json) std::fputs(piece.c_str(), stdout), std::fflush(stdout);
  }));
  bool answered = text_of(strata["outcome"]) == "answered";
  if (common.json) {
    std::printf("%s\n", Json::object({{"question", options.question}, {"text", text}, {"strata", strata}}).dump().c_str());
    return answered ? kDone : kNothing;
  }
  std::printf("\n\n");
  for (auto& citation : *strata[answered ? "citations" : "closest"].as_array())
    std::printf("%s %s%s%s\n", colour("[" + citation["number"].dump() + "]", 36).c_str(), text_of(citation["title"]).c_str(),
                text_of(citation["heading"]).empty() ? "" : " › ", text_of(citation["heading"]).c_str());
  return answered ? kDone : kNothing;
}

}  // namespace

void add_knowledge(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  auto choose = [&common, &chosen, options](CLI::App* command, Result<int> (*function)(const Common&, const Options&)) {
    add_server_option(*command, options->server);
    command->add_option("--base", options->base, "Knowledge base, by name or id");
    run_where_chosen(*command, common, chosen, [&common, options, function] { return function(common, *options); });
  };
  auto* ingest = app.add_subcommand("ingest", "Put documents (files or folders) into a knowledge base, and wait until they can be found");
  ingest->add_option("paths", options->paths, "Files or folders")->required();
  choose(ingest, run_ingest);
  auto* search = app.add_subcommand("search", "Passages that match a question");
  search->add_option("query", options->question, "The question")->required();
  search->add_option("--results", options->results, "How many")->check(CLI::Range(1, 50));
  choose(search, run_search);
  auto* ask = app.add_subcommand("ask", "An answer from the documents, with citations; exit code 3 where they do not say");
  ask->add_option("question", options->question, "The question")->required();
  ask->add_option("--mode", options->mode, "quote_first or classic")->check(CLI::IsMember({"quote_first", "classic"}));
  ask->add_flag("!--no-generate", options->generate, "Quotes only: the model adds nothing");
  choose(ask, run_ask);
}

}  // namespace strata::cli
