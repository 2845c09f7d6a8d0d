#include "proxy/services/services.h"

#include "proxy/services/member_list.h"
#include "proxy/services/methods.h"

namespace gatehouse::services {

void add_services(rpc::Server& server, upstream::Upstream& upstream, const Options& options) {
  for (const Rpc& rpc : all_rpcs()) {
    Transform transform;
    if (rpc.name == "MemberList" && !options.advertise_client_url.empty()) {
      transform = [url = options.advertise_client_url](std::string_view response) {
        return replace_client_urls(response, url);
      };
    }
    add_passthrough(server, upstream, rpc, options.limits, std::move(transform));
  }
}

}  // namespace gatehouse::services
