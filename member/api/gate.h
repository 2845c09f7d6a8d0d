// Gate: what etcd's interceptors refuse before a method sees the call (errors.md 7): nearly everything
// on a learner; calls that ask for a leader ("hasleader: true" in their metadata) while there is none,
// and streams of those that lose it. ("not capable" is for clusters of etcd 2, which none of 3.4 on
// can be part of.)
//
// Thread: that of the loop whose calls pass it.
#pragma once

#include <cstdint>
#include <memory>

#include "common/env/executor.h"
#include "common/rpc/server.h"
#include "member/replica/progress.h"

namespace gatehouse::api {

class Gate {
 public:
  // All outlive it.
  Gate(const replica::Progress& progress, uint64_t election_timeout_ms)
      : progress_(progress), election_timeout_ms_(election_timeout_ms) {}

  // The method's handler, or one that refuses, or one that ends a stream without a leader.
  std::unique_ptr<rpc::ServerHandler> pass(rpc::ServerCall& call,
                                           const rpc::Server::HandlerFactory& factory);

 private:
  // What a learner lets through, and for which of a method's requests.
  enum class OnLearner : uint8_t { kRefused, kServed, kServedIfSerializable };

  Status refusal(const rpc::ServerCall& call, OnLearner on_learner);
  static OnLearner on_learner(const rpc::Method& method);

  const replica::Progress& progress_;
  const uint64_t election_timeout_ms_;
};

// Every method of `services`, which is served by nobody itself, behind the gate in `server`, but for
// those that are there already. Both outlive the serving.
void add_gated(const rpc::Server& services, Gate& gate, rpc::Server& server);

}  // namespace gatehouse::api
