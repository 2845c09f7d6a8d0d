// Certificates for tests, made when the test runs: an authority, and what it signs. Any room's
// tests may use it (link tls_test_certificates); nothing of mbed TLS shows here.
//
//   TestCertificates authority;                       // its files live in a directory that goes
//   with it auto server = authority.server();                 // localhost, *.cluster.test,
//   127.0.0.1, ::1 tls::ServerOptions{.cert_file = server.cert_file, .key_file = server.key_file,
//                      .client_auth = tls::ClientAuth::kRequire, .trusted_ca_file =
//                      authority.ca_file()}
//   auto client = authority.client("root");           // the common name etcd takes for a user
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/tls/certificate_writer.h"

namespace gatehouse::tls {

enum class KeyKind { kEcdsaP256, kRsa2048 };

class TestCertificates {
 public:
  struct Files {
    std::string cert_file;
    std::string key_file;
  };

  // A fresh authority with the subject "CN=<name>".
  explicit TestCertificates(std::string name = "gatehouse test authority");
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  const std::string& directory() const { return directory_; }
  const std::string& ca_file() const { return ca_file_; }

  // Each call makes a new certificate in new files, valid from an hour ago for a day.
  Files server(KeyKind kind = KeyKind::kEcdsaP256);
  Files client(std::string common_name);

  // What the two above start from, to be changed and issued.
  static CertificateSpec server_spec();
  static CertificateSpec client_spec(std::string common_name);
  Files issue(const CertificateSpec& spec, KeyKind kind = KeyKind::kEcdsaP256);

  // A list of the authority's revoked serial numbers. A list that is past its nextUpdate:
  // not_after_s in the past.
  std::string revocation_list(const std::vector<uint64_t>& serials, int64_t not_after_s = 0);

  // A file of these bytes in the directory; returns its path.
  std::string write(std::string_view name, std::string_view bytes);

 private:
  std::string fresh_name(std::string_view suffix);

  std::string subject_;
  std::string directory_;
  std::string ca_file_;
  std::string ca_key_;  // PEM
  int next_ = 1;
};

// Unix time, and a day in it.
int64_t now_s();
inline constexpr int64_t kDayS = 24 * 3600;

std::string read_whole_file(const std::string& path);

}  // namespace gatehouse::tls
