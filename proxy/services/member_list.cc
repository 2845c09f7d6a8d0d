#include "proxy/services/member_list.h"

#include "proto/rpc.pb.h"

namespace gatehouse::services {

std::string replace_client_urls(std::string_view response, const std::string& url) {
  etcdserverpb::MemberListResponse list;
  if (!list.ParseFromArray(response.data(), static_cast<int>(response.size()))) {
    return std::string(response);
  }
  for (etcdserverpb::Member& member : *list.mutable_members()) {
    if (member.clienturls().empty()) continue;
    member.clear_clienturls();
    member.add_clienturls(url);
  }
  return list.SerializeAsString();
}

}  // namespace gatehouse::services
