// Rows of the "lease" bucket: the id, 8 bytes big-endian, to a leasepb.Lease.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec/fixed.h"
#include "common/codec/proto_fields.h"

namespace gatehouse::schema {

struct LeaseRow {
  int64_t id = 0;
  int64_t ttl = 0;            // seconds
  int64_t remaining_ttl = 0;  // of the last checkpoint; 0: none
};

inline std::string lease_key(int64_t id) {
  std::string key;
  codec::append_big_endian(key, static_cast<uint64_t>(id));
  return key;
}

inline std::string encode_lease(const LeaseRow& row) {
  std::string value;
  codec::append_int64_field(value, 1, row.id);
  codec::append_int64_field(value, 2, row.ttl);
  codec::append_int64_field(value, 3, row.remaining_ttl);
  return value;
}

// False when the value is no lease.
inline bool decode_lease(std::string_view value, LeaseRow& row) {
  codec::ProtoFields fields(value);
  while (fields.next()) {
    if (!fields.is_varint()) continue;
    if (fields.number() == 1) row.id = fields.int64();
    if (fields.number() == 2) row.ttl = fields.int64();
    if (fields.number() == 3) row.remaining_ttl = fields.int64();
  }
  return fields.ok() && row.id != 0;
}

}  // namespace gatehouse::schema
