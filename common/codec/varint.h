// Base-128 varints as protobuf writes them: seven bits a byte, lowest first, the top bit says that
// more follow. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::codec {

inline constexpr size_t kMaxVarintBytes = 10;

// Bytes append_varint() adds for the value, 1 to kMaxVarintBytes.
constexpr size_t varint_size(uint64_t value) {
  size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

inline void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

enum class VarintParse : uint8_t {
  kOk,
  kTruncated,  // `in` ends within the varint: more bytes may make it whole
  kTooLarge,   // more than 64 bits: no byte that follows can mend it
};

// Takes one varint off the front of `in`. Unless kOk, `in` and `value` are left as they were.
// An encoding with superfluous zero groups is taken, as protobuf does.
inline VarintParse take_varint(std::string_view& in, uint64_t& value) {
  uint64_t result = 0;
  for (size_t i = 0; i < kMaxVarintBytes; ++i) {
    if (i == in.size()) return VarintParse::kTruncated;
    const uint8_t byte = static_cast<uint8_t>(in[i]);
    if (i == kMaxVarintBytes - 1 && byte > 1) return VarintParse::kTooLarge;
    result |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      value = result;
      return VarintParse::kOk;
    }
  }
  return VarintParse::kTooLarge;
}

}  // namespace gatehouse::codec
