#include "member/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::member {
namespace {

using testing::ElementsAre;

Url url(const std::string& text) {
  const Result<std::vector<Url>> urls = parse_urls({text});
  EXPECT_TRUE(urls.ok()) << text << ": " << urls.status().message();
  return urls.ok() ? urls->front() : Url();
}
std::string error(const std::string& text) { return parse_urls({text}).status().message(); }

TEST(Urls, ReadBackAsTheyAreWritten) {
  for (const char* text : {"http://localhost:2379", "https://10.0.0.1:0", "http://:65535",
                           "http://[::1]:2379", "http://[fe80::1%eth0]:1", "unix:///run/etcd.sock",
                           "unixs://localhost:22", "unix://@abstract", "http://a_b-c.d:1"}) {
    EXPECT_EQ(url(text).to_string(), text);
  }
  EXPECT_EQ(url(" HTTP://a:1\t").to_string(), "http://a:1");
  EXPECT_EQ(url("unix:/run/x").to_string(), "unix:///run/x");
  EXPECT_EQ(url("http://a:0080").to_string(), "http://a:80");
}

TEST(Urls, AreAddresses) {
  EXPECT_EQ(url("https://[::1]:2379").address(),
            (net::Address{.security = net::Address::Security::kTls, .host = "::1", .port = 2379}));
  EXPECT_EQ(url("unix:///run/x").address(),
            (net::Address{.kind = net::Address::Kind::kUnix,
                          .security = net::Address::Security::kClear,
                          .path = "/run/x"}));
  EXPECT_TRUE(url("unixs://x").address().tls());
}

TEST(Urls, AreSorted) {
  const auto urls = parse_urls({"https://a:1", "http://b:1", "http://a:2", "http://a:2"});
  EXPECT_THAT(url_texts(*urls),
              ElementsAre("http://a:2", "http://a:2", "http://b:1", "https://a:1"));
  EXPECT_TRUE(parse_urls({})->empty());
}

TEST(Urls, AreRefusedInEtcdsWords) {
  const std::string scheme = "URL scheme must be http, https, unix, or unixs: ";
  const std::string form = "URL address does not have the form \"host:port\": ";
  for (const char* text : {"", "a", "a:1", "://a:1", "ftp://a:1", "http"}) {
    EXPECT_EQ(error(text), scheme + text);
  }
  for (const char* text : {"http:", "http://", "http:a:1", "http://a", "http://a:", "http://a:x",
                           "http://a:65536", "http://a:-1", "http://::1:1", "http://[::1]1",
                           "http://[::1:1", "http://[a]:1", "http:///a:1"}) {
    EXPECT_EQ(error(text), form + text);
  }
  EXPECT_EQ(error("http://a:1/"), "URL must not contain a path: http://a:1/");
  EXPECT_EQ(error("http://a:1?x"), "URL must not contain a path: http://a:1?x");
  EXPECT_EQ(error("http://u@a:1"),
            "URL must contain a host name or an IP address only: http://u@a:1");
  EXPECT_EQ(error("unix://"), "URL must name a socket: unix://");
}

}  // namespace
}  // namespace gatehouse::member
