#include "common/tls/self_signed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/tls/mbedtls_compat.h"
#include "tests/common/tls/session_pair.h"

namespace gatehouse::tls {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

class SelfSignedTest : public ::testing::Test {
 protected:
  SelfSigned make(const std::vector<std::string>& hosts) {
    Result<SelfSigned> made = make_self_signed(directory_, hosts, 1);
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    return made.ok() ? *made : SelfSigned();
  }

  TestCertificates scratch_;
  const std::string directory_ = scratch_.directory() + "/fixtures/client";
};

TEST_F(SelfSignedTest, AServerCanUseItAndAClientThatTrustsItConnects) {
  const SelfSigned files =
      make({"localhost:2379", "127.0.0.1:2379", "[::1]:2379", "fd00::1", "node-1.test"});
  EXPECT_EQ(files.cert_file, directory_ + "/cert.pem");
  EXPECT_EQ(mode_of(files.key_file), 0600u);
  EXPECT_EQ(mode_of(directory_), 0700u);
  ServerOptions server;
  server.cert_file = files.cert_file;
  server.key_file = files.key_file;
  ClientOptions client;
  client.ca_file = files.cert_file;
  const auto server_context = must(Context::server(server));
  const auto client_context = must(Context::client(client));
  for (const char* name : {"localhost", "127.0.0.1", "::1", "fd00::1", "node-1.test"}) {
    SessionPair pair(client_context, server_context, name);
    pair.pump();
    ASSERT_TRUE(pair.both_done()) << name << ": " << pair.client_status.to_string();
    EXPECT_THAT(pair.client->peer_certificate()->dns_names,
                ElementsAre("localhost", "node-1.test"));
    EXPECT_THAT(pair.client->peer_certificate()->ip_addresses,
                ElementsAre("127.0.0.1", "::1", "fd00::1"));
    EXPECT_EQ(pair.client->peer_certificate()->common_name, "");
  }
}

// Peers with --peer-auto-tls present it as clients too.
TEST_F(SelfSignedTest, AClientMayPresentIt) {
  const SelfSigned files = make({"localhost"});
  ServerOptions server;
  server.cert_file = files.cert_file;
  server.key_file = files.key_file;
  server.client_auth = ClientAuth::kRequire;
  server.trusted_ca_file = files.cert_file;
  ClientOptions client;
  client.ca_file = files.cert_file;
  client.cert_file = files.cert_file;
  client.key_file = files.key_file;
  client.server_name = "localhost";
  SessionPair pair(must(Context::client(client)), must(Context::server(server)));
  pair.pump();
  EXPECT_TRUE(pair.both_done()) << pair.server_status.to_string();
}

TEST_F(SelfSignedTest, WhatIsThereIsKept) {
  const SelfSigned first = make({"localhost"});
  const std::string certificate = read_whole_file(first.cert_file);
  const std::string key = read_whole_file(first.key_file);
  const SelfSigned second = make({"elsewhere.test"});
  EXPECT_EQ(read_whole_file(second.cert_file), certificate);
  EXPECT_EQ(read_whole_file(second.key_file), key);
}

TEST_F(SelfSignedTest, HalfAPairIsMadeAnew) {
  const SelfSigned first = make({"localhost"});
  const std::string key = read_whole_file(first.key_file);
  std::filesystem::remove(first.cert_file);
  const SelfSigned second = make({"localhost"});
  EXPECT_NE(read_whole_file(second.key_file), key);
  ServerOptions server;
  server.cert_file = second.cert_file;
  server.key_file = second.key_file;
  EXPECT_TRUE(Context::server(server).ok());
  EXPECT_FALSE(std::filesystem::exists(second.key_file + ".tmp"));
}

TEST_F(SelfSignedTest, ValidityIsInYears) {
  Result<SelfSigned> made = make_self_signed(directory_, {"localhost"}, 40);
  ASSERT_TRUE(made.ok());
  Certificates parsed;
  const std::string pem = read_whole_file(made->cert_file);
  ASSERT_EQ(mbedtls_x509_crt_parse(
                parsed.get(), reinterpret_cast<const unsigned char*>(pem.c_str()), pem.size() + 1),
            0);
  EXPECT_NEAR(parsed->valid_to.year - parsed->valid_from.year, 40, 1);
  for (const unsigned years : {0u, 101u}) {
    EXPECT_THAT(make_self_signed(directory_, {"localhost"}, years).status().message(),
                HasSubstr("1 to 100 years"));
  }
}

TEST_F(SelfSignedTest, HostsAreChecked) {
  EXPECT_THAT(make_self_signed(directory_, {}, 1).status().message(),
              HasSubstr("at least one host"));
  for (const char* host : {"", ":2379", "[::1", "[localhost]:1", "two words"}) {
    EXPECT_THAT(make_self_signed(directory_, {host}, 1).status().message(),
                HasSubstr("\"" + std::string(host) + "\" is not a host"));
  }
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(SelfSignedTest, ADirectoryThatCannotBeMadeIsNamed) {
  const std::string file = scratch_.write("file", "x");
  const Status status = make_self_signed(file + "/below", {"localhost"}, 1).status();
  EXPECT_THAT(status.message(), HasSubstr(file));
}

}  // namespace
}  // namespace gatehouse::tls
