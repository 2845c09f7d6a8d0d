// Leases and the keys on them.
#include <algorithm>

#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

void run_lease_rules(Session& session) {
  auto lease = pb::Lease::NewStub(session.channel());
  auto kv = pb::KV::NewStub(session.channel());
  const auto grant = [&](int64_t id, int64_t ttl) {
    pb::LeaseGrantRequest request;
    request.set_id(id);
    request.set_ttl(ttl);
    session.call("grant " + std::to_string(id) + " for " + std::to_string(ttl), *lease,
                 &pb::Lease::Stub::LeaseGrant, request);
  };
  const auto put = [&](const std::string& key, int64_t id, bool ignore_lease = false) {
    pb::PutRequest request;
    request.set_key(key);
    request.set_value(std::to_string(id));
    request.set_lease(id);
    request.set_ignore_lease(ignore_lease);
    request.set_prev_kv(true);
    session.call("put " + key + " on " + std::to_string(id), *kv, &pb::KV::Stub::Put, request);
  };
  const auto revoke = [&](int64_t id) {
    pb::LeaseRevokeRequest request;
    request.set_id(id);
    session.call("revoke " + std::to_string(id), *lease, &pb::Lease::Stub::LeaseRevoke, request);
  };
  // Attached keys come in no fixed order, and time passes.
  const auto keys_of = [&](int64_t id) {
    pb::LeaseTimeToLiveRequest request;
    request.set_id(id);
    request.set_keys(true);
    pb::LeaseTimeToLiveResponse response;
    auto context = session.context();
    const auto status = lease->LeaseTimeToLive(context.get(), request, &response);
    std::sort(response.mutable_keys()->begin(), response.mutable_keys()->end());
    if (response.ttl() > 0 && response.ttl() >= response.grantedttl() - 5)
      response.set_ttl(response.grantedttl());
    session.record("keys of " + std::to_string(id), status, status.ok() ? &response : nullptr);
  };
  const auto range = [&] {
    pb::RangeRequest request;
    request.set_key("lr/");
    request.set_range_end("lr0");
    session.call("all keys", *kv, &pb::KV::Stub::Range, request);
    request.set_keys_only(true);
    session.call("all keys, keys only", *kv, &pb::KV::Stub::Range, request);
  };

  for (const int64_t ttl :
       {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{9'000'000'000}}) {
    grant(600 + ttl % 10, ttl);
    revoke(600 + ttl % 10);
  }
  grant(-77, 100);
  revoke(-77);
  grant(701, 500);
  grant(702, 600);
  put("lr/a", 701);
  put("lr/b", 701);
  put("lr/c", 702);
  keys_of(701);
  put("lr/b", 702);  // moves
  keys_of(701);
  keys_of(702);
  put("lr/a", 0, true);  // keeps
  keys_of(701);
  put("lr/a", 0);  // detaches
  keys_of(701);
  range();
  pb::DeleteRangeRequest remove;
  remove.set_key("lr/c");
  session.call("delete a leased key", *kv, &pb::KV::Stub::DeleteRange, remove);
  keys_of(702);
  put("lr/d", 12345678);
  revoke(701);  // no keys: no revision
  range();
  put("lr/e", 702);
  revoke(702);  // two keys: one revision
  range();
  keys_of(702);
  pb::TxnRequest txn;  // a put on a lease inside a transaction
  grant(703, 700);
  auto& op = *txn.add_success()->mutable_request_put();
  op.set_key("lr/t");
  op.set_lease(703);
  auto& compare = *txn.add_compare();
  compare.set_key("lr/t");
  compare.set_target(pb::Compare::LEASE);
  compare.set_lease(0);
  session.call("txn with a lease", *kv, &pb::KV::Stub::Txn, txn);
  session.call("txn with a lease, which is set now", *kv, &pb::KV::Stub::Txn, txn);
  compare.set_lease(703);
  session.call("txn compares the lease", *kv, &pb::KV::Stub::Txn, txn);
  keys_of(703);
  revoke(703);
  pb::LeaseGrantRequest any;
  any.set_ttl(50);
  pb::LeaseGrantResponse granted;
  auto context = session.context();
  const auto status = lease->LeaseGrant(context.get(), any, &granted);
  session.record("an id of the server's choice is positive",
                 static_cast<int64_t>(status.ok() && granted.id() > 0));
  pb::LeaseRevokeRequest last;
  last.set_id(granted.id());
  session.call("revoke it", *lease, &pb::Lease::Stub::LeaseRevoke, last);
}

// By expiry, which the leader alone knows: with several members the order says nothing.
void run_lease_order(Session& session) {
  auto lease = pb::Lease::NewStub(session.channel());
  for (const int64_t id : {711, 712}) {
    pb::LeaseGrantRequest request;
    request.set_id(id);
    request.set_ttl(id == 711 ? 600 : 500);
    session.call("grant " + std::to_string(id), *lease, &pb::Lease::Stub::LeaseGrant, request);
  }
  session.call("leases, by expiry", *lease, &pb::Lease::Stub::LeaseLeases,
               pb::LeaseLeasesRequest());
  for (const int64_t id : {711, 712}) {
    pb::LeaseRevokeRequest request;
    request.set_id(id);
    session.call("revoke " + std::to_string(id), *lease, &pb::Lease::Stub::LeaseRevoke, request);
  }
}

}  // namespace gatehouse::conformance
