// Status: the one vocabulary of errors. Codes are gRPC's canonical codes, so that the way to the
// wire is a copy.
//
// Errors are values: no exception crosses a room. A Status that is ignored is a compile error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html; the numbers go on the wire as they are.
enum class StatusCode : uint8_t {
  kOk = 0,
  kCanceled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};
inline constexpr int kStatusCodeCount = 17;

// The name Go and Prometheus labels use: "OK", "Canceled", "InvalidArgument", … ; "Code(42)" is
// never produced here: a number outside the enum is "Unknown". The view is of static storage.
std::string_view status_code_name(StatusCode code);

// The code for a number read from a peer; anything outside 0..16 is kUnknown.
StatusCode status_code_from_int(int64_t number);

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // "OK", or "<CodeName>: <message>".
  std::string to_string() const;

  // The same code, the message prefixed by "<context>: ". OK stays OK.
  Status with_context(std::string_view context) const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status invalid_argument(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}
inline Status unavailable(std::string message) {
  return Status(StatusCode::kUnavailable, std::move(message));
}
inline Status internal_error(std::string message) {
  return Status(StatusCode::kInternal, std::move(message));
}
inline Status resource_exhausted(std::string message) {
  return Status(StatusCode::kResourceExhausted, std::move(message));
}
inline Status not_found(std::string message) {
  return Status(StatusCode::kNotFound, std::move(message));
}

}  // namespace gatehouse

// Leaves the enclosing function (which returns Status or Result<T>) when the expression is not OK.
#define GATEHOUSE_RETURN_IF_ERROR(expression)                    \
  do {                                                           \
    ::gatehouse::Status status_of_expression = (expression);     \
    if (!status_of_expression.ok()) return status_of_expression; \
  } while (false)
