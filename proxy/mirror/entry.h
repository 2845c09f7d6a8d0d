// Entry: one encoded mvccpb.KeyValue in one allocation, immutable and shared by all trees, steps and
// views that have it. Responses are spliced from its bytes; a value is never decoded.
//
// Thread: any; the count of references is atomic, the rest never changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

namespace gatehouse::mirror {

class Entry {
 public:
  // What an entry takes beside its record.
  static size_t overhead();

  std::string_view record() const { return {bytes(), size_}; }
  std::string_view key() const { return {bytes() + key_at_, key_size_}; }
  std::string_view value() const { return {bytes() + value_at_, value_size_}; }
  // The record without its value: these two, one after the other. The second is the lease, if any.
  std::string_view before_value() const { return {bytes(), value_field_at_}; }
  std::string_view after_value() const {
    const size_t end = size_t{value_at_} + value_size_;
    return {bytes() + end, size_ - end};
  }
  // Read from the record at each call: only filters, sorting and feeding ask.
  struct Revisions {
    int64_t created = 0;
    int64_t modified = 0;
    int64_t version = 0;
  };
  Revisions revisions() const;

  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  friend class EntryRef;
  Entry() = default;
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

  mutable std::atomic<uint32_t> references_{1};
  uint32_t size_ = 0;
  uint32_t key_at_ = 0;
  uint32_t key_size_ = 0;
  uint32_t value_field_at_ = 0;  // where the value's tag is, or would be
  uint32_t value_at_ = 0;
  uint32_t value_size_ = 0;
};

// Owns one reference; null by default.
class EntryRef {
 public:
  EntryRef() = default;
  EntryRef(const EntryRef& other) : entry_(other.entry_) { acquire(); }
  EntryRef(EntryRef&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  EntryRef& operator=(EntryRef other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~EntryRef() { release(); }

  // Of the bytes of an mvccpb.KeyValue; they are copied, in the order of field numbers. Null when
  // they are none, or have no key.
  static EntryRef parse(std::string_view key_value);

  const Entry* get() const { return entry_; }
  const Entry* operator->() const { return entry_; }
  const Entry& operator*() const { return *entry_; }
  explicit operator bool() const { return entry_ != nullptr; }

 private:
  void acquire() {
    if (entry_ != nullptr) entry_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  void release();

  const Entry* entry_ = nullptr;
};

}  // namespace gatehouse::mirror
