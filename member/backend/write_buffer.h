// WriteBuffer: what was written since a commit began to gather. One thread writes; any thread reads
// a fixed moment of it, without a lock, while writing goes on.
//
// Two shapes by how a bucket is written:
// - AppendList: pairs above all before, for revisions. Chunks of records, found by binary search.
// - SkipList: everything else, and removals. Versions of a key lie newest first, each with the
//   number of its change, as in LevelDB's memtable; a reader skips what came after its moment.
// What the skip list says of a key wins over the append list.
//
// A moment is one number, published by the writer: how many changes, how many appended pairs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "member/backend/arena.h"
#include "member/backend/backend.h"
#include "member/backend/page.h"

namespace gatehouse::backend {

// A prefix of a key that orders as keys do, where it differs.
inline uint64_t key_prefix(std::string_view key) {
  if (key.size() >= 8) return __builtin_bswap64(load<uint64_t>(key.data()));
  uint64_t prefix = 0;
  if (!key.empty()) std::memcpy(&prefix, key.data(), key.size());
  return __builtin_bswap64(prefix);
}

struct Moment {
  uint32_t changes = 0;
  uint32_t appended = 0;
};

// What a buffer knows of a key.
enum class Known : uint8_t { kNothing, kValue, kRemoved };

class SkipList {
 public:
  struct Node;

  SkipList();

  // Writer. `number` rises from call to call.
  void add(Arena& arena, uint32_t number, std::string_view key, std::string_view value,
           bool removed);

  bool empty() const;
  Known get(std::string_view key, uint32_t changes, std::string_view& value) const;

  // The newest version at a moment of each key, in order; removals included.
  class Iterator {
   public:
    Iterator(const SkipList& list, uint32_t changes) : list_(&list), changes_(changes) {}
    void seek(std::string_view key);
    void next();
    bool valid() const { return node_ != nullptr; }
    std::string_view key() const;
    std::string_view value() const;
    bool removed() const;

   private:
    void settle();

    const SkipList* list_;
    uint32_t changes_;
    const Node* node_ = nullptr;
  };

 private:
  static constexpr int kMaxHeight = 12;  // enough for 4^12 nodes

  const Node* lower_bound(std::string_view key) const;
  int random_height();

  std::array<std::atomic<Node*>, kMaxHeight> head_;
  int height_ = 1;  // the writer's; readers start at the top
  uint32_t random_ = 0x9E3779B9;
};

class AppendList {
 public:
  struct Record {
    uint64_t prefix;
    const char* bytes;  // key, then value
    uint32_t key_bytes;
    uint32_t value_bytes;

    std::string_view key() const { return {bytes, key_bytes}; }
    std::string_view value() const { return {bytes + key_bytes, value_bytes}; }
  };

  // Writer. False when it is full or the key is not above the last.
  bool add(Arena& arena, std::string_view key, std::string_view value);
  uint32_t count() const { return count_; }

  // Of the first `count`.
  uint32_t lower_bound(std::string_view key, uint32_t count) const;
  Known get(std::string_view key, uint32_t count, std::string_view& value) const;
  const Record& at(uint32_t i) const { return chunks_[i / kChunk][i % kChunk]; }

 private:
  static constexpr uint32_t kChunk = 1024;
  static constexpr uint32_t kChunks = 4096;  // then pairs go to the skip list, slower but as well

  std::unique_ptr<std::unique_ptr<Record[]>[]> chunks_ { new std::unique_ptr<Record[]>[ kChunks ] };
  uint32_t count_ = 0;
};

class WriteBuffer {
 public:
  // The writer's thread.
  void put(Bucket bucket, std::string_view key, std::string_view value);
  void append(Bucket bucket, std::string_view key, std::string_view value);
  void remove(Bucket bucket, std::string_view key);
  // Makes what was written visible at moment().
  void publish();
  Moment unpublished() const { return {changes_, appended_.count()}; }
  size_t bytes() const { return arena_.bytes(); }
  // About what the pairs put will take of the file; what is overwritten or removed is not deducted.
  uint64_t estimated_bytes() const { return estimated_bytes_; }

  // Any thread.
  Moment moment() const;
  Known get(Bucket bucket, std::string_view key, Moment moment, std::string_view& value) const;
  const SkipList& changes(Bucket bucket) const { return lists_[static_cast<size_t>(bucket)]; }
  const AppendList& appended() const { return appended_; }  // of Bucket::kKey

 private:
  Arena arena_;
  std::array<SkipList, kBucketCount> lists_;
  AppendList appended_;
  uint32_t changes_ = 0;
  uint64_t estimated_bytes_ = 0;
  std::atomic<uint64_t> published_{0};
};

}  // namespace gatehouse::backend
