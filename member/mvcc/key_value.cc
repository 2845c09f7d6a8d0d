#include "member/mvcc/key_value.h"

#include "common/codec/proto_fields.h"

namespace gatehouse::mvcc {

namespace {

size_t number_size(int64_t value) {
  return value == 0 ? 0 : 1 + codec::varint_size(static_cast<uint64_t>(value));
}
size_t bytes_size(std::string_view bytes) {
  return bytes.empty() ? 0 : codec::bytes_field_size(1, bytes.size());
}
void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  if (!bytes.empty()) codec::append_bytes_field(out, field, bytes);
}

}  // namespace

bool parse_key_value(std::string_view record, KeyValue& out) {
  out = KeyValue();
  codec::ProtoFields field(record);
  while (field.next()) {
    if (field.number() > 6) continue;
    const bool bytes = field.number() == 1 || field.number() == 5;
    if (bytes ? !field.is_bytes() : !field.is_varint()) return false;
    const int64_t number = field.int64();
    switch (field.number()) {
      case 1:
        out.key = field.bytes();
        break;
      case 2:
        out.created = number;
        break;
      case 3:
        out.modified = number;
        break;
      case 4:
        out.version = number;
        break;
      case 5:
        out.value = field.bytes();
        break;
      default:
        out.lease = number;
        break;
    }
  }
  return field.ok();
}

size_t key_value_size(const KeyValue& pair) {
  return bytes_size(pair.key) + number_size(pair.created) +
         number_size(pair.modified) + number_size(pair.version) +
         bytes_size(pair.value) + number_size(pair.lease);
}

void append_key_value(std::string& out, const KeyValue& pair) {
  append_bytes(out, 1, pair.key);
  codec::append_int64_field(out, 2, pair.created);
  codec::append_int64_field(out, 3, pair.modified);
  codec::append_int64_field(out, 4, pair.version);
  append_bytes(out, 5, pair.value);
  codec::append_int64_field(out, 6, pair.lease);
}

}  // namespace gatehouse::mvcc
