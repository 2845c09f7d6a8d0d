#include "common/rpc/wire.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/env/entropy.h"
#include "common/rpc/backoff.h"
#include "common/rpc/timeout.h"

namespace gatehouse::rpc {
namespace {

TEST(Timeout, EveryUnit) {
  EXPECT_EQ(*parse_timeout("2H"), 7'200'000u);
  EXPECT_EQ(*parse_timeout("3M"), 180'000u);
  EXPECT_EQ(*parse_timeout("4S"), 4'000u);
  EXPECT_EQ(*parse_timeout("5m"), 5u);
  EXPECT_EQ(*parse_timeout("6u"), 1u) << "rounded up: a deadline is never early";
  EXPECT_EQ(*parse_timeout("1000001n"), 2u);
  EXPECT_EQ(*parse_timeout("0n"), 0u);
  EXPECT_EQ(*parse_timeout("99999999H"), 99'999'999ull * 3'600'000);
  EXPECT_EQ(*parse_timeout("00000001S"), 1'000u);
}

TEST(Timeout, WhatIsNone) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "transport: timeout string is too short: \"\""},
      {"S", "transport: timeout string is too short: \"S\""},
      {"123456789S", "transport: timeout string is too long: \"123456789S\""},
      {"1s", "transport: timeout unit is not recognized: \"1s\""},
      {"1", "transport: timeout string is too short: \"1\""},
      {"-1S", "transport: malformed timeout: \"-1S\""},
      {"+1S", "transport: malformed timeout: \"+1S\""},
      {" 1S", "transport: malformed timeout: \" 1S\""},
      {"1.5S", "transport: malformed timeout: \"1.5S\""},
      {"xS", "transport: malformed timeout: \"xS\""}};
  for (const auto& [text, why] : bad) {
    const Result<uint64_t> parsed = parse_timeout(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().message(), why);
  }
}

TEST(Timeout, WhatIsFormattedIsAtMostEightDigitsAndNeverEarly) {
  EXPECT_EQ(format_timeout(0), "0m");
  EXPECT_EQ(format_timeout(250), "250m");
  EXPECT_EQ(format_timeout(99'999'999), "99999999m");
  EXPECT_EQ(format_timeout(100'000'000), "100000S");
  EXPECT_EQ(format_timeout(100'000'001), "100001S");
  EXPECT_EQ(format_timeout(100'000'000'000), "1666667M");
  EXPECT_EQ(format_timeout(UINT64_MAX), "99999999H");
  for (uint64_t ms = 1; ms < UINT64_MAX / 3; ms = ms * 3 + 1) {
    const std::string text = format_timeout(ms);
    ASSERT_LE(text.size(), 9u);
    if (text != "99999999H") {
      EXPECT_GE(*parse_timeout(text), ms) << text;
    }
  }
}

TEST(ContentType, WhatIsGrpc) {
  EXPECT_EQ(grpc_content_subtype("application/grpc"), "");
  EXPECT_EQ(grpc_content_subtype("application/grpc+proto"), "+proto");
  EXPECT_EQ(grpc_content_subtype("application/grpc;charset=utf-8"), "");
  EXPECT_EQ(grpc_content_subtype("application/grpc+proto; x=1"), "+proto");
  EXPECT_EQ(grpc_content_subtype("Application/GRPC"), "");
  for (const char* other : {"", "application/json", "application/grpc-web", "application/grpcx",
                            "application/grpc-web+proto", "application/grp"}) {
    EXPECT_FALSE(grpc_content_subtype(other)) << other;
  }
}

TEST(Metadata, FromHeaders) {
  const http::Headers headers{{"te", "trailers"},
                              {"content-type", "application/grpc"},
                              {"user-agent", "x"},
                              {"grpc-timeout", "1S"},
                              {"grpc-anything", "reserved"},
                              {"token", "abc"},
                              {"token", "again"},
                              {"padded-bin", "AAEC/w=="},
                              {"bare-bin", "AAEC/w"},
                              {"many-bin", "AA,AQ, Ag=="},
                              {"empty-bin", ""},
                              {"client-api-version", "3.7"}};
  const Result<Metadata> metadata = metadata_from(headers);
  ASSERT_TRUE(metadata.ok());
  const std::string raw("\0\1\2\xff", 4);
  const Metadata expected{{"token", "abc"},
                          {"token", "again"},
                          {"padded-bin", raw},
                          {"bare-bin", raw},
                          {"many-bin", std::string(1, '\0')},
                          {"many-bin", "\1"},
                          {"many-bin", "\2"},
                          {"empty-bin", ""},
                          {"client-api-version", "3.7"}};
  EXPECT_EQ(*metadata, expected);
  EXPECT_EQ(find(*metadata, "token"), "abc");
  EXPECT_EQ(find(*metadata, "nothing"), std::nullopt);
}

TEST(Metadata, BadBase64NamesTheHeader) {
  const Result<Metadata> metadata = metadata_from({{"x-bin", "!!"}});
  ASSERT_FALSE(metadata.ok());
  EXPECT_EQ(metadata.status().code(), StatusCode::kInternal);
  EXPECT_EQ(metadata.status().message().find("malformed binary metadata in header \"x-bin\""), 0u);
}

TEST(Metadata, OnlyWhatMayBeSentIsSent) {
  http::Headers headers;
  append_metadata(headers, {{"ok", "value"},
                            {"blanks", "  around  "},
                            {"raw-bin", std::string("\0\xff", 2)},
                            {"grpc-status", "0"},
                            {":path", "/x"},
                            {"te", "x"},
                            {"connection", "close"},
                            {"Upper", "x"},
                            {"sp ace", "x"},
                            {"", "x"},
                            {"newline", "a\r\nb: c"},
                            {"umlaut", "\xc3\xa4"}});
  std::vector<std::pair<std::string, std::string>> got;
  for (const http::Headers::Field field : headers) got.emplace_back(field.name, field.value);
  const decltype(got) expected{{"ok", "value"}, {"blanks", "around"}, {"raw-bin", "AP8"}};
  EXPECT_EQ(got, expected);
}

TEST(StatusOnTheWire, ThereAndBack) {
  for (const Status& status :
       {Status(), not_found("etcdserver: key not found"), unavailable("100% \xc3\xa4\n\"x\""),
        Status(StatusCode::kUnauthenticated, "")}) {
    http::Headers trailers;
    append_status(trailers, status);
    EXPECT_EQ(status_from(trailers), status);
  }
  http::Headers trailers;
  append_status(trailers, unavailable("100% \n"));
  EXPECT_EQ(trailers.get("grpc-status"), "14");
  EXPECT_EQ(trailers.get("grpc-message"), "100%25 %0A");
}

TEST(StatusOnTheWire, WhatPeersSayWrong) {
  EXPECT_EQ(status_from({{"x", "y"}}), std::nullopt);
  EXPECT_EQ(status_from({{"grpc-status", "42"}})->code(), StatusCode::kUnknown);
  EXPECT_EQ(status_from({{"grpc-status", "x"}}),
            Status(StatusCode::kUnknown, "transport: malformed grpc-status: \"x\""));
  EXPECT_EQ(status_from({{"grpc-status", ""}})->code(), StatusCode::kUnknown);
  EXPECT_EQ(status_from({{"grpc-status", "99999999999999999999"}})->code(), StatusCode::kUnknown);
}

// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
TEST(StatusOnTheWire, FromHttp) {
  EXPECT_EQ(
      status_from_http(503),
      unavailable("unexpected HTTP status code received from server: 503 (Service Unavailable)"));
  EXPECT_EQ(code_from_http_status(400), StatusCode::kInternal);
  EXPECT_EQ(code_from_http_status(401), StatusCode::kUnauthenticated);
  EXPECT_EQ(code_from_http_status(403), StatusCode::kPermissionDenied);
  EXPECT_EQ(code_from_http_status(404), StatusCode::kUnimplemented);
  EXPECT_EQ(code_from_http_status(429), StatusCode::kUnavailable);
  EXPECT_EQ(code_from_http_status(502), StatusCode::kUnavailable);
  EXPECT_EQ(code_from_http_status(504), StatusCode::kUnavailable);
  EXPECT_EQ(code_from_http_status(500), StatusCode::kUnknown);
  EXPECT_EQ(code_from_http_status(418), StatusCode::kUnknown);
}

// https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
TEST(Backoff, GrowsByItsFactorWithinItsJitterUpToItsMaximum) {
  env::SeededEntropy entropy(7);
  Backoff backoff({});
  double base = 1000;
  for (int i = 0; i < 30; ++i) {
    const auto delay = static_cast<double>(backoff.next_ms(entropy));
    EXPECT_GE(delay, base * 0.8 - 2);
    EXPECT_LE(delay, base * 1.2 + 2);
    base = std::min(base * 1.6, 120'000.0);
  }
  backoff.reset();
  EXPECT_LE(backoff.next_ms(entropy), 1'200u);
}

TEST(Backoff, TwoThatFailedTogetherDoNotComeBackTogether) {
  env::SeededEntropy entropy(7);
  Backoff a({});
  Backoff b({});
  int same = 0;
  for (int i = 0; i < 10; ++i) same += a.next_ms(entropy) == b.next_ms(entropy);
  EXPECT_LT(same, 3);
}

}  // namespace
}  // namespace gatehouse::rpc
