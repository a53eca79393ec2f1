#include "app/api/predictors.h"

#include "app/api/reply.h"
#include "base/text.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/predict/predict.h"

namespace strata::api {
namespace {

using http::Request;

struct Parts {
  predict::Predictors& predictors;
  catalog::Catalog& catalog;
};

Json version_json(const predict::Version& one) {
  return Json::object({{"object", "predictor"},
                       {"name", one.name},
                       {"kind", one.kind},
                       {"description", one.description},
                       {"version", one.version},
                       {"live", one.live},
                       {"tool", (one.kind == predict::kClassifier ? "classify_" : "recommend_") + one.name},
                       {"report", one.report},
                       {"created_at", seconds_of(one.created_ms)}});
}

// The rows of the body, or of a file with one JSON object a line.
Result<Json> rows_of(const Parts& parts, const Context& context, const Body& body, const char* name) {
  if (body.has(name) == body.has("file_id")) return invalid_argument(std::string("expected either '") + name + "' or 'file_id'", name);
  if (body.has(name)) return body[name];
  TRY_ASSIGN(const std::string bytes, parts.catalog.file_bytes(context, body.text("file_id")));
  Json rows = Json::array();
  size_t number = 0;
  for (std::string_view line : split(bytes, '\n')) {
    ++number;
    if (trim(line).empty()) continue;
    if (rows.size() > predict::kRowsMost) return invalid_argument("file_id: more than " + std::to_string(predict::kRowsMost) + " lines", "file_id");
    auto row = Json::parse(trim(line));
    if (!row) return invalid_argument("file_id: line " + std::to_string(number) + ": expected a JSON object: " + row.error().message, "file_id");
    rows.push(std::move(*row));
  }
  return rows;
}

// Two texts of each row.
template <class Row>
Result<std::vector<Row>> pairs_of(const Json& rows, const char* list, const char* first, const char* second) {
  std::vector<Row> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json& row = (*rows.as_array())[i];
    const std::string here = std::string(list) + "[" + std::to_string(i) + "]";
    if (!row[first].is_string() || !row[second].is_string())
      return invalid_argument(here + ": expected {\"" + first + "\": text, \"" + second + "\": text}, got " + row.dump().substr(0, 100), here);
    out.push_back({*row[first].as_string(), *row[second].as_string()});
  }
  return out;
}

Result<Json> train(const Parts& parts, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(predictor_fields(), json));
  const std::string name = body.text("name"), about = body.text("description");
  if (body.text("kind") == predict::kClassifier) {
    TRY_ASSIGN(const Json rows, rows_of(parts, context, body, "examples"));
    TRY_ASSIGN(const auto examples, pairs_of<predict::Example>(rows, "examples", "text", "label"));
    TRY_ASSIGN(const auto made, parts.predictors.train_classifier(context, name, about, examples, body.number("l2", 0)));
    return version_json(made);
  }
  TRY_ASSIGN(const Json rows, rows_of(parts, context, body, "rows"));
  TRY_ASSIGN(const auto pairs, pairs_of<predict::Row>(rows, "rows", "user", "item"));
  TRY_ASSIGN(const auto made, parts.predictors.train_recommender(context, name, about, pairs, body.number("lambda", 0)));
  return version_json(made);
}

Result<Json> list(const Parts& parts, const Context& context, const Request& request) {
  TRY_ASSIGN(const auto all, parts.predictors.list(context, request.captures.empty() ? "" : request.captures[0]));
  Json data = Json::array();
  for (const auto& one : all) data.push(version_json(one));
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Result<Json> use(const Parts& parts, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(predictor_use_fields(), json));
  TRY_ASSIGN(const auto made, parts.predictors.use(context, request.captures[0], static_cast<int>(body.integer("version", 0))));
  return version_json(made);
}

Result<Json> remove(const Parts& parts, const Context& context, const Request& request) {
  TRY(parts.predictors.remove(context, request.captures[0]));
  return Json::object({{"name", request.captures[0]}, {"object", "predictor"}, {"deleted", true}});
}

}  // namespace

std::vector<Field> predictor_fields() {
  return {
      {"name", Kind::kString, "Lower-case letters, digits and '_'. A name that is there gets a new version.", true, 1, 40},
      {"kind", Kind::kString, "What it learns: a label of a text, or what goes with what.", true, -1e300, 1e300, {predict::kClassifier, predict::kRecommender}},
      {"description", Kind::kString, "For models that may call it: when to use it.", false, 0, 1'000},
      {"examples", Kind::kArray, "Of a classifier: {text, label}.", false, 0, 5'000},
      {"rows", Kind::kArray, "Of a recommender: {user, item}.", false, 0, 200'000},
      {"file_id", Kind::kString, "Instead: an uploaded file with one such object a line.", false, 1, 100},
      {"l2", Kind::kNumber, "How much a classifier is smoothed; 0.001 where none is given.", false, 1e-9, 100},
      {"lambda", Kind::kNumber, "How much a recommender is smoothed; 20 where none is given.", false, 1e-3, 1e6}};
}

std::vector<Field> predictor_use_fields() { return {{"version", Kind::kInteger, "The version whose tool is offered.", true, 1, 1e9}}; }

void add_predictor_routes(http::Server& server, predict::Predictors& predictors, catalog::Catalog& catalog) {
  using Handler = Result<Json> (*)(const Parts&, const Context&, const Request&);
  const Parts parts{predictors, catalog};
  auto route = [&](const char* method, const char* path, Handler handler) {
    server.route(method, path, [parts, handler](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, handler(parts, context, request));
    });
  };
  route("POST", "/strata/v1/predictors", train);
  route("GET", "/strata/v1/predictors", list);
  route("GET", "/strata/v1/predictors/{}", list);
  route("POST", "/strata/v1/predictors/{}/use", use);
  route("DELETE", "/strata/v1/predictors/{}", remove);
}

}  // namespace strata::api
