// What gRPC says in HTTP headers and trailers: content types, metadata, status.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/status.h"
#include "common/http/headers.h"
#include "common/rpc/metadata.h"

namespace gatehouse::rpc {

// What follows "application/grpc" in a content type: "" or "+proto" and so on; parameters after ';'
// are cut. Nothing for other content types, "application/grpc-web" among them.
std::optional<std::string_view> grpc_content_subtype(std::string_view content_type);

// Names that are gRPC's or HTTP's own and no metadata: pseudo-headers, "content-type",
// "user-agent", "te", hop-by-hop fields and every "grpc-" name.
bool is_reserved_header(std::string_view name);

// Whether the name's values are base64 on the wire.
bool is_binary_key(std::string_view name);

// The custom metadata in `headers`. "-bin" values are decoded (padded or not; several joined by
// commas are several entries). Internal, naming the header, for bad base64.
Result<Metadata> metadata_from(const http::Headers& headers);

// Appends the metadata to `headers`. Left out, for they would break the message: reserved names,
// names with characters HTTP/2 does not allow, and text values with bytes outside 0x20-0x7E. Blanks
// around a text value are dropped, as gRPC allows.
void append_metadata(http::Headers& headers, const Metadata& metadata);

// grpc-status and grpc-message.
void append_status(http::Headers& headers, const Status& status);

// The status in trailers (or a trailers-only head); nothing when there is no grpc-status. One that
// is no number is Unknown "transport: malformed grpc-status: …".
std::optional<Status> status_from(const http::Headers& trailers);

// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
StatusCode code_from_http_status(int http_status);

// "unexpected HTTP status code received from server: 503 (Service Unavailable)", with the mapped
// code.
Status status_from_http(int http_status);

}  // namespace gatehouse::rpc
