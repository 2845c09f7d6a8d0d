// Whole copies of a committed state: as it is (snapshot), and without its free pages (defragment).
// They read pages of the state, which must be kept, and nothing else: commits may go on beside.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "common/base/status.h"
#include "common/env/file_system.h"
#include "member/backend/image.h"

namespace gatehouse::backend {

// bbolt's WriteTo: meta pages with the state's txid T and T-1, then pages 2 up to the high-water
// mark as they lie in the file. `total`: the bytes in all.
Status stream_state(const TreeState& state,
                    const std::function<Status(uint64_t total, std::string_view piece)>& sink);

// Writes a database of the same buckets and pairs, packed, freelist not persisted, to an empty
// file. Nothing is synced.
Status copy_compactly(const TreeState& state, env::File& to);

}  // namespace gatehouse::backend
