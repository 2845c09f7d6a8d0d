#include "common/http/headers.h"

#include <gtest/gtest.h>

#include "common/http/error_code.h"
#include "common/http/fields.h"
#include "common/http/send_buffer.h"
#include "tests/common/http/recorder.h"

namespace gatehouse::http::testing {
namespace {

TEST(Headers, KeepsOrderAndDuplicates) {
  Headers headers{{"a", "1"}, {"b", ""}, {"a", "2"}};
  EXPECT_EQ(headers.size(), 3u);
  EXPECT_EQ(text_of(headers), "a: 1\nb: \na: 2\n");
  EXPECT_EQ(headers.get("a"), "1");
  EXPECT_EQ(headers.get("b"), "");
  EXPECT_FALSE(headers.get("c").has_value());
  EXPECT_FALSE(headers.get("").has_value());
  const Headers copy = headers;
  headers.clear();
  EXPECT_TRUE(headers.empty());
  headers.add("", std::string(100, 'x'));
  EXPECT_EQ(headers[0].value.size(), 100u);
  EXPECT_EQ(text_of(copy), "a: 1\nb: \na: 2\n");
}

TEST(Headers, Tokens) {
  EXPECT_TRUE(is_token("grpc-status-details-bin"));
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const char* bad : {"", "a b", "a:", "a\n", "\"", "a/b", "\xc3\xa4"}) {
    EXPECT_FALSE(is_token(bad)) << bad;
  }
  EXPECT_TRUE(equals_ignoring_case("Chunked", "chunked"));
  EXPECT_FALSE(equals_ignoring_case("chunke", "chunked"));
  EXPECT_FALSE(equals_ignoring_case("[", "{")) << "only letters have a case";
}

TEST(ErrorCode, NamesAndStatuses) {
  EXPECT_EQ(error_code_name(ErrorCode::kNoError), "NO_ERROR");
  EXPECT_EQ(error_code_name(ErrorCode::kHttp11Required), "HTTP_1_1_REQUIRED");
  EXPECT_EQ(error_code_name(static_cast<ErrorCode>(99)), "code 99");
  EXPECT_EQ(status_code_of(ErrorCode::kRefusedStream), StatusCode::kUnavailable);
  EXPECT_EQ(status_code_of(ErrorCode::kCancel), StatusCode::kCanceled);
  EXPECT_EQ(status_code_of(ErrorCode::kEnhanceYourCalm), StatusCode::kResourceExhausted);
  EXPECT_EQ(status_code_of(ErrorCode::kProtocolError), StatusCode::kInternal);
  EXPECT_EQ(printable("a\n\xff~", 3), "a..");
}

TEST(SendBuffer, BehavesLikeAString) {
  SendBuffer buffer;
  std::string model;
  uint32_t random = 1;
  for (int i = 0; i < 20000; ++i) {
    random = random * 1103515245 + 12345;
    const size_t size = random >> 16 & 0x7ff;
    if (random >> 30 != 0) {
      const std::string bytes(size, static_cast<char>(i));
      buffer.append(bytes);
      model += bytes;
    } else {
      const size_t count = std::min(model.size(), size * 4);
      ASSERT_EQ(buffer.front(count), model.substr(0, count));
      buffer.drop(count);
      model.erase(0, count);
    }
    ASSERT_EQ(buffer.size(), model.size());
    if (i % 5000 == 0) {
      buffer.reset();
      model.clear();
    }
  }
  EXPECT_EQ(buffer.front(model.size()), model);
}

}  // namespace
}  // namespace gatehouse::http::testing
