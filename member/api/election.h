// v3electionpb.Election: one leader at a time, who is known by a key and says something in its
// value. How the queue works: concurrency.h.
#pragma once

#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "member/api/concurrency.h"

namespace gatehouse::api {

class ElectionService {
 public:
  // For one loop. `target` leads to KV, Watch and Lease (a LocalTarget within a member) and
  // outlives this.
  explicit ElectionService(rpc::CallTarget& target) : service_{target, {}} {}

  // Adds Campaign, Proclaim, Leader, Observe and Resign. This outlives the server's calls.
  void add_to(rpc::Server& server);

 private:
  concurrency::Service service_;
};

}  // namespace gatehouse::api
