#include "common/net/address.h"

#include <charconv>
#include <utility>

namespace gatehouse::net {
namespace {

Status bad(std::string_view text, const char* what) {
  return invalid_argument("address \"" + std::string(text) + "\": " + what);
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Result<Address> parse_host_port(std::string_view whole, std::string_view rest, Address address) {
  std::string_view host;
  std::string_view port;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return bad(whole, "missing ']'");
    host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (host.find(':') == std::string_view::npos) return bad(whole, "no IPv6 address in brackets");
    if (port.empty()) return bad(whole, "missing port");
    if (port.front() != ':') return bad(whole, "something between ']' and the port");
    port.remove_prefix(1);
  } else {
    const size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos) return bad(whole, "missing port");
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) {
      return bad(whole, "too many colons (an IPv6 address needs brackets)");
    }
  }
  for (const char c : host) {
    const bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    if (!fits) return bad(whole, "a character that no host name has");
  }
  if (port.empty()) return bad(whole, "missing port");
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return bad(whole, "the port is no number from 0 to 65535");
  }
  address.kind = Address::Kind::kTcp;
  address.host = std::string(host);
  return address;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  std::string_view rest = text;
  Address address;
  if (text.empty()) return bad(text, "is empty");
  if (text.find('\0') != std::string_view::npos) return bad(text, "contains a zero byte");

  const bool unixs = take_prefix(rest, "unixs:");
  if (unixs || take_prefix(rest, "unix:")) {
    take_prefix(rest, "//");
    if (rest.empty()) return bad(text, "missing path");
    address.kind = Address::Kind::kUnix;
    address.security = unixs ? Address::Security::kTls : Address::Security::kUnstated;
    address.path = std::string(rest);
    return address;
  }
  if (take_prefix(rest, "https://")) {
    address.security = Address::Security::kTls;
  } else if (take_prefix(rest, "http://")) {
    address.security = Address::Security::kClear;
  } else if (rest.find("://") != std::string_view::npos) {
    return bad(text, "unknown scheme (http, https, unix or unixs)");
  }
  if (address.security != Address::Security::kUnstated) {
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find_first_of("/?#@") != std::string_view::npos) {
      return bad(text, "more than scheme, host and port");
    }
  }
  return parse_host_port(text, rest, std::move(address));
}

std::string Address::to_string() const {
  if (kind == Kind::kUnix) return "unix:" + path;
  const std::string number = ":" + std::to_string(port);
  return host.find(':') == std::string::npos ? host + number : "[" + host + "]" + number;
}

}  // namespace gatehouse::net
