// DiskFileSystem: files of the machine (POSIX, Linux).
//
// Stateless: one may serve the whole process, from any thread. Every descriptor is close-on-exec.
// Interrupted calls are repeated; short writes are continued.
#pragma once

#include "common/env/file_system.h"

namespace gatehouse::env {

class DiskFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     uint32_t permissions = 0600) override;
  Result<bool> exists(const std::string& path) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status create_directories(const std::string& path, uint32_t permissions = 0700) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
};

}  // namespace gatehouse::env
