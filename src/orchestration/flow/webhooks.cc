// Signed calls in, signed events out. A delivery is a job that was submitted in the transaction of the event that it tells: neither is
// there without the other, and it is tried again with a growing pause. SOURCE: github.com/standard-webhooks, specification 1.0.
#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/crypto.h"
#include "base/random.h"
#include "orchestration/flow/core.h"

namespace strata::flow {
namespace {

constexpr size_t kHooksMost = 1'000;
// Of what an event tells its subscribers; they have the run's id to ask for more. UNITS: bytes.
constexpr size_t kToldBytesMost = 64u << 10;
// Before each further attempt to deliver. SOURCE: Standard Webhooks, "Deliverability and reliability". UNITS: milliseconds.
constexpr int64_t kDeliveryPauses[] = {5'000, 300'000, 1'800'000, 7'200'000, 18'000'000, 36'000'000};
constexpr char kPrefix[] = "whsec_";

std::string hook_secret(const std::string& id) { return "flow/hook/" + id; }
std::string subscription_secret(const std::string& id) { return "flow/subscription/" + id; }
std::string new_secret() { return kPrefix + base64_encode(random_bytes(24)); }

Error not_genuine(const std::string& why) { return Error{Code::kUnauthenticated, "webhook: " + why, "", "bad_signature"}; }

Result<std::vector<Hook>> hooks_where(store::Reader& reader, const std::string& column, const std::string& value) {
  std::vector<Hook> all;
  std::string sql = "SELECT id, flow, input_field, created_ms FROM flow_hooks";
  std::vector<store::Value> values;
  if (!column.empty()) sql += " WHERE " + column + " = ?", values.push_back(value);
  TRY(reader.query(sql + " ORDER BY created_ms, id LIMIT 1001", values, [&](const store::Row& row) {
    all.push_back({.id = row.text(0), .flow = row.text(1), .input_field = row.text(2), .secret = "", .created_ms = row.integer(3)});
    return true;
  }));
  return all;
}

}  // namespace

std::string sign_webhook(std::string_view secret, std::string_view id, int64_t timestamp_s, std::string_view body) {
  std::string_view encoded = secret.substr(0, sizeof(kPrefix) - 1) == kPrefix ? secret.substr(sizeof(kPrefix) - 1) : secret;
  auto key = base64_decode(encoded);
  std::string signed_text = std::string(id) + "." + std::to_string(timestamp_s) + "." + std::string(body);
  return "v1," + base64_encode(hmac_sha256(key ? *key : std::string(encoded), signed_text));
}

Status verify_webhook(std::string_view secret, std::string_view id, std::string_view timestamp, std::string_view signatures, std::string_view body,
                      int64_t now_ms) {
  if (id.empty() || timestamp.empty() || signatures.empty()) return not_genuine("the headers webhook-id, webhook-timestamp and webhook-signature are needed");
  if (id.size() > 200) return not_genuine("webhook-id has more than 200 bytes");
  int64_t seconds = 0;
  auto [end, problem] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  if (problem != std::errc() || end != timestamp.data() + timestamp.size() || seconds < 0 || seconds > 1'000'000'000'000)
    return not_genuine("webhook-timestamp: expected seconds since 1970");
  if (std::abs(now_ms - seconds * 1000) > kReplayWindowMs)
    return not_genuine("webhook-timestamp lies more than 5 minutes from now: is a clock wrong, or is this a replay?");
  std::string ours = sign_webhook(secret, id, seconds, body);
  for (size_t begin = 0; begin < signatures.size();) {   // several, separated by blanks, while a secret is changed
    size_t stop = std::min(signatures.find(' ', begin), signatures.size());
    if (equal_in_constant_time(signatures.substr(begin, stop - begin), ours)) return {};
    begin = stop + 1;
  }
  return not_genuine("the signature does not fit the body");
}

Result<Hook> Flows::add_hook(const Context& context, const std::string& flow, const std::string& input_field) {
  int version = 0;
  TRY_ASSIGN(auto definition, core_->definition(context, flow, &version));
  bool known = input_field.empty() || std::any_of(definition->input.begin(), definition->input.end(), [&](const Variable& v) { return v.name == input_field; });
  if (!known) return invalid_argument("input_field: the flow '" + flow + "' has no input '" + input_field + "'", "input_field");
  Hook made{.id = make_id("hook"), .flow = flow, .input_field = input_field, .secret = new_secret(), .created_ms = core_->clock.unix_ms()};
  TRY(core_->options.secrets.set(context, hook_secret(made.id), made.secret));
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(auto all, hooks_where(transaction, "", ""));
    if (all.size() >= kHooksMost) return resource_exhausted("there are 1,000 webhooks already: remove one first");
    TRY(transaction.execute("INSERT INTO flow_hooks(id, flow, input_field, created_ms) VALUES(?, ?, ?, ?)", {made.id, flow, input_field, made.created_ms}));
    return {};
  }));
  return made;
}

Result<std::vector<Hook>> Flows::hooks(const Context& context, const std::string& flow) {
  TRY(core_->known(context, flow));
  std::vector<Hook> all;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(all, hooks_where(reader, flow.empty() ? "" : "flow", flow));
    return {};
  }));
  return all;
}

Status Flows::remove_hook(const Context& context, const std::string& id) {
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t removed, transaction.execute("DELETE FROM flow_hooks WHERE id = ?", {id}));
    if (removed == 0) return not_found("no webhook has the id '" + id + "'", "hook_id");
    return {};
  }));
  return core_->options.secrets.remove(context, hook_secret(id));
}

Result<Run> Flows::called(const Context& context, const std::string& hook_id, const HookCall& call) {
  std::vector<Hook> found;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(found, hooks_where(reader, "id", hook_id));
    return {};
  }));
  if (found.empty()) return not_found("no webhook has the id '" + hook_id + "'", "hook_id");
  TRY_ASSIGN(std::string secret, core_->options.secrets.get(context, hook_secret(hook_id)));
  TRY(verify_webhook(secret, call.id, call.timestamp, call.signature, call.body, core_->clock.unix_ms()));
  TRY_ASSIGN(Json body, Json::parse(call.body, {.bytes = 1u << 20, .depth = 32}));
  Json input = found[0].input_field.empty() ? body : Json::object({{found[0].input_field, body}});
  std::string trigger = "webhook:" + hook_id;
  return start(context, {.flow = found[0].flow, .version = 0, .input = std::move(input), .key = trigger + ":" + call.id, .trigger = trigger});
}

Result<Subscription> Flows::subscribe(const Context& context, const std::string& url, const std::vector<std::string>& events) {
  if (url.compare(0, 7, "http://") != 0 && url.compare(0, 8, "https://") != 0)
    return invalid_argument("url: expected http:// or https://, got '" + url.substr(0, 40) + "'", "url");
  if (url.size() > 2'000 || events.size() > 64) return invalid_argument("url: at most 2,000 bytes, and at most 64 events", "url");
  Subscription made{.id = make_id("sub"), .url = url, .events = events, .secret = new_secret(), .created_ms = core_->clock.unix_ms()};
  Json names = Json::array();
  for (auto& event : events) names.push(event);
  TRY(core_->options.secrets.set(context, subscription_secret(made.id), made.secret));
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO flow_subscriptions(id, url, events, created_ms) VALUES(?, ?, ?, ?)", {made.id, url, names.dump(), made.created_ms}));
    return {};
  }));
  TRY(core_->load_subscriptions(context));
  return made;
}

Result<std::vector<Subscription>> Flows::subscriptions(const Context& context) {
  TRY(core_->load_subscriptions(context));
  std::lock_guard lock(core_->mutex);
  return core_->subscriptions;
}

Status Flows::unsubscribe(const Context& context, const std::string& id) {
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t removed, transaction.execute("DELETE FROM flow_subscriptions WHERE id = ?", {id}));
    if (removed == 0) return not_found("no subscription has the id '" + id + "'", "subscription_id");
    return {};
  }));
  TRY(core_->load_subscriptions(context));
  return core_->options.secrets.remove(context, subscription_secret(id));
}

Status Flows::Core::load_subscriptions(const Context& context) {
  std::vector<Subscription> all;
  Status broken;
  TRY(store.read(context, [&](store::Reader& reader) {
    return reader.query("SELECT id, url, events, created_ms FROM flow_subscriptions ORDER BY created_ms, id", {}, [&](const store::Row& row) {
      auto names = Json::parse(row.text(2));
      if (!names) return broken = Status(tl::unexpect, names.error()), false;
      Subscription one{.id = row.text(0), .url = row.text(1), .events = {}, .secret = "", .created_ms = row.integer(3)};
      for (auto& name : *names->as_array()) one.events.push_back(*name.as_string());
      all.push_back(std::move(one));
      return true;
    });
  }));
  TRY(broken);
  std::lock_guard lock(mutex);
  subscriptions = std::move(all);
  return {};
}

Status Flows::Core::announce(store::Transaction& transaction, const std::string& event, const std::string& run_id, const Json& data) {
  std::vector<Subscription> all;
  {
    std::lock_guard lock(mutex);
    all = subscriptions;
  }
  const bool whole = all.empty() || data.dump().size() <= kToldBytesMost;
  for (auto& one : all) {
    if (!one.events.empty() && std::find(one.events.begin(), one.events.end(), event) == one.events.end()) continue;
    Json body = Json::object(
        {{"type", event}, {"timestamp", iso8601(clock.unix_ms())}, {"run_id", run_id}, {"data", whole ? data : Json::object({{"truncated", true}})}});
    TRY(journal.submit_in(transaction, kDeliveryKind,
                          Json::object({{"subscription", one.id}, {"url", one.url}, {"id", make_id("msg")}, {"body", body.dump()}})));
  }
  return {};
}

Result<Json> Flows::Core::deliver(durable::Run& job) {
  const Json& input = job.job().input;
  TRY_ASSIGN(std::string url, input["url"].to_string("url"));
  TRY_ASSIGN(std::string id, input["id"].to_string("id"));
  TRY_ASSIGN(std::string body, input["body"].to_string("body"));
  auto secret = options.secrets.get(job.context(), subscription_secret(*input["subscription"].as_string()));
  if (!secret) return secret.error().code == Code::kNotFound ? Result<Json>(Json("the subscription is gone")) : Result<Json>(secret.error());
  int64_t now = clock.unix_ms() / 1000;
  auto done = options.deliver(job.context(), url,
                              {{"content-type", "application/json"},
                               {"webhook-id", id},
                               {"webhook-timestamp", std::to_string(now)},
                               {"webhook-signature", sign_webhook(*secret, id, now, body)}},
                              body);
  if (done) return Json::object({{"delivered_at", now}});
  const Code code = done.error().code;
  bool later = code == Code::kUnavailable || code == Code::kDeadlineExceeded || code == Code::kResourceExhausted;
  if (!later || job.context().cancelled()) return done.error();
  TRY_ASSIGN(auto failures, job.events());
  if (failures.size() >= std::size(kDeliveryPauses))
    return failed_precondition(done.error().message + "; given up after " + std::to_string(failures.size() + 1) + " attempts");
  int64_t at = clock.unix_ms() + kDeliveryPauses[failures.size()];
  TRY(job.append({{.kind = "attempt_failed", .name = "", .data = Json::object({{"error", done.error().message}, {"at_ms", at}})}}));
  job.park(at);
  return Json();
}

}  // namespace strata::flow
