// /strata/v1: weekly updates for stakeholders: made, edited in place, downloaded in three forms, scheduled.
#include <cmath>

#include "app/api/api.h"
#include "app/api/openapi.h"
#include "app/api/reply.h"
#include "product/report/report.h"

namespace strata::api {

std::vector<Field> update_week_fields() { return {{"week", Kind::kString, "An ISO week; default: this one."}}; }
std::vector<Field> update_body_fields() {
  return {{"body", Kind::kString, "Markdown.", true, 0, static_cast<double>(report::kBodyBytesMax)},
          {"updated_at", Kind::kNumber, "What the editor saw: 409 where another has saved since.", false, 0, 4e9}};
}
std::vector<Field> schedule_fields() {
  return {{"enabled", Kind::kBoolean, "Write the update every week."},
          {"weekday", Kind::kInteger, "1 (Monday) to 7.", false, 1, 7},
          {"hour", Kind::kInteger, "UTC.", false, 0, 23}};
}

namespace {

using http::Request;
using outcome::Week;

Json time_json(int64_t ms) { return ms == 0 ? Json() : Json(static_cast<double>(ms) / 1000); }

Json update_json(const report::Update& row) {
  return Json::object({{"id", row.id},
                       {"product", row.product},
                       {"week", row.week.text()},
                       {"body", row.body},
                       {"text", report::render(row.body, report::Form::kText)},
                       {"edited", row.edited},
                       {"state", row.state},
                       {"made_by", row.made_by},
                       {"created_at", time_json(row.created_ms)},
                       {"updated_at", time_json(row.updated_ms)},
                       {"sent_at", time_json(row.sent_ms)}});
}

Result<Body> body_of(const Request& request, const std::vector<Field>& fields) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  return Body::parse(fields, json);
}

Result<Json> list_updates(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  TRY(services.outcomes->product(context, request.captures[0]));
  TRY_ASSIGN(auto rows, services.reports->updates(context, request.captures[0], page.limit + 1, page.after));
  Json::Array items;
  for (auto& row : rows) items.push_back(update_json(row));
  return list_json(std::move(items), page.limit);
}

Result<Json> make_update(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, update_week_fields()));
  Week week = Week::of(services.clock->unix_ms());
  if (body.has("week")) {
    TRY_ASSIGN(week, Week::parse(body.text("week")));
  }
  TRY_ASSIGN(auto row, services.reports->make(context, request.captures[0], week, context.principal().user));
  return update_json(row);
}

Result<Json> one_update(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto row, services.reports->update(context, request.captures[0]));
  return update_json(row);
}

Result<Json> edit_update(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, update_body_fields()));
  TRY_ASSIGN(auto row, services.reports->edit(context, request.captures[0], body.text("body"), std::llround(body.number("updated_at", 0) * 1000)));
  return update_json(row);
}

Result<Json> reset_update(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto row, services.reports->reset(context, request.captures[0]));
  return update_json(row);
}

Result<Json> mark_sent(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto row, services.reports->mark_sent(context, request.captures[0]));
  return update_json(row);
}

Json schedule_json(const report::Schedule& schedule) {
  return Json::object({{"enabled", schedule.enabled}, {"weekday", schedule.weekday}, {"hour", schedule.hour}});
}

Result<Json> get_schedule(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto schedule, services.reports->schedule(context, request.captures[0]));
  return schedule_json(schedule);
}

Result<Json> set_schedule(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, schedule_fields()));
  TRY_ASSIGN(auto schedule, services.reports->schedule(context, request.captures[0]));
  schedule.enabled = body.flag("enabled", schedule.enabled);
  schedule.weekday = static_cast<int>(body.integer("weekday", schedule.weekday));
  schedule.hour = static_cast<int>(body.integer("hour", schedule.hour));
  TRY(services.reports->set_schedule(context, request.captures[0], schedule));
  return schedule_json(schedule);
}

// The update in one of its forms, as an attachment.
Result<http::Response> download(const Services& services, const Context& context, const Request& request) {
  std::string name(request.parameter("form"));
  TRY_ASSIGN(auto form, report::form_from(name.empty() ? "markdown" : name));
  TRY_ASSIGN(auto row, services.reports->update(context, request.captures[0]));
  http::Response response;
  const char* ending = form == report::Form::kHtml ? "html" : form == report::Form::kText ? "txt" : "md";
  response.content_type = form == report::Form::kHtml   ? "text/html; charset=utf-8"
                          : form == report::Form::kText ? "text/plain; charset=utf-8"
                                                        : "text/markdown; charset=utf-8";
  response.headers.push_back({"content-disposition", "attachment; filename=\"" + row.product + "-" + row.week.text() + "." + ending + "\""});
  response.headers.push_back({"content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"});
  response.body = report::render(row.body, form);
  return response;
}

}  // namespace

void add_update_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/products/{}/updates", list_updates);
  add("POST", "/strata/v1/products/{}/updates", make_update);
  add("GET", "/strata/v1/updates/{}", one_update);
  add("PATCH", "/strata/v1/updates/{}", edit_update);
  add("POST", "/strata/v1/updates/{}/reset", reset_update);
  add("POST", "/strata/v1/updates/{}/sent", mark_sent);
  add("GET", "/strata/v1/products/{}/schedule", get_schedule);
  add("PATCH", "/strata/v1/products/{}/schedule", set_schedule);
  server.route("GET", "/strata/v1/updates/{}/download",
               [&services](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
                 auto response = download(services, context, request);
                 responder->send(response ? std::move(*response) : error_response(response.error()));
               });
}

}  // namespace strata::api
