// Cluster.MemberList through a proxy: the cluster's own answer, with the proxy's address as every
// member's client URL, so that clients which refresh their endpoints from it stay with the proxy.
// (etcd's proxy makes up members instead: their ids are 0 and their peer URLs are missing.)
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::services {

// The MemberListResponse with all client URLs replaced. Members that have none (not started) keep
// none. The input where it cannot be parsed.
std::string replace_client_urls(std::string_view response, const std::string& url);

}  // namespace gatehouse::services
