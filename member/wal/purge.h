// Removal of files that are no longer needed, oldest first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/env/file_system.h"

namespace gatehouse::wal {

// Of the files whose names end with `suffix` (".wal", ".snap", ".snap.db"), removes the first by
// name until `keep` are left. A ".wal" that is locked is still needed, and so are all after it.
// Each removal is durable before the next, so that a crash leaves no gap. Returns the names removed;
// stops at the first error, and returns it when nothing was removed. Blocking, any thread.
Result<std::vector<std::string>> purge(env::FileSystem& files, const std::string& directory,
                                       std::string_view suffix, size_t keep);

}  // namespace gatehouse::wal
