// Who is let in: the server's certificate as the client sees it, and the client's as the server
// does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/tls/mbedtls_compat.h"
#include "tests/common/tls/session_pair.h"

namespace gatehouse::tls {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class VerificationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    authority_ = new TestCertificates;
    other_ = new TestCertificates("another authority");
    server_files_ = new TestCertificates::Files(authority_->server());
  }
  static void TearDownTestSuite() {
    delete server_files_;
    delete other_;
    delete authority_;
  }

  static ServerOptions asking(ClientAuth mode) {
    ServerOptions options = server_options(*server_files_);
    options.client_auth = mode;
    options.trusted_ca_file = authority_->ca_file();
    return options;
  }

  static ClientOptions presenting(const TestCertificates::Files& files) {
    ClientOptions options = client_options(*authority_);
    options.cert_file = files.cert_file;
    options.key_file = files.key_file;
    return options;
  }

  static SessionPair run(const ClientOptions& client, const ServerOptions& server,
                         std::string_view name = {}) {
    SessionPair pair(must(Context::client(client)), must(Context::server(server)), name);
    pair.pump();
    return pair;
  }

  // The versions this library has.
  static std::vector<std::string> versions() {
    return kHasTls13 ? std::vector<std::string>{"TLS1.2", "TLS1.3"}
                     : std::vector<std::string>{"TLS1.2"};
  }

  // Under TLS 1.3 mbed TLS encrypts these alerts with keys of the wrong epoch (the client not at
  // all, the server still with those of the handshake), so the peer only learns that the connection
  // failed.
  static void expect_told(const Status& peer, const std::string& alert,
                          const std::string& version) {
    if (version == "TLS1.2") {
      EXPECT_EQ(peer.message(), "remote error: tls: " + alert);
    } else {
      EXPECT_FALSE(peer.ok());
    }
  }

  // The client refuses the server's certificate, in these words, and tells it.
  static void expect_client_refuses(ClientOptions client, const ServerOptions& server,
                                    const std::string& text, const std::string& alert) {
    for (const std::string& version : versions()) {
      client.max_version = client.min_version = version;
      SessionPair pair = run(client, server);
      EXPECT_EQ(pair.client_status.code(), StatusCode::kUnauthenticated);
      EXPECT_THAT(pair.client_status.message(), HasSubstr(text));
      EXPECT_FALSE(pair.client->handshake_done());
      EXPECT_FALSE(pair.server->handshake_done());
      expect_told(pair.server_status, alert, version);
    }
  }

  static void expect_server_refuses(ClientOptions client, const ServerOptions& server,
                                    const std::string& text, const std::string& alert) {
    for (const std::string& version : versions()) {
      client.max_version = client.min_version = version;
      SessionPair pair = run(client, server);
      EXPECT_EQ(pair.server_status.code(), StatusCode::kUnauthenticated);
      EXPECT_THAT(pair.server_status.message(), HasSubstr(text));
      EXPECT_FALSE(pair.server->handshake_done());
      EXPECT_EQ(pair.server->peer_certificate(), nullptr);
      expect_told(pair.client_status, alert, version);
    }
  }

  static TestCertificates* authority_;
  static TestCertificates* other_;
  static TestCertificates::Files* server_files_;
};

TestCertificates* VerificationTest::authority_ = nullptr;
TestCertificates* VerificationTest::other_ = nullptr;
TestCertificates::Files* VerificationTest::server_files_ = nullptr;

// ---- the server's certificate
// -----------------------------------------------------------------------------------

TEST_F(VerificationTest, NamesAndAddressesOfTheCertificateAreAccepted) {
  const ServerOptions server = server_options(*server_files_);
  const auto client = must(Context::client(client_options(*authority_)));
  const auto server_context = must(Context::server(server));
  for (const char* name : {"localhost", "LOCALHOST", "localhost.", "a.cluster.test", "127.0.0.1",
                           "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"}) {
    SessionPair pair(client, server_context, name);
    pair.pump();
    EXPECT_TRUE(pair.both_done()) << name << ": " << pair.client_status.to_string();
    EXPECT_TRUE(pair.client->peer_certificate()->verified) << name;
  }
}

TEST_F(VerificationTest, AnAddressIsNotSentAsServerName) {
  SessionPair by_address =
      run(client_options(*authority_), server_options(*server_files_), "127.0.0.1");
  EXPECT_EQ(by_address.server->server_name(), "");
  SessionPair by_name =
      run(client_options(*authority_), server_options(*server_files_), "b.cluster.test.");
  EXPECT_EQ(by_name.server->server_name(), "b.cluster.test");
}

TEST_F(VerificationTest, OtherNamesAndAddressesAreRefused) {
  for (const char* name :
       {"example.com", "127.0.0.2", "::2", "cluster.test", "a.b.cluster.test", "server"}) {
    ClientOptions client = client_options(*authority_);
    client.server_name = name;
    expect_client_refuses(client, server_options(*server_files_),
                          std::string("tls: certificate is valid for localhost, *.cluster.test, "
                                      "127.0.0.1, ::1, not ") +
                              name,
                          "bad certificate");
  }
}

TEST_F(VerificationTest, TheCommonNameIsNoName) {
  CertificateSpec spec = TestCertificates::server_spec();
  spec.common_name = "localhost";
  spec.hosts = {};
  expect_client_refuses(client_options(*authority_), server_options(authority_->issue(spec)),
                        "no DNS name or IP address", "bad certificate");
}

TEST_F(VerificationTest, AnotherAuthorityIsUnknown) {
  expect_client_refuses(
      client_options(*other_), server_options(*server_files_),
      "tls: certificate signed by unknown authority (issuer CN=gatehouse test authority)",
      "unknown certificate authority");
}

// Same name, other key: the signature decides, not the name.
TEST_F(VerificationTest, AnAuthorityOfTheSameNameIsUnknown) {
  const TestCertificates impostor;
  expect_client_refuses(client_options(impostor), server_options(*server_files_),
                        "tls: certificate signed by unknown authority",
                        "unknown certificate authority");
}

TEST_F(VerificationTest, DatesAreChecked) {
  CertificateSpec spec = TestCertificates::server_spec();
  spec.not_before_s = now_s() - 3 * kDayS;
  spec.not_after_s = 1700000000;
  expect_client_refuses(client_options(*authority_), server_options(authority_->issue(spec)),
                        "tls: certificate has expired or is not yet valid: not after "
                        "2023-11-14T22:13:20Z (CN=server)",
                        "expired certificate");
  spec.not_before_s = now_s() + kDayS;
  spec.not_after_s = now_s() + 2 * kDayS;
  SessionPair pair = run(client_options(*authority_), server_options(authority_->issue(spec)));
  EXPECT_THAT(pair.client_status.message(),
              StartsWith("tls: certificate has expired or is not yet valid: not before 20"));
}

// mbed TLS would refuse each handshake without a word about the reason, so it is said when the file
// is loaded.
TEST_F(VerificationTest, ACertificateForClientsDoesNotServe) {
  const ServerOptions server = server_options(authority_->client("alice"));
  EXPECT_EQ(Context::server(server).status().message(),
            "tls: cert_file " + server.cert_file +
                ": the certificate is not for use by servers (extended key usage)");
}

TEST_F(VerificationTest, SkippingVerificationAcceptsAnything) {
  CertificateSpec spec = TestCertificates::server_spec();
  spec.hosts = {"somewhere.else"};
  spec.not_after_s = now_s() - 60;
  ClientOptions client;
  client.insecure_skip_verify = true;
  for (const char* name : {"", "localhost", "10.0.0.1"}) {
    client.server_name = name;
    SessionPair pair = run(client, server_options(other_->issue(spec)));
    EXPECT_TRUE(pair.both_done()) << pair.client_status.to_string();
    ASSERT_NE(pair.client->peer_certificate(), nullptr);
    EXPECT_FALSE(pair.client->peer_certificate()->verified);
    EXPECT_THAT(pair.client->peer_certificate()->dns_names, ElementsAre("somewhere.else"));
  }
}

TEST_F(VerificationTest, WithoutANameThereIsNothingToVerify) {
  ClientOptions client = client_options(*authority_);
  client.server_name = "";
  const auto context = must(Context::client(client));
  EXPECT_THAT(Session::create(context).status().message(), HasSubstr("server_name is required"));
  EXPECT_TRUE(Session::create(context, "localhost").ok());
  EXPECT_THAT(Session::create(context, "bad name").status().message(),
              HasSubstr("neither a DNS name nor an IP address"));
  EXPECT_FALSE(Session::create(context, std::string(254, 'a')).ok());
  EXPECT_FALSE(Session::create(context, std::string_view("local\0host", 10)).ok());
}

TEST_F(VerificationTest, RsaAndEcdsaServe) {
  const ServerOptions server = server_options(authority_->server(KeyKind::kRsa2048));
  SessionPair pair = run(client_options(*authority_), server);
  EXPECT_TRUE(pair.both_done()) << pair.client_status.to_string();
}

TEST_F(VerificationTest, RootsComeFromTheSystemIfNoFileIsNamed) {
  ClientOptions client = client_options(*authority_);
  client.ca_file = "";
  setenv("SSL_CERT_FILE", authority_->ca_file().c_str(), 1);
  SessionPair pair = run(client, server_options(*server_files_));
  EXPECT_TRUE(pair.both_done()) << pair.client_status.to_string();
  setenv("SSL_CERT_FILE", "/nowhere/at/all.pem", 1);
  const Status status = Context::client(client).status();
  EXPECT_THAT(status.message(), HasSubstr("ca_file is not given"));
  EXPECT_THAT(status.message(), HasSubstr("/nowhere/at/all.pem"));
  unsetenv("SSL_CERT_FILE");
}

// ---- the client's certificate
// -----------------------------------------------------------------------------------

TEST_F(VerificationTest, ARequiredCertificateIsAcceptedAndShown) {
  CertificateSpec spec = TestCertificates::client_spec("root");
  spec.hosts = {"client.cluster.test", "10.1.2.3", "fd00::7"};
  spec.uris = {"spiffe://cluster.test/client"};
  spec.serial = 0x1f;
  SessionPair pair = run(presenting(authority_->issue(spec)), asking(ClientAuth::kRequire));
  ASSERT_TRUE(pair.both_done()) << pair.server_status.to_string();
  const PeerCertificate* client = pair.server->peer_certificate();
  ASSERT_NE(client, nullptr);
  EXPECT_TRUE(client->verified);
  EXPECT_EQ(client->common_name, "root");
  EXPECT_THAT(client->dns_names, ElementsAre("client.cluster.test"));
  EXPECT_THAT(client->ip_addresses, ElementsAre("10.1.2.3", "fd00::7"));
  EXPECT_THAT(client->uris, ElementsAre("spiffe://cluster.test/client"));
  EXPECT_EQ(client->serial_hex, "1f");
}

TEST_F(VerificationTest, ARequiredCertificateIsMissed) {
  expect_server_refuses(client_options(*authority_), asking(ClientAuth::kRequire),
                        "tls: client did not present a certificate", "bad certificate");
}

TEST_F(VerificationTest, AnOptionalCertificateMayBeAbsent) {
  SessionPair pair = run(client_options(*authority_), asking(ClientAuth::kRequest));
  EXPECT_TRUE(pair.both_done()) << pair.server_status.to_string();
  EXPECT_EQ(pair.server->peer_certificate(), nullptr);
}

TEST_F(VerificationTest, AnOptionalCertificateThatIsGoodIsShown) {
  SessionPair pair = run(presenting(authority_->client("alice")), asking(ClientAuth::kRequest));
  ASSERT_TRUE(pair.both_done()) << pair.server_status.to_string();
  ASSERT_NE(pair.server->peer_certificate(), nullptr);
  EXPECT_EQ(pair.server->peer_certificate()->common_name, "alice");
  EXPECT_TRUE(pair.server->peer_certificate()->verified);
}

TEST_F(VerificationTest, AnUnaskedCertificateIsNotShown) {
  SessionPair pair = run(presenting(authority_->client("alice")), server_options(*server_files_));
  ASSERT_TRUE(pair.both_done());
  EXPECT_EQ(pair.server->peer_certificate(), nullptr);
}

// Every ground of refusal, for a certificate that is required and for one that is only verified if
// given.
class ClientCertificateTest : public VerificationTest,
                              public ::testing::WithParamInterface<ClientAuth> {};

TEST_P(ClientCertificateTest, OfAnotherAuthority) {
  expect_server_refuses(
      presenting(other_->client("root")), asking(GetParam()),
      "tls: certificate signed by unknown authority (issuer CN=another authority)",
      "unknown certificate authority");
}

TEST_P(ClientCertificateTest, SelfSigned) {
  Result<std::string> key = make_key();
  ASSERT_TRUE(key.ok());
  const CertificateSpec spec = TestCertificates::client_spec("root");
  Result<std::string> certificate = make_certificate(spec, *key, "", *key);
  ASSERT_TRUE(certificate.ok());
  const TestCertificates::Files files{authority_->write("self.pem", *certificate),
                                      authority_->write("self-key.pem", *key)};
  expect_server_refuses(presenting(files), asking(GetParam()),
                        "tls: certificate signed by unknown authority",
                        "unknown certificate authority");
}

TEST_P(ClientCertificateTest, Expired) {
  CertificateSpec spec = TestCertificates::client_spec("root");
  spec.not_after_s = now_s() - 60;
  expect_server_refuses(presenting(authority_->issue(spec)), asking(GetParam()),
                        "tls: certificate has expired or is not yet valid: not after",
                        "expired certificate");
}

TEST_P(ClientCertificateTest, ForServersOnly) {
  expect_server_refuses(presenting(authority_->server()), asking(GetParam()),
                        "not for use by clients", "unsupported certificate");
}

TEST_P(ClientCertificateTest, Revoked) {
  CertificateSpec spec = TestCertificates::client_spec("root");
  spec.serial = 0xbad;
  const TestCertificates::Files revoked = authority_->issue(spec);
  ServerOptions server = asking(GetParam());
  server.crl_file = authority_->revocation_list({0x77, 0xbad, 0x80});
  expect_server_refuses(presenting(revoked), server,
                        "tls: certificate is revoked: serial number 0bad", "revoked certificate");
  // The same list lets others in.
  SessionPair pair = run(presenting(authority_->client("root")), server);
  EXPECT_TRUE(pair.both_done()) << pair.server_status.to_string();
}

TEST_P(ClientCertificateTest, NotOfAnAllowedCommonName) {
  ServerOptions server = asking(GetParam());
  server.allowed_cn = {"etcd-1", "etcd-2"};
  expect_server_refuses(presenting(authority_->client("etcd-3")), server,
                        "common name \"etcd-3\" is not allowed", "access denied");
  SessionPair pair = run(presenting(authority_->client("etcd-2")), server);
  EXPECT_TRUE(pair.both_done()) << pair.server_status.to_string();
}

TEST_P(ClientCertificateTest, NotOfAnAllowedHost) {
  ServerOptions server = asking(GetParam());
  server.allowed_hostname = {"a.peers.test", "10.0.0.9"};
  CertificateSpec spec = TestCertificates::client_spec("peer");
  spec.hosts = {"a.elsewhere.test", "10.0.0.8"};
  expect_server_refuses(presenting(authority_->issue(spec)), server,
                        "not valid for an allowed host", "access denied");
  for (const char* host : {"*.peers.test", "10.0.0.9"}) {
    spec.hosts = {host};
    SessionPair pair = run(presenting(authority_->issue(spec)), server);
    EXPECT_TRUE(pair.both_done()) << host << ": " << pair.server_status.to_string();
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, ClientCertificateTest,
                         ::testing::Values(ClientAuth::kRequest, ClientAuth::kRequire),
                         [](const auto& mode) {
                           return mode.param == ClientAuth::kRequest ? "IfGiven" : "Required";
                         });

// As etcd: the list is the operator's word, whatever its date.
TEST_F(VerificationTest, AListPastItsDateGoesOnRevoking) {
  CertificateSpec spec = TestCertificates::client_spec("root");
  spec.serial = 5;
  ServerOptions server = asking(ClientAuth::kRequire);
  server.crl_file = authority_->revocation_list({5}, now_s() - 60);
  expect_server_refuses(presenting(authority_->issue(spec)), server, "is revoked",
                        "revoked certificate");
  spec.serial = 6;
  EXPECT_TRUE(run(presenting(authority_->issue(spec)), server).both_done());
}

TEST_F(VerificationTest, AListSpeaksOnlyOfItsOwnIssuersNumbers) {
  CertificateSpec spec = TestCertificates::client_spec("root");
  spec.serial = 5;
  ServerOptions server = asking(ClientAuth::kRequire);
  server.crl_file = other_->revocation_list({5});
  EXPECT_TRUE(run(presenting(authority_->issue(spec)), server).both_done());
}

TEST_F(VerificationTest, AnEmptyListRevokesNobody) {
  ServerOptions server = asking(ClientAuth::kRequire);
  server.crl_file = authority_->revocation_list({});
  EXPECT_TRUE(run(presenting(authority_->client("root")), server).both_done());
}

TEST_F(VerificationTest, SeveralAuthoritiesMayBeTrusted) {
  ServerOptions server = asking(ClientAuth::kRequire);
  server.trusted_ca_file = authority_->write(
      "both.pem", read_whole_file(other_->ca_file()) + read_whole_file(authority_->ca_file()));
  EXPECT_TRUE(run(presenting(authority_->client("a")), server).both_done());
  EXPECT_TRUE(run(presenting(other_->client("b")), server).both_done());
}

TEST_F(VerificationTest, ARefusalIsOneAlert) {
  for (const ClientAuth mode : {ClientAuth::kRequest, ClientAuth::kRequire}) {
    ClientOptions client = presenting(other_->client("root"));
    client.max_version = "TLS1.2";
    SessionPair pair(must(Context::client(client)), must(Context::server(asking(mode))));
    EXPECT_TRUE(pair.server->feed(taken_output(*pair.client)).ok());
    EXPECT_TRUE(pair.client->feed(taken_output(*pair.server)).ok());
    EXPECT_FALSE(pair.server->feed(taken_output(*pair.client)).ok());
    EXPECT_EQ(taken_output(*pair.server), std::string("\x15\x03\x03\x00\x02\x02\x30", 7));
  }
}

// A chain of leaf, intermediate and root: the file holds the first two.
class IntermediateTest : public VerificationTest {
 protected:
  IntermediateTest() {
    CertificateSpec spec = TestCertificates::server_spec();
    spec.common_name = "intermediate";
    spec.hosts = {};
    spec.for_servers = false;
    spec.authority = true;
    spec.serial = 0x11;
    intermediate_ = authority_->issue(spec);
  }

  TestCertificates::Files issue(const CertificateSpec& spec) {
    Result<std::string> key = make_key();
    EXPECT_TRUE(key.ok());
    Result<std::string> leaf =
        make_certificate(spec, *key, "CN=intermediate", read_whole_file(intermediate_.key_file));
    EXPECT_TRUE(leaf.ok());
    leaf_only_ = authority_->write("leaf.pem", *leaf);
    return {authority_->write("chain.pem", *leaf + read_whole_file(intermediate_.cert_file)),
            authority_->write("leaf-key.pem", *key)};
  }

  TestCertificates::Files intermediate_;
  std::string leaf_only_;
};

TEST_F(IntermediateTest, TheChainLeadsToTheRoot) {
  TestCertificates::Files files = issue(TestCertificates::server_spec());
  EXPECT_TRUE(run(client_options(*authority_), server_options(files)).both_done());
  files.cert_file = leaf_only_;
  expect_client_refuses(client_options(*authority_), server_options(files),
                        "signed by unknown authority (issuer CN=intermediate)",
                        "unknown certificate authority");
}

TEST_F(IntermediateTest, ARevokedIntermediateRevokesItsLeaves) {
  const TestCertificates::Files files = issue(TestCertificates::client_spec("root"));
  ServerOptions server = asking(ClientAuth::kRequire);
  EXPECT_TRUE(run(presenting(files), server).both_done());
  server.crl_file = authority_->revocation_list({0x11});
  expect_server_refuses(presenting(files), server, "tls: certificate is revoked: serial number 11",
                        "revoked certificate");
}

// A leaf that signs: only an authority may.
TEST_F(IntermediateTest, ALeafCannotSign) {
  const TestCertificates::Files leaf = authority_->client("alice");
  Result<std::string> key = make_key();
  ASSERT_TRUE(key.ok());
  Result<std::string> forged = make_certificate(TestCertificates::client_spec("root"), *key,
                                                "CN=alice", read_whole_file(leaf.key_file));
  ASSERT_TRUE(forged.ok());
  const TestCertificates::Files files{
      authority_->write("forged.pem", *forged + read_whole_file(leaf.cert_file)),
      authority_->write("forged-key.pem", *key)};
  expect_server_refuses(presenting(files), asking(ClientAuth::kRequire),
                        "signed by unknown authority", "unknown certificate authority");
}

}  // namespace
}  // namespace gatehouse::tls
