#include "member/membership/initial_cluster.h"

#include <algorithm>
#include <map>
#include <set>

namespace gatehouse::membership {

namespace {

std::string joined(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += ',';
    out += text;
  }
  return out;
}

}  // namespace

Result<InitialCluster> InitialCluster::parse(std::string_view text, std::string_view token) {
  std::map<std::string, std::vector<std::string>, std::less<>> urls;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals + 1 == pair.size()) {
      return invalid_argument("empty URL given for \"" + std::string(pair.substr(0, equals)) + "\"");
    }
    const std::string_view url = pair.substr(equals + 1);
    if (!is_url(url)) {
      return invalid_argument("URL scheme must be http, https, unix, or unixs, with host:port and "
                              "no path: " + std::string(url));
    }
    urls[std::string(pair.substr(0, equals))].emplace_back(url);
  }
  InitialCluster cluster;
  std::set<std::string> seen;
  for (const auto& [name, peer_urls] : urls) {
    for (const std::string& url : peer_urls) {
      if (!seen.insert(url).second) {
        return invalid_argument("initial cluster \"" + name + "=" + url +
                                "\" has duplicate url " + url);
      }
    }
    Member member;
    member.id = member_id(peer_urls, token);
    member.peer_urls = peer_urls;
    std::sort(member.peer_urls.begin(), member.peer_urls.end());
    member.name = name;
    cluster.members_.push_back(std::move(member));
  }
  std::sort(cluster.members_.begin(), cluster.members_.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  return cluster;
}

const Member* InitialCluster::find_name(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

uint64_t InitialCluster::cluster_id() const {
  std::vector<uint64_t> ids;
  for (const Member& member : members_) ids.push_back(member.id);
  return membership::cluster_id(std::move(ids));
}

Status InitialCluster::check_self(std::string_view name,
                                  const std::vector<std::string>& advertised) const {
  const Member* self = find_name(name);
  if (self == nullptr) {
    return invalid_argument("couldn't find local name \"" + std::string(name) +
                            "\" in the initial cluster configuration");
  }
  const std::string wanted = joined(self->peer_urls);
  const std::string has = joined(advertised);
  if (wanted != has) {
    return invalid_argument("--initial-cluster has " + std::string(name) + "=" + wanted +
                            " but missing from --initial-advertise-peer-urls=" + has);
  }
  return Status();
}

}  // namespace gatehouse::membership
