#include <gtest/gtest.h>

#include "common/codec/fixed.h"
#include "common/codec/varint.h"
#include "tests/common/codec/random_bytes.h"

namespace gatehouse::codec {
namespace {

std::string varint(uint64_t value) {
  std::string out;
  append_varint(out, value);
  return out;
}

TEST(Varint, KnownEncodings) {
  EXPECT_EQ(varint(0), std::string(1, '\0'));
  EXPECT_EQ(varint(127), "\x7f");
  EXPECT_EQ(varint(128), std::string_view("\x80\x01", 2));
  EXPECT_EQ(varint(300), "\xac\x02");  // the example of protobuf's encoding page
  EXPECT_EQ(varint(UINT64_MAX), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(Varint, RoundTripsAtEveryBitLength) {
  RandomBytes random;
  SCOPED_TRACE(random.note());
  for (int round = 0; round < 50; ++round) {
    for (int shift = 0; shift < 64; ++shift) {
      const uint64_t value = random.number() >> shift;
      const std::string encoded = varint(value);
      ASSERT_EQ(encoded.size(), varint_size(value));
      std::string_view in = encoded;
      uint64_t decoded = 0;
      ASSERT_EQ(take_varint(in, decoded), VarintParse::kOk);
      ASSERT_EQ(decoded, value);
      ASSERT_TRUE(in.empty());
    }
  }
}

TEST(Varint, LeavesWhatFollows) {
  std::string_view in = "\xac\x02rest";
  uint64_t value = 0;
  ASSERT_EQ(take_varint(in, value), VarintParse::kOk);
  EXPECT_EQ(value, 300u);
  EXPECT_EQ(in, "rest");
}

TEST(Varint, EveryPrefixIsTruncated) {
  const std::string whole = varint(UINT64_MAX);
  for (size_t size = 0; size < whole.size(); ++size) {
    std::string_view in(whole.data(), size);
    uint64_t value = 42;
    EXPECT_EQ(take_varint(in, value), VarintParse::kTruncated);
    EXPECT_EQ(in.size(), size);
    EXPECT_EQ(value, 42u);
  }
}

TEST(Varint, MoreThanSixtyFourBitsIsTooLarge) {
  for (const std::string& bytes : {std::string(9, '\xff') + "\x02", std::string(10, '\x80'),
                                   std::string(11, '\xff'), std::string(9, '\x80') + "\x7f"}) {
    std::string_view in = bytes;
    uint64_t value = 0;
    EXPECT_EQ(take_varint(in, value), VarintParse::kTooLarge);
    EXPECT_EQ(in.size(), bytes.size());
  }
}

TEST(Fixed, ByteOrder) {
  const char bytes[] = "\x01\x02\x03\x04\x05\x06\x07\xf8";
  EXPECT_EQ(load_little_endian<uint16_t>(bytes), 0x0201u);
  EXPECT_EQ(load_big_endian<uint16_t>(bytes), 0x0102u);
  EXPECT_EQ(load_little_endian<uint32_t>(bytes), 0x04030201u);
  EXPECT_EQ(load_big_endian<uint32_t>(bytes), 0x01020304u);
  EXPECT_EQ(load_little_endian<uint64_t>(bytes), 0xf807060504030201u);
  EXPECT_EQ(load_big_endian<uint64_t>(bytes), 0x01020304050607f8u);
}

template <typename T>
void check_round_trip(T value) {
  std::string out = "x";  // so that the integer lies unaligned
  append_little_endian(out, value);
  append_big_endian(out, value);
  ASSERT_EQ(out.size(), 1 + 2 * sizeof(T));
  ASSERT_EQ(load_little_endian<T>(out.data() + 1), value);
  ASSERT_EQ(load_big_endian<T>(out.data() + 1 + sizeof(T)), value);
}

TEST(Fixed, RandomRoundTrips) {
  RandomBytes random;
  SCOPED_TRACE(random.note());
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = random.number();
    check_round_trip(static_cast<uint8_t>(value));
    check_round_trip(static_cast<uint16_t>(value));
    check_round_trip(static_cast<uint32_t>(value));
    check_round_trip(value);
  }
}

}  // namespace
}  // namespace gatehouse::codec
