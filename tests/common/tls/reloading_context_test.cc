#include "common/tls/reloading_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/common/tls/session_pair.h"

namespace gatehouse::tls {
namespace {

using ::testing::HasSubstr;

class ReloadingContextTest : public ::testing::Test {
 protected:
  ReloadingContextTest() {
    const TestCertificates::Files first = authority_.server();
    options_.cert_file = authority_.write("live-cert.pem", read_whole_file(first.cert_file));
    options_.key_file = authority_.write("live-key.pem", read_whole_file(first.key_file));
  }

  static std::unique_ptr<ReloadingContext> open(const ServerOptions& options) {
    Result<std::unique_ptr<ReloadingContext>> opened = ReloadingContext::server(options);
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    return *std::move(opened);
  }

  static bool changed(ReloadingContext& reloading) {
    Result<bool> checked = reloading.check_files();
    EXPECT_TRUE(checked.ok()) << checked.status().to_string();
    return checked.ok() && *checked;
  }

  // As tools that renew certificates do it: a new file takes the name of the old one.
  static void replace(const std::string& path, const std::string& by) {
    std::filesystem::copy_file(by, path + ".new",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(path + ".new", path);
  }

  std::string served_name(const std::shared_ptr<const Context>& context) {
    SessionPair pair(must(Context::client(client_options(authority_))), context);
    pair.pump();
    const PeerCertificate* certificate = pair.client->peer_certificate();
    return certificate == nullptr ? pair.client_status.message() : certificate->common_name;
  }

  TestCertificates::Files renewed(const std::string& name) {
    CertificateSpec spec = TestCertificates::server_spec();
    spec.common_name = name;
    return authority_.issue(spec);
  }

  TestCertificates authority_;
  ServerOptions options_;
};

TEST_F(ReloadingContextTest, NothingHappensWhileNothingChanges) {
  const auto reloading = open(options_);
  const auto before = reloading->current();
  EXPECT_FALSE(changed(*reloading));
  EXPECT_EQ(reloading->current(), before);
  EXPECT_EQ(served_name(before), "server");
}

TEST_F(ReloadingContextTest, NewFilesAreServedAndOldSessionsGoOn) {
  const auto reloading = open(options_);
  SessionPair old_pair(must(Context::client(client_options(authority_))), reloading->current());
  old_pair.pump();
  const TestCertificates::Files next = renewed("renewed");
  replace(options_.cert_file, next.cert_file);
  replace(options_.key_file, next.key_file);
  EXPECT_TRUE(changed(*reloading));
  EXPECT_EQ(served_name(reloading->current()), "renewed");
  EXPECT_FALSE(changed(*reloading));
  ASSERT_TRUE(old_pair.client->write("still here").ok());
  old_pair.pump();
  EXPECT_EQ(taken_plaintext(*old_pair.server), "still here");
}

TEST_F(ReloadingContextTest, HalfReplacedFilesKeepTheOldUntilTheyFit) {
  const auto reloading = open(options_);
  const auto before = reloading->current();
  const TestCertificates::Files next = renewed("renewed");
  replace(options_.cert_file, next.cert_file);
  Result<bool> half = reloading->check_files();
  EXPECT_THAT(half.status().message(), HasSubstr("does not match the certificate"));
  EXPECT_EQ(reloading->current(), before);
  EXPECT_FALSE(changed(*reloading));  // said once
  replace(options_.key_file, next.key_file);
  EXPECT_TRUE(changed(*reloading));
  EXPECT_EQ(served_name(reloading->current()), "renewed");
}

TEST_F(ReloadingContextTest, BrokenAndMissingFilesKeepTheOld) {
  const auto reloading = open(options_);
  const std::string good = read_whole_file(options_.cert_file);
  authority_.write("live-cert.pem", "rubbish");
  EXPECT_THAT(reloading->check_files().status().message(), HasSubstr(options_.cert_file));
  EXPECT_EQ(served_name(reloading->current()), "server");
  std::filesystem::remove(options_.cert_file);
  EXPECT_EQ(reloading->check_files().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(served_name(reloading->current()), "server");
  authority_.write("live-cert.pem", good);
  EXPECT_TRUE(changed(*reloading));
  EXPECT_EQ(served_name(reloading->current()), "server");
}

TEST_F(ReloadingContextTest, ANewRevocationListTakesEffect) {
  CertificateSpec spec = TestCertificates::client_spec("root");
  spec.serial = 42;
  const TestCertificates::Files client_files = authority_.issue(spec);
  ClientOptions client = client_options(authority_);
  client.cert_file = client_files.cert_file;
  client.key_file = client_files.key_file;
  options_.client_auth = ClientAuth::kRequire;
  options_.trusted_ca_file = authority_.ca_file();
  options_.crl_file = authority_.revocation_list({7});
  const auto reloading = open(options_);
  SessionPair welcome(must(Context::client(client)), reloading->current());
  welcome.pump();
  EXPECT_TRUE(welcome.both_done());
  replace(options_.crl_file, authority_.revocation_list({7, 42}));
  EXPECT_TRUE(changed(*reloading));
  SessionPair refused(must(Context::client(client)), reloading->current());
  refused.pump();
  EXPECT_THAT(refused.server_status.message(), HasSubstr("revoked"));
}

TEST_F(ReloadingContextTest, AClientsRootsAreReloaded) {
  const TestCertificates other("another authority");
  ClientOptions options = client_options(authority_);
  options.ca_file = authority_.write("live-ca.pem", read_whole_file(other.ca_file()));
  Result<std::unique_ptr<ReloadingContext>> reloading = ReloadingContext::client(options);
  ASSERT_TRUE(reloading.ok());
  SessionPair stranger((*reloading)->current(), must(Context::server(options_)));
  stranger.pump();
  EXPECT_FALSE(stranger.client_status.ok());
  replace(options.ca_file, authority_.ca_file());
  EXPECT_TRUE(changed(**reloading));
  SessionPair known((*reloading)->current(), must(Context::server(options_)));
  known.pump();
  EXPECT_TRUE(known.both_done()) << known.client_status.to_string();
}

TEST_F(ReloadingContextTest, TheFirstLoadMustSucceed) {
  options_.key_file = authority_.directory() + "/absent.pem";
  EXPECT_EQ(ReloadingContext::server(options_).status().code(), StatusCode::kNotFound);
}

TEST_F(ReloadingContextTest, ThreadsMayCheckAndUseAtOnce) {
  const auto reloading = open(options_);
  const TestCertificates::Files next[2] = {renewed("even"), renewed("odd")};
  std::atomic<bool> stop = false;
  std::thread user([&] {
    while (!stop.load()) {
      auto session = Session::create(reloading->current());
      if (!session.ok()) ADD_FAILURE() << session.status().to_string();
    }
  });
  std::thread checker([&] {
    while (!stop.load())
      static_cast<void>(reloading->check_files());  // a half-replaced pair is an error
  });
  for (int round = 0; round < 20; round++) {
    replace(options_.cert_file, next[round % 2].cert_file);
    replace(options_.key_file, next[round % 2].key_file);
  }
  stop = true;
  user.join();
  checker.join();
  static_cast<void>(reloading->check_files());
  EXPECT_EQ(served_name(reloading->current()), "odd");
}

}  // namespace
}  // namespace gatehouse::tls
