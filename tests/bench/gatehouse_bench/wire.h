// As much protobuf as the tool needs: requests are encoded once, and of a response little is looked
// at, so that the tool costs a fraction of what it measures.
//
// https://protobuf.dev/programming-guides/encoding
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::bench {

void append_varint_field(std::string& out, uint32_t number, uint64_t value);
void append_bytes_field(std::string& out, uint32_t number, std::string_view value);

// Walks the fields of a message. Views are into it.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : rest_(message) {}

  // False at the end, or where the bytes are no protobuf (malformed() tells which).
  bool next();
  bool malformed() const { return malformed_; }

  uint32_t number() const { return number_; }
  uint64_t varint() const { return varint_; }        // 0 for fields of another type
  std::string_view bytes() const { return bytes_; }  // empty for fields of another type

 private:
  bool fail();

  std::string_view rest_;
  uint32_t number_ = 0;
  uint64_t varint_ = 0;
  std::string_view bytes_;
  bool malformed_ = false;
};

}  // namespace gatehouse::bench
