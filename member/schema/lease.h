// Rows of the "lease" bucket: the id, 8 bytes big-endian -> leasepb.Lease {1 ID, 2 TTL,
// 3 RemainingTTL}, zeros left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/codec/fixed.h"
#include "common/codec/varint.h"

namespace gatehouse::schema {

struct LeaseRow {
  int64_t id = 0;
  int64_t ttl = 0;        // seconds, as granted
  int64_t remaining = 0;  // seconds left at the last checkpoint; 0: none since the last renewal

  friend bool operator==(const LeaseRow&, const LeaseRow&) = default;
};

inline std::string lease_key(int64_t id) {
  std::string key;
  codec::append_big_endian(key, static_cast<uint64_t>(id));
  return key;
}

inline std::string encode_lease(const LeaseRow& row) {
  std::string bytes;
  const auto append = [&bytes](char tag, int64_t value) {
    if (value == 0) return;
    bytes += tag;
    codec::append_varint(bytes, static_cast<uint64_t>(value));
  };
  append('\x08', row.id);
  append('\x10', row.ttl);
  append('\x18', row.remaining);
  return bytes;
}

// Nothing when the bytes are no such message. Other fields are not expected in a row: also nothing.
inline std::optional<LeaseRow> decode_lease(std::string_view bytes) {
  LeaseRow row;
  while (!bytes.empty()) {
    const char tag = bytes.front();
    bytes.remove_prefix(1);
    uint64_t value = 0;
    if (codec::take_varint(bytes, value) != codec::VarintParse::kOk) return std::nullopt;
    switch (tag) {
      case '\x08':
        row.id = static_cast<int64_t>(value);
        break;
      case '\x10':
        row.ttl = static_cast<int64_t>(value);
        break;
      case '\x18':
        row.remaining = static_cast<int64_t>(value);
        break;
      default:
        return std::nullopt;
    }
  }
  return row;
}

}  // namespace gatehouse::schema
