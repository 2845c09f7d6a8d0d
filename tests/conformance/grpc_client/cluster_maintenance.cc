#include <openssl/sha.h>

#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

// A snapshot is megabytes in many messages; what is compared is that it arrived whole.
void snapshot(Session& session, pb::Maintenance::Stub& maintenance) {
  auto context = session.context();
  auto stream = maintenance.Snapshot(context.get(), pb::SnapshotRequest());
  std::string data;
  uint64_t remaining = 0;
  bool counts_down = true;
  for (pb::SnapshotResponse message; stream->Read(&message);) {
    if (!data.empty() && message.remaining_bytes() > remaining) counts_down = false;
    remaining = message.remaining_bytes();
    data += message.blob();
  }
  session.record("snapshot ends", stream->Finish());
  unsigned char digest[SHA256_DIGEST_LENGTH];
  const bool long_enough = data.size() > sizeof(digest);
  if (long_enough)
    SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size() - sizeof(digest),
           digest);
  session.record(
      "snapshot's checksum is right",
      long_enough && data.compare(data.size() - sizeof(digest), sizeof(digest),
                                  reinterpret_cast<const char*>(digest), sizeof(digest)) == 0);
  session.record("snapshot counts down to zero", counts_down && remaining == 0);
}

// etcd answers a change of members a moment before its raft knows that it is applied, and drops one
// that is proposed by then: nobody answers it until the deadline. A round of raft is past that moment.
void one_round(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  pb::RangeRequest range;
  range.set_key("a linearizable read");
  pb::RangeResponse response;
  auto context = session.context();
  kv->Range(context.get(), range, &response);
}

}  // namespace

void run_membership(Session& session) {
  auto cluster = pb::Cluster::NewStub(session.channel());
  session.call("member list", *cluster, &pb::Cluster::Stub::MemberList, pb::MemberListRequest());
  pb::MemberListRequest list;
  list.set_linearizable(true);
  const auto members =
      session.call("member list, linearizable", *cluster, &pb::Cluster::Stub::MemberList, list);
  pb::MemberAddRequest add;
  add.add_peerurls("not a url");
  session.call("member add, a bad URL", *cluster, &pb::Cluster::Stub::MemberAdd, add);
  add.set_peerurls(0, "http://127.0.0.1:9");
  add.set_islearner(true);
  const auto added =
      session.call("member add, a learner", *cluster, &pb::Cluster::Stub::MemberAdd, add);
  if (members.members_size() > 0) add.set_peerurls(0, members.members(0).peerurls(0));
  one_round(session);
  session.call("member add, a URL that is taken", *cluster, &pb::Cluster::Stub::MemberAdd, add);
  pb::MemberPromoteRequest promote;
  promote.set_id(added.member().id());
  session.call("member promote, not in sync", *cluster, &pb::Cluster::Stub::MemberPromote, promote);
  pb::MemberUpdateRequest update;
  update.set_id(added.member().id());
  update.add_peerurls("http://127.0.0.1:10");
  one_round(session);
  session.call("member update", *cluster, &pb::Cluster::Stub::MemberUpdate, update);
  pb::MemberRemoveRequest remove;
  remove.set_id(added.member().id());
  one_round(session);
  session.call("member remove", *cluster, &pb::Cluster::Stub::MemberRemove, remove);
  one_round(session);
  session.call("member remove again", *cluster, &pb::Cluster::Stub::MemberRemove, remove);
  promote.set_id(8);
  session.call("member promote, unknown", *cluster, &pb::Cluster::Stub::MemberPromote, promote);
}

void run_maintenance(Session& session) {
  auto cluster = pb::Cluster::NewStub(session.channel());
  session.call("member list", *cluster, &pb::Cluster::Stub::MemberList, pb::MemberListRequest());
  auto maintenance = pb::Maintenance::NewStub(session.channel());
  using Stub = pb::Maintenance::Stub;
  session.call("status", *maintenance, &Stub::Status, pb::StatusRequest());
  pb::AlarmRequest alarm;
  session.call("alarms, none", *maintenance, &Stub::Alarm, alarm);
  alarm.set_action(pb::AlarmRequest::ACTIVATE);
  alarm.set_memberid(99);
  alarm.set_alarm(pb::NOSPACE);
  session.call("alarm on", *maintenance, &Stub::Alarm, alarm);
  auto kv = pb::KV::NewStub(session.channel());
  pb::PutRequest put;
  put.set_key("no space");
  session.call("put without space", *kv, &pb::KV::Stub::Put, put);
  pb::AlarmRequest get;
  session.call("alarms", *maintenance, &Stub::Alarm, get);
  alarm.set_action(pb::AlarmRequest::DEACTIVATE);
  session.call("alarm off", *maintenance, &Stub::Alarm, alarm);
  session.call("hash", *maintenance, &Stub::Hash, pb::HashRequest());
  pb::HashKVRequest hash;
  session.call("hash of keys and values", *maintenance, &Stub::HashKV, hash);
  hash.set_revision(999999);
  session.call("hash of a revision to come", *maintenance, &Stub::HashKV, hash);
  session.call("defragment", *maintenance, &Stub::Defragment, pb::DefragmentRequest());
  if (!session.has_several_members()) {  // else it depends on whether the leader was asked
    pb::MoveLeaderRequest move;
    move.set_targetid(8);
    session.call("move leader to nobody", *maintenance, &Stub::MoveLeader, move);
  }
  pb::DowngradeRequest downgrade;
  downgrade.set_version("3.3.0");
  session.call("downgrade", *maintenance, &Stub::Downgrade, downgrade);
  snapshot(session, *maintenance);
}

}  // namespace gatehouse::conformance
