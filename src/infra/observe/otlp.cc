#include "base/text.h"
#include "infra/observe/observe.h"
#include "infra/observe/protobuf.h"

namespace strata::observe {
namespace {

constexpr std::string_view kScope = "strata";
// SpanKind and Status of trace.proto.
int kind_number(SpanKind kind) { return kind == SpanKind::kInternal ? 1 : kind == SpanKind::kServer ? 2 : 3; }
constexpr int kStatusError = 2;

std::string id_bytes(uint64_t id) {
  std::string out;
  for (int i = 7; i >= 0; --i) out += static_cast<char>(id >> (8 * i));
  return out;
}

// Everything that goes out as an attribute: the attributes, what failed, and content where it was kept.
std::vector<std::pair<std::string_view, SpanValue>> all_attributes(const SpanData& span) {
  auto out = span.attributes;
  if (span.failed) out.emplace_back("error.type", span.error_type);
  for (auto& [key, text] : span.content) out.emplace_back(key, text);
  return out;
}

std::vector<std::pair<std::string_view, SpanValue>> resource_attributes(const Resource& resource) {
  return {{"service.name", std::string("strata")}, {"service.version", resource.service_version}, {"service.instance.id", resource.instance}};
}

Protobuf any_value(const SpanValue& value) {
  Protobuf out;
  if (auto* text = std::get_if<std::string>(&value)) out.bytes(1, utf8_repaired(*text));
  else if (auto* flag = std::get_if<bool>(&value)) out.varint(2, *flag);
  else if (auto* whole = std::get_if<int64_t>(&value)) out.varint(3, static_cast<uint64_t>(*whole));
  else if (auto* real = std::get_if<double>(&value)) out.real(4, *real);
  else {
    Protobuf list;
    for (auto& text : std::get<std::vector<std::string>>(value)) list.message(1, any_value(text));
    out.message(5, list);
  }
  return out;
}

void add_attributes(Protobuf& out, int field, const std::vector<std::pair<std::string_view, SpanValue>>& attributes) {
  for (auto& [key, value] : attributes) {
    Protobuf pair;
    pair.bytes(1, key);
    pair.message(2, any_value(value));
    out.message(field, pair);
  }
}

Protobuf span_message(const SpanData& span) {
  Protobuf out;
  out.bytes(1, id_bytes(span.trace.high) + id_bytes(span.trace.low));
  out.bytes(2, id_bytes(span.id));
  if (span.parent) out.bytes(4, id_bytes(span.parent));
  out.bytes(5, utf8_repaired(span.name));
  out.varint(6, static_cast<uint64_t>(kind_number(span.kind)));
  out.fixed64(7, static_cast<uint64_t>(span.start_ns));
  out.fixed64(8, static_cast<uint64_t>(span.start_ns + span.duration_ns));
  add_attributes(out, 9, all_attributes(span));
  if (span.failed) {
    Protobuf status;
    status.bytes(2, utf8_repaired(span.message));
    status.varint(3, kStatusError);
    out.message(15, status);
  }
  return out;
}

// OTLP's JSON: 64-bit integers as strings, ids as hex.
Json any_json(const SpanValue& value) {
  if (auto* text = std::get_if<std::string>(&value)) return Json::object({{"stringValue", *text}});
  if (auto* flag = std::get_if<bool>(&value)) return Json::object({{"boolValue", *flag}});
  if (auto* whole = std::get_if<int64_t>(&value)) return Json::object({{"intValue", std::to_string(*whole)}});
  if (auto* real = std::get_if<double>(&value)) return Json::object({{"doubleValue", *real}});
  Json list = Json::array();
  for (auto& text : std::get<std::vector<std::string>>(value)) list.push(any_json(text));
  return Json::object({{"arrayValue", Json::object({{"values", std::move(list)}})}});
}

Json attributes_list(const std::vector<std::pair<std::string_view, SpanValue>>& attributes) {
  Json out = Json::array();
  for (auto& [key, value] : attributes) out.push(Json::object({{"key", key}, {"value", any_json(value)}}));
  return out;
}

Json span_object(const SpanData& span) {
  Json out = Json::object({{"traceId", trace_hex(span.trace)},
                           {"spanId", span_hex(span.id)},
                           {"name", span.name},
                           {"kind", kind_number(span.kind)},
                           {"startTimeUnixNano", std::to_string(span.start_ns)},
                           {"endTimeUnixNano", std::to_string(span.start_ns + span.duration_ns)},
                           {"attributes", attributes_list(all_attributes(span))}});
  if (span.parent) out.set("parentSpanId", span_hex(span.parent));
  if (span.failed) out.set("status", Json::object({{"code", kStatusError}, {"message", span.message}}));
  return out;
}

}  // namespace

std::string otlp_protobuf(const Resource& resource, const std::vector<SpanData>& spans) {
  Protobuf scope, scope_spans, about, resource_spans, request;
  scope.bytes(1, kScope);
  scope_spans.message(1, scope);
  for (auto& span : spans) scope_spans.message(2, span_message(span));
  add_attributes(about, 1, resource_attributes(resource));
  resource_spans.message(1, about);
  resource_spans.message(2, scope_spans);
  request.message(1, resource_spans);
  return request.take();
}

std::string otlp_json(const Resource& resource, const std::vector<SpanData>& spans) {
  Json list = Json::array();
  for (auto& span : spans) list.push(span_object(span));
  Json scope_spans = Json::object({{"scope", Json::object({{"name", kScope}})}, {"spans", std::move(list)}});
  Json resource_spans = Json::object(
      {{"resource", Json::object({{"attributes", attributes_list(resource_attributes(resource))}})}, {"scopeSpans", Json::array({std::move(scope_spans)})}});
  return Json::object({{"resourceSpans", Json::array({std::move(resource_spans)})}}).dump();
}

}  // namespace strata::observe
