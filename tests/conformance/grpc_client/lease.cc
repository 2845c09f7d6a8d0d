#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

void run_lease(Session& session) {
  auto lease = pb::Lease::NewStub(session.channel());
  auto kv = pb::KV::NewStub(session.channel());

  pb::LeaseGrantRequest grant;
  grant.set_id(4242);
  grant.set_ttl(100);
  session.call("grant", *lease, &pb::Lease::Stub::LeaseGrant, grant);
  session.call("grant an id that is taken", *lease, &pb::Lease::Stub::LeaseGrant, grant);
  grant.set_id(4243);
  grant.set_ttl(-7);
  session.call("grant, time negative", *lease, &pb::Lease::Stub::LeaseGrant, grant);
  pb::LeaseRevokeRequest revoke;
  revoke.set_id(4243);
  session.call("revoke it at once", *lease, &pb::Lease::Stub::LeaseRevoke, revoke);
  grant.set_id(4244);
  grant.set_ttl(9'000'000'001);
  session.call("grant, time too long", *lease, &pb::Lease::Stub::LeaseGrant, grant);
  pb::PutRequest put;
  put.set_key("leased");
  put.set_lease(4242);
  session.call("put with the lease", *kv, &pb::KV::Stub::Put, put);

  pb::LeaseTimeToLiveRequest left;
  left.set_id(4242);
  left.set_keys(true);
  session.call("time to live", *lease, &pb::Lease::Stub::LeaseTimeToLive, left);
  left.set_id(78);
  session.call("time to live, unknown", *lease, &pb::Lease::Stub::LeaseTimeToLive, left);
  {
    auto context = session.context();
    auto stream = lease->LeaseKeepAlive(context.get());
    std::vector<std::string> answers;
    for (const int64_t id : {4242, 78, 4242, 0}) {
      pb::LeaseKeepAliveRequest request;
      pb::LeaseKeepAliveResponse response;
      request.set_id(id);
      stream->Write(request);
      if (stream->Read(&response)) answers.push_back(to_json(response));
    }
    session.record("keep alive, one by one", answers);
    // Several in flight, then the half-close: each is answered, then the stream ends.
    answers.clear();
    for (int i = 0; i < 50; ++i) {
      pb::LeaseKeepAliveRequest request;
      request.set_id(i % 2 == 0 ? 4242 : 78);
      stream->Write(request);
    }
    stream->WritesDone();
    for (pb::LeaseKeepAliveResponse response; stream->Read(&response);)
      answers.push_back(to_json(response));
    session.record("keep alive, many", answers);
    session.record("keep alive ends", stream->Finish());
  }
  revoke.set_id(4242);
  session.call("revoke", *lease, &pb::Lease::Stub::LeaseRevoke, revoke);
  session.call("revoke again", *lease, &pb::Lease::Stub::LeaseRevoke, revoke);
  pb::RangeRequest range;
  range.set_key("leased");
  session.call("the key went with the lease", *kv, &pb::KV::Stub::Range, range);
  session.call("leases, none", *lease, &pb::Lease::Stub::LeaseLeases, pb::LeaseLeasesRequest());
}

}  // namespace gatehouse::conformance
