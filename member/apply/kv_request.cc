#include "member/apply/kv_request.h"

#include "common/codec/proto_fields.h"

namespace gatehouse::apply {

bool parse_put(std::string_view bytes, PutView& put) {
  codec::ProtoFields fields(bytes);
  while (fields.next()) {
    if (fields.is_bytes()) {
      if (fields.number() == 1) put.key = fields.bytes();
      if (fields.number() == 2) put.value = fields.bytes();
    } else if (fields.is_varint()) {
      if (fields.number() == 3) put.lease = fields.int64();
      if (fields.number() == 4) put.prev_kv = fields.boolean();
      if (fields.number() == 5) put.ignore_value = fields.boolean();
      if (fields.number() == 6) put.ignore_lease = fields.boolean();
    }
  }
  return fields.ok();
}

bool parse_delete(std::string_view bytes, DeleteView& del) {
  codec::ProtoFields fields(bytes);
  while (fields.next()) {
    if (fields.is_bytes()) {
      if (fields.number() == 1) del.key = fields.bytes();
      if (fields.number() == 2) del.end = fields.bytes();
    } else if (fields.is_varint() && fields.number() == 3) {
      del.prev_kv = fields.boolean();
    }
  }
  return fields.ok();
}

}  // namespace gatehouse::apply
