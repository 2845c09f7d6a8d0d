// The errors that requests meet, with etcd's codes and texts: clients match on both.
#pragma once

#include "common/base/status.h"

namespace gatehouse::apply {

inline Status key_not_found() { return invalid_argument("etcdserver: key not found"); }
inline Status lease_not_found() { return not_found("etcdserver: requested lease not found"); }
inline Status no_space() {
  return resource_exhausted("etcdserver: mvcc: database space exceeded");
}
inline Status corrupt() { return Status(StatusCode::kDataLoss, "etcdserver: corrupt cluster"); }
inline Status lease_ttl_too_large() {
  return Status(StatusCode::kOutOfRange, "etcdserver: too large lease TTL");
}

}  // namespace gatehouse::apply
