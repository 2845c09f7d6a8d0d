// LeaderCalls: questions of this member's clients that only the leader can answer, asked at its peer
// URLs: how long leases live, whether a learner has kept up.
//
// Thread: that of the replica's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/env/executor.h"
#include "common/net/dialer.h"
#include "member/membership/cluster.h"
#include "member/replica/progress.h"
#include "member/transport/fetch.h"

namespace gatehouse::member {

class LeaderCalls {
 public:
  // All outlive it.
  LeaderCalls(env::Executor& executor, net::Dialer& dialer, membership::Cluster& cluster,
              const replica::Progress& progress);
  ~LeaderCalls();  // nobody hears anything any more

  // Until `timeout_ms` from now, whoever leads then; `done` from a later turn. kAborted: this member
  // leads, and knows itself. kUnavailable: no leader answered in time, with etcd's text.
  using Done = std::function<void(Result<transport::Fetched>)>;
  void ask(transport::Question question, uint64_t timeout_ms, Done done);

 private:
  struct Call;
  using Calls = std::list<std::unique_ptr<Call>>;

  void attempt(Call& call);
  void again(Call& call);
  void finish(Call& call, Result<transport::Fetched> result);

  env::Executor& executor_;
  net::Dialer& dialer_;
  membership::Cluster& cluster_;
  const replica::Progress& progress_;
  Calls calls_;
};

}  // namespace gatehouse::member
