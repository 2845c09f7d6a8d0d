// Worker: all of a member's client side that lives on one event loop: its lane to the replica, the
// services, the REST gateway, the plain paths and the watchers. Loops share the store, the registry
// and nothing that needs a lock.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/env/entropy.h"
#include "common/gateway/gateway.h"
#include "common/http/exchange.h"
#include "common/log/log.h"
#include "common/loop/event_loop.h"
#include "common/metrics/metrics.h"
#include "common/rpc/health.h"
#include "common/rpc/local_target.h"
#include "common/rpc/server.h"
#include "common/rpc/server_metrics.h"
#include "common/transcode/transcoder.h"
#include "common/web/answer.h"
#include "member/admin/router.h"
#include "member/api/context.h"
#include "member/api/election.h"
#include "member/api/gate.h"
#include "member/api/lock.h"
#include "member/api/request_metrics.h"
#include "member/api/watch.h"
#include "member/metrics.h"
#include "member/mvcc/watch_feed.h"
#include "member/replica/replica.h"

namespace gatehouse::member {

// What all workers share. Outlives them.
struct Shared {
  log::Logger logger;
  metrics::Registry& registry;
  const Metrics& metrics;
  const replica::Metrics& replica_metrics;
  const admin::Metrics& admin_metrics;
  const gateway::Metrics& gateway_metrics;
  const mvcc::WatchMetrics& watch_metrics;
  const transcode::Transcoder& transcoder;
  const web::Cors& cors;
  rpc::HealthService& health;
  replica::Replica& replica;
  replica::Replica::State state;
  api::Operator& operations;
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  std::string version;
};

struct WorkerOptions {
  api::Limits limits;
  rpc::ServerLimits server;
  gateway::Limits gateway;
  admin::Access access;
  bool rest = true;  // --enable-grpc-gateway
  uint64_t max_request_bytes = 1536 * 1024;
  uint64_t election_timeout_ms = 1000;
  uint64_t warn_apply_ms = 100;
  uint64_t progress_notify_interval_ms = 600'000;
};

class Worker final : private admin::State {
 public:
  // On the loop's thread, as is everything else, destruction included.
  Worker(loop::EventLoop& loop, Shared& shared, const WorkerOptions& options, size_t index);
  ~Worker();

  std::unique_ptr<http::StreamHandler> start(http::ServerStream& stream, admin::Surface surface) {
    return router_.start(stream, surface);
  }

  // The member is about to end: first what would never end by itself, watches; later whatever
  // still waits for the replica.
  void end_streams() { watch_service_.shut_down(); }
  void stop(const Status& why) { lane_->stop(why); }

 private:
  // admin::State
  bool has_leader() const override { return lane_->progress().leader != 0; }
  bool is_learner() const override { return lane_->progress().is_learner; }
  bool auth_enabled() const override { return false; }
  std::vector<admin::Alarm> alarms() const override;
  admin::Versions versions() const override;
  void serializable_read(Done done) override;
  void linearizable_read(Done done) override;

  loop::EventLoop& loop_;
  Shared& shared_;
  const WorkerOptions options_;
  const std::unique_ptr<replica::Lane> lane_;
  api::ViewCache views_;
  api::RequestLog request_log_;
  const api::ReadTimes read_times_;
  api::Context context_;
  rpc::ServerMetrics server_metrics_;
  api::RequestMetrics request_metrics_;
  api::Gate gate_;
  rpc::Server services_;  // without the gate
  rpc::Server server_;
  env::SystemEntropy entropy_;
  mvcc::WatchGroup watches_;
  api::WatchService watch_service_;
  rpc::LocalTarget local_;
  api::LockService lock_;
  api::ElectionService election_;
  std::unique_ptr<gateway::Gateway> gateway_;
  admin::Paths paths_;
  admin::Router router_;
};

}  // namespace gatehouse::member
