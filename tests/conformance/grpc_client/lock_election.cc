#include <chrono>
#include <thread>

#include "proto/v3election.grpc.pb.h"
#include "proto/v3lock.grpc.pb.h"
#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

namespace lock = v3lockpb;
namespace election = v3electionpb;

constexpr int64_t kFirst = 5001, kSecond = 5002;
// etcd leaves the key of a lock behind whose call ends while the key is being written: the key is
// there before the call has heard of it, which nothing outside shows. After this long the call
// surely waits for its turn.
constexpr std::chrono::milliseconds kInTheQueue{1500};

int64_t keys_below(Session& session, pb::KV::Stub& kv, const std::string& prefix) {
  pb::RangeRequest request;
  request.set_key(prefix + "/");
  request.set_range_end(prefix + "0");
  request.set_count_only(true);
  pb::RangeResponse response;
  auto context = session.context();
  return kv.Range(context.get(), request, &response).ok() ? response.count() : -1;
}

void locks(Session& session, pb::KV::Stub& kv) {
  auto stub = lock::Lock::NewStub(session.channel());
  lock::LockRequest request;
  request.set_name("door");
  request.set_lease(kFirst);
  const auto held = session.call("lock", *stub, &lock::Lock::Stub::Lock, request);
  session.call("lock, held already", *stub, &lock::Lock::Stub::Lock, request);
  request.set_lease(kSecond);
  session.call(
      "lock, not free in time", *stub, &lock::Lock::Stub::Lock, request,
      [](auto& context) { context.set_deadline(std::chrono::system_clock::now() + kInTheQueue); });
  // Only if the deadline or the cancellation reaches the member does the waiting key go.
  session.record("the waiting key is gone",
                 eventually([&] { return keys_below(session, kv, "door") == 1; }));
  {
    auto context = session.context();
    std::thread canceller([&] {
      eventually([&] { return keys_below(session, kv, "door") == 2; });
      std::this_thread::sleep_for(kInTheQueue);
      context->TryCancel();
    });
    lock::LockResponse response;
    session.record("lock, cancelled", stub->Lock(context.get(), request, &response));
    canceller.join();
    session.record("the waiting key is gone",
                   eventually([&] { return keys_below(session, kv, "door") == 1; }));
  }
  {
    std::thread opener([&] {
      eventually([&] { return keys_below(session, kv, "door") == 2; });
      lock::UnlockRequest unlock;
      unlock.set_key(held.key());
      lock::UnlockResponse response;
      auto context = session.context();
      stub->Unlock(context.get(), unlock, &response);
    });
    session.call("lock, once it is free", *stub, &lock::Lock::Stub::Lock, request);
    opener.join();
  }
  lock::UnlockRequest unlock;
  unlock.set_key(held.key());
  session.call("unlock again", *stub, &lock::Lock::Stub::Unlock, unlock);
}

void elections(Session& session, pb::KV::Stub& kv) {
  auto stub = election::Election::NewStub(session.channel());
  election::LeaderRequest leader;
  leader.set_name("chair");
  session.call("leader, none", *stub, &election::Election::Stub::Leader, leader);
  auto context = session.context();
  auto observer = stub->Observe(context.get(), leader);
  election::LeaderResponse seen;
  election::CampaignRequest campaign;
  campaign.set_name("chair");
  campaign.set_lease(kFirst);
  campaign.set_value("first");
  auto won = session.call("campaign", *stub, &election::Election::Stub::Campaign, campaign);
  if (observer->Read(&seen)) session.record("observed", grpc::Status::OK, &seen);
  session.call("leader", *stub, &election::Election::Stub::Leader, leader);
  election::ProclaimRequest proclaim;
  session.call("proclaim nothing", *stub, &election::Election::Stub::Proclaim, proclaim);
  *proclaim.mutable_leader() = won.leader();
  proclaim.set_value("proclaimed");
  session.call("proclaim", *stub, &election::Election::Stub::Proclaim, proclaim);
  if (observer->Read(&seen)) session.record("observed", grpc::Status::OK, &seen);

  election::ResignRequest resign;
  *resign.mutable_leader() = won.leader();
  {
    std::thread opener([&] {
      eventually([&] { return keys_below(session, kv, "chair") == 2; });
      election::ResignResponse response;
      auto own = session.context();
      stub->Resign(own.get(), resign, &response);
    });
    campaign.set_lease(kSecond);
    campaign.set_value("second");
    won = session.call("campaign, once it is free", *stub, &election::Election::Stub::Campaign,
                       campaign);
    opener.join();
  }
  if (observer->Read(&seen)) session.record("observed", grpc::Status::OK, &seen);
  session.call("resign again", *stub, &election::Election::Stub::Resign, resign);
  session.call("proclaim, no longer leader", *stub, &election::Election::Stub::Proclaim, proclaim);
  session.call("resign without a leader", *stub, &election::Election::Stub::Resign,
               election::ResignRequest());
  context->TryCancel();
  while (observer->Read(&seen)) {
  }
  session.record("observer ends", observer->Finish());
}

}  // namespace

void run_lock_and_election(Session& session) {
  auto lease = pb::Lease::NewStub(session.channel());
  auto kv = pb::KV::NewStub(session.channel());
  for (const int64_t id : {kFirst, kSecond}) {
    pb::LeaseGrantRequest request;
    request.set_id(id);
    request.set_ttl(1000);
    session.call("grant", *lease, &pb::Lease::Stub::LeaseGrant, request);
  }
  locks(session, *kv);
  elections(session, *kv);
}

}  // namespace gatehouse::conformance
