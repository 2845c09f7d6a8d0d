#include "ctl/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::ctl {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> words(std::string_view line) {
  auto result = split_words(line);
  EXPECT_TRUE(result.ok()) << line;
  return result.ok() ? *result : std::vector<std::string>();
}

TEST(SplitWords, EndAtWhiteSpace) {
  EXPECT_THAT(words("put  a\tb "), ElementsAre("put", "a", "b"));
  EXPECT_THAT(words(""), IsEmpty());
  EXPECT_THAT(words(" \t"), IsEmpty());
}

TEST(SplitWords, DoubleQuotesTakeEscapes) {
  EXPECT_THAT(words(R"(put "a\x62\t\"c" "")"), ElementsAre("put", "ab\t\"c", ""));
  EXPECT_THAT(words(R"("\u00e9\101\\")"), ElementsAre("\xc3\xa9"
                                                      "A\\"));
  EXPECT_FALSE(split_words(R"("\q")").ok());
  EXPECT_FALSE(split_words(R"("\x6")").ok());
}

TEST(SplitWords, SingleQuotesStandAsTheyAre) {
  EXPECT_THAT(words(R"('a\x62 "c')"), ElementsAre(R"(a\x62 "c)"));
  EXPECT_THAT(words("''"), ElementsAre(""));
}

// As etcdctl's do.
TEST(SplitWords, QuotesEndWords) {
  EXPECT_THAT(words(R"(put "k"v "x"y)"), ElementsAre("put", "k", "v", "x", "y"));
  EXPECT_THAT(words(R"(a"b" c'd)"), ElementsAre(R"(a"b")", "c'd"));
}

TEST(SplitWords, QuotesThatAreNotClosedAreSkipped) {
  EXPECT_THAT(words(R"(get "unterminated)"), ElementsAre("get", "unterminated"));
  EXPECT_THAT(words("get 'open"), ElementsAre("get", "open"));
}

}  // namespace
}  // namespace gatehouse::ctl
