#include "proxy/discovery.h"

#include <memory>
#include <utility>

#include "common/loop/event_loop.h"
#include "common/loop/srv_resolver.h"
#include "common/net/address.h"

namespace gatehouse::proxy {

namespace {

// One lookup on a loop of its own: nothing else runs yet.
Result<std::vector<loop::SrvRecord>> look_up(const std::string& name) {
  loop::EventLoop loop;
  Result<std::unique_ptr<loop::SrvResolver>> resolver = loop::SrvResolver::create(loop);
  if (!resolver.ok()) return resolver.status();
  Result<std::vector<loop::SrvRecord>> records = not_found(name);
  auto attempt = (*resolver)->lookup(name, [&](Result<std::vector<loop::SrvRecord>> answer) {
    records = std::move(answer);
    loop.stop();
  });
  loop.run();
  return records;
}

}  // namespace

Result<std::vector<std::string>> find_endpoints(const Options& options, const log::Logger& logger) {
  if (options.discovery_srv.empty()) return options.endpoints;

  std::vector<std::string> endpoints;
  Status why;
  for (const bool tls : {true, false}) {
    if (!tls && !options.insecure_discovery) continue;
    std::string name = tls ? "_etcd-client-ssl" : "_etcd-client";
    if (!options.discovery_srv_name.empty()) name += "-" + options.discovery_srv_name;
    name += "._tcp." + options.discovery_srv;
    const auto records = look_up(name);
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
