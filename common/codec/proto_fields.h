// Fields of a protobuf message, read and written without a message object: for hot paths, where a
// request is looked at once and a response is spliced from bytes that are there already.
// https://protobuf.dev/programming-guides/encoding/. Pure; any thread.
//
//   ProtoFields fields(bytes);
//   while (fields.next()) {
//     switch (fields.number()) {
//       case 1: key = fields.bytes(); break;
//       case 3: limit = fields.int64(); break;
//     }
//   }
//   if (!fields.ok()) ...  // no protobuf message
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec/fixed.h"
#include "common/codec/varint.h"

namespace gatehouse::codec {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One pass over the fields in the order of the bytes. Groups, which proto3 does not have, end it
// with !ok().
class ProtoFields {
 public:
  explicit ProtoFields(std::string_view message) : rest_(message) {}

  // False at the end of the message, or where it is broken: ask ok().
  bool next() {
    if (rest_.empty()) return false;
    uint64_t tag = 0;
    if (take_varint(rest_, tag) != VarintParse::kOk) return broken();
    const uint64_t number = tag >> 3;
    if (number == 0 || number > kMaxNumber) return broken();
    number_ = static_cast<uint32_t>(number);
    type_ = static_cast<WireType>(tag & 7);
    switch (type_) {
      case WireType::kVarint:
        return take_varint(rest_, integer_) == VarintParse::kOk || broken();
      case WireType::kFixed64:
        return take_fixed<uint64_t>();
      case WireType::kFixed32:
        return take_fixed<uint32_t>();
      case WireType::kBytes: {
        uint64_t size = 0;
        if (take_varint(rest_, size) != VarintParse::kOk || size > rest_.size()) return broken();
        bytes_ = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
      }
    }
    return broken();
  }

  bool ok() const { return ok_; }

  // Of the field that next() found.
  uint32_t number() const { return number_; }
  WireType type() const { return type_; }
  bool is_bytes() const { return type_ == WireType::kBytes; }
  bool is_varint() const { return type_ == WireType::kVarint; }
  // Of kBytes: views into the message; else what an earlier field had.
  std::string_view bytes() const { return bytes_; }
  // Of the other types.
  uint64_t uint64() const { return integer_; }
  int64_t int64() const { return static_cast<int64_t>(integer_); }
  bool boolean() const { return integer_ != 0; }

 private:
  static constexpr uint64_t kMaxNumber = (uint64_t{1} << 29) - 1;

  bool broken() {
    ok_ = false;
    rest_ = {};
    return false;
  }
  template <typename T>
  bool take_fixed() {
    if (rest_.size() < sizeof(T)) return broken();
    integer_ = load_little_endian<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return true;
  }

  std::string_view rest_;
  std::string_view bytes_;
  uint64_t integer_ = 0;
  uint32_t number_ = 0;
  WireType type_ = WireType::kVarint;
  bool ok_ = true;
};

inline void append_tag(std::string& out, uint32_t number, WireType type) {
  append_varint(out, (uint64_t{number} << 3) | static_cast<uint64_t>(type));
}

// Zero is what an absent field means in proto3: nothing is written.
inline void append_uint64_field(std::string& out, uint32_t number, uint64_t value) {
  if (value == 0) return;
  append_tag(out, number, WireType::kVarint);
  append_varint(out, value);
}
inline void append_int64_field(std::string& out, uint32_t number, int64_t value) {
  append_uint64_field(out, number, static_cast<uint64_t>(value));
}
inline void append_bool_field(std::string& out, uint32_t number, bool value) {
  append_uint64_field(out, number, value ? 1 : 0);
}
// A string, bytes or a whole message; written when empty, too: who means absent does not call.
inline void append_bytes_field(std::string& out, uint32_t number, std::string_view bytes) {
  append_tag(out, number, WireType::kBytes);
  append_varint(out, bytes.size());
  out.append(bytes);
}
// Bytes that append_bytes_field() adds.
constexpr size_t bytes_field_size(uint32_t number, size_t bytes) {
  return varint_size(uint64_t{number} << 3) + varint_size(bytes) + bytes;
}

}  // namespace gatehouse::codec
