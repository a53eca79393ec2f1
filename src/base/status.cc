#include "base/status.h"

namespace strata {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kCancelled: return "cancelled";
    case Code::kInvalidArgument: return "invalid_argument";
    case Code::kDeadlineExceeded: return "deadline_exceeded";
    case Code::kNotFound: return "not_found";
    case Code::kAlreadyExists: return "already_exists";
    case Code::kPermissionDenied: return "permission_denied";
    case Code::kUnauthenticated: return "unauthenticated";
    case Code::kResourceExhausted: return "resource_exhausted";
    case Code::kFailedPrecondition: return "failed_precondition";
    case Code::kAborted: return "aborted";
    case Code::kOutOfRange: return "out_of_range";
    case Code::kUnimplemented: return "unimplemented";
    case Code::kInternal: return "internal";
    case Code::kUnavailable: return "unavailable";
    case Code::kDataLoss: return "data_loss";
  }
  return "internal";
}

Error invalid_argument(std::string message, std::string param, std::string reason) {
  return {Code::kInvalidArgument, std::move(message), std::move(param), std::move(reason)};
}
Error not_found(std::string message, std::string param, std::string reason) {
  return {Code::kNotFound, std::move(message), std::move(param), std::move(reason)};
}
Error failed_precondition(std::string message) { return {Code::kFailedPrecondition, std::move(message), "", ""}; }
Error resource_exhausted(std::string message, std::string reason) { return {Code::kResourceExhausted, std::move(message), "", std::move(reason)}; }
Error unavailable(std::string message) { return {Code::kUnavailable, std::move(message), "", ""}; }
Error internal_error(std::string message) { return {Code::kInternal, std::move(message), "", ""}; }
Error data_loss(std::string message) { return {Code::kDataLoss, std::move(message), "", ""}; }
Error permission_denied(std::string message) { return {Code::kPermissionDenied, std::move(message), "", ""}; }
Error cancelled(std::string message) { return {Code::kCancelled, std::move(message), "", ""}; }
Error unimplemented(std::string message, std::string param) { return {Code::kUnimplemented, std::move(message), std::move(param), ""}; }

Error annotate(Error error, std::string_view where) {
  error.message.insert(0, std::string(where) + ": ");
  return error;
}

}  // namespace strata
