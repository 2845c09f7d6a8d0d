#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <memory>

#include "ctl/invocation.h"

namespace gatehouse::ctl {
namespace {

constexpr size_t kAnswerBytes = 64 << 10;  // of the largest DNS message

struct Target {
  uint16_t priority;
  uint16_t weight;
  std::string place;  // host:port
};

// The records in order of priority. False when the name has none.
bool look_up(const std::string& name, std::vector<Target>& targets) {
  const auto answer = std::make_unique<unsigned char[]>(kAnswerBytes);
  const int size = res_query(name.c_str(), ns_c_in, ns_t_srv, answer.get(), kAnswerBytes);
  ns_msg message;
  if (size < 0 || ns_initparse(answer.get(), size, &message) != 0) return false;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) continue;
    if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7) continue;
    const unsigned char* data = ns_rr_rdata(record);
    char host[NS_MAXDNAME];
    if (dn_expand(ns_msg_base(message), ns_msg_end(message), data + 6, host, sizeof host) < 0) {
      continue;
    }
    targets.push_back({static_cast<uint16_t>(ns_get16(data)),
                       static_cast<uint16_t>(ns_get16(data + 2)),
                       std::string(host) + ":" + std::to_string(ns_get16(data + 4))});
  }
  std::stable_sort(targets.begin(), targets.end(), [](const Target& a, const Target& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.weight > b.weight;
  });
  return !targets.empty();
}

}  // namespace

Exit discover(const std::string& domain, const std::string& service,
              std::vector<std::string>& endpoints) {
  const std::string suffix = service.empty() ? "" : "-" + service;
  std::string errors;
  for (const bool tls : {true, false}) {
    const std::string name =
        std::string(tls ? "_etcd-client-ssl" : "_etcd-client") + suffix + "._tcp." + domain;
    std::vector<Target> targets;
    if (!look_up(name, targets)) {
      errors += (errors.empty() ? "lookup " : " and lookup ") + name + ": no such host";
    }
    for (const Target& target : targets) {
      endpoints.push_back((tls ? "https://" : "http://") + target.place);
    }
  }
  if (endpoints.empty()) return {kExitError, "dns lookup errors: " + errors};
  return {};
}

}  // namespace gatehouse::ctl
