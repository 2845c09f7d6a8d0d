#include "common/codec/percent.h"

#include <gtest/gtest.h>

#include "tests/common/codec/random_bytes.h"

namespace gatehouse::codec {
namespace {

TEST(Percent, EncodesWhatIsNotPrintableAsciiAndThePercentSign) {
  EXPECT_EQ(percent_encode_message("etcdserver: key is not provided"),
            "etcdserver: key is not provided");
  EXPECT_EQ(percent_encode_message("100%"), "100%25");
  EXPECT_EQ(percent_encode_message("a\nb\tc\x7f ~"), "a%0Ab%09c%7F ~");
  EXPECT_EQ(percent_encode_message("\xc3\xa9"), "%C3%A9");
  EXPECT_EQ(percent_encode_message(std::string_view("\0", 1)), "%00");
}

TEST(Percent, DecodesEitherCase) {
  EXPECT_EQ(percent_decode_message("%c3%A9 %25"), "\xc3\xa9 %");
  EXPECT_EQ(percent_decode_message("%2525"), "%25");
}

TEST(Percent, KeepsWhatIsMalformed) {
  for (const char* text : {"%", "%4", "%zz", "%4g", "%g4", "a%", "50% off"}) {
    EXPECT_EQ(percent_decode_message(text), text);
  }
  EXPECT_EQ(percent_decode_message("%%41"), "%A");
}

TEST(Percent, RandomRoundTripsStayInTheHeaderAlphabet) {
  RandomBytes random;
  SCOPED_TRACE(random.note());
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = random.bytes(60);
    const std::string encoded = percent_encode_message(bytes);
    for (const char c : encoded) ASSERT_TRUE(c >= 0x20 && c <= 0x7E);
    ASSERT_EQ(percent_decode_message(encoded), bytes);
  }
}

}  // namespace
}  // namespace gatehouse::codec
