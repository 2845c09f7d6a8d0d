#include "member/membership/initial_cluster.h"

#include <algorithm>
#include <set>

#include "member/membership/ids.h"
#include "member/membership/peer_urls.h"

namespace gatehouse::membership {
namespace {

std::string join(const std::vector<std::string>& items, std::string_view separator = ",") {
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text += separator;
    text += item;
  }
  return text;
}

// As Go prints a list with %q.
std::string quoted(const std::vector<std::string>& items) {
  std::vector<std::string> in_quotes;
  for (const std::string& item : items) in_quotes.push_back("\"" + item + "\"");
  return "[" + join(in_quotes, " ") + "]";
}

std::vector<std::string> resolved(const std::vector<std::string>& urls, const Resolve& resolve) {
  std::vector<std::string> out;
  for (const std::string& url : urls) out.push_back(resolve ? resolve(url) : url);
  std::sort(out.begin(), out.end());
  return out;
}

// The sorted items of `a` that `b` does not have.
std::vector<std::string> without(const std::vector<std::string>& a,
                                 const std::vector<std::string>& b) {
  std::vector<std::string> rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

Status check_advertised(const std::string& name, const std::vector<std::string>& initial,
                        const std::vector<std::string>& advertised, const Resolve& resolve) {
  const std::vector<std::string> a = resolved(advertised, resolve);
  const std::vector<std::string> b = resolved(initial, resolve);
  if (a == b) return Status();
  std::string difference;
  if (a.size() != b.size()) {
    difference = "len(" + quoted(advertised) + ") != len(" + quoted(initial) + ")";
  } else {
    const auto [left, right] = std::mismatch(a.begin(), a.end(), b.begin());
    difference = "resolved urls: \"" + *left + "\" != \"" + *right + "\"";
  }
  std::vector<std::string> missing = without(initial, advertised);
  if (!missing.empty()) {
    for (std::string& url : missing) url = name + "=" + url;
    return invalid_argument("--initial-cluster has " + join(missing) +
                            " but missing from --initial-advertise-peer-urls=" + join(advertised) +
                            " (" + difference + ")");
  }
  const std::string advertised_text = to_text({{name, advertised}});
  missing = without(advertised, initial);
  if (!missing.empty()) {
    return invalid_argument("--initial-advertise-peer-urls has " + join(missing) +
                            " but missing from --initial-cluster=" + advertised_text);
  }
  return invalid_argument("failed to resolve " + join(advertised) +
                          " to match --initial-cluster=" + advertised_text + " (" + difference +
                          ")");
}

}  // namespace

Result<InitialCluster> parse_initial_cluster(std::string_view text) {
  std::map<std::string, std::vector<std::string>> given;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (item.empty()) continue;
    const size_t equals = std::min(item.find('='), item.size());
    given[std::string(item.substr(0, equals))].emplace_back(
        item.substr(std::min(equals + 1, item.size())));
  }
  InitialCluster cluster;
  for (const auto& [name, texts] : given) {
    Result<std::vector<std::string>> urls = parse_urls(texts);
    if (!urls.ok()) return urls.status().with_context("error setting up initial cluster");
    cluster.emplace(name, std::move(*urls));
  }
  return cluster;
}

std::string to_text(const InitialCluster& cluster) {
  std::vector<std::string> pairs;
  for (const auto& [name, urls] : cluster) {
    for (const std::string& url : urls) pairs.push_back(name + "=" + url);
  }
  std::sort(pairs.begin(), pairs.end());
  return join(pairs);
}

Status check_existing_cluster(const InitialCluster& cluster, const std::string& name) {
  if (!cluster.contains(name)) {
    return invalid_argument("couldn't find local name \"" + name +
                            "\" in the initial cluster configuration");
  }
  std::set<std::string_view> seen;
  for (const auto& [member, urls] : cluster) {
    for (const std::string& url : urls) {
      if (!seen.insert(url).second) {
        return invalid_argument("initial cluster " + to_text(cluster) + " has duplicate url");
      }
    }
  }
  return Status();
}

Status check_new_cluster(const InitialCluster& cluster, const std::string& name,
                         const std::vector<std::string>& advertised, const Resolve& resolve) {
  if (const auto own = cluster.find(name); own != cluster.end()) {
    std::vector<std::string> sorted = advertised;
    std::sort(sorted.begin(), sorted.end());
    GATEHOUSE_RETURN_IF_ERROR(check_advertised(name, own->second, sorted, resolve));
  }
  return check_existing_cluster(cluster, name);
}

std::vector<Member> initial_members(const InitialCluster& cluster, std::string_view token) {
  std::vector<Member> members;
  for (const auto& [name, urls] : cluster) {
    members.push_back({.id = member_id(urls, token), .peer_urls = urls, .name = name});
  }
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  return members;
}

}  // namespace gatehouse::membership
