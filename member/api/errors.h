// The one table from what can go wrong to what a client is told: gRPC code and etcd's text, which
// clients match on. What the state machine finds is in member/apply/errors.h.
#pragma once

#include "common/base/status.h"

namespace gatehouse::api {

inline Status empty_key() { return invalid_argument("etcdserver: key is not provided"); }
inline Status value_provided() { return invalid_argument("etcdserver: value is provided"); }
inline Status lease_provided() { return invalid_argument("etcdserver: lease is provided"); }
inline Status too_many_ops() {
  return invalid_argument("etcdserver: too many operations in txn request");
}
inline Status duplicate_key() {
  return invalid_argument("etcdserver: duplicate key given in txn request");
}
inline Status invalid_sort_option() {
  return invalid_argument("etcdserver: invalid sort option");
}
inline Status no_leader() { return unavailable("etcdserver: no leader"); }
inline Status not_leader() {
  return Status(StatusCode::kFailedPrecondition, "etcdserver: not leader");
}
inline Status timed_out() { return unavailable("etcdserver: request timed out"); }
inline Status stopped() { return unavailable("etcdserver: server stopped"); }
inline Status learner() {
  return Status(StatusCode::kFailedPrecondition, "etcdserver: rpc not supported for learner");
}
inline Status auth_unimplemented() {
  return Status(StatusCode::kUnimplemented, "etcdserver: authentication is not supported yet");
}
inline Status undecodable() {
  return internal_error(
      "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data");
}

}  // namespace gatehouse::api
