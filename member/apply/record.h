// What of a stored record (an encoded mvccpb.KeyValue) is not in the index.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"

namespace gatehouse::apply {

struct Stored {
  std::string_view value;
  int64_t lease = 0;
};

// A view into the record, which is ours and whole.
inline Stored parse_stored(std::string_view record) {
  Stored stored;
  codec::ProtoFields fields(record);
  while (fields.next()) {
    if (fields.number() == 5) stored.value = fields.bytes();
    if (fields.number() == 6) stored.lease = fields.int64();
  }
  CHECK_MSG(fields.ok(), "a stored record is no KeyValue");
  return stored;
}

}  // namespace gatehouse::apply
