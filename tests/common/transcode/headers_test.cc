#include "common/transcode/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::transcode {
namespace {

using std::chrono::nanoseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

Headers metadata(const Headers& http, std::string_view peer_ip = "") {
  auto call = call_headers(http, peer_ip);
  EXPECT_TRUE(call.ok()) << call.status().to_string();
  return call->metadata;
}

TEST(CallHeaders, AuthorizationGoesVerbatim) {
  EXPECT_THAT(metadata({{"Authorization", "jWEJmOoUHbhBPuxJ.18"}}),
              UnorderedElementsAre(Pair("authorization", "jWEJmOoUHbhBPuxJ.18"),
                                   Pair("grpcgateway-authorization", "jWEJmOoUHbhBPuxJ.18")));
}

TEST(CallHeaders, ABearerTokenIsAlsoTheToken) {
  for (const char* value : {"Bearer abc.1", "bearer abc.1", "BEARER   abc.1"}) {
    EXPECT_THAT(
        metadata({{"authorization", value}}),
        UnorderedElementsAre(Pair("authorization", value), Pair("grpcgateway-authorization", value),
                             Pair("token", "abc.1")));
  }
  for (const char* value : {"Bearer", "Bearer ", "Bearer   ", "Bearerabc", "Basic abc", ""}) {
    EXPECT_THAT(metadata({{"Authorization", value}}),
                UnorderedElementsAre(Pair("authorization", value),
                                     Pair("grpcgateway-authorization", value)));
  }
}

TEST(CallHeaders, ATokenGivenOpenlyWins) {
  for (const Headers& http :
       {Headers{{"Authorization", "Bearer a"}, {"Grpc-Metadata-Token", "b"}},
        Headers{{"Grpc-Metadata-Token", "b"}, {"Authorization", "Bearer a"}}}) {
    EXPECT_THAT(metadata(http), UnorderedElementsAre(Pair("authorization", "Bearer a"),
                                                     Pair("grpcgateway-authorization", "Bearer a"),
                                                     Pair("token", "b")));
  }
}

TEST(CallHeaders, MetadataPrefixIsDropped) {
  EXPECT_THAT(metadata({{"Grpc-Metadata-hasleader", "true"},
                        {"grpc-metadata-X", "1"},
                        {"GRPC-METADATA-x", "2"}}),
              ElementsAre(Pair("hasleader", "true"), Pair("x", "1"), Pair("x", "2")));
}

TEST(CallHeaders, BinaryMetadataIsDecoded) {
  EXPECT_THAT(metadata({{"Grpc-Metadata-X-Bin", "AP8="}, {"Grpc-Metadata-Y-Bin", "AP8"}}),
              ElementsAre(Pair("x-bin", std::string("\0\xff", 2)),
                          Pair("y-bin", std::string("\0\xff", 2))));
  const Status bad = call_headers({{"Grpc-Metadata-X-Bin", "!!"}}, "").status();
  EXPECT_EQ(bad.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(bad.message(),
            "invalid binary header Grpc-Metadata-X-Bin: base64: illegal character at offset 0");
}

TEST(CallHeaders, StandardHeadersGetThePrefix) {
  const char* names[] = {"Accept",        "Accept-Charset", "Accept-Language",
                         "Accept-Ranges", "Cache-Control",  "Content-Type",
                         "Cookie",        "Date",           "Expect",
                         "From",          "If-Match",       "If-Modified-Since",
                         "If-None-Match", "If-Range",       "If-Unmodified-Since",
                         "Max-Forwards",  "Origin",         "Pragma",
                         "Referer",       "User-Agent",     "Via",
                         "Warning"};
  for (const char* name : names) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    EXPECT_THAT(metadata({{name, "v"}}), ElementsAre(Pair("grpcgateway-" + lower, "v"))) << name;
  }
}

TEST(CallHeaders, OthersAreDropped) {
  EXPECT_THAT(metadata({{"Content-Length", "5"},
                        {"Connection", "close"},
                        {"X-Custom", "1"},
                        {"token", "t"},
                        {"hasleader", "true"},
                        {"TE", "trailers"},
                        {"Transfer-Encoding", "chunked"},
                        {"Sec-WebSocket-Key", "x"}}),
              IsEmpty());
}

TEST(CallHeaders, NothingGrpcReservesOrCannotCarry) {
  EXPECT_THAT(metadata({{"Grpc-Metadata-", "x"},
                        {"Grpc-Metadata-Grpc-Timeout", "1S"},
                        {"Grpc-Metadata-Content-Type", "x"},
                        {"Grpc-Metadata-Te", "x"},
                        {"Grpc-Metadata-Connection", "x"},
                        {"Grpc-Metadata-:path", "/x"},
                        {"Grpc-Metadata-a b", "x"},
                        {"Grpc-Metadata-a", "line\r\nbreak"},
                        {"Grpc-Metadata-b", "\xc3\xa9"},
                        {"Accept", "a\nb"}}),
              IsEmpty());
}

TEST(CallHeaders, Forwarded) {
  EXPECT_THAT(metadata({}, "10.0.0.9"), ElementsAre(Pair("x-forwarded-for", "10.0.0.9")));
  EXPECT_THAT(
      metadata({{"X-Forwarded-For", "1.1.1.1"}, {"x-forwarded-for", "2.2.2.2"}}, "10.0.0.9"),
      ElementsAre(Pair("x-forwarded-for", "1.1.1.1, 2.2.2.2, 10.0.0.9")));
  EXPECT_THAT(metadata({{"X-Forwarded-For", "1.1.1.1"}}),
              ElementsAre(Pair("x-forwarded-for", "1.1.1.1")));
  EXPECT_THAT(metadata({{"Host", "etcd:2379"}}),
              UnorderedElementsAre(Pair("grpcgateway-host", "etcd:2379"),
                                   Pair("x-forwarded-host", "etcd:2379")));
  EXPECT_THAT(metadata({{"Host", "etcd:2379"}, {"X-Forwarded-Host", "public"}}),
              UnorderedElementsAre(Pair("grpcgateway-host", "etcd:2379"),
                                   Pair("x-forwarded-host", "public")));
}

TEST(CallHeaders, Timeout) {
  const auto call = call_headers({{"Grpc-Timeout", "5S"}}, "");
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(call->timeout, std::chrono::seconds(5));
  EXPECT_THAT(call->metadata, IsEmpty());
  EXPECT_FALSE(call_headers({}, "")->timeout.has_value());
  EXPECT_FALSE(call_headers({{"Grpc-Timeout", ""}}, "")->timeout.has_value());
  const Status bad = call_headers({{"grpc-timeout", "5x"}}, "").status();
  EXPECT_EQ(bad.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(bad.message(), "invalid grpc-timeout: 5x");
}

TEST(GrpcTimeout, Units) {
  EXPECT_EQ(parse_grpc_timeout("2H").value(), std::chrono::hours(2));
  EXPECT_EQ(parse_grpc_timeout("2M").value(), std::chrono::minutes(2));
  EXPECT_EQ(parse_grpc_timeout("2S").value(), std::chrono::seconds(2));
  EXPECT_EQ(parse_grpc_timeout("2m").value(), std::chrono::milliseconds(2));
  EXPECT_EQ(parse_grpc_timeout("2u").value(), std::chrono::microseconds(2));
  EXPECT_EQ(parse_grpc_timeout("2n").value(), nanoseconds(2));
  EXPECT_EQ(parse_grpc_timeout("0n").value(), nanoseconds(0));
  EXPECT_EQ(parse_grpc_timeout("99999999H").value(), nanoseconds::max());
  EXPECT_EQ(parse_grpc_timeout("99999999999999999999999n").value(), nanoseconds::max());
}

TEST(GrpcTimeout, Malformed) {
  for (const char* text : {"", "5", "S", "5x", "-5S", "+5S", " 5S", "5S ", "5.5S", "0x5S", "SS"}) {
    EXPECT_EQ(parse_grpc_timeout(text).status().message(),
              "invalid grpc-timeout: " + std::string(text));
  }
}

TEST(ResponseHeaders, PrefixAndLowerCaseName) {
  EXPECT_THAT(response_headers({}),
              ElementsAre(Pair("grpc-metadata-content-type", "application/grpc")));
  EXPECT_THAT(
      response_headers({{"content-type", "application/grpc"},
                        {"x-raft-term", "5"},
                        {"trace-bin", std::string("\0\xff", 2)},
                        {"grpc-encoding", "gzip"},
                        {":status", "200"},
                        {"bad", "a\r\nSet-Cookie: x"}}),
      ElementsAre(Pair("grpc-metadata-content-type", "application/grpc"),
                  Pair("grpc-metadata-x-raft-term", "5"), Pair("grpc-metadata-trace-bin", "AP8=")));
}

}  // namespace
}  // namespace gatehouse::transcode
