// What is wrong with a request before anything is asked of the state machine.
#pragma once

#include <cstdint>

#include "common/base/status.h"
#include "member/apply/kv_request.h"
#include "member/mvcc/range.h"
#include "proto/rpc.pb.h"

namespace gatehouse::api {

Status validate(const mvcc::RangeQuery& range);
Status validate(const apply::PutView& put);
Status validate(const apply::DeleteView& del);
// With all that is nested in it: operations of both branches, their number, and that no key is
// written twice.
Status validate(const etcdserverpb::TxnRequest& txn, uint64_t max_ops);

}  // namespace gatehouse::api
