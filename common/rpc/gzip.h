// The gzip message encoding (RFC 1952) on zlib. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace gatehouse::rpc {

std::string gzip_compress(std::string_view bytes);

// Output grows by what has been produced and never past `max_bytes`, so that a small message cannot
// claim much memory. Several gzip members in a row are one message, as gzip itself reads them.
//
// Errors: ResourceExhausted "grpc: received message after decompression larger than max M";
// Internal "grpc: failed to decompress the received message: <why>".
Result<std::string> gzip_decompress(std::string_view bytes, size_t max_bytes);

}  // namespace gatehouse::rpc
