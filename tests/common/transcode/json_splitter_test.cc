#include "common/transcode/json_splitter.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace gatehouse::transcode {
namespace {

// Feeds `text` in chunks of `chunk` bytes; the values, then "!<error>" if there was one.
std::vector<std::string> split(std::string_view text, size_t chunk,
                               size_t limit = kDefaultMaxJsonBytes) {
  JsonSplitter splitter(limit);
  std::vector<std::string> values;
  while (!text.empty()) {
    std::string_view input = text.substr(0, chunk);
    text.remove_prefix(input.size());
    for (;;) {
      std::string value;
      const auto more = splitter.next(input, value);
      if (!more.ok()) {
        values.push_back("!" + more.status().to_string());
        return values;
      }
      if (!*more) break;
      values.push_back(value);
    }
    EXPECT_TRUE(input.empty());
  }
  if (!splitter.finish().ok()) values.push_back("!" + splitter.finish().to_string());
  return values;
}

using Values = std::vector<std::string>;

TEST(JsonSplitter, AnyChunking) {
  const std::string text =
      "{\"a\":1}{\"b\":[{},{\"c\":\"}{\"}]} \r\n\t{\"d\":\"\\\"}\\\\\"}\n{}{\"e\":\"\\u005c\"}";
  const Values expected = {R"({"a":1})", R"({"b":[{},{"c":"}{"}]})", R"({"d":"\"}\\"})", "{}",
                           R"({"e":"\u005c"})"};
  for (size_t chunk = 1; chunk <= text.size(); ++chunk)
    EXPECT_EQ(split(text, chunk), expected) << chunk;
}

TEST(JsonSplitter, WhiteSpaceAloneIsNothing) {
  EXPECT_EQ(split("", 1), Values());
  EXPECT_EQ(split(" \n\r\t ", 1), Values());
}

TEST(JsonSplitter, HandsOutAValueAtItsLastByteAndLeavesTheRest) {
  JsonSplitter splitter;
  std::string value;
  std::string_view input = "{\"a\":1} {\"b\"";
  EXPECT_TRUE(splitter.next(input, value).value());
  EXPECT_EQ(value, "{\"a\":1}");
  EXPECT_EQ(input, " {\"b\"");
  EXPECT_TRUE(splitter.finish().ok());
  EXPECT_FALSE(splitter.next(input, value).value());
  EXPECT_FALSE(splitter.finish().ok());
}

TEST(JsonSplitter, RefusesWhatIsNoObjectAtOnce) {
  for (const char* text : {"[", "5", "\"", "n", "}", ",", "\xff"}) {
    EXPECT_EQ(split(text, 1), Values({"!InvalidArgument: JSON: expected an object"})) << text;
  }
  EXPECT_EQ(split("{},{}", 1), Values({"{}", "!InvalidArgument: JSON: expected an object"}));
}

TEST(JsonSplitter, TheStreamEndsWithinAnObject) {
  for (const char* text : {"{", "{\"a", "{\"a\":{}", "{\"a\":\"}", "{\"\\\""}) {
    EXPECT_EQ(split(text, 1), Values({"!InvalidArgument: JSON: the stream ended within an object"}))
        << text;
  }
}

TEST(JsonSplitter, SizeIsBoundedInAnyChunking) {
  const std::string fits = "{\"a\":\"" + std::string(92, 'x') + "\"}";
  const std::string too_long = "{\"a\":\"" + std::string(93, 'x') + "\"}";
  ASSERT_EQ(fits.size(), 100u);
  for (size_t chunk : {1, 7, 50, 99, 100, 101, 1000}) {
    EXPECT_EQ(split(fits + fits, chunk, 100), Values({fits, fits})) << chunk;
    EXPECT_EQ(split(fits + too_long, chunk, 100),
              Values({fits, "!ResourceExhausted: JSON: one value of more than 100 bytes"}))
        << chunk;
  }
}

TEST(JsonSplitter, DepthIsBounded) {
  const auto lists = [](int times) {
    return "{\"a\":" + std::string(static_cast<size_t>(times), '[') +
           std::string(static_cast<size_t>(times), ']') + "}";
  };
  EXPECT_EQ(split(lists(kMaxJsonDepth - 1), 3), Values({lists(kMaxJsonDepth - 1)}));
  EXPECT_EQ(split(lists(kMaxJsonDepth), 3),
            Values({"!InvalidArgument: JSON: more than 100 objects and arrays within each other"}));
}

TEST(JsonSplitter, RandomValuesInRandomChunks) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string pieces[] = {R"({"a":1})", "{}", R"({"k":"{[\"\\"})", R"({"x":[[{}],{"y":{}}]})",
                                R"({"s":"\u007b}"})"};
  const std::string gaps[] = {"", " ", "\n", "\r\n\t "};
  for (int round = 0; round < 300; ++round) {
    Values expected;
    std::string text;
    for (size_t n = random() % 8; n > 0; --n) {
      expected.push_back(pieces[random() % std::size(pieces)]);
      text += gaps[random() % std::size(gaps)] + expected.back();
    }
    ASSERT_EQ(split(text, 1 + random() % 9), expected) << text;
  }
}

}  // namespace
}  // namespace gatehouse::transcode
