// Keeper: what a member does on its own accord: tells its name and URLs, settles the cluster's
// version, lets leases expire, raises the alarm when its database is full.
//
// Each is a proposal like a client's, through a lane of its own.
//
// Thread: that of the lane's executor, the pump's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/env/executor.h"
#include "common/log/log.h"
#include "member/alarm/alarm_store.h"
#include "member/lease/lessor.h"
#include "member/membership/cluster.h"
#include "member/replica/lane.h"

namespace gatehouse::replica {

class Keeper {
 public:
  struct Options {
    uint64_t member_id = 0;
    std::string name;
    std::vector<std::string> client_urls;
    uint64_t election_timeout_ms = 1000;
    bool checkpoint_leases = false;  // the LeaseCheckpoint feature
  };
  struct Hooks {
    // The member's name and URLs are known to all: it may serve.
    std::function<void()> on_published;
    // The lowest version of all members, "3.7.0"; "" while it is not known: check_version() is
    // called when it is.
    std::function<std::string()> lowest_version;
    // So many leases had their time over.
    std::function<void(size_t)> on_expired;
  };

  Keeper(Lane& lane, const Options& options, lease::Lessor& lessor, alarm::AlarmStore& alarms,
         membership::Cluster& cluster, Hooks hooks, log::Logger logger);

  // Once the pump runs.
  void start();
  // This member leads from now on (the first entry of its term was applied), or no more.
  void on_leading();
  void on_not_leading();

  void raise_no_space() { raise(alarm::kNoSpace); }
  void raise_corrupt() { raise(alarm::kCorrupt); }
  // Raises the cluster's version to what all members can do.
  void check_version();

 private:
  static constexpr uint64_t kVersionCheckMs = 4000;

  void raise(int32_t type);
  void publish();
  void scan_leases();
  void revoke(int64_t lease);
  void checkpoint_leases();
  void propose(apply::Kind kind, const google::protobuf::MessageLite& message, Lane::Done done);

  Lane& lane_;
  const Options options_;
  lease::Lessor& lessor_;
  alarm::AlarmStore& alarms_;
  membership::Cluster& cluster_;
  const Hooks hooks_;
  const log::Logger logger_;

  bool leading_ = false;
  uint32_t raising_ = 0;  // bit n: alarm n
  bool version_under_way_ = false;
  size_t revokes_under_way_ = 0;
  env::Timer publish_timer_;
  env::Timer lease_timer_;
  env::Timer version_timer_;
};

}  // namespace gatehouse::replica
