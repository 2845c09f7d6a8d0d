// Protobuf fields, just enough of them for this room's messages. Private to the room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec/varint.h"

namespace gatehouse::mvcc::wire {

enum class Type : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  uint32_t number = 0;
  Type type = Type::kVarint;
  uint64_t number_value = 0;  // of kVarint
  std::string_view bytes;     // of kBytes
};

// Takes one field off the front. False when there is none: bytes that are no field, a group.
inline bool take_field(std::string_view& in, Field& field) {
  uint64_t tag;
  if (codec::take_varint(in, tag) != codec::VarintParse::kOk) return false;
  if (tag >> 3 == 0 || tag > UINT32_MAX) return false;
  field.number = static_cast<uint32_t>(tag >> 3);
  field.type = static_cast<Type>(tag & 7);
  uint64_t size = 0;
  switch (field.type) {
    case Type::kVarint:
      return codec::take_varint(in, field.number_value) == codec::VarintParse::kOk;
    case Type::kFixed64:
      size = 8;
      break;
    case Type::kFixed32:
      size = 4;
      break;
    case Type::kBytes:
      if (codec::take_varint(in, size) != codec::VarintParse::kOk) return false;
      break;
    default:
      return false;
  }
  if (size > in.size()) return false;
  field.bytes = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

inline size_t number_size(int64_t value) {
  return value == 0 ? 0 : 1 + codec::varint_size(static_cast<uint64_t>(value));
}
inline size_t bytes_size(std::string_view bytes) {
  return bytes.empty() ? 0 : 1 + codec::varint_size(bytes.size()) + bytes.size();
}
// Fields 1 to 15; nothing for 0 and "".
inline void append_number(std::string& out, uint32_t field, int64_t value) {
  if (value == 0) return;
  out += static_cast<char>(field << 3);
  codec::append_varint(out, static_cast<uint64_t>(value));
}
inline void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  if (bytes.empty()) return;
  out += static_cast<char>(field << 3 | 2);
  codec::append_varint(out, bytes.size());
  out += bytes;
}

}  // namespace gatehouse::mvcc::wire
