// The rows of a database file without a store above them, for tools. Reads only.
#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "member/backend/backend.h"
#include "member/mvcc/store.h"

namespace gatehouse::mvcc {

// What Store::hash_kv says of the same rows: up to `revision`, <= 0: all. OutOfRange in etcd's
// words without their "etcdserver: ", DataLoss as Store::open.
Result<HashResult> hash_rows(const backend::Reader& reader, int64_t revision);

struct RowSummary {
  int64_t revision = 0;  // of the last row; 0: there is none
  uint64_t living_keys = 0;
};
Result<RowSummary> summarize_rows(const backend::Reader& reader);

}  // namespace gatehouse::mvcc
