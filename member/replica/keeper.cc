#include "member/replica/keeper.h"

#include <utility>

#include "member/membership/release.h"
#include "proto/membership.pb.h"
#include "proto/rpc.pb.h"

namespace gatehouse::replica {

Keeper::Keeper(Lane& lane, const Options& options, lease::Lessor& lessor,
               alarm::AlarmStore& alarms, membership::Cluster& cluster, Hooks hooks,
               log::Logger logger)
    : lane_(lane),
      options_(options),
      lessor_(lessor),
      alarms_(alarms),
      cluster_(cluster),
      hooks_(std::move(hooks)),
      logger_(std::move(logger)),
      publish_timer_(lane.executor(), [this] { publish(); }),
      lease_timer_(lane.executor(), [this] { scan_leases(); }),
      version_timer_(lane.executor(), [this] { check_version(); }) {}

void Keeper::start() { publish(); }

void Keeper::propose(apply::Kind kind, const google::protobuf::MessageLite& message,
                     Lane::Done done) {
  const std::string body = message.SerializeAsString();
  apply::Request request;
  request.kind = kind;
  request.body = body;
  lane_.propose(request, std::move(done));
}

void Keeper::publish() {
  membershippb::ClusterMemberAttrSetRequest message;
  message.set_member_id(options_.member_id);
  message.mutable_member_attributes()->set_name(options_.name);
  for (const std::string& url : options_.client_urls) {
    message.mutable_member_attributes()->add_client_urls(url);
  }
  propose(apply::Kind::kClusterMemberAttrSet, message, [this](apply::Outcome outcome) {
    if (outcome.status.ok()) return hooks_.on_published();
    LOG_WARN(logger_, "failed to publish local member to cluster through raft",
             {"error", outcome.status.message()});
    publish_timer_.arm(options_.election_timeout_ms);
  });
}

void Keeper::on_leading() {
  leading_ = true;
  lessor_.promote(options_.election_timeout_ms);
  lease_timer_.arm(lease::kExpiryScanMs);
  version_timer_.arm(0);
}

void Keeper::on_not_leading() {
  leading_ = false;
  lessor_.demote();
  lease_timer_.cancel();
  version_timer_.cancel();
}

void Keeper::scan_leases() {
  if (!leading_) return;
  lease_timer_.arm(lease::kExpiryScanMs);
  // What the log has not taken yet is not added to.
  if (revokes_under_way_ < lease::kRevokesPerSecond) {
    const std::vector<lease::LeaseId> expired = lessor_.expired(lease::kExpiredPerScan);
    if (hooks_.on_expired && !expired.empty()) hooks_.on_expired(expired.size());
    for (const lease::LeaseId each : expired) revoke(each);
  }
  if (options_.checkpoint_leases) checkpoint_leases();
}

void Keeper::revoke(int64_t lease) {
  etcdserverpb::LeaseRevokeRequest message;
  message.set_id(lease);
  ++revokes_under_way_;
  propose(apply::Kind::kLeaseRevoke, message, [this, lease](apply::Outcome outcome) {
    --revokes_under_way_;
    if (!outcome.status.ok() && outcome.status.code() != StatusCode::kNotFound) {
      LOG_WARN_LIMITED(logger_, "failed to revoke an expired lease", {"lease", lease},
                       {"error", outcome.status.message()});
    }
  });
}

void Keeper::checkpoint_leases() {
  const auto due = lessor_.due_checkpoints(lease::kCheckpointsPerEntry);
  if (due.empty()) return;
  etcdserverpb::LeaseCheckpointRequest message;
  for (const lease::Lessor::Checkpoint& each : due) {
    etcdserverpb::LeaseCheckpoint* checkpoint = message.add_checkpoints();
    checkpoint->set_id(each.id);
    checkpoint->set_remaining_ttl(each.remaining);
  }
  // One that is lost costs a little longer life of a lease.
  propose(apply::Kind::kLeaseCheckpoint, message, [](apply::Outcome) {});
}

void Keeper::check_version() {
  if (!leading_) return;
  version_timer_.arm(kVersionCheckMs);
  if (version_under_way_) return;
  const std::string lowest = hooks_.lowest_version();
  if (lowest.empty() || !membership::version_may_become(*cluster_.members(), lowest)) return;
  membershippb::ClusterVersionSetRequest message;
  message.set_ver(lowest);
  version_under_way_ = true;
  propose(apply::Kind::kClusterVersionSet, message, [this](apply::Outcome outcome) {
    version_under_way_ = false;
    if (!outcome.status.ok()) {
      LOG_WARN(logger_, "failed to update cluster version", {"error", outcome.status.message()});
    }
  });
}

void Keeper::raise(int32_t type) {
  const uint32_t bit = uint32_t{1} << type;
  if ((raising_ & bit) != 0 || alarms_.any(type)) return;
  raising_ |= bit;
  etcdserverpb::AlarmRequest message;
  message.set_action(etcdserverpb::AlarmRequest::ACTIVATE);
  message.set_memberid(options_.member_id);
  message.set_alarm(static_cast<etcdserverpb::AlarmType>(type));
  LOG_WARN(logger_, type == alarm::kNoSpace
                        ? "the database is over its quota: raising the NOSPACE alarm"
                        : "the database is corrupt: raising the CORRUPT alarm");
  propose(apply::Kind::kAlarm, message, [this, bit](apply::Outcome outcome) {
    raising_ &= ~bit;
    if (!outcome.status.ok()) {
      LOG_WARN(logger_, "failed to raise alarm", {"error", outcome.status.message()});
    }
  });
}

}  // namespace gatehouse::replica
