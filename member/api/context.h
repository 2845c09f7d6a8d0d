// What the services of one event loop work with. All that is referred to outlives them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/log/log.h"
#include "member/alarm/alarm_store.h"
#include "member/api/header.h"
#include "member/api/read_times.h"
#include "member/api/request_log.h"
#include "member/api/view_cache.h"
#include "member/backend/backend.h"
#include "member/lease/lessor.h"
#include "member/membership/cluster.h"
#include "member/mvcc/store.h"
#include "member/replica/lane.h"

namespace gatehouse::api {

struct Limits {
  uint64_t max_txn_ops = 128;
  uint64_t quota_bytes = 0;           // 0: none
  uint64_t warn_request_ms = 300;     // --warning-unary-request-duration
};

// What services ask of the member beside proposals and reads. Any loop's thread; answers come on the
// executor of the lane.
class Operator {
 public:
  virtual ~Operator() = default;
  using Done = std::function<void(const Status&)>;

  // Work that takes long or blocks, on a thread that may; then `then` on the lane's executor.
  virtual void run_aside(replica::Lane& lane, std::function<void()> work,
                         std::function<void()> then) = 0;
  virtual void move_leader(replica::Lane& lane, uint64_t target, Done done) = 0;
  // A membership change, by its ConfChange without an id, with etcd's checks before; answered when
  // it was applied on this member, or with why it was not.
  virtual void change_membership(replica::Lane& lane, raftpb::ConfChange change, Done done) = 0;
  // What only the leader knows of a lease, asked there: the TTL after a renewal; the fields of a
  // LeaseTimeToLiveResponse after its header. kNotFound; kAborted: this member leads now, and knows
  // itself; kUnavailable: no leader answered in time.
  virtual void renew_at_leader(replica::Lane& lane, int64_t id,
                               std::function<void(Result<int64_t>)> done) = 0;
  virtual void time_to_live_at_leader(replica::Lane& lane, std::string request,
                                      std::function<void(Result<std::string>)> done) = 0;
  // The database was packed: readers let go of the old file.
  virtual void refresh_view() = 0;
  // The database is full: raises the alarm, once.
  virtual void raise_no_space() = 0;
};

struct Context {
  replica::Lane& lane;
  const mvcc::Store& store;
  backend::Backend& backend;
  lease::Lessor& lessor;
  const alarm::AlarmStore& alarms;
  const membership::Cluster& cluster;
  Operator& operations;
  HeaderWriter header;
  ViewCache& views;
  RequestLog& request_log;
  const ReadTimes& read_times;
  // etcd_mvcc_hash_duration_seconds, of the whole database.
  metrics::Histogram hash_duration;
  Limits limits;
  std::string version;  // of the server, "3.7.1"
  log::Logger logger;
};

}  // namespace gatehouse::api
