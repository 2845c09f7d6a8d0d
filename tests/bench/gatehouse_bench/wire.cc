#include "tests/bench/gatehouse_bench/wire.h"

#include "common/codec/varint.h"

namespace gatehouse::bench {
namespace {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

uint64_t tag(uint32_t number, WireType type) { return (uint64_t{number} << 3) | type; }

}  // namespace

void append_varint_field(std::string& out, uint32_t number, uint64_t value) {
  codec::append_varint(out, tag(number, kVarint));
  codec::append_varint(out, value);
}

void append_bytes_field(std::string& out, uint32_t number, std::string_view value) {
  codec::append_varint(out, tag(number, kBytes));
  codec::append_varint(out, value.size());
  out.append(value);
}

bool FieldReader::fail() {
  malformed_ = true;
  rest_ = {};
  return false;
}

bool FieldReader::next() {
  if (rest_.empty()) return false;
  varint_ = 0;
  bytes_ = {};
  uint64_t head = 0;
  if (codec::take_varint(rest_, head) != codec::VarintParse::kOk) return fail();
  number_ = static_cast<uint32_t>(head >> 3);
  size_t skip = 0;
  switch (head & 7) {
    case kVarint:
      if (codec::take_varint(rest_, varint_) != codec::VarintParse::kOk) return fail();
      return true;
    case kBytes: {
      uint64_t size = 0;
      if (codec::take_varint(rest_, size) != codec::VarintParse::kOk) return fail();
      if (size > rest_.size()) return fail();
      bytes_ = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return true;
    }
    case kFixed64:
      skip = 8;
      break;
    case kFixed32:
      skip = 4;
      break;
    default:
      return fail();
  }
  if (skip > rest_.size()) return fail();
  rest_.remove_prefix(skip);
  return true;
}

}  // namespace gatehouse::bench
