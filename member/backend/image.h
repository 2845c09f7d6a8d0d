// The mapped file, and the state of the tree at one commit.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "common/env/file_system.h"
#include "member/backend/backend.h"
#include "member/backend/page.h"

namespace gatehouse::backend {

// The bytes of the file. Shared by the states read through it; closes the file with the last.
struct Image {
  std::shared_ptr<env::File> file;
  std::shared_ptr<env::Mapping> mapping;
  size_t page_bytes = kDefaultPageBytes;

  PageView page(PageId id) const {
    return PageView(reinterpret_cast<const char*>(mapping->data()) + id * page_bytes);
  }
};

// Which states are still being read, so that their pages are not used again.
class LiveStates {
 public:
  void add(TxId txid) {
    const std::lock_guard lock(mutex_);
    live_.insert(txid);
  }
  void remove(TxId txid) {
    const std::lock_guard lock(mutex_);
    live_.erase(live_.find(txid));
  }
  // The lowest, at most `txid`.
  TxId oldest(TxId txid) const {
    const std::lock_guard lock(mutex_);
    return live_.empty() ? txid : std::min(txid, *live_.begin());
  }

 private:
  mutable std::mutex mutex_;
  std::multiset<TxId> live_;
};

// Where a bucket's tree is.
struct BucketRoot {
  bool exists = false;
  uint64_t sequence = 0;
  PageId root = 0;       // 0: inline
  PageView inline_leaf;  // in its parent's page
};

BucketRoot decode_bucket(std::string_view value);

// One commit's tree; never changes. Its pages stay as they are for as long as it lives.
class TreeState {
 public:
  // Looks up the member's buckets.
  TreeState(Image image, const Meta& meta, std::shared_ptr<LiveStates> live);
  ~TreeState();
  TreeState(const TreeState&) = delete;
  TreeState& operator=(const TreeState&) = delete;

  const Image& image() const { return image_; }
  const Meta& meta() const { return meta_; }
  // Of no other state in the process, before or after; from 1.
  uint64_t serial() const { return serial_; }
  const BucketRoot& bucket(Bucket bucket) const { return buckets_[static_cast<size_t>(bucket)]; }
  PageView root_of(const BucketRoot& bucket) const {
    return bucket.root == 0 ? bucket.inline_leaf : image_.page(bucket.root);
  }
  // By name, for those that are not the member's, too.
  BucketRoot find_bucket(std::string_view name) const;

 private:
  const Image image_;
  const Meta meta_;
  const uint64_t serial_;
  const std::shared_ptr<LiveStates> live_;
  std::array<BucketRoot, kBucketCount> buckets_;
};

}  // namespace gatehouse::backend
