#include "member/srv_bootstrap.h"

#include <netdb.h>

#include <memory>

#include "common/net/address.h"

namespace gatehouse::member {

namespace {

std::string_view scheme_of(std::string_view url) { return url.substr(0, url.find("://")); }

// Host and port.
std::string_view place_of(std::string_view url) {
  const size_t colon = url.find("://");
  return colon == std::string_view::npos ? url : url.substr(colon + 3);
}

}  // namespace

std::string resolve_url(const std::string& url) {
  const std::string_view place = place_of(url);
  const size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return url;
  std::string host(place.substr(0, colon));
  const std::string port(place.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return url;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  // As Go has it, which etcd's own members resolve by: IPv4 first.
  for (const int family : {AF_INET, AF_INET6}) {
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      if (each->ai_family != family) continue;
      char text[NI_MAXHOST];
      if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) != 0) {
        continue;
      }
      const std::string address = family == AF_INET6 ? "[" + std::string(text) + "]" : text;
      return std::string(scheme_of(url)) + "://" + address + ":" + port;
    }
  }
  return url;
}

Result<membership::InitialCluster> cluster_of(const std::vector<SrvMembers>& found,
                                              const std::string& name,
                                              const std::vector<std::string>& advertised,
                                              const membership::Resolve& resolve) {
  membership::InitialCluster cluster;
  size_t unnamed = 0;
  for (const SrvMembers& members : found) {
    for (const loop::SrvRecord& record : members.records) {
      const std::string url =
          members.scheme + "://" + record.target + ":" + std::to_string(record.port);
      const std::string resolved = resolve(url);
      bool own = false;
      for (const std::string& mine : advertised) {
        if (place_of(mine) != place_of(url) && place_of(resolve(mine)) != place_of(resolved)) {
          continue;
        }
        if (scheme_of(mine) != members.scheme) {
          return invalid_argument("bootstrap at " + url + " from DNS has scheme mismatch with expected peer " +
                                  mine);
        }
        own = true;
      }
      cluster[own ? name : std::to_string(unnamed++)].push_back(url);
    }
  }
  if (!cluster.contains(name)) {
    return invalid_argument("cannot find local etcd member \"" + name + "\" in SRV records");
  }
  return cluster;
}

Result<membership::InitialCluster> discover_by_srv(const Options& options,
                                                   const log::Logger& logger) {
  const std::string suffix =
      options.discovery_srv_name.empty() ? "" : "-" + options.discovery_srv_name;
  std::vector<SrvMembers> found;
  Status why;
  for (const std::string scheme : {"https", "http"}) {
    const std::string service = scheme == "https" ? "_etcd-server-ssl" : "_etcd-server";
    Result<std::vector<loop::SrvRecord>> records =
        loop::look_up_srv(service + suffix + "._tcp." + options.discovery_srv);
    if (records.ok()) {
      found.push_back({scheme, std::move(*records)});
    } else {
      why = records.status();
    }
  }
  const std::string flag = "--discovery-srv " + options.discovery_srv;
  if (found.empty()) return why.with_context(flag);
  Result<membership::InitialCluster> cluster =
      cluster_of(found, options.name, url_texts(options.initial_advertise_peer_urls), resolve_url);
  if (!cluster.ok()) return cluster.status().with_context(flag);
  LOG_INFO(logger, "got bootstrap from DNS for etcd-server",
           {"initial-cluster", membership::to_text(*cluster)});
  return cluster;
}

}  // namespace gatehouse::member
