// /v1/vector_stores: knowledge bases, the files in them, and search.
#include "app/api/answer_json.h"
#include "app/api/api.h"
#include "app/api/generation.h"
#include "app/api/openapi.h"
#include "app/api/reply.h"
#include "app/api/rules.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/ingest/ingest.h"
#include "knowledge/retrieve/retrieve.h"

namespace strata::api {

std::vector<Field> vector_store_fields() {
  return {{"name", Kind::kString, "A name for people.", false, 0, 256},
          {"metadata", Kind::kObject, "Up to 16 pairs of texts."},
          {"file_ids", Kind::kArray, "Files to put in at once.", false, 0, 500},
          {"chunking_strategy", Kind::kObject, "{\"type\": \"auto\"} or {\"type\": \"static\", \"static\": {…}}."},
          {"description", Kind::kString, "", false, -1e300, 1e300, {}, Support::kNoEffect},
          {"expires_after", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kUnsupported}};
}

std::vector<Field> vector_store_file_fields() {
  return {{"file_id", Kind::kString, "An uploaded file.", true},
          {"attributes", Kind::kObject, "Up to 16 values (text, number, boolean) to filter by."},
          {"chunking_strategy", Kind::kObject, "{\"type\": \"auto\"} or {\"type\": \"static\", \"static\": {…}}."}};
}

std::vector<Field> attribute_fields() { return {{"attributes", Kind::kObject, "Replace those of the file.", true}}; }

std::vector<Field> vector_store_search_fields() {
  return {{"query", Kind::kAny, "A text, or several that are searched for together.", true},
          {"max_num_results", Kind::kInteger, "", false, 1, 50, {}, Support::kSupported, {}, 10},
          {"filters", Kind::kObject, "Comparisons (eq, ne, gt, gte, lt, lte, in, nin) and combinations (and, or) of attributes."},
          {"ranking_options", Kind::kObject, "ranker (auto, none), score_threshold, mode, fusion, vector_weight."},
          {"rewrite_query", Kind::kBoolean, "", false, -1e300, 1e300, {}, Support::kUnsupported, {false}},
          {"vector_store_ids", Kind::kArray, "On /strata/v1/search: where to search.", false, 1, 16}};
}

namespace {

Result<catalog::Attributes> parse_attributes(const Json& json) {
  catalog::Attributes out;
  if (json.is_null()) return out;
  for (auto& [key, value] : *json.as_object()) {
    std::string name = "attributes." + key;
    if (auto* text = value.as_string()) out[key] = *text;
    else if (auto* flag = value.as_bool()) out[key] = *flag;
    else if (value.is_number()) out[key] = *value.to_double(name);
    else return invalid_argument(name + ": expected a text, a number or a boolean, got " + std::string(value.type_name()), name, "invalid_type");
  }
  return out;
}

Result<std::map<std::string, std::string>> parse_metadata(const Json& json) {
  std::map<std::string, std::string> out;
  if (json.is_null()) return out;
  for (auto& [key, value] : *json.as_object()) {
    TRY_ASSIGN(out[key], value.to_string("metadata." + key));
  }
  return out;
}

Result<chunk::Options> parse_chunking(const Services& services, const Json& json) {
  chunk::Options options = services.chunking;
  if (json.is_null()) return options;
  TRY_ASSIGN(Body body,
             Body::parse({{"type", Kind::kString, "", true, -1e300, 1e300, {"auto", "static"}}, {"static", Kind::kObject, ""}}, json, "chunking_strategy."));
  if (body.text("type") == "auto") return options;
  TRY_ASSIGN(Body sizes,
             Body::parse({{"max_chunk_size_tokens", Kind::kInteger, "", true, 32, 4096}, {"chunk_overlap_tokens", Kind::kInteger, "", true, 0, 2048}},
                         body["static"], "chunking_strategy.static."));
  options.tokens_max = static_cast<int>(sizes.integer("max_chunk_size_tokens", 0));
  options.tokens_overlap = static_cast<int>(sizes.integer("chunk_overlap_tokens", 0));
  if (options.tokens_overlap * 2 > options.tokens_max)
    return invalid_argument("chunking_strategy.static.chunk_overlap_tokens: expected at most half of max_chunk_size_tokens",
                            "chunking_strategy.static.chunk_overlap_tokens", "invalid_value");
  int embedded = services.models->embedder()->tokens_max();
  if (options.tokens_max > embedded)
    return invalid_argument("chunking_strategy.static.max_chunk_size_tokens: the embedding model reads at most " + std::to_string(embedded) + " tokens",
                            "chunking_strategy.static.max_chunk_size_tokens", "invalid_value");
  return options;
}

Json base_json(const catalog::Base& base) {
  int total = base.files_in_progress + base.files_completed + base.files_failed + base.files_cancelled;
  Json metadata = Json::object();
  for (auto& [key, value] : base.metadata) metadata.set(key, value);
  return Json::object({{"id", base.id},
                       {"object", "vector_store"},
                       {"created_at", seconds_of(base.created_ms)},
                       {"name", base.name},
                       {"usage_bytes", base.bytes},
                       {"file_counts", Json::object({{"in_progress", base.files_in_progress},
                                                     {"completed", base.files_completed},
                                                     {"failed", base.files_failed},
                                                     {"cancelled", base.files_cancelled},
                                                     {"total", total}})},
                       {"status", base.files_in_progress ? "in_progress" : "completed"},
                       {"expires_after", nullptr},
                       {"expires_at", nullptr},
                       {"last_active_at", seconds_of(base.active_ms)},
                       {"metadata", std::move(metadata)}});
}

Json base_file_json(const catalog::BaseFile& file) {
  Json error = file.error.empty() ? Json() : Json::object({{"code", "invalid_file"}, {"message", file.error}});
  return Json::object({{"id", file.file_id},
                       {"object", "vector_store.file"},
                       {"created_at", seconds_of(file.created_ms)},
                       {"vector_store_id", file.base_id},
                       {"usage_bytes", file.bytes},
                       {"status", catalog::file_state_name(file.state)},
                       {"last_error", std::move(error)},
                       {"attributes", attributes_json(file.attributes)},
                       {"chunking_strategy", Json::object({{"type", "static"},
                                                           {"static", Json::object({{"max_chunk_size_tokens", file.chunking.tokens_max},
                                                                                    {"chunk_overlap_tokens", file.chunking.tokens_overlap}})}})},
                       {"strata", Json::object({{"filename", file.filename}, {"job_id", file.job_id}, {"document_id", file.document_id}})}});
}

Result<Json> make_base(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  TRY_ASSIGN(Body body, Body::parse(vector_store_fields(), json));
  TRY_ASSIGN(auto metadata, parse_metadata(body["metadata"]));
  ingest::AttachOptions attach;
  TRY_ASSIGN(attach.chunking, parse_chunking(services, body["chunking_strategy"]));
  std::vector<std::string> files;
  if (body.has("file_ids"))
    for (auto& item : *body["file_ids"].as_array()) {
      TRY_ASSIGN(std::string id, item.to_string("file_ids"));
      TRY(services.catalog->file(context, id));   // all of them exist, or nothing is made
      files.push_back(std::move(id));
    }
  TRY_ASSIGN(auto base, services.catalog->add_base(context, body.text("name"), std::move(metadata)));
  for (auto& id : files) TRY(services.ingest->attach(context, base.id, id, attach));
  TRY_ASSIGN(base, services.catalog->base(context, base.id));
  return base_json(base);
}

Result<Json> list_bases(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request));
  TRY_ASSIGN(auto bases, services.catalog->bases(context, page.limit + 1, page.after, page.ascending));
  Json::Array items;
  for (auto& base : bases) items.push_back(base_json(base));
  return list_json(std::move(items), page.limit);
}

Result<Json> one_base(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto base, services.catalog->base(context, request.captures[0]));
  return base_json(base);
}

Result<Json> change_base(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse({{"name", Kind::kString, "", false, 0, 256},
                                     {"metadata", Kind::kObject, ""},
                                     {"expires_after", Kind::kObject, "", false, -1e300, 1e300, {}, Support::kUnsupported}},
                                    json));
  std::optional<std::string> name;
  std::optional<std::map<std::string, std::string>> metadata;
  if (body.has("name")) name = body.text("name");
  if (body.has("metadata")) {
    TRY_ASSIGN(metadata, parse_metadata(body["metadata"]));
  }
  TRY_ASSIGN(auto base, services.catalog->update_base(context, request.captures[0], name, metadata));
  return base_json(base);
}

Result<Json> remove_base(const Services& services, const Context& context, const http::Request& request) {
  TRY(services.ingest->remove_base(context, request.captures[0]));
  return Json::object({{"id", request.captures[0]}, {"object", "vector_store.deleted"}, {"deleted", true}});
}

Result<Json> attach_file(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(vector_store_file_fields(), json));
  ingest::AttachOptions options;
  TRY_ASSIGN(options.attributes, parse_attributes(body["attributes"]));
  TRY_ASSIGN(options.chunking, parse_chunking(services, body["chunking_strategy"]));
  TRY_ASSIGN(auto file, services.ingest->attach(context, request.captures[0], body.text("file_id"), options));
  return base_file_json(file);
}

Result<Json> list_base_files(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request));
  std::optional<catalog::FileState> state;
  if (auto filter = request.parameter("filter"); !filter.empty()) {
    for (int i = 0; i < 4; ++i)
      if (catalog::file_state_name(static_cast<catalog::FileState>(i)) == filter) state = static_cast<catalog::FileState>(i);
    if (!state) return invalid_argument("filter: expected in_progress, completed, failed or cancelled", "filter", "invalid_value");
  }
  TRY(services.catalog->base(context, request.captures[0]));
  TRY_ASSIGN(auto files, services.catalog->base_files(context, request.captures[0], page.limit + 1, page.after, page.ascending, state));
  Json::Array items;
  for (auto& file : files) items.push_back(base_file_json(file));
  return list_json(std::move(items), page.limit);
}

Result<Json> one_base_file(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto file, services.catalog->base_file(context, request.captures[0], request.captures[1]));
  return base_file_json(file);
}

Result<Json> change_base_file(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(attribute_fields(), json));
  TRY_ASSIGN(auto attributes, parse_attributes(body["attributes"]));
  TRY(services.catalog->set_attributes(context, request.captures[0], request.captures[1], std::move(attributes)));
  return one_base_file(services, context, request);
}

Result<Json> remove_base_file(const Services& services, const Context& context, const http::Request& request) {
  TRY(services.ingest->remove(context, request.captures[0], request.captures[1]));
  return Json::object({{"id", request.captures[1]}, {"object", "vector_store.file.deleted"}, {"deleted", true}});
}

struct Search {
  std::vector<std::string> queries, base_ids;
  retrieve::Options options;
};

Result<Search> parse_search(const Body& body) {
  Search search;
  if (auto* text = body["query"].as_string()) search.queries.push_back(*text);
  else if (auto* items = body["query"].as_array()) {
    for (auto& item : *items) {
      TRY_ASSIGN(std::string text, item.to_string("query"));
      search.queries.push_back(std::move(text));
    }
  }
  if (search.queries.empty() || search.queries.size() > 8)
    return invalid_argument("query: expected a text, or a list of 1 to 8 texts", "query", "invalid_value");
  search.options.results = static_cast<int>(body.integer("max_num_results", 10));
  if (body.has("ranking_options")) TRY(parse_ranking(body["ranking_options"], "ranking_options", search.options));
  if (body.has("filters")) {
    TRY_ASSIGN(search.options.filter, parse_filter(body["filters"], "filters"));
  }
  return search;
}

Result<Json> search_base(const Services& services, const Context& context, const http::Request& request, ProductCall* call) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(vector_store_search_fields(), json));
  TRY_ASSIGN(Search search, parse_search(body));
  std::vector<std::string> base_ids = {request.captures[0]};
  TRY(services.catalog->base(context, base_ids[0]));
  std::vector<std::string*> texts;
  for (auto& query : search.queries) texts.push_back(&query);
  TRY_ASSIGN(auto terms, terms_of_call(services, context, call, nullptr, texts, &base_ids));
  TRY_ASSIGN(auto found, services.retriever->search(context, search.queries, base_ids, search.options));
  if (terms) apply_terms(*terms, context, &found);
  Json data = Json::array(), queries = Json::array();
  for (auto& query : search.queries) queries.push(query);
  for (auto& hit : found.hits) {
    Json text = Json::array({Json::object({{"type", "text"}, {"text", hit.chunk.text}})});
    data.push(Json::object({{"file_id", hit.chunk.file_id},
                            {"filename", hit.filename},
                            {"score", hit.scores.final_score},
                            {"attributes", attributes_json(hit.attributes)},
                            {"content", std::move(text)},
                            {"strata", hit_json(hit)}}));
  }
  Json out = Json::object({{"object", "vector_store.search_results.page"},
                           {"search_query", std::move(queries)},
                           {"data", std::move(data)},
                           {"has_more", false},
                           {"next_page", nullptr}});
  if (terms) out.set("strata", Json::object({{"spec", terms_json(*terms)}}));
  return out;
}

Status start_search(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder,
                    std::shared_ptr<ProductCall> call) {
  send(*responder, search_base(services, context, request, call.get()));
  return {};
}

// POST /strata/v1/search: several bases, with the stages.
Result<Json> search_all(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(vector_store_search_fields(), json));
  TRY_ASSIGN(Search search, parse_search(body));
  if (!body.has("vector_store_ids")) return invalid_argument("missing required parameter 'vector_store_ids'", "vector_store_ids", "missing_required_parameter");
  for (auto& item : *body["vector_store_ids"].as_array()) {
    TRY_ASSIGN(std::string id, item.to_string("vector_store_ids"));
    TRY(services.catalog->base(context, id));
    search.base_ids.push_back(std::move(id));
  }
  TRY_ASSIGN(auto found, services.retriever->search(context, search.queries, search.base_ids, search.options));
  Json hits = Json::array(), queries = Json::array();
  for (auto& query : found.queries) queries.push(query);
  for (auto& hit : found.hits) hits.push(hit_json(hit));
  return Json::object({{"queries", std::move(queries)}, {"hits", std::move(hits)}, {"stages", stages_json(found)}});
}

}  // namespace

void add_vector_store_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("POST", "/v1/vector_stores", make_base);
  add("GET", "/v1/vector_stores", list_bases);
  add("GET", "/v1/vector_stores/{}", one_base);
  add("POST", "/v1/vector_stores/{}", change_base);
  add("DELETE", "/v1/vector_stores/{}", remove_base);
  add("POST", "/v1/vector_stores/{}/files", attach_file);
  add("GET", "/v1/vector_stores/{}/files", list_base_files);
  add("GET", "/v1/vector_stores/{}/files/{}", one_base_file);
  add("POST", "/v1/vector_stores/{}/files/{}", change_base_file);
  add("DELETE", "/v1/vector_stores/{}/files/{}", remove_base_file);
  route_call(server, services, "/v1/vector_stores/{}/search", false, start_search);
  add("POST", "/strata/v1/search", search_all);
}

}  // namespace strata::api
