// How things fail here: Result<T> and Status, with an Error that says what was expected, what came, where, and what to do.
//
// Everything that a caller, a file, a peer or a model can cause is a Result. CHECK (check.h) aborts, and only on our own bugs.
// Codes carry the meanings of Abseil's canonical ones; app/http_status.h maps them to HTTP, once.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace strata {

enum class Code {
  kCancelled,           // the caller gave up (a client that hung up)
  kInvalidArgument,     // wrong whatever the state of the system: mend the request
  kDeadlineExceeded,    // the Context's deadline passed
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,    // known caller, not allowed
  kUnauthenticated,     // unknown caller
  kResourceExhausted,   // a limit, quota or queue is full: try later
  kFailedPrecondition,  // the system's state forbids it: change the state first
  kAborted,             // a concurrent change won: read again and retry
  kOutOfRange,
  kUnimplemented,
  kInternal,            // our fault
  kUnavailable,         // a dependency is away: retry with backoff
  kDataLoss,            // stored bytes are damaged
};

// "invalid_argument", …: the stable lower-case name used in logs and traces.
std::string_view code_name(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;  // for a person: what was expected, what came, where, the likely fix
  std::string param;    // the request field or configuration key at fault; empty where none is
  std::string reason;   // machine-readable, the API's "code" ("context_length_exceeded"); empty where none is
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}  // NOLINT: implicit, so that `return error` reads well
};
using Status = Result<void>;

// Makers: `return invalid_argument("expected …, got …", "temperature");`
Error invalid_argument(std::string message, std::string param = "", std::string reason = "");
Error not_found(std::string message, std::string param = "", std::string reason = "");
Error failed_precondition(std::string message);
Error resource_exhausted(std::string message, std::string reason = "");
Error unavailable(std::string message);
Error internal_error(std::string message);
Error data_loss(std::string message);
Error permission_denied(std::string message);
Error cancelled(std::string message = "cancelled");
Error unimplemented(std::string message, std::string param = "");

// The same error with "where: " in front of its message, for adding context on the way up.
Error annotate(Error error, std::string_view where);

}  // namespace strata

#define STRATA_CONCAT_(a, b) a##b
#define STRATA_CONCAT(a, b) STRATA_CONCAT_(a, b)

// TRY(expr): evaluates a Result, returns its error from this function if it failed.
#define TRY(expr)                                                        \
  do {                                                                   \
    auto strata_try_result = (expr);                                     \
    if (!strata_try_result) return std::move(strata_try_result.error()); \
  } while (false)

// TRY_ASSIGN(auto x, expr): as TRY, and on success x is the value.
#define TRY_ASSIGN(lhs, expr) TRY_ASSIGN_(STRATA_CONCAT(strata_try_, __LINE__), lhs, expr)
#define TRY_ASSIGN_(tmp, lhs, expr)        \
  auto tmp = (expr);                       \
  if (!tmp) return std::move(tmp.error()); \
  lhs = std::move(*tmp)
