// The calls of the differential test of Lock and Election: those of the conformance session, and
// the edges. On stock gRPC C++. Usage: PROGRAM HOST:PORT
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>

#include "proto/v3election.grpc.pb.h"
#include "proto/v3lock.grpc.pb.h"
#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {
namespace {

namespace lock = v3lockpb;
namespace election = v3electionpb;

void grant(Session& session, int64_t id) {
  auto lease = pb::Lease::NewStub(session.channel());
  pb::LeaseGrantRequest request;
  request.set_id(id);
  request.set_ttl(1000);
  session.call("grant", *lease, &pb::Lease::Stub::LeaseGrant, request);
}

void revoke(Session& session, int64_t id) {
  auto lease = pb::Lease::NewStub(session.channel());
  pb::LeaseRevokeRequest request;
  request.set_id(id);
  pb::LeaseRevokeResponse response;
  auto context = session.context();
  lease->LeaseRevoke(context.get(), request, &response);
}

int64_t keys(Session& session, const std::string& prefix) {
  auto kv = pb::KV::NewStub(session.channel());
  pb::RangeRequest request;
  request.set_key(prefix + "/");
  request.set_range_end(prefix + "0");
  request.set_count_only(true);
  pb::RangeResponse response;
  auto context = session.context();
  return kv->Range(context.get(), request, &response).ok() ? response.count() : -1;
}

void lock_edges(Session& session) {
  auto stub = lock::Lock::NewStub(session.channel());
  lock::LockRequest request;
  request.set_name("gate");
  request.set_lease(99);
  session.call("lock with a lease that is not", *stub, &lock::Lock::Stub::Lock, request);
  request.set_lease(-5);
  session.call("lock with a negative lease", *stub, &lock::Lock::Stub::Lock, request);
  session.call("unlock nothing", *stub, &lock::Lock::Stub::Unlock, lock::UnlockRequest());

  // Without a lease: one of its own.
  {
    lock::LockRequest leaseless;
    leaseless.set_name("own");
    lock::LockResponse response;
    auto context = session.context();
    const grpc::Status status = stub->Lock(context.get(), leaseless, &response);
    session.record("lock without a lease", status);
    const std::string& key = response.key();
    session.record("its key begins with", key.substr(0, 4));
    pb::LeaseTimeToLiveRequest ask;
    ask.set_id(std::stoll(key.substr(4), nullptr, 16));
    pb::LeaseTimeToLiveResponse told;
    auto other = session.context();
    pb::Lease::NewStub(session.channel())->LeaseTimeToLive(other.get(), ask, &told);
    session.record("is granted", told.grantedttl());
    revoke(session, ask.id());
    session.record("and goes with it", eventually([&] { return keys(session, "own") == 0; }));
  }
}

void election_edges(Session& session) {
  auto stub = election::Election::NewStub(session.channel());
  using Stub = election::Election::Stub;
  grant(session, 7001);
  election::CampaignRequest campaign;
  campaign.set_name("seat");
  campaign.set_lease(99);
  session.call("campaign with a lease that is not", *stub, &Stub::Campaign, campaign);
  campaign.set_lease(7001);
  campaign.set_value("a");
  const auto won = session.call("campaign", *stub, &Stub::Campaign, campaign);
  session.call("campaign, the same", *stub, &Stub::Campaign, campaign);
  campaign.set_value("b");
  session.call("campaign, another value", *stub, &Stub::Campaign, campaign);
  election::LeaderRequest leader;
  leader.set_name("seat");
  session.call("leader", *stub, &Stub::Leader, leader);

  election::ProclaimRequest proclaim;
  proclaim.mutable_leader();
  session.call("proclaim by an empty leader", *stub, &Stub::Proclaim, proclaim);
  *proclaim.mutable_leader() = won.leader();
  proclaim.mutable_leader()->set_lease(99);
  session.call("proclaim with a lease that is not", *stub, &Stub::Proclaim, proclaim);
  *proclaim.mutable_leader() = won.leader();
  proclaim.mutable_leader()->set_rev(1);
  session.call("proclaim at another revision", *stub, &Stub::Proclaim, proclaim);
  election::ResignRequest resign;
  resign.mutable_leader();
  session.call("resign by an empty leader", *stub, &Stub::Resign, resign);
  *resign.mutable_leader() = won.leader();
  resign.mutable_leader()->set_rev(1);
  session.call("resign at another revision", *stub, &Stub::Resign, resign);

  // A candidate that leaves the queue takes its key along.
  grant(session, 7002);
  campaign.set_lease(7002);
  {
    auto context = session.context();
    std::thread canceller([&] {
      eventually([&] { return keys(session, "seat") == 2; });
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
      context->TryCancel();
    });
    election::CampaignResponse response;
    session.record("campaign, cancelled", stub->Campaign(context.get(), campaign, &response));
    canceller.join();
    session.record("the key is gone", eventually([&] { return keys(session, "seat") == 1; }));
  }

  // Observers see the leader there is, each proclamation, and the next leader.
  auto context = session.context();
  auto observer = stub->Observe(context.get(), leader);
  election::LeaderResponse seen;
  const auto observe = [&] {
    session.record("observed", observer->Read(&seen) ? grpc::Status::OK : grpc::Status::CANCELLED,
                   &seen);
  };
  observe();
  *proclaim.mutable_leader() = won.leader();
  for (const char* value : {"c", "d"}) {
    proclaim.set_value(value);
    session.call("proclaim", *stub, &Stub::Proclaim, proclaim);
    observe();
  }
  *resign.mutable_leader() = won.leader();
  session.call("resign", *stub, &Stub::Resign, resign);
  session.call("leader, none", *stub, &Stub::Leader, leader);
  session.call("campaign, alone", *stub, &Stub::Campaign, campaign);
  observe();
  context->TryCancel();
  while (observer->Read(&seen)) {
  }
  session.record("observer ends", observer->Finish());
}

}  // namespace
}  // namespace gatehouse::conformance

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s [--skip=PART,...] HOST:PORT [MEMBER...]\n", argv[0]);
    return 2;
  }
  using namespace gatehouse::conformance;
  // The parts are those of the whole session, of which this is none.
  const int first = std::string_view(argv[1]).starts_with("--skip=") ? 2 : 1;
  if (first == argc) return 2;
  Session session(argv[first], {argv + first + 1, argv + argc}, {});
  run_lock_and_election(session);
  lock_edges(session);
  election_edges(session);
}
