// Backups: a database's pages, and behind them the SHA-256 of these.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/env/file_system.h"

namespace gatehouse::ctl {

// Copies the pages to a new file, durably. With `check_hash` the checksum must be there and right;
// FailedPrecondition and DataLoss in etcdutl's words.
Status copy_database(env::FileSystem& files, const std::string& from, const std::string& to,
                     bool check_hash);

}  // namespace gatehouse::ctl
