// Inside SimFileSystem: what is on the simulated disk, now and at the last syncs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/env/file_system.h"
#include "common/env/sim_file_system.h"

namespace gatehouse::env::sim {

inline constexpr size_t kSectorBytes = 512;

// A file's bytes in one reserved mapping, so that growing never moves them. What a crash needs of
// the past is an undo list: the synced bytes of each sector written since.
class Contents {
 public:
  explicit Contents(size_t reserved_bytes) : reserved_(reserved_bytes) {}
  ~Contents();
  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;

  bool fits(uint64_t end) const { return end <= reserved_; }
  uint64_t size() const { return size_; }
  const std::byte* data();  // reserved bytes of address space; zeros past size()

  void write(uint64_t offset, std::string_view bytes);
  void resize(uint64_t size);
  void sync();

  // As `from` may be after a power loss.
  void become_crashed(Contents& from, std::mt19937_64& random, double survival);

 private:
  void remember(uint64_t begin, uint64_t end);

  const size_t reserved_;
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
  uint64_t written_end_ = 0;  // past it there are only zeros
  uint64_t synced_size_ = 0;
  std::map<uint64_t, std::string> synced_sectors_;  // by number; those changed since the sync
};

struct Node;
using Names = std::map<std::string, std::shared_ptr<Node>, std::less<>>;

// A file or a directory.
struct Node {
  Node(bool is_directory, size_t reserved) : directory(is_directory), contents(reserved) {}

  const bool directory;
  Contents contents;                 // a file's
  Names names;                       // a directory's, now
  Names durable_names;               // and as synced
  const void* lock_holders[2] = {};  // by LockKind: the open file that holds it
};

// A change of names that is not durable yet. Durable once every directory in it is synced.
struct NameChange {
  struct Part {
    std::shared_ptr<Node> directory;
    std::string name;
    std::shared_ptr<Node> to;    // null: the name is gone
    std::shared_ptr<Node> from;  // what the name meant
    bool synced = false;
  };
  std::vector<Part> parts;

  void make_durable() const;
};

struct Failure {
  uint64_t left = 0;  // operations until it; 0: none
  int error_number = 0;
  bool lasting = false;
};

struct Disk {
  explicit Disk(size_t reserved_bytes)
      : reserved(reserved_bytes), root(std::make_shared<Node>(true, reserved_bytes)) {}

  // The node of a path, or null. `parts` as split() gives them.
  std::shared_ptr<Node> find(const std::vector<std::string>& parts) const;
  void apply(NameChange change);
  void sync_names(const std::shared_ptr<Node>& directory);

  // 0, or the errno with which this operation is to fail.
  int failure_of(SimFileSystem::Operation kind);

  std::mutex mutex;
  const size_t reserved;
  std::shared_ptr<Node> root;
  std::vector<NameChange> changes;  // not durable, in order
  Failure failures[13];
  bool recording = false;
  std::string lines;
  uint64_t operations = 0;
  std::function<void(uint64_t, const std::string&)> observer;
};

std::vector<std::string> split(std::string_view path);

}  // namespace gatehouse::env::sim
