#include "common/env/sim_disk.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace gatehouse::env::sim {

Contents::~Contents() {
  if (data_ != nullptr) ::munmap(data_, reserved_);
}

const std::byte* Contents::data() {
  if (data_ == nullptr) {
    void* memory = ::mmap(nullptr, reserved_, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK_MSG(memory != MAP_FAILED, "no address space for a simulated file");
    data_ = static_cast<std::byte*>(memory);
  }
  return data_;
}

void Contents::remember(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  for (uint64_t sector = begin / kSectorBytes; sector <= (end - 1) / kSectorBytes; ++sector) {
    auto [place, added] = synced_sectors_.try_emplace(sector);
    if (!added) continue;
    place->second.assign(reinterpret_cast<const char*>(data()) + sector * kSectorBytes,
                         kSectorBytes);
  }
}

void Contents::write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  const uint64_t end = offset + bytes.size();
  CHECK(fits(end));
  remember(offset, end);
  std::memcpy(data_ + offset, bytes.data(), bytes.size());
  written_end_ = std::max(written_end_, end);
  size_ = std::max(size_, end);
}

void Contents::resize(uint64_t size) {
  CHECK(fits(size));
  if (size < written_end_) {
    remember(size, written_end_);
    std::memset(data_ + size, 0, written_end_ - size);
    written_end_ = size;
  }
  size_ = size;
}

void Contents::sync() {
  synced_sectors_.clear();
  synced_size_ = size_;
}

void Contents::become_crashed(Contents& from, std::mt19937_64& random, double survival) {
  std::uniform_real_distribution<double> chance(0, 1);
  data();
  if (from.data_ != nullptr) std::memcpy(data_, from.data_, from.written_end_);
  written_end_ = from.written_end_;
  size_ = from.size_;
  if (size_ != from.synced_size_ && chance(random) >= survival) size_ = from.synced_size_;
  for (const auto& [sector, synced] : from.synced_sectors_) {
    if (chance(random) < survival) continue;
    std::memcpy(data_ + sector * kSectorBytes, synced.data(), kSectorBytes);
    written_end_ = std::max(written_end_, (sector + 1) * kSectorBytes);
  }
  if (written_end_ > size_) {
    std::memset(data_ + size_, 0, written_end_ - size_);
    written_end_ = size_;
  }
  sync();
}

std::shared_ptr<Node> Disk::find(const std::vector<std::string>& parts) const {
  std::shared_ptr<Node> node = root;
  for (const std::string& part : parts) {
    if (!node->directory) return nullptr;
    const auto found = node->names.find(part);
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

void Disk::apply(NameChange change) {
  for (const NameChange::Part& part : change.parts) {
    if (part.to == nullptr) {
      part.directory->names.erase(part.name);
    } else {
      part.directory->names[part.name] = part.to;
    }
  }
  changes.push_back(std::move(change));
}

void NameChange::make_durable() const {
  for (const Part& part : parts) {
    Names& names = part.directory->durable_names;
    if (part.to != nullptr) {
      names[part.name] = part.to;
    } else if (const auto found = names.find(part.name);
               found != names.end() && found->second == part.from) {
      names.erase(found);
    }
  }
}

void Disk::sync_names(const std::shared_ptr<Node>& directory) {
  std::vector<NameChange> left;
  for (NameChange& change : changes) {
    bool whole = true;
    for (NameChange::Part& part : change.parts) {
      part.synced = part.synced || part.directory == directory;
      whole = whole && part.synced;
    }
    if (whole) {
      change.make_durable();
    } else {
      left.push_back(std::move(change));
    }
  }
  changes = std::move(left);
}

int Disk::failure_of(SimFileSystem::Operation kind) {
  Failure& failure = failures[static_cast<size_t>(kind)];
  if (failure.left == 0) return 0;
  if (failure.left > 1) {
    --failure.left;
    return 0;
  }
  if (!failure.lasting) failure.left = 0;
  return failure.error_number;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

}  // namespace gatehouse::env::sim
