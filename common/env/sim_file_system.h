// SimFileSystem: files in memory that can fail and lose power, for tests and simulation.
//
//   auto disk = std::make_unique<SimFileSystem>();
//   disk->fail(SimFileSystem::Operation::kSync, 3, EIO);      // the third sync from now
//   …                                                          // run the program on *disk
//   auto after = disk->crash(/*seed=*/7, /*survival=*/0.5);    // what a power loss leaves
//
// What a crash keeps:
// - bytes that were there at the file's last sync_data(), for certain;
// - each 512-byte sector written since then as it was last written, with probability `survival`,
//   else as it was at the sync. So a longer write can be torn, and writes can be reordered. The
//   same for a size changed since the sync;
// - names made, renamed or removed before the sync_directory() of the directories concerned, for
//   certain; each later change, as a whole, with probability `survival`. A file whose name is lost
//   is lost, synced or not;
// - no locks.
//
// Thread-safe. Files and mappings may outlive the SimFileSystem. Paths are not resolved: "a/../b"
// is not "b", but double and trailing slashes do not matter.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/env/file_system.h"

namespace gatehouse::env {

namespace sim {
struct Disk;
}

class SimFileSystem final : public FileSystem {
 public:
  enum class Operation : uint8_t {
    kOpen,
    kRead,
    kWrite,  // write_at and write_pieces_at
    kSync,
    kTruncate,
    kAllocate,
    kMap,
    kLock,
    kRename,
    kRemove,           // of a file or a tree
    kCreateDirectory,  // one that was not there
    kList,
    kSyncDirectory,
  };

  // Address space set aside for each file that is written or mapped, hence the largest size of a
  // file and of a mapping.
  static constexpr size_t kDefaultReservedBytes = size_t{256} << 20;

  explicit SimFileSystem(size_t reserved_bytes_per_file = kDefaultReservedBytes);
  ~SimFileSystem() override;

  // The n-th operation of the kind from now (1: the next) fails with this errno (ENOSPC, EIO, …);
  // with `lasting`, all later ones, too. A failing write leaves its first half written. Replaces
  // what was asked for the same kind before; n = 0 takes it away.
  void fail(Operation kind, uint64_t nth, int error_number, bool lasting = false);

  // What changes the disk, and syncs, one line each in the order done, from now on:
  //   create a/x · write a/x 0+512 · sync a/x · truncate a/x 100 · allocate a/x 0+4096
  //   rename a/x a/y · remove a/y · mkdir a · sync-directory a
  // A failed operation is followed by " failed".
  void record();
  std::string take_record();  // and begins an empty one

  // Called before each operation that record() would show, with its number (1, 2, …) and line, on
  // the thread that asks for it and without a lock: crash() may be called in it.
  void observe(std::function<void(uint64_t number, const std::string& line)> observer);

  // A new file system as after power loss now. This one goes on as if nothing had happened.
  std::unique_ptr<SimFileSystem> crash(uint64_t seed, double survival) const;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     uint32_t permissions = 0600) override;
  Result<bool> exists(const std::string& path) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status create_directories(const std::string& path, uint32_t permissions = 0700) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Status sync_directory(const std::string& path) override;

  // Whole contents, for tests that look at or damage them.
  Result<std::string> contents(const std::string& path);
  Status replace_contents(const std::string& path,
                          std::string_view bytes);  // synced, made if absent

 private:
  explicit SimFileSystem(std::shared_ptr<sim::Disk> disk);

  std::shared_ptr<sim::Disk> disk_;
};

}  // namespace gatehouse::env
