#include "common/codec/base64.h"

#include <gtest/gtest.h>

#include "tests/common/codec/random_bytes.h"

namespace gatehouse::codec {
namespace {

TEST(Base64, Rfc4648Section10) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text).value(), bytes);
    std::string bare = text;
    while (bare.ends_with('=')) bare.pop_back();
    EXPECT_EQ(base64_encode(bytes, Base64Alphabet::kStandard, Base64Padding::kUnpadded), bare);
    EXPECT_EQ(base64_decode(bare).value(), bytes);
  }
}

TEST(Base64, TheAlphabetsDifferInTwoCharacters) {
  const std::string bytes = "\xfb\xff\xbf";
  EXPECT_EQ(base64_encode(bytes), "+/+/");
  EXPECT_EQ(base64_encode(bytes, Base64Alphabet::kUrl), "-_-_");
  EXPECT_EQ(base64_decode("-_-_", Base64Alphabet::kUrl).value(), bytes);
  EXPECT_FALSE(base64_decode("-_-_").ok());
  EXPECT_FALSE(base64_decode("+/+/", Base64Alphabet::kUrl).ok());
}

TEST(Base64, RefusesWhatNoEncoderWrites) {
  for (const char* text : {"Z", "Zm9vY", "Zg=", "=",
                           "==", "====", "Zg===", "Z===", "Zm9v=", "Zm9v====", "Zg==Zg==", "Zm 9v",
                           "Zm9v\n", "Zm9*", "Zm9\xff", "Zh==", "Zm9="}) {
    const auto decoded = base64_decode(text);
    ASSERT_FALSE(decoded.ok()) << text;
    EXPECT_EQ(decoded.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(base64_decode("Zm9*").status().message(), "base64: illegal character at offset 3");
}

TEST(Base64, RandomRoundTrips) {
  RandomBytes random;
  SCOPED_TRACE(random.note());
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = random.bytes(70);
    for (const auto alphabet : {Base64Alphabet::kStandard, Base64Alphabet::kUrl}) {
      for (const auto padding : {Base64Padding::kPadded, Base64Padding::kUnpadded}) {
        const std::string text = base64_encode(bytes, alphabet, padding);
        ASSERT_EQ(base64_decode(text, alphabet).value(), bytes) << text;
      }
    }
  }
}

TEST(Base64, WhatDecodesEncodesToTheSameText) {
  RandomBytes random;
  SCOPED_TRACE(random.note());
  constexpr std::string_view kLikely = "ABYZabyz0189+/=";
  int decoded = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text(random.number() % 9, 'A');
    for (char& c : text) c = kLikely[random.number() % kLikely.size()];
    const auto bytes = base64_decode(text);
    if (!bytes.ok()) continue;
    ++decoded;
    const auto padding = text.ends_with('=') ? Base64Padding::kPadded : Base64Padding::kUnpadded;
    ASSERT_EQ(base64_encode(*bytes, Base64Alphabet::kStandard, padding), text);
  }
  EXPECT_GT(decoded, 0);
}

}  // namespace
}  // namespace gatehouse::codec
