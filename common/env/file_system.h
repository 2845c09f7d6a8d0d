// FileSystem: the door to files. The real one (DiskFileSystem) is POSIX; the simulated one
// (SimFileSystem) keeps everything in memory, counts and fails chosen operations, and crashes: what
// was not synced is lost, kept or torn, as its seed says.
//
// Blocking, except where noted; callers that must not block have a thread for it. A File may be
// used by several threads at once; operations on overlapping bytes are the callers' to order.
//
// Errors name the operation and the path: "fdatasync /var/lib/x/member/wal/0.wal: input/output
// error". Codes: NotFound, AlreadyExists, PermissionDenied, ResourceExhausted (disk full, quota),
// FailedPrecondition (locked by another process), Unavailable (all else).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::env {

// Bytes of a file as memory; unmapped when destroyed. Changes made through File::write_at show up
// in it.
class Mapping {
 public:
  virtual ~Mapping() = default;
  virtual const std::byte* data() const = 0;
  virtual size_t size()
      const = 0;  // of the mapping; touching bytes past the file's end ends the process
};

class File {
 public:
  virtual ~File() = default;  // closes; locks go

  virtual const std::string& path() const = 0;
  virtual Result<uint64_t> size() const = 0;
  // False once another file was renamed over path(), or it was removed. Who waited for a lock asks
  // it: the lock may be of a file that is nobody's any more.
  virtual Result<bool> has_its_name() const = 0;

  // Fills as much of `to` as the file has from there; fewer only at its end.
  virtual Result<size_t> read_at(uint64_t offset, std::span<std::byte> to) const = 0;
  // All of it or an error, after which any part of it may have been written. Grows the file as
  // needed.
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // The pieces one after the other, as one write (pwritev).
  virtual Status write_pieces_at(uint64_t offset, std::span<const std::string_view> pieces) = 0;

  // Data, and of the metadata what is needed to read it back (fdatasync). After an error the file's
  // state is unknown and must not be trusted: https://lwn.net/Articles/752063/
  virtual Status sync_data() = 0;

  // Cuts, or extends by zeros (sparse).
  virtual Status truncate(uint64_t size) = 0;
  // Reserves blocks so that later writes within do not run out of space; new bytes read as zeros
  // and count in size().
  virtual Status allocate(uint64_t offset, uint64_t bytes) = 0;

  // Read-only, shared. `bytes` may be larger than the file.
  virtual Result<std::unique_ptr<Mapping>> map(size_t bytes) const = 0;

  // Exclusive against other open files, of this process too. kOfd: what etcd takes on WAL segments;
  // kFlock: on the database. FailedPrecondition when another holds it.
  enum class LockKind : uint8_t { kOfd, kFlock };
  virtual Status try_lock(LockKind kind) = 0;
};

enum class OpenMode : uint8_t {
  kRead,
  kReadWrite,        // must exist
  kCreate,           // read and write; made when it is not there
  kCreateExclusive,  // read and write; AlreadyExists when it is there
};

struct DirectoryEntry {
  std::string name;
  bool directory = false;
  uint64_t bytes = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // New files get mode `permissions` less the umask.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                             uint32_t permissions = 0600) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Status remove_file(const std::string& path) = 0;
  virtual Status remove_tree(const std::string& path) = 0;  // OK when it is not there
  // Atomic; replaces what is there. Durable once both directories are synced.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // With parents; OK when it is there.
  virtual Status create_directories(const std::string& path, uint32_t permissions = 0700) = 0;
  // Sorted by name, without "." and "..".
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;
  // Makes creations, renames and removals in it durable.
  virtual Status sync_directory(const std::string& path) = 0;
};

// As create_directories(), and durable: of each directory that was made, the one that it is in is
// synced. Else a power loss may take the directory and with it all that was synced below.
Status create_directories_durably(FileSystem& files, const std::string& path);

// Joins with exactly one slash.
std::string join_path(std::string_view directory, std::string_view name);

}  // namespace gatehouse::env
