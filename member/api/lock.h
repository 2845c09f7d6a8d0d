// v3lockpb.Lock: a lock that is held as long as its key lives, which is as long as its lease does.
// How the queue works: concurrency.h.
#pragma once

#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "member/api/concurrency.h"

namespace gatehouse::api {

class LockService {
 public:
  // For one loop. `target` leads to KV, Watch and Lease (a LocalTarget within a member) and
  // outlives this.
  explicit LockService(rpc::CallTarget& target) : service_{target, {}} {}

  // Adds Lock and Unlock. This outlives the server's calls.
  void add_to(rpc::Server& server);

 private:
  concurrency::Service service_;
};

}  // namespace gatehouse::api
