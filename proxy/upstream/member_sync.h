// MemberSync: keeps the endpoints of an Upstream those that the cluster itself names
// (--endpoints-auto-sync-interval).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/env/executor.h"
#include "common/rpc/client.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::upstream {

class MemberSync {
 public:
  // interval_ms > 0. The first look comes after one interval: until then what the operator named is
  // used.
  MemberSync(Upstream& upstream, uint64_t interval_ms);

 private:
  void ask();
  void on_answer(const rpc::CallResult& result, std::string_view response);

  Upstream& upstream_;
  const uint64_t interval_ms_;
  env::Timer timer_;
  std::unique_ptr<rpc::ClientCall> call_;
};

// The client URLs of all started members that vote, sorted; learners serve next to nothing. Empty
// when the bytes are not a MemberListResponse.
std::vector<std::string> client_urls_of(std::string_view member_list_response);

}  // namespace gatehouse::upstream
