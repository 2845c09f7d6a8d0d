// What an operator can write in the options, and what is said when it does not work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/tls/mbedtls_compat.h"
#include "tests/common/tls/session_pair.h"

namespace gatehouse::tls {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kEcdsaAes256 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
constexpr const char* kEcdsaChaCha = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";

class OptionsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    authority_ = new TestCertificates;
    server_files_ = new TestCertificates::Files(authority_->server());
  }
  static void TearDownTestSuite() {
    delete server_files_;
    delete authority_;
  }

  static std::string server_error(const ServerOptions& options) {
    const Result<std::shared_ptr<const Context>> context = Context::server(options);
    EXPECT_FALSE(context.ok());
    return context.status().message();
  }

  static SessionPair run(const ClientOptions& client, const ServerOptions& server) {
    SessionPair pair(must(Context::client(client)), must(Context::server(server)));
    pair.pump();
    return pair;
  }

  static TestCertificates* authority_;
  static TestCertificates::Files* server_files_;
};

TestCertificates* OptionsTest::authority_ = nullptr;
TestCertificates::Files* OptionsTest::server_files_ = nullptr;

TEST_F(OptionsTest, TheServersCipherListIsHonoured) {
  for (const char* suite : {kEcdsaAes256, kEcdsaChaCha, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"}) {
    ServerOptions server = server_options(*server_files_);
    server.cipher_suites = {suite};
    server.max_version = "TLS1.2";
    ClientOptions client = client_options(*authority_);
    client.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", kEcdsaChaCha, kEcdsaAes256};
    SessionPair pair = run(client, server);
    ASSERT_TRUE(pair.both_done()) << suite << ": " << pair.server_status.to_string();
    EXPECT_EQ(pair.server->cipher_suite(), suite);
    EXPECT_EQ(pair.client->cipher_suite(), suite);
    EXPECT_EQ(pair.server->version(), "TLS1.2");
  }
}

TEST_F(OptionsTest, NoSuiteInCommonIsRefusedByName) {
  ServerOptions server = server_options(*server_files_);
  server.cipher_suites = {kEcdsaAes256};
  server.max_version = "TLS1.2";
  ClientOptions client = client_options(*authority_);
  client.cipher_suites = {kEcdsaChaCha};
  SessionPair pair = run(client, server);
  EXPECT_EQ(pair.server_status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(pair.server_status.message(), HasSubstr("no cipher suite"));
  EXPECT_EQ(pair.client_status.message(), "remote error: tls: handshake failure");
}

TEST_F(OptionsTest, UnknownAndUnsafeSuitesAreRefusedByName) {
  for (const char* suite :
       {"TLS_NO_SUCH_SUITE", "", "TLS_RSA_WITH_NULL_SHA256", "TLS_PSK_WITH_AES_128_GCM_SHA256",
        "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}) {
    ServerOptions server = server_options(*server_files_);
    server.cipher_suites = {kEcdsaAes256, suite};
    EXPECT_THAT(server_error(server),
                AllOf(HasSubstr("tls: cipher_suites: \"" + std::string(suite) + "\""),
                      HasSubstr("mbed TLS " MBEDTLS_VERSION_STRING)));
  }
}

TEST_F(OptionsTest, GoNamesAreTaken) {
  ServerOptions server = server_options(*server_files_);
  server.cipher_suites = {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
                          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_AES_128_GCM_SHA256",
                          "TLS_RSA_WITH_AES_256_GCM_SHA384"};
  server.max_version = "TLS1.2";
  SessionPair pair = run(client_options(*authority_), server);
  EXPECT_TRUE(pair.both_done()) << pair.server_status.to_string();
  EXPECT_EQ(pair.server->cipher_suite(), kEcdsaChaCha);
}

TEST_F(OptionsTest, VersionsAreCheckedByName) {
  ServerOptions server = server_options(*server_files_);
  server.min_version = "TLS1.1";
  EXPECT_EQ(server_error(server), "tls: min_version: \"TLS1.1\" is not one of TLS1.2, TLS1.3");
  server.min_version = "";
  server.max_version = "1.2";
  EXPECT_EQ(server_error(server), "tls: max_version: \"1.2\" is not one of TLS1.2, TLS1.3");
  for (const char* max : {"", "TLS1.2", "TLS1.3"}) {
    server.min_version = "TLS1.2";
    server.max_version = max;
    EXPECT_TRUE(Context::server(server).ok()) << max;
  }
}

TEST_F(OptionsTest, Tls13IsServedOrRefusedByName) {
  ServerOptions server = server_options(*server_files_);
  server.min_version = "TLS1.3";
  ClientOptions client = client_options(*authority_);
  client.min_version = "TLS1.3";
  if (!kHasTls13) {
    EXPECT_EQ(server_error(server),
              "tls: min_version: TLS1.3 is not supported by mbed TLS " MBEDTLS_VERSION_STRING);
    EXPECT_THAT(Context::client(client).status().message(), HasSubstr("TLS1.3 is not supported"));
    return;
  }
  SessionPair pair = run(client, server);
  ASSERT_TRUE(pair.both_done()) << pair.server_status.to_string();
  EXPECT_EQ(pair.server->version(), "TLS1.3");
  EXPECT_THAT(std::string(pair.server->cipher_suite()), ::testing::StartsWith("TLS_AES_"));

  ServerOptions older = server_options(*server_files_);
  older.max_version = "TLS1.2";
  SessionPair apart = run(client, older);
  EXPECT_FALSE(apart.client_status.ok() && apart.server_status.ok());

  server.cipher_suites = {kEcdsaAes256};
  EXPECT_THAT(server_error(server),
              HasSubstr("cipher_suites cannot be chosen with min_version TLS1.3"));
  server.cipher_suites = {};
  server.max_version = "TLS1.2";
  EXPECT_THAT(server_error(server),
              HasSubstr("min_version TLS1.3 is higher than max_version TLS1.2"));
}

TEST_F(OptionsTest, AClientFromBeforeTls12IsRefused) {
  // A ClientHello that offers TLS 1.1 at most: one suite, no extensions.
  std::string hello("\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x02", 11);
  hello += std::string(32, 'r') + std::string("\x00\x00\x02\xc0\x09\x01\x00", 7);
  auto server = Session::create(must(Context::server(server_options(*server_files_))));
  ASSERT_TRUE(server.ok());
  const Status status = (*server)->feed(hello);
  EXPECT_EQ(status.message(), "tls: no protocol version in common with the peer");
  const std::string alert = taken_output(**server);
  ASSERT_EQ(alert.size(), 7u);
  EXPECT_EQ(alert[6], 70);
}

TEST_F(OptionsTest, FilesAreNamedInErrors) {
  ServerOptions server = server_options(*server_files_);
  server.cert_file = authority_->directory() + "/absent.pem";
  Result<std::shared_ptr<const Context>> context = Context::server(server);
  EXPECT_EQ(context.status(), Status(StatusCode::kNotFound, "tls: cert_file " + server.cert_file +
                                                                ": No such file or directory"));
  server = server_options(*server_files_);
  server.key_file = authority_->write("empty.pem", "");
  EXPECT_EQ(server_error(server), "tls: key_file " + server.key_file + ": the file is empty");
  server.key_file = authority_->directory();
  EXPECT_EQ(server_error(server), "tls: key_file " + server.key_file + ": not a regular file");
  server.key_file = authority_->write("no-key.pem", "not a key\n");
  EXPECT_THAT(server_error(server),
              HasSubstr("tls: key_file " + server.key_file + ": not a private key"));
  server = server_options(*server_files_);
  server.cert_file = authority_->write("no-cert.pem", "hello\n");
  EXPECT_THAT(server_error(server),
              HasSubstr("tls: cert_file " + server.cert_file + ": not a certificate"));
  server = server_options(*server_files_);
  server.key_file = authority_->server().key_file;
  EXPECT_EQ(server_error(server), "tls: key_file " + server.key_file +
                                      ": does not match the certificate of cert_file " +
                                      server.cert_file);
}

TEST_F(OptionsTest, OneBadCertificateAmongGoodOnesFailsTheFile) {
  std::string bad = read_whole_file(server_files_->cert_file);
  bad[bad.size() / 2] = bad[bad.size() / 2] == 'A' ? 'B' : 'A';
  bad.replace(bad.find("MII"), 3, "AAA");
  ServerOptions server = server_options(*server_files_);
  server.client_auth = ClientAuth::kRequire;
  server.trusted_ca_file =
      authority_->write("mixed.pem", read_whole_file(authority_->ca_file()) + bad);
  EXPECT_THAT(server_error(server),
              HasSubstr(server.trusted_ca_file + ": 1 of its certificates cannot be parsed"));
}

TEST_F(OptionsTest, AnEncryptedKeyIsRecognised) {
  ServerOptions server = server_options(*server_files_);
  server.key_file = authority_->write("encrypted.pem",
                                      "-----BEGIN RSA PRIVATE KEY-----\n"
                                      "Proc-Type: 4,ENCRYPTED\n"
                                      "DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\n"
                                      "AAAAAAAAAAAAAAAAAAAAAA==\n"
                                      "-----END RSA PRIVATE KEY-----\n");
  EXPECT_THAT(server_error(server), HasSubstr("the key is encrypted"));
}

TEST_F(OptionsTest, DerFilesAreTaken) {
  const std::string pem = read_whole_file(authority_->ca_file());
  Certificates parsed;
  ASSERT_EQ(mbedtls_x509_crt_parse(
                parsed.get(), reinterpret_cast<const unsigned char*>(pem.c_str()), pem.size() + 1),
            0);
  ClientOptions client = client_options(*authority_);
  client.ca_file =
      authority_->write("ca.der", {reinterpret_cast<const char*>(parsed->raw.p), parsed->raw.len});
  EXPECT_TRUE(run(client, server_options(*server_files_)).both_done());
}

TEST_F(OptionsTest, OptionsThatContradictEachOther) {
  ServerOptions server;
  EXPECT_EQ(server_error(server), "tls: cert_file is required");
  server.cert_file = server_files_->cert_file;
  EXPECT_EQ(server_error(server), "tls: key_file is required");
  server = server_options(*server_files_);
  server.allowed_cn = {"a"};
  EXPECT_THAT(server_error(server),
              HasSubstr("no effect unless client certificates are asked for"));
  server.client_auth = ClientAuth::kRequire;
  server.trusted_ca_file = authority_->ca_file();
  server.allowed_hostname = {"b"};
  EXPECT_THAT(server_error(server), HasSubstr("exclude each other"));
  server.allowed_hostname = {};
  server.crl_file = authority_->ca_file();
  EXPECT_THAT(server_error(server),
              HasSubstr("crl_file " + server.crl_file + ": not a certificate revocation list"));
  ClientOptions client = client_options(*authority_);
  client.cert_file = server_files_->cert_file;
  EXPECT_THAT(Context::client(client).status().message(), HasSubstr("both or not at all"));
  client = client_options(*authority_);
  client.alpn = {""};
  EXPECT_THAT(Context::client(client).status().message(), HasSubstr("alpn"));
}

TEST_F(OptionsTest, AClientMayRefuseACommonNameOfItsOwn) {
  const TestCertificates::Files named = authority_->client("root");
  const TestCertificates::Files nameless = authority_->client("");
  ClientOptions options{.ca_file = authority_->ca_file(),
                        .cert_file = named.cert_file,
                        .key_file = named.key_file,
                        .refuse_common_name = true};
  const auto refused = Context::client(options);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(
      refused.status().message(),
      AllOf(HasSubstr(named.cert_file), HasSubstr("cert has non empty Common Name (root)")));
  options.cert_file = nameless.cert_file;
  options.key_file = nameless.key_file;
  EXPECT_TRUE(Context::client(options).ok()) << Context::client(options).status().message();
}

}  // namespace
}  // namespace gatehouse::tls
