#include "common/net/sniff.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::net {
namespace {

TEST(Sniff, OneByteTellsTls) {
  EXPECT_EQ(sniff("\x16"), Protocol::kTls);
  EXPECT_EQ(sniff("\x16\x03\x01\x02"), Protocol::kTls);
}

TEST(Sniff, Http2OnlyAfterTheWholePreface) {
  EXPECT_EQ(kHttp2Preface.size(), 24u);
  for (size_t n = 1; n < kHttp2Preface.size(); ++n) {
    EXPECT_EQ(sniff(kHttp2Preface.substr(0, n)), Protocol::kNeedMore) << n;
  }
  EXPECT_EQ(sniff(kHttp2Preface), Protocol::kHttp2);
  EXPECT_EQ(sniff(std::string(kHttp2Preface) + "more"), Protocol::kHttp2);
  EXPECT_EQ(sniff(""), Protocol::kNeedMore);
}

// A mismatch at any byte is HTTP/1 at that byte, not later: an HTTP/1 client may wait for an
// answer.
TEST(Sniff, HttpOneAtTheFirstDifference) {
  for (size_t n = 0; n < kHttp2Preface.size(); ++n) {
    std::string bytes(kHttp2Preface.substr(0, n));
    bytes += static_cast<char>(kHttp2Preface[n] ^ 1);
    if (bytes[0] == '\x16') continue;
    EXPECT_EQ(sniff(bytes), Protocol::kHttp1) << n;
  }
  EXPECT_EQ(sniff("GET / HTTP/1.1\r\n"), Protocol::kHttp1);
  EXPECT_EQ(sniff("PRI /x HTTP/1.1\r\n"), Protocol::kHttp1);
  EXPECT_EQ(sniff("PUT"), Protocol::kHttp1);
  EXPECT_EQ(sniff(std::string(1, '\0')), Protocol::kHttp1);
}

}  // namespace
}  // namespace gatehouse::net
