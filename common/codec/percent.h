// Percent-encoding of the grpc-message trailer, as gRPC's PROTOCOL-HTTP2 defines it: bytes
// 0x20-0x7E except '%' stand for themselves, all others are %XX with upper-case digits. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::codec {

std::string percent_encode_message(std::string_view message);

// Never fails, as the specification asks: a '%' that is not followed by two hex digits is kept as
// it is.
std::string percent_decode_message(std::string_view encoded);

}  // namespace gatehouse::codec
