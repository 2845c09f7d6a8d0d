#include "common/tls/certificate_writer.h"

#include <arpa/inet.h>

#include <array>
#include <ctime>

#include "common/tls/error_text.h"
#include "common/tls/mbedtls_compat.h"
#include "common/tls/names.h"

namespace gatehouse::tls {
namespace {

using WriteCertificate =
    Owned<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free>;

// Room for what we make: a certificate with some dozens of names.
constexpr size_t kPemBytes = 16384;

constexpr uint8_t kSequence = 0x30;
constexpr uint8_t kOid = 0x06;
constexpr uint8_t kDnsName = 0x82;
constexpr uint8_t kUri = 0x86;
constexpr uint8_t kIpAddress = 0x87;

Status failed(const char* step, int error) {
  return internal_error(std::string("tls: make a certificate: ") + step + ": " + error_text(error));
}

std::string ip_bytes(const std::string& text) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  inet_pton(AF_INET6, text.c_str(), bytes.data());
  return {bytes.data(), 16};
}

std::string alternative_names(const CertificateSpec& spec) {
  std::string names;
  for (const std::string& host : spec.hosts) {
    const std::string ip = canonical_ip(host);
    names += ip.empty() ? der(kDnsName, host) : der(kIpAddress, ip_bytes(ip));
  }
  for (const std::string& uri : spec.uris) names += der(kUri, uri);
  return names.empty() ? names : der(kSequence, names);
}

std::string extended_usages(const CertificateSpec& spec) {
  std::string usages;
  if (spec.for_servers)
    usages += der(kOid, {MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)});
  if (spec.for_clients)
    usages += der(kOid, {MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)});
  return usages.empty() ? usages : der(kSequence, usages);
}

int set_extension(mbedtls_x509write_cert* certificate, std::string_view oid,
                  const std::string& value) {
  if (value.empty()) return 0;
  return mbedtls_x509write_crt_set_extension(certificate, oid.data(), oid.size(), 0,
                                             reinterpret_cast<const unsigned char*>(value.data()),
                                             value.size());
}

int set_extensions(mbedtls_x509write_cert* certificate, const CertificateSpec& spec) {
  int error = mbedtls_x509write_crt_set_basic_constraints(certificate, spec.authority ? 1 : 0, -1);
  if (error == 0) {
    error = mbedtls_x509write_crt_set_key_usage(
        certificate, spec.authority ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
                                    : MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
  }
  if (error == 0) error = mbedtls_x509write_crt_set_subject_key_identifier(certificate);
  if (error == 0) error = mbedtls_x509write_crt_set_authority_key_identifier(certificate);
  if (error == 0) {
    error = set_extension(
        certificate, {MBEDTLS_OID_SUBJECT_ALT_NAME, MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME)},
        alternative_names(spec));
  }
  if (error == 0) {
    error = set_extension(
        certificate,
        {MBEDTLS_OID_EXTENDED_KEY_USAGE, MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE)},
        extended_usages(spec));
  }
  return error;
}

int set_serial_number(mbedtls_x509write_cert* certificate, uint64_t serial) {
  std::array<unsigned char, 16> bytes{};
  if (serial == 0) {
    const int error = system_random(nullptr, bytes.data(), bytes.size());
    if (error != 0) return error;
    bytes[0] =
        static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and of full length
    return set_serial(certificate, bytes.data(), bytes.size());
  }
  size_t first = bytes.size();
  for (; serial != 0; serial >>= 8) bytes[--first] = static_cast<unsigned char>(serial & 0xff);
  if ((bytes[first] & 0x80) != 0) first--;
  return set_serial(certificate, bytes.data() + first, bytes.size() - first);
}

int parse_pem_key(PrivateKey& key, std::string_view pem) {
  const std::string text(pem);
  return parse_key(key.get(), reinterpret_cast<const unsigned char*>(text.c_str()),
                   text.size() + 1);
}

}  // namespace

std::string der(uint8_t tag, std::string_view content) {
  std::string element(1, static_cast<char>(tag));
  if (content.size() < 0x80) {
    element += static_cast<char>(content.size());
  } else {
    std::string length;
    for (size_t rest = content.size(); rest != 0; rest >>= 8) {
      length.insert(length.begin(), static_cast<char>(rest & 0xff));
    }
    element += static_cast<char>(0x80 | length.size());
    element += length;
  }
  element += content;
  return element;
}

std::string asn1_time(int64_t unix_s) {
  const time_t seconds = unix_s;
  struct tm parts {};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts);
  return {text.data(), size};
}

std::string subject_of(const CertificateSpec& spec) {
  std::string subject;
  if (!spec.common_name.empty()) subject = "CN=" + spec.common_name;
  if (!spec.organization.empty()) {
    subject += (subject.empty() ? "O=" : ",O=") + spec.organization;
  }
  return subject;
}

Result<std::string> make_key() {
  PrivateKey key;
  int error = mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  if (error != 0) return failed("key", error);
  error = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key.get()), system_random,
                              nullptr);
  if (error != 0) return failed("key", error);
  std::array<unsigned char, 1024> pem;
  error = mbedtls_pk_write_key_pem(key.get(), pem.data(), pem.size());
  if (error != 0) return failed("key", error);
  std::string text = reinterpret_cast<const char*>(pem.data());
  mbedtls_platform_zeroize(pem.data(), pem.size());
  return text;
}

Result<std::string> make_certificate(const CertificateSpec& spec, std::string_view key,
                                     std::string_view issuer, std::string_view issuer_key) {
  PrivateKey subject_key, signing_key;
  int error = parse_pem_key(subject_key, key);
  if (error == 0) error = parse_pem_key(signing_key, issuer_key);
  if (error != 0) return failed("key", error);

  WriteCertificate certificate;
  mbedtls_x509write_crt_set_version(certificate.get(), MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(certificate.get(), MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(certificate.get(), subject_key.get());
  mbedtls_x509write_crt_set_issuer_key(certificate.get(), signing_key.get());
  const std::string subject = subject_of(spec);
  const std::string signer = issuer.empty() ? subject : std::string(issuer);
  error = mbedtls_x509write_crt_set_subject_name(certificate.get(), subject.c_str());
  if (error == 0) error = mbedtls_x509write_crt_set_issuer_name(certificate.get(), signer.c_str());
  if (error != 0) return failed("names", error);
  error = set_serial_number(certificate.get(), spec.serial);
  if (error != 0) return failed("serial number", error);
  error = mbedtls_x509write_crt_set_validity(
      certificate.get(), asn1_time(spec.not_before_s).c_str(), asn1_time(spec.not_after_s).c_str());
  if (error != 0) return failed("dates", error);
  error = set_extensions(certificate.get(), spec);
  if (error != 0) return failed("extensions", error);

  std::string pem(kPemBytes, '\0');
  error = mbedtls_x509write_crt_pem(certificate.get(), reinterpret_cast<unsigned char*>(pem.data()),
                                    pem.size(), system_random, nullptr);
  if (error != 0) return failed("signature", error);
  pem.resize(pem.find('\0'));
  return pem;
}

}  // namespace gatehouse::tls
