// A database file as it is, for tools: backups, and data directories that no member uses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/env/file_system.h"
#include "member/backend/backend.h"

namespace gatehouse::backend {

struct FileContents {
  std::unique_ptr<Reader> reader;
  uint64_t bytes = 0;  // of the pages; a checksum behind them is not counted
};

// Checks every page as Backend::open does (DataLoss), takes no lock and writes nothing: the bytes
// stay what they were, and so does their checksum. The file must not change meanwhile.
Result<FileContents> read_file(env::FileSystem& files, const std::string& path);

}  // namespace gatehouse::backend
