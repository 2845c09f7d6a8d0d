#include "proxy/mirror/entry.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"

namespace gatehouse::mirror {

namespace {

// Fields of mvccpb.KeyValue.
constexpr uint32_t kKey = 1;
constexpr uint32_t kCreated = 2;
constexpr uint32_t kModified = 3;
constexpr uint32_t kVersion = 4;
constexpr uint32_t kValue = 5;
constexpr uint32_t kLease = 6;

}  // namespace

size_t Entry::overhead() { return sizeof(Entry); }

EntryRef EntryRef::parse(std::string_view key_value) {
  std::string_view key;
  std::string_view value;
  Entry::Revisions revisions;
  int64_t lease = 0;
  codec::ProtoFields fields(key_value);
  while (fields.next()) {
    switch (fields.number()) {
      case kKey:
        key = fields.bytes();
        break;
      case kCreated:
        revisions.created = fields.int64();
        break;
      case kModified:
        revisions.modified = fields.int64();
        break;
      case kVersion:
        revisions.version = fields.int64();
        break;
      case kValue:
        value = fields.bytes();
        break;
      case kLease:
        lease = fields.int64();
        break;
      default:
        break;
    }
  }
  if (!fields.ok() || key.empty()) return {};

  thread_local std::string record;
  record.clear();
  codec::append_bytes_field(record, kKey, key);
  const size_t key_at = record.size() - key.size();
  codec::append_int64_field(record, kCreated, revisions.created);
  codec::append_int64_field(record, kModified, revisions.modified);
  codec::append_int64_field(record, kVersion, revisions.version);
  const size_t value_field_at = record.size();
  if (!value.empty()) codec::append_bytes_field(record, kValue, value);
  const size_t value_end = record.size();
  codec::append_int64_field(record, kLease, lease);
  CHECK(record.size() <= UINT32_MAX);

  void* memory = std::malloc(sizeof(Entry) + record.size());
  CHECK_MSG(memory != nullptr, "out of memory");
  Entry* entry = ::new (memory) Entry();
  std::memcpy(static_cast<char*>(memory) + sizeof(Entry), record.data(), record.size());
  entry->size_ = static_cast<uint32_t>(record.size());
  entry->key_at_ = static_cast<uint32_t>(key_at);
  entry->key_size_ = static_cast<uint32_t>(key.size());
  entry->value_field_at_ = static_cast<uint32_t>(value_field_at);
  entry->value_at_ = static_cast<uint32_t>(value_end - value.size());
  entry->value_size_ = static_cast<uint32_t>(value.size());
  EntryRef made;
  made.entry_ = entry;
  return made;
}

Entry::Revisions Entry::revisions() const {
  Revisions revisions;
  codec::ProtoFields fields(before_value().substr(key_at_ + key_size_));
  while (fields.next()) {
    if (fields.number() == kCreated) revisions.created = fields.int64();
    if (fields.number() == kModified) revisions.modified = fields.int64();
    if (fields.number() == kVersion) revisions.version = fields.int64();
  }
  return revisions;
}

void EntryRef::release() {
  if (entry_ == nullptr) return;
  if (entry_->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  entry_->~Entry();
  std::free(const_cast<Entry*>(entry_));
}

}  // namespace gatehouse::mirror
