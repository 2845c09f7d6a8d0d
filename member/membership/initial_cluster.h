// InitialCluster: the members a cluster begins with, from --initial-cluster:
// "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380"; a name may have several URLs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "member/membership/member.h"

namespace gatehouse::membership {

class InitialCluster {
 public:
  InitialCluster() = default;

  // kInvalidArgument with etcd's texts: a URL that is none, or that two members have.
  static Result<InitialCluster> parse(std::string_view text, std::string_view token);

  // In the order of their ids, with the names of the flag.
  const std::vector<Member>& members() const { return members_; }
  const Member* find_name(std::string_view name) const;
  uint64_t cluster_id() const;

  // This member must be among them, with the URLs that it advertises to peers.
  Status check_self(std::string_view name, const std::vector<std::string>& advertised) const;

 private:
  std::vector<Member> members_;
};

}  // namespace gatehouse::membership
