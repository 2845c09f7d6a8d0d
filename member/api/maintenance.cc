// Maintenance: the state of this member, and what operators do to it.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/codec/crc32c.h"
#include "member/api/services.h"
#include "member/api/snapshot_stream.h"
#include "member/api/unary.h"
#include "member/membership/release.h"
#include "member/schema/meta.h"
#include "proto/membership.pb.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api {

namespace {

constexpr const char* kService = "etcdserverpb.Maintenance";

class Alarm final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override { propose(apply::Kind::kAlarm, request()); }
};

class GetStatus final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    const replica::Progress& progress = context().lane.progress();
    etcdserverpb::StatusResponse response;
    response.set_version(context().version);
    response.set_dbsize(static_cast<int64_t>(context().backend.size_bytes()));
    response.set_dbsizeinuse(static_cast<int64_t>(context().backend.size_in_use_bytes()));
    response.set_dbsizequota(static_cast<int64_t>(context().limits.quota_bytes));
    response.set_leader(progress.leader);
    response.set_raftindex(progress.committed);
    response.set_raftterm(progress.term);
    response.set_raftappliedindex(progress.applied);
    response.set_islearner(progress.is_learner);
    const auto members = context().cluster.members();
    response.set_storageversion(members->version);
    response.mutable_downgradeinfo()->set_enabled(members->downgrade.enabled);
    response.mutable_downgradeinfo()->set_targetversion(members->downgrade.target);
    if (progress.leader == 0) response.add_errors("etcdserver: no leader");
    for (const alarm::Alarm& each : context().alarms.list()) {
      response.add_errors("memberID:" + std::to_string(each.member) +
                          " alarm:" + etcdserverpb::AlarmType_Name(static_cast<etcdserverpb::AlarmType>(each.type)));
    }
    answer(context().views.get()->revision(), response.SerializeAsString());
  }
};

// Work on another thread, whose end this call may not live to see.
class Aside : public Unary {
 public:
  using Unary::Unary;

 protected:
  void run_aside(std::function<void()> work, std::function<void()> then) {
    context().operations.run_aside(
        context().lane, std::move(work),
        [then = std::move(then), alive = std::weak_ptr<bool>(alive_)] {
          if (!alive.expired()) then();
        });
  }

 private:
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class Defragment final : public Aside {
 public:
  using Aside::Aside;

 private:
  void run() override {
    LOG_INFO(context().logger, "starting defragment");
    const auto result = std::make_shared<Status>();
    run_aside([&backend = context().backend, result] { *result = backend.defragment(); },
              [this, result] {
                if (!result->ok()) {
                  LOG_WARN(context().logger, "failed to defragment", {"error", result->message()});
                  return fail(*result);
                }
                LOG_INFO(context().logger, "finished defragment");
                context().operations.refresh_view();
                respond("");  // no header, in etcd neither
              });
  }
};

// Over the whole database but for what differs between members that agree.
uint32_t hash_of(const backend::Backend& backend) {
  static constexpr backend::Bucket kByName[] = {
      backend::Bucket::kAlarm,     backend::Bucket::kAuth,    backend::Bucket::kAuthRoles,
      backend::Bucket::kAuthUsers, backend::Bucket::kCluster, backend::Bucket::kKey,
      backend::Bucket::kLease,     backend::Bucket::kMembers, backend::Bucket::kMembersRemoved,
      backend::Bucket::kMeta};
  uint32_t crc = 0;
  const std::unique_ptr<backend::Reader> reader = backend.read();
  for (const backend::Bucket bucket : kByName) {
    crc = codec::crc32c(backend::bucket_name(bucket), crc);
    reader->scan(bucket, {}, {}, [&](std::string_view key, std::string_view value) {
      if (bucket == backend::Bucket::kMeta &&
          (key == schema::kConsistentIndex || key == schema::kTerm ||
           key == schema::kStorageVersion)) {
        return true;
      }
      crc = codec::crc32c(value, codec::crc32c(key, crc));
      return true;
    });
  }
  return crc;
}

class Hash final : public Aside {
 public:
  using Aside::Aside;

 private:
  void run() override {
    const auto result = std::make_shared<uint32_t>();
    run_aside([&backend = context().backend, duration = context().hash_duration, result] {
                const auto start = std::chrono::steady_clock::now();
                *result = hash_of(backend);
                duration.observe(std::chrono::steady_clock::now() - start);
              },
              [this, result] {
                etcdserverpb::HashResponse response;
                response.set_hash(*result);
                answer(context().views.get()->revision(), response.SerializeAsString());
              });
  }
};

class HashKv final : public Aside {
 public:
  using Aside::Aside;

 private:
  void run() override {
    etcdserverpb::HashKVRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    const auto result =
        std::make_shared<Result<mvcc::HashResult>>(internal_error("the hash was not computed"));
    run_aside([&store = context().store, revision = message.revision(),
               result] { *result = store.hash_kv(revision); },
              [this, result] {
                if (!result->ok()) return fail(result->status());
                etcdserverpb::HashKVResponse response;
                response.set_hash((*result)->hash);
                response.set_compact_revision((*result)->compact_revision);
                response.set_hash_revision((*result)->revision);
                answer(context().views.get()->revision(), response.SerializeAsString());
              });
  }
};

class MoveLeader final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    etcdserverpb::MoveLeaderRequest message;
    if (!rpc::parse_message(request(), message).ok()) return fail(undecodable());
    if (!context().lane.progress().is_leader) return fail(not_leader());
    const Status allowed = context().cluster.check_transferee(message.targetid());
    if (!allowed.ok()) return fail(allowed);
    context().operations.move_leader(
        context().lane, message.targetid(),
        [this, alive = std::weak_ptr<bool>(alive_)](const Status& status) {
          if (alive.expired()) return;
          if (!status.ok()) return fail(status);
          respond("");  // no header, in etcd neither
        });
  }

  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class Downgrade final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    if (!rpc::parse_message(request(), message_).ok()) return fail(undecodable());
    switch (message_.action()) {
      case etcdserverpb::DowngradeRequest::VALIDATE:
      case etcdserverpb::DowngradeRequest::ENABLE:
      case etcdserverpb::DowngradeRequest::CANCEL:
        return read_index();
      default:
        return fail(Status(StatusCode::kUnknown, "etcdserver: unknown method"));
    }
  }

  void on_readable() override {
    const auto members = context().cluster.members();
    if (message_.action() == etcdserverpb::DowngradeRequest::CANCEL) {
      // That none is under way is no error to etcd's clients.
      if (!members->downgrade.enabled) return answer_version();
      return propose_info(false, "");
    }
    const Result<std::string> target = membership::check_downgrade(*members, message_.version());
    if (!target.ok()) return fail(target.status());
    if (message_.action() == etcdserverpb::DowngradeRequest::VALIDATE) return answer_version();
    if (members->downgrade.enabled) {
      return fail(Status(StatusCode::kFailedPrecondition,
                         "etcdserver: cluster has a downgrade job in progress"));
    }
    propose_info(true, *target);
  }

  void propose_info(bool enabled, const std::string& version) {
    membershippb::DowngradeInfoSetRequest info;
    info.set_enabled(enabled);
    info.set_ver(version);
    propose(apply::Kind::kDowngradeInfoSet, info.SerializeAsString());
  }

  void on_outcome(apply::Outcome outcome) override {
    if (!outcome.status.ok()) return fail(outcome.status);
    answer_version();
  }

  void answer_version() {
    etcdserverpb::DowngradeResponse response;
    response.set_version(context().cluster.members()->version);
    answer(context().views.get()->revision(), response.SerializeAsString());
  }

  etcdserverpb::DowngradeRequest message_;
};

}  // namespace

void add_maintenance(rpc::Server& server, Context& context) {
  add_method<Alarm>(server, context, kService, "Alarm");
  add_method<GetStatus>(server, context, kService, "Status");
  add_method<Defragment>(server, context, kService, "Defragment");
  add_method<Hash>(server, context, kService, "Hash");
  add_method<HashKv>(server, context, kService, "HashKV");
  add_method<MoveLeader>(server, context, kService, "MoveLeader");
  add_method<Downgrade>(server, context, kService, "Downgrade");
  add_method<SnapshotStream>(server, context, kService, "Snapshot",
                             rpc::MethodKind::kServerStream);
}

}  // namespace gatehouse::api
