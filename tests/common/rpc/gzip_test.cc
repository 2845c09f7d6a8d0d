#include "common/rpc/gzip.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gatehouse::rpc {
namespace {

TEST(Gzip, RoundTrip) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (size_t size : {0, 1, 2, 100, 16384, 16385, 300'000}) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 17);
    const std::string packed = gzip_compress(bytes);
    ASSERT_GE(packed.size(), 18u);
    EXPECT_EQ(packed.substr(0, 2), "\x1f\x8b");
    const Result<std::string> unpacked = gzip_decompress(packed, size);
    ASSERT_TRUE(unpacked.ok()) << unpacked.status().to_string();
    EXPECT_EQ(*unpacked, bytes);
  }
}

// RFC 1952 section 2.2: a file is a series of members.
TEST(Gzip, SeveralMembersAreOneMessage) {
  const Result<std::string> unpacked =
      gzip_decompress(gzip_compress("one ") + gzip_compress("") + gzip_compress("two"), 100);
  ASSERT_TRUE(unpacked.ok());
  EXPECT_EQ(*unpacked, "one two");
}

TEST(Gzip, ABombIsRefusedAtTheLimit) {
  const std::string bomb = gzip_compress(std::string(64 * 1024 * 1024, '\0'));
  ASSERT_LT(bomb.size(), 70'000u);
  const Result<std::string> unpacked = gzip_decompress(bomb, 1000);
  EXPECT_EQ(unpacked.status(),
            resource_exhausted("grpc: received message after decompression larger than max 1000"));
}

TEST(Gzip, TheLimitIsExact) {
  const std::string packed = gzip_compress(std::string(1000, 'x'));
  EXPECT_TRUE(gzip_decompress(packed, 1000).ok());
  EXPECT_EQ(gzip_decompress(packed, 999).status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(gzip_decompress(gzip_compress(""), 0).ok());
  EXPECT_TRUE(gzip_decompress(packed, SIZE_MAX).ok());
}

TEST(Gzip, EveryTruncationIsAnError) {
  const std::string packed = gzip_compress("some text that does not compress well 0123456789");
  for (size_t size = 0; size < packed.size(); ++size) {
    const Result<std::string> unpacked = gzip_decompress(packed.substr(0, size), 1000);
    ASSERT_FALSE(unpacked.ok()) << size;
    EXPECT_EQ(unpacked.status().code(), StatusCode::kInternal);
    EXPECT_EQ(unpacked.status().message().find("grpc: failed to decompress the received message: "),
              0u);
  }
}

TEST(Gzip, AFlippedBitIsSeen) {
  const std::string packed = gzip_compress(std::string(200, 'a') + "tail");
  // From the end of the header on: compressed data, CRC32 and length.
  for (size_t i = 10; i < packed.size(); ++i) {
    std::string broken = packed;
    broken[i] = static_cast<char>(broken[i] ^ 0x01);
    EXPECT_FALSE(gzip_decompress(broken, 1000).ok()) << i;
  }
}

TEST(Gzip, OtherBytesAreAnError) {
  EXPECT_EQ(gzip_decompress("hello", 100).status().code(), StatusCode::kInternal);
  EXPECT_EQ(gzip_decompress(gzip_compress("x") + "garbage", 100).status().code(),
            StatusCode::kInternal);
}

}  // namespace
}  // namespace gatehouse::rpc
