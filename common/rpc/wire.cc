#include "common/rpc/wire.h"

#include <algorithm>
#include <charconv>

#include "common/codec/base64.h"
#include "common/codec/percent.h"
#include "common/http/fields.h"

namespace gatehouse::rpc {
namespace {

bool is_text(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// Lower-case letters, digits and "-_." (PROTOCOL-HTTP2.md, Header-Name).
bool is_metadata_key(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// HTTP/2 peers take a value with outer blanks for malformed (RFC 9113 section 8.2.1).
std::string_view trimmed(std::string_view value) {
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  return value;
}

Status add_binary(Metadata& metadata, const http::Headers::Field& field) {
  std::string_view rest = field.value;
  while (true) {
    const size_t comma = rest.find(',');
    Result<std::string> bytes = codec::base64_decode(trimmed(rest.substr(0, comma)));
    if (!bytes.ok()) {
      return internal_error("malformed binary metadata in header \"" + std::string(field.name) +
                            "\": " + bytes.status().message());
    }
    metadata.emplace_back(field.name, *std::move(bytes));
    if (comma == std::string_view::npos) return Status();
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

std::optional<std::string_view> grpc_content_subtype(std::string_view content_type) {
  constexpr std::string_view kBase = "application/grpc";
  if (content_type == kBase) return std::string_view();  // what nearly all send
  if (content_type.size() < kBase.size()) return std::nullopt;
  for (size_t i = 0; i < kBase.size(); ++i) {
    const char c = content_type[i];
    if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != kBase[i]) return std::nullopt;
  }
  content_type.remove_prefix(kBase.size());
  if (content_type.empty() || content_type.front() == ';') return std::string_view();
  if (content_type.front() != '+') return std::nullopt;
  return content_type.substr(0, content_type.find(';'));
}

bool is_reserved_header(std::string_view name) {
  if (name.empty()) return true;
  switch (name.front()) {
    case ':':
      return true;
    case 'g':
      return name.starts_with("grpc-");
    case 'c':
      return name == "content-type" || name == "connection" || name == "content-length";
    case 'h':
      return name == "host";
    case 'k':
      return name == "keep-alive";
    case 'p':
      return name == "proxy-connection";
    case 't':
      return name == "te" || name == "transfer-encoding" || name == "trailer";
    case 'u':
      return name == "user-agent" || name == "upgrade";
    default:
      return false;
  }
}

bool is_binary_key(std::string_view name) { return name.ends_with("-bin"); }

Result<Metadata> metadata_from(const http::Headers& headers) {
  Metadata metadata;
  for (const http::Headers::Field field : headers) {
    if (is_reserved_header(field.name)) continue;
    if (is_binary_key(field.name)) {
      GATEHOUSE_RETURN_IF_ERROR(add_binary(metadata, field));
    } else {
      metadata.emplace_back(field.name, field.value);
    }
  }
  return metadata;
}

void append_metadata(http::Headers& headers, const Metadata& metadata) {
  for (const auto& [name, value] : metadata) {
    if (!is_metadata_key(name) || is_reserved_header(name)) continue;
    if (is_binary_key(name)) {
      // Unpadded is what the protocol asks senders for.
      headers.add(name, codec::base64_encode(value, codec::Base64Alphabet::kStandard,
                                             codec::Base64Padding::kUnpadded));
    } else if (is_text(value)) {
      headers.add(name, trimmed(value));
    }
  }
}

void append_status(http::Headers& headers, const Status& status) {
  char digits[4];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<int>(status.code()));
  headers.add("grpc-status", std::string_view(digits, static_cast<size_t>(end.ptr - digits)));
  if (!status.message().empty()) {
    headers.add("grpc-message", codec::percent_encode_message(status.message()));
  }
}

std::optional<Status> status_from(const http::Headers& trailers) {
  const std::optional<std::string_view> number = trailers.get("grpc-status");
  if (!number) return std::nullopt;
  int64_t code = 0;
  const char* end = number->data() + number->size();
  const auto parsed = std::from_chars(number->data(), end, code);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return Status(StatusCode::kUnknown, "transport: malformed grpc-status: \"" +
                                            std::string(number->substr(0, 40)) + "\"");
  }
  if (code == 0) return Status();
  const std::optional<std::string_view> message = trailers.get("grpc-message");
  return Status(status_code_from_int(code),
                message ? codec::percent_decode_message(*message) : std::string());
}

StatusCode code_from_http_status(int http_status) {
  switch (http_status) {
    case 400:
      return StatusCode::kInternal;
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kUnknown;
  }
}

Status status_from_http(int http_status) {
  return Status(code_from_http_status(http_status),
                "unexpected HTTP status code received from server: " + std::to_string(http_status) +
                    " (" + std::string(http::reason_phrase(http_status)) + ")");
}

}  // namespace gatehouse::rpc
