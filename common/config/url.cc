#include <algorithm>
#include <cctype>

#include "common/config/values.h"

namespace gatehouse::config {

namespace {

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

bool valid_host_character(char c) {
  return static_cast<unsigned char>(c) > 0x20 && c != 0x7f &&
         std::string_view("/\\@?#[]:\"<>,").find(c) == std::string_view::npos;
}

// An address in brackets: hexadecimal digits, colons, dots and a zone after "%".
bool valid_ipv6(std::string_view host) {
  const std::string_view address = host.substr(0, host.find('%'));
  return address.find(':') != std::string_view::npos &&
         address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
         std::all_of(host.begin() + static_cast<std::ptrdiff_t>(address.size()), host.end(),
                     valid_host_character);
}

Result<uint16_t> parse_port(std::string_view text, std::string_view whole) {
  uint32_t port = 0;
  if (text.empty() || text.size() > 5) return invalid_argument("invalid port in " + quoted(whole));
  for (const char c : text) {
    if (c < '0' || c > '9') return invalid_argument("invalid port in " + quoted(whole));
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > 65535) return invalid_argument("port above 65535 in " + quoted(whole));
  return static_cast<uint16_t>(port);
}

Result<Url> parse_unix(Scheme scheme, std::string_view path, std::string_view whole) {
  if (path.starts_with("//")) path.remove_prefix(2);
  if (path.empty()) return invalid_argument("missing path in " + quoted(whole));
  if (path.size() > kMaxUnixPathBytes) {
    return invalid_argument("path longer than " + std::to_string(kMaxUnixPathBytes) + " bytes in " +
                            quoted(whole));
  }
  if (path.find('\0') != std::string_view::npos) return invalid_argument("zero byte in the path");
  return Url{.scheme = scheme, .path = std::string(path)};
}

Result<Url> parse_after_scheme(Scheme scheme, std::string_view rest, std::string_view whole) {
  if (scheme == Scheme::kUnix || scheme == Scheme::kUnixs) return parse_unix(scheme, rest, whole);
  if (!rest.starts_with("//")) return invalid_argument("missing \"//\" in " + quoted(whole));
  rest.remove_prefix(2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#") != std::string_view::npos) {
    return invalid_argument("unexpected path, query or fragment in " + quoted(whole));
  }
  if (rest.find('@') != std::string_view::npos) {
    return invalid_argument("unexpected user name in " + quoted(whole));
  }
  Result<HostPort> address = parse_host_port(rest);
  if (!address.ok()) return address.status();
  return Url{.scheme = scheme, .address = *std::move(address)};
}

}  // namespace

std::string HostPort::to_string() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HostPort> parse_host_port(std::string_view text) {
  std::string_view host, port;
  if (text.starts_with('[')) {
    const size_t end = text.find("]:");
    if (end == std::string_view::npos) {
      return invalid_argument("missing port in " + quoted(text));
    }
    host = text.substr(1, end - 1);
    port = text.substr(end + 2);
    if (!valid_ipv6(host)) return invalid_argument("invalid IPv6 address in " + quoted(text));
  } else {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
      return invalid_argument("missing port in " + quoted(text));
    }
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) {
      return invalid_argument("too many colons in " + quoted(text) +
                              "; an IPv6 address stands in brackets");
    }
    if (!std::all_of(host.begin(), host.end(), valid_host_character)) {
      return invalid_argument("invalid host in " + quoted(text));
    }
  }
  const Result<uint16_t> number = parse_port(port, text);
  if (!number.ok()) return number.status();
  return HostPort{std::string(host), *number};
}

std::string_view scheme_name(Scheme scheme) {
  switch (scheme) {
    case Scheme::kHttp:
      return "http";
    case Scheme::kHttps:
      return "https";
    case Scheme::kUnix:
      return "unix";
    case Scheme::kUnixs:
      return "unixs";
  }
  return "";
}

std::string Url::to_string() const {
  return std::string(scheme_name(scheme)) + "://" + (is_unix() ? path : address.to_string());
}

Result<Url> parse_url(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return invalid_argument("missing scheme in " + quoted(text));
  std::string name(text.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Scheme scheme : {Scheme::kHttp, Scheme::kHttps, Scheme::kUnix, Scheme::kUnixs}) {
    if (name == scheme_name(scheme)) {
      return parse_after_scheme(scheme, text.substr(colon + 1), text);
    }
  }
  return invalid_argument("unknown scheme in " + quoted(text) +
                          "; known: http, https, unix, unixs");
}

Result<Url> parse_url_or_host_port(std::string_view text, bool* had_scheme) {
  const bool has_scheme = text.find("://") != std::string_view::npos || text.starts_with("unix:") ||
                          text.starts_with("unixs:");
  if (had_scheme != nullptr) *had_scheme = has_scheme;
  if (has_scheme) return parse_url(text);
  Result<HostPort> address = parse_host_port(text);
  if (!address.ok()) return address.status();
  return Url{.scheme = Scheme::kHttp, .address = *std::move(address)};
}

}  // namespace gatehouse::config
