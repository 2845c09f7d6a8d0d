#include "common/transcode/headers.h"

#include <algorithm>
#include <cstdint>

#include "common/codec/base64.h"

namespace gatehouse::transcode {
namespace {

constexpr std::string_view kMetadataPrefix = "grpc-metadata-";
constexpr std::string_view kBinarySuffix = "-bin";

// Forwarded as grpcgateway-<name>: the permanent headers of RFC 4229 that etcd's gateway knows.
constexpr std::string_view kStandard[] = {
    "accept",
    "accept-charset",
    "accept-language",
    "accept-ranges",
    "authorization",
    "cache-control",
    "content-type",
    "cookie",
    "date",
    "expect",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-schedule-tag-match",
    "if-unmodified-since",
    "max-forwards",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "warning",
};

// Names a client may not smuggle into the call through Grpc-Metadata-<X>: HTTP/2 forbids them or
// gRPC gives them a meaning of its own.
constexpr std::string_view kReserved[] = {
    "connection",        "content-length",   "content-type", "host",
    "keep-alive",        "proxy-connection", "te",           "trailer",
    "transfer-encoding", "upgrade",          "user-agent",
};

bool contains(const auto& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

// gRPC's PROTOCOL-HTTP2: Custom-Metadata names and ASCII-Value.
bool is_metadata_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), allowed);
}
bool is_metadata_text(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

bool is_reserved(std::string_view name) {
  return name.starts_with("grpc-") || contains(kReserved, name);
}

// The token of "Bearer <token>" (RFC 6750 section 2.1; schemes are case-insensitive), or nothing.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() ||
      lower_case(authorization.substr(0, kScheme.size())) != kScheme) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

std::string joined(std::string list, std::string_view item) {
  if (item.empty()) return list;
  if (!list.empty()) list += ", ";
  return list.append(item);
}

}  // namespace

Result<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text) {
  using std::chrono::nanoseconds;
  const auto malformed = [text] {
    return invalid_argument("invalid grpc-timeout: " + std::string(text));
  };
  if (text.size() < 2) return malformed();
  int64_t unit_ns;
  switch (text.back()) {
    case 'H':
      unit_ns = 3'600'000'000'000;
      break;
    case 'M':
      unit_ns = 60'000'000'000;
      break;
    case 'S':
      unit_ns = 1'000'000'000;
      break;
    case 'm':
      unit_ns = 1'000'000;
      break;
    case 'u':
      unit_ns = 1'000;
      break;
    case 'n':
      unit_ns = 1;
      break;
    default:
      return malformed();
  }
  int64_t count = 0;
  bool endless = false;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return malformed();
    endless = endless || __builtin_mul_overflow(count, int64_t{10}, &count) ||
              __builtin_add_overflow(count, int64_t{c - '0'}, &count);
  }
  if (endless || __builtin_mul_overflow(count, unit_ns, &count)) return nanoseconds::max();
  return nanoseconds(count);
}

Result<CallHeaders> call_headers(const Headers& http, std::string_view peer_ip) {
  CallHeaders call;
  std::string forwarded_for;
  std::string forwarded_host;
  std::string host;
  std::string token;
  bool has_token = false;

  for (const auto& [http_name, value] : http) {
    std::string name = lower_case(http_name);
    if (name == "x-forwarded-for") {
      forwarded_for = joined(std::move(forwarded_for), value);
      continue;
    }
    if (name == "x-forwarded-host") {
      if (forwarded_host.empty()) forwarded_host = value;
      continue;
    }
    if (name == "grpc-timeout" && !call.timeout && !value.empty()) {
      const auto timeout = parse_grpc_timeout(value);
      if (!timeout.ok()) return timeout.status();
      call.timeout = *timeout;
      continue;
    }
    if (name.starts_with(kMetadataPrefix)) {
      std::string key = name.substr(kMetadataPrefix.size());
      if (!is_metadata_name(key) || is_reserved(key)) continue;
      has_token = has_token || key == "token";
      if (key.ends_with(kBinarySuffix)) {
        auto bytes = codec::base64_decode(value);
        if (!bytes.ok()) {
          return invalid_argument("invalid binary header " + http_name + ": " +
                                  bytes.status().message());
        }
        call.metadata.emplace_back(std::move(key), std::move(bytes).value());
      } else if (is_metadata_text(value)) {
        call.metadata.emplace_back(std::move(key), value);
      }
      continue;
    }
    if (!contains(kStandard, name) || !is_metadata_text(value)) continue;
    if (name == "host") host = value;
    if (name == "authorization") {
      call.metadata.emplace_back("authorization", value);
      if (token.empty()) token = bearer_token(value);
    }
    call.metadata.emplace_back("grpcgateway-" + name, value);
  }

  if (!token.empty() && !has_token) call.metadata.emplace_back("token", std::move(token));
  if (forwarded_host.empty()) forwarded_host = std::move(host);
  if (!forwarded_host.empty() && is_metadata_text(forwarded_host)) {
    call.metadata.emplace_back("x-forwarded-host", std::move(forwarded_host));
  }
  forwarded_for = joined(std::move(forwarded_for), peer_ip);
  if (!forwarded_for.empty() && is_metadata_text(forwarded_for)) {
    call.metadata.emplace_back("x-forwarded-for", std::move(forwarded_for));
  }
  return call;
}

Headers response_headers(const Headers& metadata) {
  Headers http = {{"grpc-metadata-content-type", "application/grpc"}};
  for (const auto& [name, value] : metadata) {
    const std::string key = lower_case(name);
    if (!is_metadata_name(key) || is_reserved(key)) continue;
    std::string header = "grpc-metadata-" + key;
    if (key.ends_with(kBinarySuffix)) {
      http.emplace_back(std::move(header), codec::base64_encode(value));
    } else if (is_metadata_text(value)) {
      http.emplace_back(std::move(header), value);
    }
  }
  return http;
}

}  // namespace gatehouse::transcode
