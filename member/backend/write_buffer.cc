#include "member/backend/write_buffer.h"

#include <cstring>
#include <new>

#include "common/base/check.h"

namespace gatehouse::backend {

struct SkipList::Node {
  uint64_t prefix;
  const char* bytes;  // key, then value
  uint32_t key_bytes;
  uint32_t value_bytes;
  uint32_t number;
  bool removed;
  std::atomic<Node*> next[1];  // as many as the node is high

  std::string_view key() const { return {bytes, key_bytes}; }
  std::string_view value() const { return {bytes + key_bytes, value_bytes}; }
};

namespace {

int compare(uint64_t prefix_a, std::string_view a, uint64_t prefix_b, std::string_view b) {
  if (prefix_a != prefix_b) return prefix_a < prefix_b ? -1 : 1;
  return a.compare(b);
}

char* copy_pair(Arena& arena, std::string_view key, std::string_view value) {
  char* bytes = arena.allocate(key.size() + value.size());
  std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  return bytes;
}

}  // namespace

SkipList::SkipList() {
  for (std::atomic<Node*>& next : head_) next.store(nullptr, std::memory_order_relaxed);
}

int SkipList::random_height() {
  int height = 1;
  for (; height < kMaxHeight; ++height) {
    random_ = random_ * 1664525 + 1013904223;
    if ((random_ >> 30) != 0) break;
  }
  return height;
}

bool SkipList::empty() const { return head_[0].load(std::memory_order_acquire) == nullptr; }

void SkipList::add(Arena& arena, uint32_t number, std::string_view key, std::string_view value,
                   bool removed) {
  const int height = random_height();
  char* memory =
      arena.allocate(sizeof(Node) + static_cast<size_t>(height - 1) * sizeof(std::atomic<Node*>));
  Node* node = new (memory) Node{key_prefix(key),
                                 copy_pair(arena, key, value),
                                 static_cast<uint32_t>(key.size()),
                                 static_cast<uint32_t>(value.size()),
                                 number,
                                 removed,
                                 {}};
  for (int level = 1; level < height; ++level) new (&node->next[level]) std::atomic<Node*>(nullptr);
  if (height > height_) height_ = height;

  // Before all of the same key: newest first.
  std::array<std::atomic<Node*>*, kMaxHeight> before;
  std::atomic<Node*>* links = head_.data();
  for (int level = height_ - 1; level >= 0; --level) {
    for (Node* next = links[level].load(std::memory_order_relaxed);
         next != nullptr && compare(next->prefix, next->key(), node->prefix, key) < 0;
         next = links[level].load(std::memory_order_relaxed)) {
      links = next->next;
    }
    before[static_cast<size_t>(level)] = &links[level];
    if (level < height) {
      node->next[level].store(links[level].load(std::memory_order_relaxed),
                              std::memory_order_relaxed);
    }
  }
  // From below: a reader that meets the node on one level goes on with it on all levels under it.
  for (int level = 0; level < height; ++level) {
    before[static_cast<size_t>(level)]->store(node, std::memory_order_release);
  }
}

const SkipList::Node* SkipList::lower_bound(std::string_view key) const {
  const uint64_t prefix = key_prefix(key);
  const std::atomic<Node*>* links = head_.data();
  const Node* next = nullptr;
  for (int level = kMaxHeight - 1; level >= 0; --level) {
    for (next = links[level].load(std::memory_order_acquire);
         next != nullptr && compare(next->prefix, next->key(), prefix, key) < 0;
         next = links[level].load(std::memory_order_acquire)) {
      links = next->next;
    }
  }
  return next;
}

Known SkipList::get(std::string_view key, uint32_t changes, std::string_view& value) const {
  const Node* node = lower_bound(key);
  while (node != nullptr && node->number > changes && node->key() == key) {
    node = node->next[0].load(std::memory_order_acquire);
  }
  if (node == nullptr || node->key() != key) return Known::kNothing;
  if (node->removed) return Known::kRemoved;
  value = node->value();
  return Known::kValue;
}

void SkipList::Iterator::seek(std::string_view key) {
  node_ = list_->lower_bound(key);
  settle();
}

void SkipList::Iterator::next() {
  const std::string_view key = node_->key();
  do {
    node_ = node_->next[0].load(std::memory_order_acquire);
  } while (node_ != nullptr && node_->key() == key);
  settle();
}

void SkipList::Iterator::settle() {
  while (node_ != nullptr && node_->number > changes_) {
    node_ = node_->next[0].load(std::memory_order_acquire);
  }
}

std::string_view SkipList::Iterator::key() const { return node_->key(); }
std::string_view SkipList::Iterator::value() const { return node_->value(); }
bool SkipList::Iterator::removed() const { return node_->removed; }

bool AppendList::add(Arena& arena, std::string_view key, std::string_view value) {
  if (count_ > 0 && compare_keys(at(count_ - 1).key(), key) >= 0) return false;
  const uint32_t chunk = count_ / kChunk;
  if (chunk == kChunks) return false;
  if (count_ % kChunk == 0) chunks_[chunk].reset(new Record[kChunk]);
  chunks_[chunk][count_ % kChunk] = {key_prefix(key), copy_pair(arena, key, value),
                                     static_cast<uint32_t>(key.size()),
                                     static_cast<uint32_t>(value.size())};
  ++count_;
  return true;
}

uint32_t AppendList::lower_bound(std::string_view key, uint32_t count) const {
  const uint64_t prefix = key_prefix(key);
  uint32_t low = 0;
  uint32_t high = count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const Record& record = at(middle);
    if (compare(record.prefix, record.key(), prefix, key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Known AppendList::get(std::string_view key, uint32_t count, std::string_view& value) const {
  // Most reads are of revisions long committed: below the first, no search.
  if (count == 0 || compare_keys(key, at(0).key()) < 0) return Known::kNothing;
  const uint32_t i = lower_bound(key, count);
  if (i == count || at(i).key() != key) return Known::kNothing;
  value = at(i).value();
  return Known::kValue;
}

namespace {

// What a pair takes of leaf pages that are filled in order: as many as fit the fill, at least two,
// which may run over into more pages. The few rows of kMeta are written again and again, and take no
// room that they had not.
uint64_t file_bytes(Bucket bucket, std::string_view key, std::string_view value) {
  constexpr uint64_t kFill = kDefaultPageBytes * 9 / 10;
  if (bucket == Bucket::kMeta) return 0;
  const uint64_t bytes = kElementBytes + key.size() + value.size();
  if (bytes <= kFill / 2) return kDefaultPageBytes / (kFill / bytes);
  const uint64_t two = kHeaderBytes + 2 * bytes;
  return (two + kDefaultPageBytes - 1) / kDefaultPageBytes * kDefaultPageBytes / 2;
}

}  // namespace

void WriteBuffer::put(Bucket bucket, std::string_view key, std::string_view value) {
  CHECK_MSG(!key.empty() && key.size() <= kMaxKeyBytes, "a key the file cannot hold");
  estimated_bytes_ += file_bytes(bucket, key, value);
  lists_[static_cast<size_t>(bucket)].add(arena_, ++changes_, key, value, false);
}

void WriteBuffer::remove(Bucket bucket, std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) return;  // not there, for certain
  lists_[static_cast<size_t>(bucket)].add(arena_, ++changes_, key, {}, true);
}

void WriteBuffer::append(Bucket bucket, std::string_view key, std::string_view value) {
  CHECK_MSG(!key.empty() && key.size() <= kMaxKeyBytes, "a key the file cannot hold");
  // A removal of the same key would hide it in the append list.
  const SkipList& list = lists_[static_cast<size_t>(bucket)];
  std::string_view ignored;
  const bool hidden = !list.empty() && list.get(key, changes_, ignored) != Known::kNothing;
  if (bucket == Bucket::kKey && !hidden && appended_.add(arena_, key, value)) {
    ++changes_;
    estimated_bytes_ += file_bytes(bucket, key, value);
  } else {
    put(bucket, key, value);
  }
}

void WriteBuffer::publish() {
  published_.store(uint64_t{changes_} << 32 | appended_.count(), std::memory_order_release);
}

Moment WriteBuffer::moment() const {
  const uint64_t published = published_.load(std::memory_order_acquire);
  return {static_cast<uint32_t>(published >> 32), static_cast<uint32_t>(published)};
}

Known WriteBuffer::get(Bucket bucket, std::string_view key, Moment moment,
                       std::string_view& value) const {
  const SkipList& list = lists_[static_cast<size_t>(bucket)];
  if (!list.empty()) {
    const Known known = list.get(key, moment.changes, value);
    if (known != Known::kNothing) return known;
  }
  if (bucket != Bucket::kKey) return Known::kNothing;
  return appended_.get(key, moment.appended, value);
}

}  // namespace gatehouse::backend
