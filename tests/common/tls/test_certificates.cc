#include "tests/common/tls/test_certificates.h"

#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/rsa.h>
#include <stdlib.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/check.h"
#include "common/tls/mbedtls_compat.h"

namespace gatehouse::tls {
namespace {

// ecdsa-with-SHA256, RFC 5758 section 3.2.
constexpr char kEcdsaSha256[] = "\x2a\x86\x48\xce\x3d\x04\x03\x02";

std::string make_rsa_key() {
  PrivateKey key;
  CHECK(mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)) == 0);
  CHECK(mbedtls_rsa_gen_key(mbedtls_pk_rsa(*key.get()), system_random, nullptr, 2048, 65537) == 0);
  std::array<unsigned char, 4096> pem;
  CHECK(mbedtls_pk_write_key_pem(key.get(), pem.data(), pem.size()) == 0);
  return reinterpret_cast<const char*>(pem.data());
}

std::string der_serial(uint64_t serial) {
  std::string bytes;
  for (uint64_t rest = serial; rest != 0; rest >>= 8) {
    bytes.insert(bytes.begin(), static_cast<char>(rest & 0xff));
  }
  if (bytes.empty() || (bytes[0] & 0x80) != 0) bytes.insert(bytes.begin(), '\0');
  return der(0x02, bytes);
}

// GeneralizedTime would be wrong before 2050 (RFC 5280 section 5.1.2.4), so UTCTime: without the
// century.
std::string der_time(int64_t unix_s) { return der(0x17, asn1_time(unix_s).substr(2) + "Z"); }

std::string raw_subject(const std::string& certificate_file) {
  Certificates certificate;
  const std::string pem = read_whole_file(certificate_file);
  CHECK(mbedtls_x509_crt_parse(certificate.get(),
                               reinterpret_cast<const unsigned char*>(pem.c_str()),
                               pem.size() + 1) == 0);
  return {reinterpret_cast<const char*>(certificate->subject_raw.p), certificate->subject_raw.len};
}

std::string sign(const std::string& key_pem, std::string_view bytes) {
  PrivateKey key;
  CHECK(parse_key(key.get(), reinterpret_cast<const unsigned char*>(key_pem.c_str()),
                  key_pem.size() + 1) == 0);
  std::array<unsigned char, 32> hash;
  CHECK(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                   reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                   hash.data()) == 0);
  std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> signature;
  size_t size = 0;
  CHECK(sign_sha256(key.get(), hash.data(), signature.data(), &size) == 0);
  return {reinterpret_cast<const char*>(signature.data()), size};
}

}  // namespace

int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK_MSG(file.good(), path);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

TestCertificates::TestCertificates(std::string name) : subject_("CN=" + name) {
  std::string pattern = (std::filesystem::temp_directory_path() / "gatehouse-tls-XXXXXX").string();
  CHECK(mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  Result<std::string> key = make_key();
  CHECK(key.ok());
  ca_key_ = *key;
  CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.authority = true;
  spec.not_before_s = now_s() - kDayS;
  spec.not_after_s = now_s() + 30 * kDayS;
  Result<std::string> certificate = make_certificate(spec, ca_key_, "", ca_key_);
  CHECK_MSG(certificate.ok(), certificate.status().message());
  ca_file_ = write("ca.pem", *certificate);
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

CertificateSpec TestCertificates::server_spec() {
  CertificateSpec spec;
  spec.common_name = "server";
  spec.hosts = {"localhost", "*.cluster.test", "127.0.0.1", "::1"};
  spec.for_servers = true;
  spec.not_before_s = now_s() - 3600;
  spec.not_after_s = now_s() + kDayS;
  return spec;
}

CertificateSpec TestCertificates::client_spec(std::string common_name) {
  CertificateSpec spec;
  spec.common_name = std::move(common_name);
  spec.for_clients = true;
  spec.not_before_s = now_s() - 3600;
  spec.not_after_s = now_s() + kDayS;
  return spec;
}

TestCertificates::Files TestCertificates::server(KeyKind kind) {
  return issue(server_spec(), kind);
}

TestCertificates::Files TestCertificates::client(std::string common_name) {
  return issue(client_spec(std::move(common_name)));
}

TestCertificates::Files TestCertificates::issue(const CertificateSpec& spec, KeyKind kind) {
  std::string key;
  if (kind == KeyKind::kRsa2048) {
    key = make_rsa_key();
  } else {
    Result<std::string> made = make_key();
    CHECK(made.ok());
    key = *made;
  }
  Result<std::string> certificate = make_certificate(spec, key, subject_, ca_key_);
  CHECK_MSG(certificate.ok(), certificate.status().message());
  Files files;
  files.cert_file = write(fresh_name("cert.pem"), *certificate);
  files.key_file = write(fresh_name("key.pem"), key);
  return files;
}

// RFC 5280 section 5.1.
std::string TestCertificates::revocation_list(const std::vector<uint64_t>& serials,
                                              int64_t not_after_s) {
  const std::string algorithm =
      der(0x30, der(0x06, std::string_view(kEcdsaSha256, sizeof(kEcdsaSha256) - 1)));
  const int64_t until = not_after_s != 0 ? not_after_s : now_s() + kDayS;
  std::string entries;
  for (const uint64_t serial : serials) {
    entries += der(0x30, der_serial(serial) + der_time(now_s() - 3600));
  }
  std::string body = der(0x02, std::string_view("\x01", 1)) + algorithm + raw_subject(ca_file_) +
                     der_time(until - 2 * kDayS) + der_time(until);
  if (!entries.empty()) body += der(0x30, entries);
  const std::string to_be_signed = der(0x30, body);
  const std::string signature = sign(ca_key_, to_be_signed);
  const std::string list =
      der(0x30, to_be_signed + algorithm + der(0x03, std::string(1, '\0') + signature));
  std::string pem(list.size() * 2 + 256, '\0');
  size_t size = 0;
  CHECK(mbedtls_pem_write_buffer("-----BEGIN X509 CRL-----\n", "-----END X509 CRL-----\n",
                                 reinterpret_cast<const unsigned char*>(list.data()), list.size(),
                                 reinterpret_cast<unsigned char*>(pem.data()), pem.size(),
                                 &size) == 0);
  pem.resize(size - 1);  // without the terminating zero
  return write(fresh_name("crl.pem"), pem);
}

std::string TestCertificates::write(std::string_view name, std::string_view bytes) {
  const std::string path = directory_ + "/" + std::string(name);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  file.close();
  CHECK_MSG(file.good(), path);
  return path;
}

std::string TestCertificates::fresh_name(std::string_view suffix) {
  return std::to_string(next_++) + "-" + std::string(suffix);
}

}  // namespace gatehouse::tls
