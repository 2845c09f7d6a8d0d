// The layer that does what was asked for.
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"
#include "member/apply/cost.h"
#include "member/apply/errors.h"
#include "member/apply/layers.h"
#include "member/apply/put.h"
#include "member/apply/txn.h"
#include "member/mvcc/range.h"
#include "member/schema/meta.h"
#include "proto/membership.pb.h"
#include "proto/rpc.pb.h"

namespace gatehouse::apply {

namespace {

template <typename Message>
bool parse(const Request& request, Message& message) {
  return message.ParseFromArray(request.body.data(), static_cast<int>(request.body.size()));
}

Status undecodable() { return internal_error("etcdserver: the log has a request that is none"); }

class BackendLayer final : public Applier {
 public:
  explicit BackendLayer(const Parts& parts) : parts_(parts) {}

  Outcome apply(const Request& request) override {
    Outcome outcome = carry_out(request);
    outcome.revision = parts_.store.read().revision();
    return outcome;
  }

 private:
  Outcome carry_out(const Request& request) {
    switch (request.kind) {
      case Kind::kPut:
        return put(request);
      case Kind::kDeleteRange:
        return delete_range(request);
      case Kind::kTxn:
        return txn(request);
      case Kind::kRange:
        return range(request);
      case Kind::kCompaction:
        return compact(request);
      case Kind::kLeaseGrant:
        return lease_grant(request);
      case Kind::kLeaseRevoke:
        return lease_revoke(request);
      case Kind::kLeaseCheckpoint:
        return lease_checkpoint(request);
      case Kind::kAlarm:
        return alarm(request);
      case Kind::kClusterVersionSet:
      case Kind::kClusterMemberAttrSet:
      case Kind::kDowngradeInfoSet:
        return cluster(request);
      default:
        return Status(StatusCode::kUnimplemented, "etcdserver: unknown method");
    }
  }

  LeaseExists exists() const {
    return [this](int64_t lease) { return parts_.lessor.exists(lease); };
  }

  Outcome put(const Request& request) {
    PutView put;
    if (!parse_put(request.body, put)) return undecodable();
    const mvcc::ReadTxn& state = parts_.store.read();
    GATEHOUSE_RETURN_IF_ERROR(check_put(state, put, exists()));
    Outcome outcome;
    const std::unique_ptr<mvcc::WriteTxn> txn = parts_.store.write();
    execute_put(*txn, put, outcome.fields);
    txn->finish();
    return outcome;
  }

  Outcome delete_range(const Request& request) {
    DeleteView del;
    if (!parse_delete(request.body, del)) return undecodable();
    Outcome outcome;
    const std::unique_ptr<mvcc::WriteTxn> txn = parts_.store.write();
    execute_delete(*txn, del, outcome.fields);
    txn->finish();
    return outcome;
  }

  Outcome txn(const Request& request) {
    etcdserverpb::TxnRequest message;
    if (!parse(request, message)) return undecodable();
    TxnRun run(message);
    run.decide(parts_.store.read());
    GATEHOUSE_RETURN_IF_ERROR(run.check(parts_.store.read(), exists()));
    Outcome outcome;
    const std::unique_ptr<mvcc::WriteTxn> txn = parts_.store.write();
    run.execute(*txn, txn.get(), outcome.fields);
    txn->finish();
    parts_.store.count_ranges(run.ranges());
    return outcome;
  }

  // Not proposed by us; by an etcd that shares the cluster.
  Outcome range(const Request& request) {
    mvcc::RangeQuery query;
    if (!mvcc::parse_range_request(request.body, query)) return undecodable();
    mvcc::RangeOutcome result;
    parts_.store.count_ranges(1);
    GATEHOUSE_RETURN_IF_ERROR(mvcc::range(parts_.store.read(), query, result));
    Outcome outcome;
    mvcc::append_range_fields(result, outcome.fields);
    return outcome;
  }

  Outcome compact(const Request& request) {
    etcdserverpb::CompactionRequest message;
    if (!parse(request, message)) return undecodable();
    Outcome outcome;
    UniqueFunction<void()> done = [] {};
    if (message.physical() && parts_.complete_later) {
      outcome.deferred = true;
      done = [&store = parts_.store, complete = parts_.complete_later, id = request.id] {
        Outcome later;
        later.revision = store.view()->revision();
        complete(id, std::move(later));
      };
    }
    GATEHOUSE_RETURN_IF_ERROR(parts_.store.compact(message.revision(), std::move(done)));
    return outcome;
  }

  Outcome lease_grant(const Request& request) {
    etcdserverpb::LeaseGrantRequest message;
    if (!parse(request, message)) return undecodable();
    Result<int64_t> ttl =
        parts_.lessor.grant(parts_.backend.writer(), message.id(), message.ttl());
    if (!ttl.ok()) return ttl.status();
    Outcome outcome;
    codec::append_int64_field(outcome.fields, 2, message.id());
    codec::append_int64_field(outcome.fields, 3, *ttl);
    return outcome;
  }

  // The lease's keys go in one transaction, in their order; a lease without keys changes no revision.
  Outcome lease_revoke(const Request& request) {
    etcdserverpb::LeaseRevokeRequest message;
    if (!parse(request, message)) return undecodable();
    if (!parts_.lessor.exists(message.id())) return lease_not_found();
    const std::vector<std::string> keys = parts_.lessor.keys(message.id());
    if (!keys.empty()) {
      const std::unique_ptr<mvcc::WriteTxn> txn = parts_.store.write();
      for (const std::string& key : keys) txn->delete_range(key, {});
      txn->finish();
    }
    GATEHOUSE_RETURN_IF_ERROR(parts_.lessor.revoke(parts_.backend.writer(), message.id()));
    return Outcome();
  }

  Outcome lease_checkpoint(const Request& request) {
    etcdserverpb::LeaseCheckpointRequest message;
    if (!parse(request, message)) return undecodable();
    for (const etcdserverpb::LeaseCheckpoint& checkpoint : message.checkpoints()) {
      // A lease that went meanwhile needs none.
      parts_.lessor.checkpoint(parts_.backend.writer(), checkpoint.id(),
                               checkpoint.remaining_ttl(), parts_.durable_checkpoints);
    }
    return Outcome();
  }

  Outcome alarm(const Request& request) {
    etcdserverpb::AlarmRequest message;
    if (!parse(request, message)) return undecodable();
    const alarm::Alarm wanted{message.memberid(), static_cast<int32_t>(message.alarm())};
    std::vector<alarm::Alarm> alarms;
    switch (message.action()) {
      case etcdserverpb::AlarmRequest::GET:
        alarms = parts_.alarms.list(wanted.type, wanted.member);
        break;
      case etcdserverpb::AlarmRequest::ACTIVATE:
        if (wanted.type == alarm::kNone) break;
        parts_.alarms.activate(parts_.backend.writer(), wanted);
        alarms.push_back(wanted);
        break;
      case etcdserverpb::AlarmRequest::DEACTIVATE:
        if (parts_.alarms.deactivate(parts_.backend.writer(), wanted)) alarms.push_back(wanted);
        break;
      default:
        break;
    }
    Outcome outcome;
    for (const alarm::Alarm& each : alarms) {
      codec::append_bytes_field(outcome.fields, 2, schema::alarm_key(each));
    }
    return outcome;
  }

  Outcome cluster(const Request& request) {
    backend::Writer& writer = parts_.backend.writer();
    if (request.kind == Kind::kClusterVersionSet) {
      membershippb::ClusterVersionSetRequest message;
      if (!parse(request, message)) return undecodable();
      GATEHOUSE_RETURN_IF_ERROR(parts_.cluster.set_version(writer, message.ver()));
      // The storage follows the cluster: nothing of ours depends on it, other versions ask for it.
      writer.put(backend::Bucket::kMeta, schema::kStorageVersion, message.ver());
    } else if (request.kind == Kind::kClusterMemberAttrSet) {
      membershippb::ClusterMemberAttrSetRequest message;
      if (!parse(request, message)) return undecodable();
      parts_.cluster.set_attributes(writer, message.member_id(),
                                    message.member_attributes().name(),
                                    {message.member_attributes().client_urls().begin(),
                                     message.member_attributes().client_urls().end()});
    } else {
      membershippb::DowngradeInfoSetRequest message;
      if (!parse(request, message)) return undecodable();
      parts_.cluster.set_downgrade(
          writer, {message.enabled(), message.enabled() ? message.ver() : std::string()});
    }
    return Outcome();
  }

  const Parts parts_;
};

}  // namespace

std::unique_ptr<Applier> backend_layer(const Parts& parts) {
  return std::make_unique<BackendLayer>(parts);
}

}  // namespace gatehouse::apply
