// PeerVersions: which versions the members run, asked at their peer URLs while this one leads. What
// the cluster's version is decided by.
//
// Thread: that of the replica's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/env/executor.h"
#include "common/net/dialer.h"
#include "member/membership/cluster.h"
#include "member/membership/release.h"
#include "member/transport/fetch.h"

namespace gatehouse::member {

// Of the object that members answer /version with: "etcdserver", and "etcdcluster" as it is.
Result<membership::Release> parse_server_version(std::string_view json);
Result<std::string> parse_cluster_version(std::string_view json);

class PeerVersions {
 public:
  // `on_known`: a round of questions is over, lowest() has its result. All outlive it.
  PeerVersions(env::Executor& executor, net::Dialer& dialer, membership::Cluster& cluster,
               membership::Release own, std::function<void()> on_known);

  // As of the round that has just ended: the lowest version of all members as a cluster's, "3.7.0";
  // where not all answered, "3.0.0" if the cluster has none yet (as etcd begins), else "". At any
  // other time "", and a round begins.
  std::string lowest();

 private:
  static constexpr uint64_t kFreshMs = 1'000;

  void begin_round();
  void on_answer(uint64_t id, const Result<transport::Fetched>& answer);
  void end_round();

  env::Executor& executor_;
  net::Dialer& dialer_;
  membership::Cluster& cluster_;
  const membership::Release own_;
  const std::function<void()> on_known_;
  std::map<uint64_t, std::unique_ptr<transport::Fetch>> asking_;
  bool complete_ = true;         // of the round: all have answered so far
  membership::Release lowest_;   // of those
  uint64_t known_ms_ = 0;        // when a round ended; 0: its result was taken
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace gatehouse::member
