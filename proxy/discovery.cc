#include "proxy/discovery.h"

#include "common/loop/srv_resolver.h"

namespace gatehouse::proxy {

Result<std::vector<std::string>> find_endpoints(const Options& options, const log::Logger& logger) {
  if (options.discovery_srv.empty()) return options.endpoints;

  std::vector<std::string> endpoints;
  Status why;
  for (const bool tls : {true, false}) {
    if (!tls && !options.insecure_discovery) continue;
    std::string name = tls ? "_etcd-client-ssl" : "_etcd-client";
    if (!options.discovery_srv_name.empty()) name += "-" + options.discovery_srv_name;
    name += "._tcp." + options.discovery_srv;
    const auto records = loop::look_up_srv(name);
    if (!records.ok()) {
      why = records.status();
      continue;
    }
    for (const loop::SrvRecord& record : *records) {
      endpoints.push_back((tls ? "https://" : "http://") + record.target + ":" +
                          std::to_string(record.port));
    }
  }
  if (endpoints.empty()) {
    return why.with_context(
        "--discovery-srv " + options.discovery_srv +
        (options.insecure_discovery ? "" : " (records without TLS need --insecure-discovery)"));
  }
  LOG_INFO(logger, "discovered endpoints by DNS", {"domain", options.discovery_srv},
           {"endpoints", endpoints});
  return endpoints;
}

}  // namespace gatehouse::proxy
