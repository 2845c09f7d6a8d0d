#include "member/membership/peer_urls.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::membership {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// As Go's url.Parse words it.
Status not_a_url(std::string_view text, std::string_view why) {
  return invalid_argument("parse \"" + std::string(text) + "\": " + std::string(why));
}

Status no_host_and_port(std::string_view text) {
  return invalid_argument("URL address does not have the form \"host:port\": " + std::string(text));
}

// "host:port" or "[v6]:port".
Status check_host_and_port(std::string_view text, std::string_view authority) {
  const size_t at = authority.rfind('@');
  std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  std::string_view port;  // with its colon
  if (host.starts_with('[')) {
    const size_t close = host.rfind(']');
    if (close == std::string_view::npos) return not_a_url(text, "missing ']' in host");
    port = host.substr(close + 1);
    host = host.substr(0, close + 1);
  } else if (const size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (const size_t bad = host.find_first_of(" \"<>\\^`{|}"); bad != std::string_view::npos) {
    return not_a_url(text,
                     "invalid character \"" + std::string(1, host[bad]) + "\" in host name");
  }
  if (!port.empty()) {
    uint16_t number = 0;
    const char* const end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data() + 1, end, number);
    if (port.front() != ':' || (port.size() > 1 && (error != std::errc() || stop != end))) {
      return not_a_url(text, "invalid port \"" + std::string(port) + "\" after host");
    }
  }
  const bool many_colons = !host.starts_with('[') && host.find(':') != std::string_view::npos;
  if (port.size() < 2 || many_colons) return no_host_and_port(text);
  return Status();
}

}  // namespace

Result<std::string> parse_url(std::string_view given) {
  const std::string_view text = trim(given);
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      // Not shown: it would go to the log as it is.
      return invalid_argument("net/url: invalid control character in URL");
    }
  }
  const size_t colon = text.find(':');
  if (colon == 0) return not_a_url(text, "missing protocol scheme");
  std::string scheme(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (scheme == "unix" || scheme == "unixs") return scheme + std::string(text.substr(colon));
  if (scheme != "http" && scheme != "https") {
    return invalid_argument("URL scheme must be http, https, unix, or unixs: " + std::string(text));
  }
  std::string_view rest = text.substr(colon + 1);
  if (!rest.starts_with("//")) return no_host_and_port(text);
  rest.remove_prefix(2);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  GATEHOUSE_RETURN_IF_ERROR(check_host_and_port(text, rest.substr(0, end)));
  if (rest.substr(end).starts_with('/')) {
    return invalid_argument("URL must not contain a path: " + std::string(text));
  }
  return scheme + std::string(text.substr(colon));
}

Result<std::vector<std::string>> parse_urls(const std::vector<std::string>& texts) {
  if (texts.empty()) return invalid_argument("no valid URLs given");
  std::vector<std::string> urls;
  for (const std::string& text : texts) {
    Result<std::string> url = parse_url(text);
    if (!url.ok()) return url.status();
    urls.push_back(std::move(*url));
  }
  std::sort(urls.begin(), urls.end());
  return urls;
}

Result<std::vector<std::string>> parse_requested_urls(const std::vector<std::string>& texts) {
  Result<std::vector<std::string>> urls = parse_urls(texts);
  if (!urls.ok()) return invalid_argument("etcdserver: given member URLs are invalid");
  return urls;
}

}  // namespace gatehouse::membership
