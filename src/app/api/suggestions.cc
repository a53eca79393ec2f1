// GET /strata/v1/suggestions: what could be asked, while it is typed.
#include "app/api/api.h"
#include "app/api/reply.h"
#include "base/text.h"
#include "product/suggest/suggest.h"

namespace strata::api {
namespace {

constexpr int kSuggestions = 6;
constexpr size_t kTextBytesMax = 300;   // what is longer is no beginning of a question

Result<Json> suggestions(const Services& services, const Context& context, const http::Request& request) {
  std::vector<std::string> bases;
  for (const std::string_view id : split(request.parameter("vector_store_ids"), ','))
    if (!id.empty()) bases.emplace_back(id);
  const std::string_view text = request.parameter("q");
  if (text.size() > kTextBytesMax) return Json::object({{"questions", Json::array()}, {"headings", Json::array()}});
  TRY_ASSIGN(const auto found, services.suggester->complete(context, text, bases, kSuggestions));
  Json questions = Json::array(), headings = Json::array();
  for (const auto& question : found.questions) questions.push(question);
  for (const auto& heading : found.headings)
    headings.push(Json::object({{"heading", heading.heading},
                                {"title", heading.title},
                                {"document_id", heading.document_id},
                                {"vector_store_id", heading.base_id},
                                {"begin", heading.begin},
                                {"end", heading.end}}));
  return Json::object({{"questions", std::move(questions)}, {"headings", std::move(headings)}});
}

}  // namespace

void add_suggestion_routes(http::Server& server, Services& services) {
  server.route("GET", "/strata/v1/suggestions", [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    send(*responder, suggestions(services, context, request));
  });
}

}  // namespace strata::api
