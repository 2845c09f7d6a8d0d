#include "common/tls/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::tls {
namespace {

TEST(CanonicalIp, OneFormForEachAddress) {
  EXPECT_EQ(canonical_ip("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(canonical_ip("0:0::1"), "::1");
  EXPECT_EQ(canonical_ip("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(canonical_ip("FE80::A"), "fe80::a");
  for (const char* text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", "127.0.0.1:80", "1.2.3.4 "}) {
    EXPECT_EQ(canonical_ip(text), "") << text;
  }
  EXPECT_EQ(canonical_ip(std::string_view("1.2.3.4\0x", 9)), "");
}

bool covers(const std::string& name, std::string_view host) {
  PeerCertificate certificate;
  certificate.dns_names = {name};
  return is_valid_for(certificate, host);
}

// RFC 6125 section 6.4.
TEST(IsValidFor, DnsNames) {
  EXPECT_TRUE(covers("example.test", "example.test"));
  EXPECT_TRUE(covers("Example.TEST", "eXample.test."));
  EXPECT_TRUE(covers("example.test.", "example.test"));
  EXPECT_TRUE(covers("*.example.test", "a.example.test"));
  EXPECT_FALSE(covers("*.example.test", "example.test"));
  EXPECT_FALSE(covers("*.example.test", ".example.test"));
  EXPECT_FALSE(covers("*.example.test", "a.b.example.test"));
  EXPECT_FALSE(covers("a*.example.test", "ab.example.test"));
  EXPECT_FALSE(covers("www.*.test", "www.example.test"));
  EXPECT_FALSE(covers("*", "localhost"));
  EXPECT_FALSE(covers("*.", "localhost"));
  EXPECT_FALSE(covers("", ""));
  EXPECT_FALSE(covers("", "a"));
  // A zero byte ends nothing.
  EXPECT_FALSE(covers(std::string("example.test\0.evil.test", 23), "example.test"));
}

TEST(IsValidFor, AnAddressIsNotADnsName) {
  EXPECT_FALSE(covers("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(covers("*.0.0.1", "127.0.0.1"));
  PeerCertificate certificate;
  certificate.ip_addresses = {"127.0.0.1", "::1"};
  EXPECT_TRUE(is_valid_for(certificate, "::ffff:127.0.0.1"));
  EXPECT_TRUE(is_valid_for(certificate, "0:0:0:0:0:0:0:1"));
  EXPECT_FALSE(is_valid_for(certificate, "127.0.0.2"));
  EXPECT_FALSE(is_valid_for(certificate, "localhost"));
}

TEST(MismatchText, ListsNoMoreThanIsReadable) {
  PeerCertificate certificate;
  for (int i = 0; i < 20; i++) certificate.dns_names.push_back("n" + std::to_string(i));
  EXPECT_EQ(mismatch_text(certificate, "x"),
            "tls: certificate is valid for n0, n1, n2, n3, n4, n5, n6, n7, …, not x");
}

}  // namespace
}  // namespace gatehouse::tls
