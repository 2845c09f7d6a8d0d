// The store's memory from its rows. Private to the room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "member/backend/backend.h"
#include "member/mvcc/index.h"

namespace gatehouse::mvcc {

struct Loaded {
  std::unique_ptr<Index> index = std::make_unique<Index>();
  int64_t revision = 1;
  int64_t finished = -1;   // compactions; -1: there was none
  int64_t scheduled = -1;
  std::vector<std::pair<std::string, int64_t>> leases;  // keys under a lease
};

// DataLoss names the row that makes no sense: "bucket key, row 0000000000000005…: not a revision".
Result<Loaded> load(const backend::Reader& reader);

}  // namespace gatehouse::mvcc
