// Calls that programs make on behalf of a product: /v1 with the header x-strata-product. Such a call keeps to the product's live spec
// (rules.h), and is recorded as a fact of the product: who, when, how it ended, how long, how many tokens.
//
//   x-strata-product      the product's id; an unknown one is a 400 that names the nearest
//   x-strata-developer    who built what calls; default: who asks
//   x-strata-environment  "production": counts as the developer's step into production; or "development", the default
//
// Without the first header a call is what it always was, and leaves nothing behind.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "app/api/api.h"
#include "model/interface/interface.h"
#include "orchestration/answer/answer.h"
#include "product/outcome/outcome.h"

namespace strata::api {

// One call, until it is recorded. THREADS: handlers and sinks use it one after another, as they use the responder.
class ProductCall {
 public:
  // Of a request with the header, else null. kInvalidArgument names the header.
  static Result<std::shared_ptr<ProductCall>> begin(const Services& services, const Context& context, const http::Request& request, std::string route,
                                                    bool generates);
  // A turn of a conversation or ticket of a product: what succeeds is recorded by keep_reply (turns.h), here only what fails.
  static std::shared_ptr<ProductCall> turn(const Services& services, const Context& context, const std::string& product, const std::string& conversation);

  const std::string& product() const { return row_.product; }
  int64_t begun_ns() const { return begun_ns_; }
  void made_for(const Json& body);                        // the body's `user` or `safety_identifier`
  void promise(double objective_ms) { row_.objective_ms = objective_ms; }
  void tell(const std::string& model, const model::Usage& usage);
  void tell(const answer::Answer& answer);
  void first_text();                                      // the first bytes of a stream leave now
  void fail(const Error& error);                          // of a stream that has begun: its status said "ok" already
  // Records it, once: before the last byte leaves. `http_status` 0: of a stream that came to its end.
  void finish(int http_status);
  bool client_left() const { return context_.cancelled(); }

  // Sees when the answer begins and ends, and with which status.
  static std::shared_ptr<http::Responder> watch(std::shared_ptr<ProductCall> call, std::shared_ptr<http::Responder> responder);

 private:
  ProductCall(const Services& services, Context context);
  void record_failed_turn();
  double elapsed_ms() const;

  const Services& services_;
  const Context context_;
  const int64_t begun_ns_;
  outcome::Call row_;
  std::string conversation_;
  bool turn_ = false;
  int failed_ = 0;                                        // the status of fail()
  std::atomic<bool> finished_{false};
};

// Registers a POST route whose handler may be called for a product. `call` is null where it is not.
using CallHandler = Status (*)(const Services&, const Context&, const http::Request&, std::shared_ptr<http::Responder>, std::shared_ptr<ProductCall> call);
void route_call(http::Server& server, Services& services, const std::string& pattern, bool generates, CallHandler handler);
// Those that a batch's lines may ask too.
CallHandler chat_handler();
CallHandler completion_handler();
CallHandler embedding_handler();
CallHandler response_handler();

}  // namespace strata::api
