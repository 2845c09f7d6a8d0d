#include "common/net/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::net {
namespace {

using ::testing::HasSubstr;

TEST(Address, ReadsTcp) {
  struct Case {
    const char* text;
    const char* host;
    uint16_t port;
    Address::Security security;
    const char* written;
  };
  using Security = Address::Security;
  for (const Case& c : {
           Case{"127.0.0.1:2379", "127.0.0.1", 2379, Security::kUnstated, "127.0.0.1:2379"},
           Case{"[::1]:80", "::1", 80, Security::kUnstated, "[::1]:80"},
           Case{"[fe80::1%eth0]:80", "fe80::1%eth0", 80, Security::kUnstated, "[fe80::1%eth0]:80"},
           Case{":2379", "", 2379, Security::kUnstated, ":2379"},
           Case{"node_1.Example-x.com:0", "node_1.Example-x.com", 0, Security::kUnstated,
                "node_1.Example-x.com:0"},
           Case{"http://localhost:2379", "localhost", 2379, Security::kClear, "localhost:2379"},
           Case{"http://localhost:2379/", "localhost", 2379, Security::kClear, "localhost:2379"},
           Case{"https://[::]:65535", "::", 65535, Security::kTls, "[::]:65535"},
       }) {
    const auto address = parse_address(c.text);
    ASSERT_TRUE(address.ok()) << address.status().to_string();
    EXPECT_EQ(address->kind, Address::Kind::kTcp);
    EXPECT_EQ(address->host, c.host) << c.text;
    EXPECT_EQ(address->port, c.port) << c.text;
    EXPECT_EQ(address->security, c.security) << c.text;
    EXPECT_EQ(address->tls(), c.security == Security::kTls);
    EXPECT_EQ(address->to_string(), c.written);
  }
}

TEST(Address, ReadsUnix) {
  struct Case {
    const char* text;
    const char* path;
    bool tls;
  };
  for (const Case& c :
       {Case{"unix:///run/etcd.sock", "/run/etcd.sock", false},
        Case{"unix:/run/etcd.sock", "/run/etcd.sock", false},
        Case{"unix://localhost:2379", "localhost:2379", false},  // a relative path, as in etcd
        Case{"unix:relative", "relative", false}, Case{"unix:@name", "@name", false},
        Case{"unixs:///run/s", "/run/s", true}, Case{"unixs:s", "s", true}}) {
    const auto address = parse_address(c.text);
    ASSERT_TRUE(address.ok()) << address.status().to_string();
    EXPECT_EQ(address->kind, Address::Kind::kUnix) << c.text;
    EXPECT_EQ(address->path, c.path) << c.text;
    EXPECT_EQ(address->tls(), c.tls) << c.text;
    EXPECT_EQ(address->to_string(), std::string("unix:") + c.path);
  }
}

TEST(Address, SaysWhatIsWrong) {
  struct Case {
    std::string text;
    const char* why;
  };
  for (const Case& c : {
           Case{"", "is empty"},
           Case{"localhost", "missing port"},
           Case{"localhost:", "missing port"},
           Case{"http://localhost", "missing port"},
           Case{"[::1]", "missing port"},
           Case{"[::1", "missing ']'"},
           Case{"[::1]80", "between ']' and the port"},
           Case{"[localhost]:80", "no IPv6 address in brackets"},
           Case{"::1:80", "needs brackets"},
           Case{"h:65536", "no number from 0 to 65535"},
           Case{"h:-1", "no number from 0 to 65535"},
           Case{"h:+1", "no number from 0 to 65535"},
           Case{"h:80x", "no number from 0 to 65535"},
           Case{"a b:80", "no host name has"},
           Case{"ftp://h:80", "unknown scheme"},
           Case{"http://h:80/path", "more than scheme, host and port"},
           Case{"http://u@h:80", "more than scheme, host and port"},
           Case{"unix:", "missing path"},
           Case{"unix://", "missing path"},
           Case{std::string("unix:a\0b", 8), "zero byte"},
       }) {
    const auto address = parse_address(c.text);
    ASSERT_FALSE(address.ok()) << c.text;
    EXPECT_EQ(address.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(address.status().message(), HasSubstr(c.why)) << c.text;
    EXPECT_THAT(address.status().message(), HasSubstr("address \"" + c.text + "\""));
  }
}

}  // namespace
}  // namespace gatehouse::net
