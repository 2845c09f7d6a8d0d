// What a request may add to the database, as the quota counts it.
#pragma once

#include <cstdint>

#include "member/apply/kv_request.h"
#include "proto/rpc.pb.h"

namespace gatehouse::apply {

inline constexpr int64_t kLeaseCost = 64;

inline int64_t put_cost(const PutView& put) {
  constexpr int64_t kRowOverhead = 256;
  return kRowOverhead + static_cast<int64_t>(put.key.size() + put.value.size());
}

// The dearer branch; only puts count, nested ones too.
int64_t txn_cost(const etcdserverpb::TxnRequest& txn);

}  // namespace gatehouse::apply
