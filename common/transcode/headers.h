// HTTP headers to gRPC metadata and back, as etcd's gateway maps them. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::transcode {

// Name and value, in order, names repeatable. gRPC metadata has lower-case names, and raw bytes as
// the value of a name that ends in "-bin".
using Headers = std::vector<std::pair<std::string, std::string>>;

struct CallHeaders {
  Headers metadata;
  std::optional<std::chrono::nanoseconds> timeout;  // from Grpc-Timeout; positive or 0
};

// What an HTTP request's headers (names in any case) say to the gRPC call made for it:
//   Authorization            authorization, as it is; and `token` for "Bearer <token>", which 3.4
//   members want Grpc-Metadata-<X>        <x>; base64-decoded where it ends in -Bin Accept, Cookie,
//   …        grpcgateway-<name> X-Forwarded-For, -Host   with `peer_ip` appended, or the Host
//   header Grpc-Timeout             the deadline
// All else is dropped, and so is metadata that gRPC reserves or cannot carry. `peer_ip` may be
// empty. InvalidArgument, in the gateway's words, for a bad Grpc-Timeout or a -Bin value that is
// not base64.
Result<CallHeaders> call_headers(const Headers& http, std::string_view peer_ip);

// "<n><unit>", units H M S m u n, to a duration; one too long for the type is its maximum.
// InvalidArgument "invalid grpc-timeout: <text>".
Result<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text);

// A call's initial metadata as HTTP response headers "grpc-metadata-<name>", -bin values in base64.
// Begins with the grpc-metadata-content-type that every good answer of etcd's gateway has. Names are
// lower case, as HTTP/2 demands.
Headers response_headers(const Headers& metadata);

}  // namespace gatehouse::transcode
