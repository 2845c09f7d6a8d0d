#include "member/worker.h"

#include "common/rpc/reflection.h"
#include "member/api/election.h"
#include "member/api/lock.h"
#include "member/api/services.h"

namespace gatehouse::member {

Worker::Worker(loop::EventLoop& loop, Shared& shared, const WorkerOptions& options, size_t index)
    : loop_(loop),
      shared_(shared),
      lane_(shared.replica.make_lane(loop, index)),
      views_(loop, shared.state.store, lane_->progress()),
      context_{*lane_,
               shared.state.store,
               shared.state.backend,
               shared.state.lessor,
               shared.state.alarms,
               shared.state.cluster,
               shared.operations,
               api::HeaderWriter(shared.cluster_id, shared.member_id, lane_->progress().term),
               views_,
               options.limits,
               shared.version,
               shared.logger},
      server_metrics_(shared.registry),
      request_metrics_(shared.registry, server_metrics_),
      server_(options.server, &request_metrics_),
      watches_(loop, shared.state.feed, shared.state.store, shared.watch_metrics,
               watch_group_options(options)),
      watch_context_(watch_context(shared, options)),
      local_(server_, loop),
      paths_(*this, shared.registry, shared.admin_metrics, shared.logger),
      router_(server_, nullptr, paths_, *this, loop, options.access, shared.cors) {
  api::add_kv(server_, context_);
  api::add_watch(server_, watch_context_);
  api::add_lease(server_, context_);
  api::add_cluster(server_, context_);
  api::add_auth(server_, context_);
  api::add_maintenance(server_, context_);
  shared.health.add_to(server_);
  server_metrics_.prepare(server_.methods());
  api::add_lock(server_, local_);
  api::add_election(server_, local_);
  rpc::add_reflection(server_);
}

Worker::~Worker() = default;

}  // namespace gatehouse::member
