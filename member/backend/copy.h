// Whole copies of a committed state: as it is (snapshot), and without its free pages (defragment).
// They read pages of the state, which must be kept, and nothing else: commits may go on beside.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/env/file_system.h"
#include "member/backend/image.h"

namespace gatehouse::backend {

// bbolt's WriteTo: meta pages with the state's txid T and T-1, then pages 2 up to the high-water
// mark as they lie in the file.
class StateBytes {
 public:
  explicit StateBytes(std::shared_ptr<const TreeState> state);

  uint64_t total() const { return total_; }
  // Valid until the next call, and as long as this lives. Empty: the end.
  std::string_view next();

 private:
  const std::shared_ptr<const TreeState> state_;
  uint64_t total_;
  uint64_t at_ = 0;
  std::string metas_;
};

// All of it to a sink. `total`: the bytes in all.
Status stream_state(std::shared_ptr<const TreeState> state,
                    const std::function<Status(uint64_t total, std::string_view piece)>& sink);

// Writes a database of the same buckets and pairs, packed, freelist not persisted, to an empty
// file. Nothing is synced.
Status copy_compactly(const TreeState& state, env::File& to);

}  // namespace gatehouse::backend
