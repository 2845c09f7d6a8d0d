#include "member/transport/identity.h"

#include <algorithm>
#include <charconv>

#include "common/net/address.h"

namespace gatehouse::transport {
namespace {

// A member has a handful; more is no member.
constexpr size_t kMaxUrls = 16;

std::optional<uint32_t> take_number(std::string_view& text) {
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

Version version_in(const http::Headers& headers, std::string_view name) {
  const std::optional<std::string_view> text = headers.get(name);
  if (!text || text->empty()) return kUnstatedVersion;
  return parse_version(*text).value_or(Version{0, 0});
}

}  // namespace

std::string to_hex(uint64_t id) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, id, 16);
  return std::string(digits, end.ptr);
}

std::optional<uint64_t> parse_hex(std::string_view text) {
  uint64_t id = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, id, 16);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return id;
}

std::optional<Version> parse_version(std::string_view text) {
  const std::optional<uint32_t> major = take_number(text);
  if (!major || !take(text, '.')) return std::nullopt;
  const std::optional<uint32_t> minor = take_number(text);
  if (!minor || !take(text, '.')) return std::nullopt;
  if (!take_number(text)) return std::nullopt;
  if (!text.empty() && text.front() != '-' && text.front() != '+') return std::nullopt;
  return Version{*major, *minor};
}

http::Headers identify(const Identity& self) {
  std::string urls;
  for (const std::string& url : self.peer_urls) urls.append(urls.empty() ? "" : ",").append(url);
  http::Headers headers;
  headers.add("x-etcd-cluster-id", to_hex(self.cluster_id));
  headers.add("x-server-from", to_hex(self.id));
  headers.add("x-server-version", self.server_version);
  headers.add("x-min-cluster-version", self.min_cluster_version);
  headers.add("x-peerurls", urls);
  return headers;
}

const char* incompatibility(const http::Headers& request, const Identity& self) {
  const Version own = parse_version(self.server_version).value_or(Version{});
  const Version own_minimum = parse_version(self.min_cluster_version).value_or(Version{});
  const std::optional<std::string_view> cluster = request.get("x-etcd-cluster-id");
  const Version theirs = version_in(request, "x-server-version");
  // A text that is no version refuses itself as the oldest of all does.
  const std::optional<std::string_view> minimum = request.get("x-min-cluster-version");
  if (theirs < own_minimum || version_in(request, "x-min-cluster-version") > own ||
      (minimum && !minimum->empty() && !parse_version(*minimum))) {
    return "incompatible version";
  }
  if (!cluster || *cluster != to_hex(self.cluster_id)) return "cluster ID mismatch";
  return nullptr;
}

std::optional<Sender> sender_of(const http::Headers& request) {
  const std::optional<uint64_t> id = parse_hex(request.get("x-server-from").value_or(""));
  std::string_view list = request.get("x-peerurls").value_or("");
  if (!id || *id == raft::kNoNode || list.empty()) return std::nullopt;
  Sender sender{*id, {}};
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view url = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (!net::parse_address(url).ok() || sender.urls.size() == kMaxUrls) return std::nullopt;
    sender.urls.emplace_back(url);
  }
  return sender;
}

}  // namespace gatehouse::transport
