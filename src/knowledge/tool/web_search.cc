// "web_search" and what can stand behind it: the pages that were taken in here, or a search service over HTTP.
#include <algorithm>

#include "base/text.h"
#include "infra/egress/egress.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/retrieve/retrieve.h"
#include "knowledge/tool/parts.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr int kPagesDefault = 5, kPagesMost = 20, kStoresLookedAt = 100;
constexpr size_t kTitleBytesMost = 300, kUrlBytesMost = 2'000, kSnippetBytesMost = 1'000;
constexpr uint64_t kReplyBytesMost = 1u << 20;

// What a JSON pointer (RFC 6901) leads to; null where it leads nowhere.
const Json* at_pointer(const Json& json, std::string_view pointer) {
  const Json* at = &json;
  while (at && !pointer.empty()) {
    pointer.remove_prefix(1);
    std::string name(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(name.size());
    for (const auto& [escape, plain] : {std::pair{"~1", "/"}, std::pair{"~0", "~"}}) {
      for (size_t i = 0; (i = name.find(escape, i)) != name.npos; ++i) name.replace(i, 2, plain);
    }
    if (const auto* items = at->as_array()) {
      size_t index = 0;
      const bool number = !name.empty() && name.size() < 7 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (number) index = std::stoul(name);
      at = number && index < items->size() ? &(*items)[index] : nullptr;
    } else {
      at = at->find(name);
    }
  }
  return at;
}

std::string text_at(const Json& json, const std::string& pointer, size_t bytes) {
  const Json* found = pointer.empty() ? nullptr : at_pointer(json, pointer);
  return found ? cut(text_of(*found), bytes) : "";
}

class Pages : public Web {
 public:
  Pages(retrieve::Retriever& retriever, catalog::Catalog& catalog, std::string store) : retriever_(retriever), catalog_(catalog), store_(std::move(store)) {}
  std::string_view source() const override { return "pages"; }
  Result<std::vector<WebPage>> search(const Context& context, const std::string& query, int results) override {
    TRY_ASSIGN(const auto bases, catalog_.bases(context, kStoresLookedAt, "", true));
    std::vector<std::string> ids;
    for (const auto& base : bases) {
      if (base.name == store_) ids.push_back(base.id);
    }
    if (ids.empty())
      return Error{Code::kFailedPrecondition, "no page was taken in here yet: put pages into a vector store with the name '" + store_ + "'", "", "no_pages"};
    retrieve::Options options;
    options.results = results;
    TRY_ASSIGN(const auto found, retriever_.search(context, {query}, ids, options));
    std::vector<WebPage> pages;
    for (const auto& hit : found.hits) {
      const auto url = hit.attributes.find("url");
      const std::string* known = url == hit.attributes.end() ? nullptr : std::get_if<std::string>(&url->second);
      pages.push_back({hit.title.empty() ? hit.filename : hit.title, known ? *known : hit.filename, cut(hit.chunk.text, kSnippetBytesMost)});
    }
    return pages;
  }

 private:
  retrieve::Retriever& retriever_;
  catalog::Catalog& catalog_;
  const std::string store_;
};

// {query} and {results} filled in, as part of an address or as whole texts of a JSON body.
std::string filled_url(std::string url, const std::string& query, int results) {
  for (const auto& [mark, value] : {std::pair<std::string, std::string>{"{results}", std::to_string(results)}, {"{query}", percent_encoded(query)}}) {
    for (size_t at = 0; (at = url.find(mark, at)) != url.npos; at += value.size()) url.replace(at, mark.size(), value);
  }
  return url;
}

Json filled_body(const Json& body, const std::string& query, int results, int depth = 0) {
  if (body == Json("{query}")) return query;
  if (body == Json("{results}")) return results;
  if (depth > 16) return body;
  if (const auto* items = body.as_array()) {
    Json::Array out;
    for (const Json& item : *items) out.push_back(filled_body(item, query, results, depth + 1));
    return Json(std::move(out));
  }
  if (!body.is_object()) return body;
  Json out = Json::object();
  for (const auto& [name, value] : *body.as_object()) out.set(name, filled_body(value, query, results, depth + 1));
  return out;
}

class Service : public Web {
 public:
  Service(egress::Client& client, WebService service) : client_(client), service_(std::move(service)) {}
  std::string_view source() const override { return "service"; }
  Result<std::vector<WebPage>> search(const Context& context, const std::string& query, int results) override {
    egress::Request request;
    request.method = service_.body.is_null() ? "GET" : "POST";
    request.url = filled_url(service_.url, query, results);
    request.headers = {{"Accept", "application/json"}};
    request.secret_header = service_.secret_header;
    request.trust = egress::Trust::kOperator;
    request.redirects_max = 0;
    request.bytes_max = kReplyBytesMost;
    if (!service_.body.is_null()) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = filled_body(service_.body, query, results).dump();
    }
    TRY_ASSIGN(const egress::Response response, client_.fetch(context, request));
    const std::string status = std::to_string(response.status);
    if (response.status >= 500 || response.status == 408 || response.status == 429) return unavailable("the search service answered with status " + status);
    if (response.status < 200 || response.status > 299)
      return Error{Code::kFailedPrecondition, "the search service answered with status " + status + ": " + utf8_repaired(response.body.substr(0, 300)), "",
                   "http_" + status};
    auto reply = Json::parse(response.body, {.bytes = kReplyBytesMost, .depth = 64});
    if (!reply) return Error{Code::kFailedPrecondition, "the search service's answer is no JSON: " + reply.error().message, "", "invalid_result"};
    return pages_of(*reply, service_, results);
  }

 private:
  egress::Client& client_;
  const WebService service_;
};

}  // namespace

Result<std::vector<WebPage>> pages_of(const Json& reply, const WebService& service, int results) {
  const Json* list = at_pointer(reply, service.results);
  if (!list || !list->is_array())
    return Error{Code::kFailedPrecondition, "the search service's answer has no list at '" + service.results + "': check web_search.results", "",
                 "invalid_result"};
  std::vector<WebPage> pages;
  for (const Json& item : *list->as_array()) {
    if (static_cast<int>(pages.size()) >= results) break;
    WebPage page{text_at(item, service.title, kTitleBytesMost), text_at(item, service.link, kUrlBytesMost), text_at(item, service.snippet, kSnippetBytesMost)};
    if (!page.url.empty()) pages.push_back(std::move(page));   // what has no address cannot be named as a source
  }
  if (pages.empty() && list->size() > 0)
    return Error{Code::kFailedPrecondition, "no result of the search service has a text at '" + service.link + "': check web_search.link", "",
                 "invalid_result"};
  return pages;
}

std::unique_ptr<Web> make_web_pages(retrieve::Retriever& retriever, catalog::Catalog& catalog, const std::string& store) {
  return std::make_unique<Pages>(retriever, catalog, store);
}

Result<std::unique_ptr<Web>> make_web_service(egress::Client& client, WebService service) {
  if (!service.url.starts_with("https://") && !service.url.starts_with("http://"))
    return invalid_argument("web_search.url: expected a whole URL, got '" + service.url.substr(0, 100) + "'", "url");
  const std::string host = service.url.substr(0, service.url.find_first_of("/?#", service.url.find("://") + 3));
  if (host.find_first_of("{}@ \\") != host.npos) return invalid_argument("web_search.url: expected a fixed host without a user name", "url");
  if (service.body.is_null() && service.url.find("{query}") == service.url.npos)
    return invalid_argument("web_search.url: expected {query} where the question goes, or a body", "url");
  for (const std::string* pointer : {&service.results, &service.title, &service.link, &service.snippet}) {
    if (!pointer->empty() && pointer->front() != '/')
      return invalid_argument("web_search: expected a JSON pointer such as /web/results, got '" + *pointer + "'", "results");
  }
  if (service.link.empty()) return invalid_argument("web_search.link: expected where a result's address is, such as /url", "link");
  return std::make_unique<Service>(client, std::move(service));
}

std::unique_ptr<Tool> make_web_search(std::unique_ptr<Web> web) {
  Description about;
  about.name = "web_search";
  about.description = "Finds web pages that say something about a question: title, address and a snippet of each.";
  about.parameters = *Json::parse(R"({"type":"object","properties":{"query":{"type":"string","minLength":1,"maxLength":500},
    "results":{"type":"integer","minimum":1,"maximum":20,"description":"5 if not given"}},"required":["query"],"additionalProperties":false})");
  about.result = *Json::parse(R"({"type":"object","properties":{"pages":{"type":"array","maxItems":20,"items":{"type":"object","properties":{
    "title":{"type":"string"},"url":{"type":"string"},"snippet":{"type":"string"}},"required":["title","url","snippet"],"additionalProperties":false}},
    "source":{"enum":["pages","service"]}},"required":["pages","source"],"additionalProperties":false})");
  about.risk = web->source() == "pages" ? Risk::kLow : Risk::kMedium;   // the question goes out, to a host fixed beforehand
  about.untrusted_result = true;
  about.limits.time_ms = 20'000;
  return make_tool(std::move(about), [web = std::shared_ptr<Web>(std::move(web))](const Context& context, const Invocation& call) -> Result<Answer> {
    const int results = static_cast<int>(call.arguments["results"].to_int("results").value_or(kPagesDefault));
    auto found = web->search(context, *call.arguments["query"].as_string(), std::min(results, kPagesMost));
    if (!found && found.error().code == Code::kFailedPrecondition) return Answer::failed(found.error().reason, found.error().message);
    if (!found) return found.error();
    Json pages = Json::array();
    for (const WebPage& page : *found) pages.push(Json::object({{"title", page.title}, {"url", page.url}, {"snippet", page.snippet}}));
    return Answer::of(Json::object({{"pages", std::move(pages)}, {"source", std::string(web->source())}}));
  });
}

}  // namespace strata::tool
