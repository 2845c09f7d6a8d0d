#include "common/env/sim_file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/env/file_error.h"
#include "common/env/sim_disk.h"

namespace gatehouse::env {

using sim::Disk;
using sim::NameChange;
using sim::Node;

namespace {

using Operation = SimFileSystem::Operation;

// Tells the observer, records the line and says whether the operation is to fail. Call without the
// lock.
int begin_operation(Disk& disk, Operation kind, const std::string& line) {
  std::function<void(uint64_t, const std::string&)> observer;
  uint64_t number;
  {
    const std::lock_guard lock(disk.mutex);
    number = ++disk.operations;
    observer = disk.observer;
  }
  if (observer) observer(number, line);
  const std::lock_guard lock(disk.mutex);
  const int failure = disk.failure_of(kind);
  if (disk.recording) {
    disk.lines += line;
    disk.lines += failure != 0 ? " failed\n" : "\n";
  }
  return failure;
}

int begin_unrecorded(Disk& disk, Operation kind) {
  const std::lock_guard lock(disk.mutex);
  return disk.failure_of(kind);
}

class SimMapping final : public Mapping {
 public:
  SimMapping(std::shared_ptr<Node> node, const std::byte* data, size_t size)
      : node_(std::move(node)), data_(data), size_(size) {}
  const std::byte* data() const override { return data_; }
  size_t size() const override { return size_; }

 private:
  const std::shared_ptr<Node> node_;  // keeps the bytes
  const std::byte* data_;
  const size_t size_;
};

class SimFile final : public File {
 public:
  SimFile(std::shared_ptr<Disk> disk, std::shared_ptr<Node> node, std::string path, bool writable)
      : disk_(std::move(disk)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable) {}

  ~SimFile() override {
    const std::lock_guard lock(disk_->mutex);
    for (const void*& holder : node_->lock_holders) {
      if (holder == this) holder = nullptr;
    }
  }

  const std::string& path() const override { return path_; }

  Result<uint64_t> size() const override {
    const std::lock_guard lock(disk_->mutex);
    return node_->contents.size();
  }

  Result<bool> has_its_name() const override {
    const std::lock_guard lock(disk_->mutex);
    return disk_->find(sim::split(path_)) == node_;
  }

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> to) const override {
    if (const int failure = begin_unrecorded(*disk_, Operation::kRead)) {
      return file_error("read", path_, failure);
    }
    const std::lock_guard lock(disk_->mutex);
    const uint64_t size = node_->contents.size();
    if (offset >= size) return size_t{0};
    const size_t count = std::min<uint64_t>(to.size(), size - offset);
    if (count > 0) std::memcpy(to.data(), node_->contents.data() + offset, count);
    return count;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    const std::string_view pieces[] = {bytes};
    return write_pieces_at(offset, pieces);
  }

  Status write_pieces_at(uint64_t offset, std::span<const std::string_view> pieces) override {
    size_t bytes = 0;
    for (std::string_view piece : pieces) bytes += piece.size();
    int failure = begin_operation(*disk_, Operation::kWrite, range_line("write", offset, bytes));
    if (!writable_) return file_error("write", path_, EBADF);
    const std::lock_guard lock(disk_->mutex);
    if (!node_->contents.fits(offset + bytes)) return file_error("write", path_, EFBIG);
    size_t left = failure != 0 ? bytes / 2 : bytes;
    for (std::string_view piece : pieces) {
      piece = piece.substr(0, left);
      node_->contents.write(offset, piece);
      offset += piece.size();
      left -= piece.size();
    }
    return failure != 0 ? file_error("write", path_, failure) : Status();
  }

  Status sync_data() override {
    if (const int failure = begin_operation(*disk_, Operation::kSync, "sync " + path_)) {
      return file_error("fdatasync", path_, failure);
    }
    const std::lock_guard lock(disk_->mutex);
    node_->contents.sync();
    return Status();
  }

  Status truncate(uint64_t size) override {
    if (const int failure = begin_operation(*disk_, Operation::kTruncate,
                                            "truncate " + path_ + " " + std::to_string(size))) {
      return file_error("truncate", path_, failure);
    }
    return resize("truncate", size);
  }

  Status allocate(uint64_t offset, uint64_t bytes) override {
    if (const int failure =
            begin_operation(*disk_, Operation::kAllocate, range_line("allocate", offset, bytes))) {
      return file_error("fallocate", path_, failure);
    }
    const Result<uint64_t> now = size();
    return *now >= offset + bytes ? Status() : resize("fallocate", offset + bytes);
  }

  Result<std::unique_ptr<Mapping>> map(size_t bytes) const override {
    if (const int failure = begin_unrecorded(*disk_, Operation::kMap)) {
      return file_error("mmap", path_, failure);
    }
    const std::lock_guard lock(disk_->mutex);
    if (!node_->contents.fits(bytes)) return file_error("mmap", path_, ENOMEM);
    return std::unique_ptr<Mapping>(
        std::make_unique<SimMapping>(node_, node_->contents.data(), bytes));
  }

  Status try_lock(LockKind kind) override {
    if (const int failure = begin_unrecorded(*disk_, Operation::kLock)) {
      return file_error("lock", path_, failure);
    }
    const std::lock_guard lock(disk_->mutex);
    const void*& holder = node_->lock_holders[static_cast<size_t>(kind)];
    if (holder != nullptr && holder != this) {
      return Status(StatusCode::kFailedPrecondition, "lock " + path_ + ": held by another process");
    }
    holder = this;
    return Status();
  }

 private:
  std::string range_line(const char* what, uint64_t offset, uint64_t bytes) const {
    return std::string(what) + " " + path_ + " " + std::to_string(offset) + "+" +
           std::to_string(bytes);
  }

  Status resize(const char* operation, uint64_t size) {
    if (!writable_) return file_error(operation, path_, EINVAL);
    const std::lock_guard lock(disk_->mutex);
    if (!node_->contents.fits(size)) return file_error(operation, path_, EFBIG);
    node_->contents.resize(size);
    return Status();
  }

  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<Node> node_;
  const std::string path_;
  const bool writable_;
};

// The directory that holds the last part, or null.
std::shared_ptr<Node> parent_of(const Disk& disk, std::vector<std::string> parts) {
  if (parts.empty()) return nullptr;
  parts.pop_back();
  std::shared_ptr<Node> node = disk.find(parts);
  return node != nullptr && node->directory ? node : nullptr;
}

// Deep copies of what is durable, each file as the crash leaves it. A file with two durable names
// (a rename half lost) stays one file.
std::shared_ptr<Node> crashed_copy(const std::shared_ptr<Node>& node, size_t reserved,
                                   std::mt19937_64& random, double survival,
                                   std::map<const Node*, std::shared_ptr<Node>>& copies) {
  std::shared_ptr<Node>& copy = copies[node.get()];
  if (copy != nullptr) return copy;
  copy = std::make_shared<Node>(node->directory, reserved);
  const std::shared_ptr<Node> result = copy;
  if (!node->directory) {
    result->contents.become_crashed(node->contents, random, survival);
    return result;
  }
  for (const auto& [name, child] : node->durable_names) {
    result->names[name] = crashed_copy(child, reserved, random, survival, copies);
  }
  result->durable_names = result->names;
  return result;
}

}  // namespace

SimFileSystem::SimFileSystem(size_t reserved_bytes_per_file)
    : disk_(std::make_shared<Disk>(reserved_bytes_per_file)) {}
SimFileSystem::SimFileSystem(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}
SimFileSystem::~SimFileSystem() = default;

void SimFileSystem::fail(Operation kind, uint64_t nth, int error_number, bool lasting) {
  const std::lock_guard lock(disk_->mutex);
  disk_->failures[static_cast<size_t>(kind)] = {nth, error_number, lasting};
}

void SimFileSystem::record() {
  const std::lock_guard lock(disk_->mutex);
  disk_->recording = true;
  disk_->lines.clear();
}

std::string SimFileSystem::take_record() {
  const std::lock_guard lock(disk_->mutex);
  return std::exchange(disk_->lines, {});
}

void SimFileSystem::observe(std::function<void(uint64_t, const std::string&)> observer) {
  const std::lock_guard lock(disk_->mutex);
  disk_->observer = std::move(observer);
}

std::unique_ptr<SimFileSystem> SimFileSystem::crash(uint64_t seed, double survival) const {
  const std::lock_guard lock(disk_->mutex);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> chance(0, 1);
  // The changes that survive are made durable in a scratch copy of the names only.
  std::map<Node*, sim::Names> before;
  for (const NameChange& change : disk_->changes) {
    for (const NameChange::Part& part : change.parts) {
      before.try_emplace(part.directory.get(), part.directory->durable_names);
    }
  }
  for (const NameChange& change : disk_->changes) {
    if (chance(random) < survival) change.make_durable();
  }
  auto crashed = std::make_shared<Disk>(disk_->reserved);
  std::map<const Node*, std::shared_ptr<Node>> copies;
  crashed->root = crashed_copy(disk_->root, disk_->reserved, random, survival, copies);
  for (auto& [node, names] : before) node->durable_names = std::move(names);
  return std::unique_ptr<SimFileSystem>(new SimFileSystem(std::move(crashed)));
}

Result<std::unique_ptr<File>> SimFileSystem::open(const std::string& path, OpenMode mode,
                                                  uint32_t permissions) {
  static_cast<void>(permissions);  // nobody to keep out
  const std::vector<std::string> parts = sim::split(path);
  bool makes;
  {
    const std::lock_guard lock(disk_->mutex);
    const std::shared_ptr<Node> node = disk_->find(parts);
    makes = node == nullptr && (mode == OpenMode::kCreate || mode == OpenMode::kCreateExclusive);
    if (node != nullptr && mode == OpenMode::kCreateExclusive) {
      return file_error("open", path, EEXIST);
    }
    if (node == nullptr && !makes) return file_error("open", path, ENOENT);
    if (node == nullptr && parent_of(*disk_, parts) == nullptr) {
      return file_error("open", path, ENOENT);
    }
    if (node != nullptr && node->directory) return file_error("open", path, EISDIR);
  }
  const int failure = makes ? begin_operation(*disk_, Operation::kOpen, "create " + path)
                            : begin_unrecorded(*disk_, Operation::kOpen);
  if (failure != 0) return file_error("open", path, failure);
  const std::lock_guard lock(disk_->mutex);
  std::shared_ptr<Node> node = disk_->find(parts);
  if (node == nullptr) {
    const std::shared_ptr<Node> parent = parent_of(*disk_, parts);
    if (parent == nullptr) return file_error("open", path, ENOENT);
    node = std::make_shared<Node>(false, disk_->reserved);
    disk_->apply({{{parent, parts.back(), node, nullptr}}});
  }
  return std::unique_ptr<File>(
      std::make_unique<SimFile>(disk_, std::move(node), path, mode != OpenMode::kRead));
}

Result<bool> SimFileSystem::exists(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  return disk_->find(sim::split(path)) != nullptr;
}

Status SimFileSystem::remove_file(const std::string& path) {
  if (const int failure = begin_operation(*disk_, Operation::kRemove, "remove " + path)) {
    return file_error("remove", path, failure);
  }
  const std::vector<std::string> parts = sim::split(path);
  const std::lock_guard lock(disk_->mutex);
  const std::shared_ptr<Node> node = disk_->find(parts);
  if (node == nullptr) return file_error("remove", path, ENOENT);
  if (node->directory) return file_error("remove", path, EISDIR);
  disk_->apply({{{parent_of(*disk_, parts), parts.back(), nullptr, node}}});
  return Status();
}

Status SimFileSystem::remove_tree(const std::string& path) {
  const std::vector<std::string> parts = sim::split(path);
  {
    const std::lock_guard lock(disk_->mutex);
    if (disk_->find(parts) == nullptr) return Status();
  }
  if (const int failure = begin_operation(*disk_, Operation::kRemove, "remove " + path)) {
    return file_error("remove", path, failure);
  }
  const std::lock_guard lock(disk_->mutex);
  const std::shared_ptr<Node> node = disk_->find(parts);
  if (node == nullptr) return Status();
  if (parts.empty()) return file_error("remove", path, EBUSY);
  disk_->apply({{{parent_of(*disk_, parts), parts.back(), nullptr, node}}});
  return Status();
}

Status SimFileSystem::rename(const std::string& from, const std::string& to) {
  if (const int failure =
          begin_operation(*disk_, Operation::kRename, "rename " + from + " " + to)) {
    return file_error("rename", from + " to " + to, failure);
  }
  const std::vector<std::string> from_parts = sim::split(from);
  const std::vector<std::string> to_parts = sim::split(to);
  const std::lock_guard lock(disk_->mutex);
  const std::shared_ptr<Node> node = disk_->find(from_parts);
  const std::shared_ptr<Node> old = disk_->find(to_parts);
  const std::shared_ptr<Node> parent = parent_of(*disk_, to_parts);
  if (node == nullptr || from_parts.empty() || parent == nullptr) {
    return file_error("rename", from + " to " + to, ENOENT);
  }
  if (old == node) return Status();
  if (old != nullptr && old->directory != node->directory) {
    return file_error("rename", from + " to " + to, old->directory ? EISDIR : ENOTDIR);
  }
  if (old != nullptr && old->directory && !old->names.empty()) {
    return file_error("rename", from + " to " + to, ENOTEMPTY);
  }
  disk_->apply({{{parent_of(*disk_, from_parts), from_parts.back(), nullptr, node},
                 {parent, to_parts.back(), node, old}}});
  return Status();
}

Status SimFileSystem::create_directories(const std::string& path, uint32_t permissions) {
  static_cast<void>(permissions);
  std::vector<std::string> parts;
  std::string so_far = path.starts_with('/') ? "/" : "";
  for (const std::string& part : sim::split(path)) {
    parts.push_back(part);
    so_far = join_path(so_far, part);
    {
      const std::lock_guard lock(disk_->mutex);
      const std::shared_ptr<Node> node = disk_->find(parts);
      if (node != nullptr && !node->directory) return file_error("mkdir", so_far, ENOTDIR);
      if (node != nullptr) continue;
    }
    if (const int failure =
            begin_operation(*disk_, Operation::kCreateDirectory, "mkdir " + so_far)) {
      return file_error("mkdir", so_far, failure);
    }
    const std::lock_guard lock(disk_->mutex);
    if (disk_->find(parts) != nullptr) continue;
    disk_->apply({{{parent_of(*disk_, parts), part, std::make_shared<Node>(true, disk_->reserved),
                    nullptr}}});
  }
  return Status();
}

Result<std::vector<DirectoryEntry>> SimFileSystem::list(const std::string& path) {
  if (const int failure = begin_unrecorded(*disk_, Operation::kList)) {
    return file_error("read", path, failure);
  }
  const std::lock_guard lock(disk_->mutex);
  const std::shared_ptr<Node> node = disk_->find(sim::split(path));
  if (node == nullptr) return file_error("open", path, ENOENT);
  if (!node->directory) return file_error("open", path, ENOTDIR);
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, child] : node->names) {
    entries.push_back({name, child->directory, child->directory ? 0 : child->contents.size()});
  }
  return entries;
}

Status SimFileSystem::sync_directory(const std::string& path) {
  if (const int failure =
          begin_operation(*disk_, Operation::kSyncDirectory, "sync-directory " + path)) {
    return file_error("fsync", path, failure);
  }
  const std::lock_guard lock(disk_->mutex);
  const std::shared_ptr<Node> node = disk_->find(sim::split(path));
  if (node == nullptr || !node->directory) return file_error("open", path, ENOENT);
  disk_->sync_names(node);
  return Status();
}

Result<std::string> SimFileSystem::contents(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const std::shared_ptr<Node> node = disk_->find(sim::split(path));
  if (node == nullptr || node->directory) return file_error("open", path, ENOENT);
  return std::string(reinterpret_cast<const char*>(node->contents.data()), node->contents.size());
}

Status SimFileSystem::replace_contents(const std::string& path, std::string_view bytes) {
  Result<std::unique_ptr<File>> file = open(path, OpenMode::kCreate);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  const std::lock_guard lock(disk_->mutex);
  const std::shared_ptr<Node> node = disk_->find(sim::split(path));
  if (!node->contents.fits(bytes.size())) return file_error("write", path, EFBIG);
  node->contents.resize(0);
  node->contents.write(0, bytes);
  node->contents.sync();
  return Status();
}

}  // namespace gatehouse::env
