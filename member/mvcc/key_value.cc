#include "member/mvcc/key_value.h"

#include "member/mvcc/wire.h"

namespace gatehouse::mvcc {

bool parse_key_value(std::string_view record, KeyValue& out) {
  out = KeyValue();
  wire::Field field;
  while (!record.empty()) {
    if (!wire::take_field(record, field)) return false;
    const bool bytes = field.type == wire::Type::kBytes;
    if (field.number > 6) continue;
    if (bytes != (field.number == 1 || field.number == 5)) return false;
    if (!bytes && field.type != wire::Type::kVarint) return false;
    const auto number = static_cast<int64_t>(field.number_value);
    switch (field.number) {
      case 1:
        out.key = field.bytes;
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
        out.value = field.bytes;
        break;
      default:
        out.lease = number;
        break;
    }
  }
  return true;
}

size_t key_value_size(const KeyValue& pair) {
  return wire::bytes_size(pair.key) + wire::number_size(pair.created) +
         wire::number_size(pair.modified) + wire::number_size(pair.version) +
         wire::bytes_size(pair.value) + wire::number_size(pair.lease);
}

void append_key_value(std::string& out, const KeyValue& pair) {
  wire::append_bytes(out, 1, pair.key);
  wire::append_number(out, 2, pair.created);
  wire::append_number(out, 3, pair.modified);
  wire::append_number(out, 4, pair.version);
  wire::append_bytes(out, 5, pair.value);
  wire::append_number(out, 6, pair.lease);
}

}  // namespace gatehouse::mvcc
