// "search_documents" and "search_code".
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "knowledge/retrieve/retrieve.h"
#include "knowledge/tool/parts.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kFileBytesMost = 1u << 20;
constexpr size_t kFilesMost = 20'000, kHitsMost = 50, kLineBytesMost = 300;

// Adds the lines of one file that hold `query` (lower case) to `hits`.
Status search_file(const fs::path& path, const std::string& name, const std::string& query, Json& hits) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  for (int number = 1; std::getline(file, line) && hits.size() < kHitsMost; ++number) {
    if (line.find('\0') != line.npos) return {};   // no text
    if (ascii_lower(line).find(query) == std::string::npos) continue;
    hits.push(Json::object({{"file", name}, {"line", number}, {"text", cut(trim(line), kLineBytesMost)}}));
  }
  return {};
}

Result<Answer> search_folder(const Context& context, const std::string& folder, const Json& arguments) {
  const std::string query = ascii_lower(*arguments["query"].as_string());
  const std::string ending = arguments["ending"].as_string() ? *arguments["ending"].as_string() : "";
  Json hits = Json::array();
  size_t files = 0;
  std::error_code error;
  auto walk = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
  if (error) return failed_precondition("the folder of search_code cannot be read");
  for (const fs::recursive_directory_iterator end; walk != end && hits.size() < kHitsMost && files < kFilesMost; walk.increment(error)) {
    TRY(context.check());
    const std::string base = walk->path().filename().string();
    if (walk->is_symlink(error) || base.starts_with('.')) {
      walk.disable_recursion_pending();
      continue;
    }
    if (!walk->is_regular_file(error) || walk->file_size(error) > kFileBytesMost || !base.ends_with(ending)) continue;
    ++files;
    TRY(search_file(walk->path(), utf8_repaired(fs::relative(walk->path(), folder, error).string()), query, hits));
  }
  const bool whole = hits.size() < kHitsMost && files < kFilesMost;
  return Answer::of(Json::object({{"matches", std::move(hits)}, {"files_read", files}, {"complete", whole}}));
}

}  // namespace

std::unique_ptr<Tool> make_code_search(const std::string& folder) {
  Description about;
  about.name = "search_code";
  about.description = "Finds lines that hold a text (upper and lower case are the same) in the files of the code folder.";
  about.parameters = *Json::parse(R"({"type":"object","properties":{"query":{"type":"string","minLength":2,"maxLength":200},
    "ending":{"type":"string","maxLength":20,"description":"Only files whose name ends so, such as .py"}},"required":["query"],"additionalProperties":false})");
  about.result = *Json::parse(R"({"type":"object","properties":{"matches":{"type":"array","items":{"type":"object","properties":{"file":{"type":"string"},
    "line":{"type":"integer"},"text":{"type":"string"}},"required":["file","line","text"]}},"files_read":{"type":"integer"},"complete":{"type":"boolean"}},
    "required":["matches","files_read","complete"],"additionalProperties":false})");
  about.untrusted_result = true;
  return make_tool(std::move(about), [folder](const Context& context, const Invocation& call) { return search_folder(context, folder, call.arguments); });
}

std::unique_ptr<Tool> make_retrieval(retrieve::Retriever& retriever) {
  Description about;
  about.name = "search_documents";
  about.description = "Finds the passages of the documents in vector stores that say most about a question.";
  about.parameters = *Json::parse(R"({"type":"object","properties":{"query":{"type":"string","minLength":1,"maxLength":2000},
    "vector_store_ids":{"type":"array","items":{"type":"string","minLength":1,"maxLength":100},"minItems":1,"maxItems":16},
    "results":{"type":"integer","minimum":1,"maximum":20}},"required":["query","vector_store_ids"],"additionalProperties":false})");
  about.result = *Json::parse(R"({"type":"object","properties":{"passages":{"type":"array","items":{"type":"object","properties":{"text":{"type":"string"},
    "file_id":{"type":"string"},"filename":{"type":"string"},"heading":{"type":"string"},"score":{"type":"number"}},
    "required":["text","file_id","filename","score"]}}},"required":["passages"],"additionalProperties":false})");
  about.untrusted_result = true;
  return make_tool(std::move(about), [&retriever](const Context& context, const Invocation& call) -> Result<Answer> {
    retrieve::Options options;
    options.results = static_cast<int>(call.arguments["results"].to_int("results").value_or(5));
    std::vector<std::string> bases;
    for (const Json& id : *call.arguments["vector_store_ids"].as_array()) bases.push_back(*id.as_string());
    TRY_ASSIGN(const auto found, retriever.search(context, {*call.arguments["query"].as_string()}, bases, options));
    Json passages = Json::array();
    for (const auto& hit : found.hits) {
      passages.push(Json::object(
          {{"text", hit.chunk.text}, {"file_id", hit.chunk.file_id}, {"filename", hit.filename}, {"heading", hit.heading}, {"score", hit.scores.final_score}}));
    }
    return Answer::of(Json::object({{"passages", std::move(passages)}}));
  });
}

}  // namespace strata::tool
