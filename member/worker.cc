#include "member/worker.h"

#include "common/rpc/reflection.h"
#include "member/api/services.h"

namespace gatehouse::member {

namespace {

mvcc::WatchGroupOptions watch_options(const Shared& shared, const WorkerOptions& options,
                                      env::Entropy& entropy, const replica::Progress& progress) {
  mvcc::WatchGroupOptions watch;
  watch.identity = {shared.cluster_id, shared.member_id};
  watch.term = [&progress] { return progress.term.load(std::memory_order_relaxed); };
  watch.fragment_bytes = options.server.max_receive_bytes;
  watch.progress_interval_ms = options.progress_notify_interval_ms;
  watch.entropy = &entropy;
  watch.metrics = &shared.watch_metrics;
  return watch;
}

api::WatchContext watch_context(const WorkerOptions& options, const replica::Progress& progress) {
  api::WatchContext context;
  context.has_leader = [&progress] { return progress.leader != 0; };
  context.election_timeout_ms = options.election_timeout_ms;
  return context;
}

}  // namespace

Worker::Worker(loop::EventLoop& loop, Shared& shared, const WorkerOptions& options, size_t index)
    : loop_(loop),
      shared_(shared),
      options_(options),
      lane_(shared.replica.make_lane(loop, index)),
      views_(loop, shared.state.store, lane_->progress()),
      request_log_(shared.logger, options.limits.warn_request_ms),
      read_times_(shared.registry, shared.replica_metrics, options.warn_apply_ms, shared.logger),
      context_{*lane_,
               shared.state.store,
               shared.state.backend,
               shared.state.lessor,
               shared.state.alarms,
               shared.state.cluster,
               shared.operations,
               api::HeaderWriter(shared.cluster_id, shared.member_id, lane_->progress().term),
               views_,
               request_log_,
               read_times_,
               shared.metrics.hash,
               options.limits,
               shared.version,
               shared.logger},
      server_metrics_(shared.registry),
      request_metrics_(shared.registry, server_metrics_, request_log_),
      gate_(lane_->progress(), options.election_timeout_ms),
      server_(options.server, &request_metrics_),
      watches_(loop, shared.state.feed, shared.state.store,
               watch_options(shared, options, entropy_, lane_->progress())),
      watch_service_(watches_, watch_context(options, lane_->progress())),
      local_(server_, loop),
      lock_(local_),
      election_(local_),
      gateway_(options.rest ? std::make_unique<gateway::Gateway>(
                                  loop,
                                  [this](const transcode::Route&) -> rpc::CallTarget& {
                                    return local_;
                                  },
                                  shared.transcoder, shared.gateway_metrics, options.gateway,
                                  shared.cors)
                            : nullptr),
      paths_(*this, shared.registry, shared.admin_metrics, shared.logger),
      router_(server_, gateway_.get(), paths_, *this, loop, options_.access, shared.cors) {
  api::add_kv(services_, context_);
  api::add_watch(services_, watch_service_);
  api::add_lease(services_, context_);
  api::add_cluster(services_, context_);
  api::add_auth(services_, context_);
  api::add_maintenance(services_, context_);
  api::add_gated(services_, gate_, server_);
  shared.health.add_to(server_);
  server_metrics_.prepare(server_.methods());
  // etcd has no series of these before they are used.
  lock_.add_to(services_);
  election_.add_to(services_);
  api::add_gated(services_, gate_, server_);
  rpc::add_reflection(server_);
}

Worker::~Worker() = default;

std::vector<admin::Alarm> Worker::alarms() const {
  std::vector<admin::Alarm> alarms;
  for (const alarm::Alarm& each : shared_.state.alarms.list()) {
    switch (each.type) {
      case alarm::kNoSpace:
        alarms.push_back(admin::Alarm::kNospace);
        break;
      case alarm::kCorrupt:
        alarms.push_back(admin::Alarm::kCorrupt);
        break;
      default:
        alarms.push_back(admin::Alarm::kUnknown);
    }
  }
  return alarms;
}

admin::Versions Worker::versions() const {
  const auto members = shared_.state.cluster.members();
  return {shared_.version, members->version, members->version};
}

void Worker::serializable_read(Done done) {
  // From a later turn, as its contract says.
  loop_.post([done = std::move(done)]() mutable { done(Status()); });
}

void Worker::linearizable_read(Done done) { lane_->read_index(std::move(done)); }

}  // namespace gatehouse::member
