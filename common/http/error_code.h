// Names and statuses for HTTP/2's error codes.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/http/exchange.h"

namespace gatehouse::http {

// "ENHANCE_YOUR_CALM" and so on (RFC 9113 section 7); a number outside the enum is "code 99".
std::string error_code_name(ErrorCode code);

// The status of an exchange that ended with this code, by gRPC's table ("HTTP2 Transport Mapping",
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors).
StatusCode status_code_of(ErrorCode code);

// Text of a peer for our own messages: at most `limit` bytes, what is not printable ASCII as '.'.
std::string printable(std::string_view foreign, size_t limit = 200);

}  // namespace gatehouse::http
