#include "common/base/status.h"

#include <array>

namespace gatehouse {

namespace {
constexpr std::array<std::string_view, kStatusCodeCount> kNames = {
    "OK",       "Canceled",        "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",   "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",      "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated",
};
}  // namespace

std::string_view status_code_name(StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : kNames[static_cast<size_t>(StatusCode::kUnknown)];
}

StatusCode status_code_from_int(int64_t number) {
  if (number < 0 || number >= kStatusCodeCount) return StatusCode::kUnknown;
  return static_cast<StatusCode>(number);
}

std::string Status::to_string() const {
  std::string text(status_code_name(code_));
  if (!ok()) text.append(": ").append(message_);
  return text;
}

Status Status::with_context(std::string_view context) const {
  if (ok()) return *this;
  std::string text(context);
  text.append(": ").append(message_);
  return Status(code_, std::move(text));
}

}  // namespace gatehouse
