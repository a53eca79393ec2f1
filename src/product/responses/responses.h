// product/responses: responses that /v1/responses stores (store: true), so that a chain of previous_response_id survives a restart.
#pragma once

#include <string>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "infra/store/store.h"
#include "model/interface/interface.h"

namespace strata::responses {

struct Stored {
  std::string id;                          // "resp_…"
  std::string previous_id;                 // empty for the first of a chain
  Json response;                           // the whole response object, as it was sent
  std::vector<model::Message> input;       // of this turn alone, without instructions
  std::string output_text;
  int64_t created_ms = 0;
};

std::vector<store::Migration> migrations();

// Longest chain that is read back; a longer one is an error that says so.
inline constexpr int kChainMax = 200;

class Responses {
 public:
  explicit Responses(store::Store& store) : store_(store) {}
  Status put(const Context& context, const Stored& stored);                       // committed when it returns
  Result<Stored> get(const Context& context, const std::string& id);             // kNotFound
  Status remove(const Context& context, const std::string& id);                  // kNotFound
  // The conversation up to and with `id`: every turn's input and output, oldest first.
  Result<std::vector<model::Message>> conversation(const Context& context, const std::string& id);

 private:
  store::Store& store_;
};

}  // namespace strata::responses
