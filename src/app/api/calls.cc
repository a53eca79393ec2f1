#include "app/api/calls.h"

#include "app/api/reply.h"
#include "app/call_book.h"
#include "base/log.h"
#include "base/span.h"
#include "base/text.h"

namespace strata::api {
namespace {

constexpr const char* kProductHeader = "x-strata-product";
constexpr const char* kDeveloperHeader = "x-strata-developer";
constexpr const char* kEnvironmentHeader = "x-strata-environment";
constexpr size_t kNameBytesMax = 200;   // as product/outcome takes names

constexpr int kClientLeft = 499, kServerError = 500;

std::string status_name(int http_status) {
  if (http_status == 408 || http_status == 504) return "timeout";
  return http_status >= 500 ? "server_error" : http_status >= 400 ? "client_error" : "ok";
}

Result<std::string> name_header(const http::Request& request, const char* header, std::string fallback) {
  std::string name(request.header(header));
  if (name.empty()) return fallback;
  bool plain = utf8_valid(name);
  for (unsigned char c : name) plain = plain && c >= 0x20 && c != 0x7F;
  if (name.size() > kNameBytesMax || !plain)
    return invalid_argument(std::string(header) + ": expected one line of at most " + std::to_string(kNameBytesMax) + " bytes of UTF-8", header,
                            "invalid_value");
  return name;
}

// What fits into a row: names from elsewhere are cut, not refused.
std::string fitting(const std::string& name) { return name.substr(0, utf8_complete_prefix(std::string_view(name).substr(0, kNameBytesMax))); }

class Watched : public http::Responder {
 public:
  Watched(std::shared_ptr<ProductCall> call, std::shared_ptr<http::Responder> inner) : call_(std::move(call)), inner_(std::move(inner)) {}
  ~Watched() override { call_->finish(call_->client_left() ? kClientLeft : kServerError); }   // nothing where it was recorded
  void send(http::Response response) override {
    call_->finish(response.status);
    inner_->send(std::move(response));
  }
  void begin_stream(http::Response head) override {
    call_->first_text();
    inner_->begin_stream(std::move(head));
  }
  bool write(std::string bytes) override { return inner_->write(std::move(bytes)); }
  void end() override {
    call_->finish(0);
    inner_->end();
  }
  void on_ready(std::function<void()> watcher) override { inner_->on_ready(std::move(watcher)); }

 private:
  std::shared_ptr<ProductCall> call_;
  std::shared_ptr<http::Responder> inner_;
};

}  // namespace

ProductCall::ProductCall(const Services& services, Context context)
    : services_(services), context_(std::move(context)), begun_ns_(services.clock->monotonic_ns()) {
  row_.at_ms = services.clock->unix_ms();
}

Result<std::shared_ptr<ProductCall>> ProductCall::begin(const Services& services, const Context& context, const http::Request& request, std::string route,
                                                        bool generates) {
  const std::string product(request.header(kProductHeader));
  if (product.empty()) return std::shared_ptr<ProductCall>();
  if (auto known = services.outcomes->product(context, product); !known) {
    if (known.error().code != Code::kNotFound) return known.error();
    return invalid_argument(std::string(kProductHeader) + ": " + known.error().message, kProductHeader, "unknown_product");
  }
  std::shared_ptr<ProductCall> call(new ProductCall(services, context));
  outcome::Call& row = call->row_;
  row.product = product;
  note_trace(context, "strata.product", product);
  row.route = std::move(route);
  row.generates = generates;
  row.key_id = context.principal().key_id;
  // A key has an owner. Without one the caller is the local administrator, who may say for whom it calls.
  if (row.key_id.empty()) {
    TRY_ASSIGN(row.developer, name_header(request, kDeveloperHeader, context.principal().user));
  } else {
    row.developer = context.principal().user;
  }
  TRY_ASSIGN(std::string environment, name_header(request, kEnvironmentHeader, "development"));
  if (environment != "production" && environment != "development")
    return invalid_argument(std::string(kEnvironmentHeader) + ": expected 'production' or 'development', got '" + environment + "'", kEnvironmentHeader,
                            "invalid_value");
  row.production = environment == "production";
  return call;
}

std::shared_ptr<ProductCall> ProductCall::turn(const Services& services, const Context& context, const std::string& product, const std::string& conversation) {
  std::shared_ptr<ProductCall> call(new ProductCall(services, context));
  call->turn_ = true;
  call->conversation_ = conversation;
  call->row_.product = product;
  return call;
}

double ProductCall::elapsed_ms() const { return static_cast<double>(services_.clock->monotonic_ns() - begun_ns_) / 1e6; }

void ProductCall::made_for(const Json& body) {
  for (const char* name : {"user", "safety_identifier"})
    if (auto* text = body[name].as_string(); text && row_.end_user.empty()) row_.end_user = fitting(*text);
  for (char& c : row_.end_user)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
}

void ProductCall::tell(const std::string& model, const model::Usage& usage) {
  row_.model = fitting(model);
  row_.prompt_tokens = usage.prompt_tokens;
  row_.completion_tokens = usage.completion_tokens;
}

void ProductCall::tell(const answer::Answer& answer) {
  tell(answer.model, answer.usage);
  row_.answer_id = answer.id;
  row_.confidence = answer.confidence;
  row_.first_text_ms = answer.first_text_ms;
}

void ProductCall::first_text() {
  if (row_.first_text_ms == 0) row_.first_text_ms = elapsed_ms();
}

void ProductCall::fail(const Error& error) {
  failed_ = error.code == Code::kCancelled ? kClientLeft : http_status(error);
  if (row_.completion_tokens == 0) row_.prompt_tokens = 0;   // nothing came of the prompt: nobody charges for it
}

void ProductCall::finish(int http_status) {
  if (finished_.exchange(true)) return;
  row_.http_status = failed_ ? failed_ : http_status ? http_status : 200;
  row_.status = status_name(row_.http_status);
  row_.total_ms = elapsed_ms();
  if (turn_) return record_failed_turn();
  services_.calls->add(row_);
}

void ProductCall::record_failed_turn() {
  if (row_.status == "ok") return;
  outcome::Output output;
  output.product = row_.product;
  output.conversation = conversation_;
  output.user = fitting(context_.principal().user);
  output.model = row_.model;
  output.status = row_.status;
  output.total_ms = row_.total_ms;
  services_.background([&services = services_, output = std::move(output)] {
    auto added = services.outcomes->add_output(Context::background(*services.clock), output);
    if (!added && added.error().code != Code::kNotFound)   // the product or the conversation is gone, or never was
      log::error("output.not_recorded", {{"product", output.product}, {"message", added.error().message}});
  });
}

std::shared_ptr<http::Responder> ProductCall::watch(std::shared_ptr<ProductCall> call, std::shared_ptr<http::Responder> responder) {
  if (!call) return responder;
  return std::make_shared<Watched>(std::move(call), std::move(responder));
}

void route_call(http::Server& server, Services& services, const std::string& pattern, bool generates, CallHandler handler) {
  server.route("POST", pattern,
               [&services, pattern, generates, handler](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
                 auto call = ProductCall::begin(services, context, request, pattern, generates);
                 if (!call) return responder->send(error_response(call.error()));
                 responder = ProductCall::watch(*call, std::move(responder));
                 if (auto status = handler(services, context, request, responder, *call); !status) responder->send(error_response(status.error()));
               });
}

}  // namespace strata::api
