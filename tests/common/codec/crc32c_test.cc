#include "common/codec/crc32c.h"

#include <gtest/gtest.h>

#include "tests/common/codec/random_bytes.h"

namespace gatehouse::codec {
namespace {

using Function = uint32_t (*)(std::string_view, uint32_t);
constexpr Function kFunctions[] = {crc32c, crc32c_by_table};

TEST(Crc32c, CheckValue) {
  for (const Function f : kFunctions) {
    EXPECT_EQ(f("123456789", 0), 0xE3069283u);
    EXPECT_EQ(f("", 0), 0u);
    EXPECT_EQ(f("", 0x12345678), 0x12345678u);
  }
}

TEST(Crc32c, Rfc3720AppendixB4) {
  std::string rising(32, '\0');
  std::string falling(32, '\0');
  for (int i = 0; i < 32; ++i) {
    rising[i] = static_cast<char>(i);
    falling[i] = static_cast<char>(31 - i);
  }
  for (const Function f : kFunctions) {
    EXPECT_EQ(f(std::string(32, '\0'), 0), 0x8A9136AAu);
    EXPECT_EQ(f(std::string(32, '\xff'), 0), 0x62A8AB43u);
    EXPECT_EQ(f(rising, 0), 0x46DD794Eu);
    EXPECT_EQ(f(falling, 0), 0x113FDB5Cu);
  }
}

TEST(Crc32c, ChainedInAnyCutAndByBothWays) {
  RandomBytes random;
  SCOPED_TRACE(random.note());
  for (int i = 0; i < 500; ++i) {
    const std::string bytes = random.bytes(300);
    const uint32_t start = static_cast<uint32_t>(random.number());
    const size_t cut = random.number() % (bytes.size() + 1);
    const std::string_view all = bytes;
    const uint32_t whole = crc32c(all, start);
    ASSERT_EQ(crc32c_by_table(all, start), whole);
    ASSERT_EQ(crc32c(all.substr(cut), crc32c(all.substr(0, cut), start)), whole);
    ASSERT_EQ(crc32c_by_table(all.substr(cut), crc32c_by_table(all.substr(0, cut), start)), whole);
  }
}

TEST(Crc32c, AnyOneFlippedBitShows) {
  RandomBytes random;
  SCOPED_TRACE(random.note());
  std::string bytes = random.bytes(40) + "x";
  const uint32_t whole = crc32c(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
    ASSERT_NE(crc32c(bytes), whole) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace gatehouse::codec
