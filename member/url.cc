#include "member/url.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>

namespace gatehouse::member {

namespace {

constexpr std::array<std::string_view, 4> kSchemes = {"http", "https", "unix", "unixs"};

std::string_view trimmed(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

Status bad(const char* what, std::string_view text) {
  return invalid_argument(what + (": " + std::string(text)));
}

// "host:port" into the URL.
Status read_authority(std::string_view authority, std::string_view text, Url* url) {
  constexpr const char* kNoPort = "URL address does not have the form \"host:port\"";
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return bad(kNoPort, text);
  std::string_view host = authority.substr(0, colon);
  const std::string_view port = authority.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return bad(kNoPort, text);
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return bad(kNoPort, text);
  } else if (host.find(':') != std::string_view::npos) {
    return bad(kNoPort, text);
  }
  for (const char c : host) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                      std::string_view(".-_:%").find(c) != std::string_view::npos;
    if (!fits) return bad("URL must contain a host name or an IP address only", text);
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url->port);
  if (error != std::errc() || end != port.data() + port.size()) return bad(kNoPort, text);
  url->host = host;
  return Status();
}

Result<Url> parse_url(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  std::string scheme(text.substr(0, colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto known = std::find(kSchemes.begin(), kSchemes.end(), scheme);
  if (colon == text.size() || known == kSchemes.end()) {
    return bad("URL scheme must be http, https, unix, or unixs", text);
  }
  Url url;
  url.scheme = static_cast<Url::Scheme>(known - kSchemes.begin());
  std::string_view rest = text.substr(colon + 1);
  const bool has_authority = rest.starts_with("//");
  if (has_authority) rest.remove_prefix(2);
  if (url.is_unix()) {
    if (rest.empty()) return bad("URL must name a socket", text);
    url.path = rest;
    return url;
  }
  if (!has_authority) return bad("URL address does not have the form \"host:port\"", text);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  GATEHOUSE_RETURN_IF_ERROR(read_authority(rest.substr(0, end), text, &url));
  if (end != rest.size()) return bad("URL must not contain a path", text);
  return url;
}

}  // namespace

std::string Url::to_string() const {
  std::string text(kSchemes[static_cast<size_t>(scheme)]);
  text += "://";
  if (is_unix()) return text + path;
  const bool brackets = host.find(':') != std::string::npos;
  text += brackets ? "[" + host + "]" : host;
  return text + ":" + std::to_string(port);
}

net::Address Url::address() const {
  return net::Address{
      .kind = is_unix() ? net::Address::Kind::kUnix : net::Address::Kind::kTcp,
      .security = tls() ? net::Address::Security::kTls : net::Address::Security::kClear,
      .host = host,
      .port = port,
      .path = path};
}

std::vector<std::string> url_texts(const std::vector<Url>& urls) {
  std::vector<std::string> texts;
  for (const Url& url : urls) texts.push_back(url.to_string());
  return texts;
}

Result<std::vector<Url>> parse_urls(const std::vector<std::string>& texts) {
  std::vector<Url> urls;
  for (const std::string& text : texts) {
    Result<Url> url = parse_url(trimmed(text));
    if (!url.ok()) return url.status();
    urls.push_back(*std::move(url));
  }
  std::stable_sort(urls.begin(), urls.end(), [](const Url& left, const Url& right) {
    return left.to_string() < right.to_string();
  });
  return urls;
}

}  // namespace gatehouse::member
