// A store that fills up to its quota, and what may still be done then.
#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

constexpr int kValueBytes = 256 << 10;
constexpr int kQuotaBytes = 16 << 20;  // as quota_session.py sets it

pb::PutRequest put_of(const std::string& key, int bytes) {
  pb::PutRequest request;
  request.set_key(key);
  request.set_value(std::string(static_cast<size_t>(bytes), 'q'));
  return request;
}

// Every kind of request, while there is no space or after. When a store is full there may be room
// left that is less than a filling put's cost; who of the two refusals of a bad request wins is the
// quota's affair only when the request costs more than that.
void try_everything(Session& session, const std::string& when) {
  auto kv = pb::KV::NewStub(session.channel());
  auto lease = pb::Lease::NewStub(session.channel());
  auto maintenance = pb::Maintenance::NewStub(session.channel());
  session.call(when + ": put", *kv, &pb::KV::Stub::Put, put_of("small", 10));
  session.call(when + ": put without a key", *kv, &pb::KV::Stub::Put, put_of("", 4 * kValueBytes));
  pb::RangeRequest range;
  range.set_key("small");
  session.call(when + ": range", *kv, &pb::KV::Stub::Range, range);
  pb::TxnRequest txn;
  *txn.add_success()->mutable_request_range() = range;
  session.call(when + ": txn that reads", *kv, &pb::KV::Stub::Txn, txn);
  txn.add_success()->mutable_request_delete_range()->set_key("nothing");
  session.call(when + ": txn that deletes", *kv, &pb::KV::Stub::Txn, txn);
  *txn.add_failure()->mutable_request_put() = put_of("small", 10);
  session.call(when + ": txn that would put in the other branch", *kv, &pb::KV::Stub::Txn, txn);
  pb::LeaseGrantRequest grant;
  grant.set_id(31);
  grant.set_ttl(100);
  session.call(when + ": grant", *lease, &pb::Lease::Stub::LeaseGrant, grant);
  pb::LeaseRevokeRequest revoke;
  revoke.set_id(31);
  session.call(when + ": revoke", *lease, &pb::Lease::Stub::LeaseRevoke, revoke);
  revoke.set_id(32);
  session.call(when + ": revoke another", *lease, &pb::Lease::Stub::LeaseRevoke, revoke);
  pb::DeleteRangeRequest remove;
  remove.set_key("small");
  session.call(when + ": delete", *kv, &pb::KV::Stub::DeleteRange, remove);
  session.call(when + ": alarms", *maintenance, &pb::Maintenance::Stub::Alarm, pb::AlarmRequest());
  session.call(when + ": status", *maintenance, &pb::Maintenance::Stub::Status,
               pb::StatusRequest());
}

}  // namespace

void run_quota(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  auto lease = pb::Lease::NewStub(session.channel());
  auto maintenance = pb::Maintenance::NewStub(session.channel());
  pb::LeaseGrantRequest grant;
  grant.set_id(32);
  grant.set_ttl(1000);
  session.call("grant", *lease, &pb::Lease::Stub::LeaseGrant, grant);
  // Some seconds after the cluster's, a member of etcd 3.7 changes its storage's version.
  eventually([&] {
    pb::StatusResponse now;
    auto context = session.context();
    return maintenance->Status(context.get(), pb::StatusRequest(), &now).ok() &&
           (now.storageversion().empty() || now.version().rfind(now.storageversion().substr(0, 4), 0) == 0);
  });
  try_everything(session, "before");

  // How many puts fit depends on how a store lays out its pages: about a quota's worth, until one
  // is refused.
  int fitted = 0;
  grpc::Status status;
  for (; fitted < 4 * kQuotaBytes / kValueBytes; ++fitted) {
    auto context = session.context();
    pb::PutResponse response;
    status =
        kv->Put(context.get(), put_of("fill/" + std::to_string(fitted), kValueBytes), &response);
    if (!status.ok()) break;
  }
  session.record("the put that does not fit", status);
  const int quota_worth = kQuotaBytes / kValueBytes;
  session.record("about a quota's worth fitted",
                 static_cast<int64_t>(fitted > quota_worth / 2 && fitted < 2 * quota_worth));
  // From here on revisions are compared by their distance to this one (quota_session.py).
  pb::RangeRequest any;
  any.set_key("small");
  pb::RangeResponse now;
  kv->Range(session.context().get(), any, &now);
  session.record("the revision when full", now.header().revision());
  eventually([&] {
    pb::AlarmResponse alarms;
    auto context = session.context();
    return maintenance->Alarm(context.get(), pb::AlarmRequest(), &alarms).ok() &&
           alarms.alarms_size() > 0;
  });
  try_everything(session, "full");

  // Space alone does not end the alarm.
  pb::DeleteRangeRequest remove;
  remove.set_key("fill/");
  remove.set_range_end("fill0");
  const auto removed = kv->DeleteRange(session.context().get(), remove,
                                       std::make_unique<pb::DeleteRangeResponse>().get());
  session.record("delete what fills it", removed);
  pb::RangeRequest range;
  range.set_key("fill/");
  pb::RangeResponse answer;
  session.record("read for the revision", kv->Range(session.context().get(), range, &answer));
  pb::CompactionRequest compact;
  compact.set_revision(answer.header().revision());
  compact.set_physical(true);
  session.record("compact", kv->Compact(session.context().get(), compact,
                                        std::make_unique<pb::CompactionResponse>().get()));
  session.call("defragment", *maintenance, &pb::Maintenance::Stub::Defragment,
               pb::DefragmentRequest());
  auto context = session.context();
  session.record("put while the alarm is on",
                 kv->Put(context.get(), put_of("x", 1), std::make_unique<pb::PutResponse>().get()));
  pb::AlarmResponse alarms;
  maintenance->Alarm(session.context().get(), pb::AlarmRequest(), &alarms);
  pb::AlarmRequest off;
  off.set_action(pb::AlarmRequest::DEACTIVATE);
  off.set_alarm(pb::NOSPACE);
  if (alarms.alarms_size() > 0) off.set_memberid(alarms.alarms(0).memberid());
  const auto disarmed =
      maintenance->Alarm(session.context().get(), off, std::make_unique<pb::AlarmResponse>().get());
  session.record("disarm", disarmed);
  session.record("put after that", kv->Put(session.context().get(), put_of("x", 1),
                                           std::make_unique<pb::PutResponse>().get()));
  pb::StatusResponse after;
  maintenance->Status(session.context().get(), pb::StatusRequest(), &after);
  session.record("the file is small again", static_cast<int64_t>(after.dbsize() < kQuotaBytes / 4));
  session.record("errors of the status", static_cast<int64_t>(after.errors_size()));
}

}  // namespace gatehouse::conformance
