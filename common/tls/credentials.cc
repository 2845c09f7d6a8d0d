#include "common/tls/credentials.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "common/tls/error_text.h"
#include "common/tls/files.h"
#include "common/tls/names.h"

namespace gatehouse::tls {
namespace {

// Debian, Red Hat, SUSE, Alpine.
constexpr const char* kSystemBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.c_str());
}

// The library wants the size of PEM to count the terminating zero, and that of DER not to.
size_t size_for_parser(const std::string& text) {
  return text.find("-----BEGIN ") != std::string::npos ? text.size() + 1 : text.size();
}

std::string place(std::string_view option, const std::string& path) {
  return "tls: " + std::string(option) + " " + path + ": ";
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// Names are compared as text and without case: the two files may encode the same string as
// different ASN.1 types.
bool same_name(const mbedtls_x509_name& a, const mbedtls_x509_name& b) {
  return lower_case(subject_text(a)) == lower_case(subject_text(b));
}

}  // namespace

Status load_certificates(std::string_view option, const std::string& path, Certificates& to) {
  Result<std::string> file = read_file(option, path);
  if (!file.ok()) return file.status();
  const int error = mbedtls_x509_crt_parse(to.get(), bytes_of(*file), size_for_parser(*file));
  if (error > 0) {
    return invalid_argument(place(option, path) + std::to_string(error) +
                            " of its certificates cannot be parsed");
  }
  if (error < 0) {
    return invalid_argument(place(option, path) + "not a certificate: " + error_text(error));
  }
  return Status();
}

Status load_system_roots(std::string_view option, Certificates& to) {
  std::vector<std::string> places(std::begin(kSystemBundles), std::end(kSystemBundles));
  if (const char* chosen = std::getenv("SSL_CERT_FILE"); chosen != nullptr && *chosen != '\0') {
    places = {chosen};
  }
  for (const std::string& path : places) {
    Result<std::string> file = read_file("SSL_CERT_FILE", path);
    if (!file.ok()) continue;
    if (mbedtls_x509_crt_parse(to.get(), bytes_of(*file), size_for_parser(*file)) >= 0) {
      return Status();
    }
  }
  return invalid_argument(
      "tls: " + std::string(option) +
      " is not given and the system's root certificates are not readable: " + places.front());
}

Status load_revocation_lists(const std::string& path, RevocationLists& to) {
  Result<std::string> file = read_file("crl_file", path);
  if (!file.ok()) return file.status();
  const int error = mbedtls_x509_crl_parse(to.get(), bytes_of(*file), size_for_parser(*file));
  if (error != 0) {
    return invalid_argument(place("crl_file", path) +
                            "not a certificate revocation list: " + error_text(error));
  }
  return Status();
}

Status load_identity(const std::string& cert_file, const std::string& key_file, Certificates& chain,
                     PrivateKey& key) {
  GATEHOUSE_RETURN_IF_ERROR(load_certificates("cert_file", cert_file, chain));
  Result<std::string> file = read_file("key_file", key_file);
  if (!file.ok()) return file.status();
  const int error = parse_key(key.get(), bytes_of(*file), size_for_parser(*file));
  wipe(*file);
  if (error == MBEDTLS_ERR_PK_PASSWORD_REQUIRED) {
    return invalid_argument(place("key_file", key_file) +
                            "the key is encrypted; it must be stored without a password");
  }
  if (error != 0) {
    return invalid_argument(place("key_file", key_file) +
                            "not a private key: " + error_text(error));
  }
  if (check_pair(&chain->pk, key.get()) != 0) {
    return invalid_argument(place("key_file", key_file) +
                            "does not match the certificate of cert_file " + cert_file);
  }
  return Status();
}

bool is_revoked(const mbedtls_x509_crt& certificate, const RevocationLists& lists) {
  for (const mbedtls_x509_crl* list = lists.get(); list != nullptr; list = list->next) {
    if (mbedtls_x509_crt_is_revoked(&certificate, list) != 0 &&
        same_name(certificate.issuer, list->issuer)) {
      return true;
    }
  }
  return false;
}

Status warm_up(PrivateKey& key) {
  const std::array<unsigned char, 32> hash{1};
  std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> signature;
  size_t size = 0;
  const int error = sign_sha256(key.get(), hash.data(), signature.data(), &size);
  if (error != 0) return invalid_argument("the key cannot sign: " + error_text(error));
  return Status();
}

void warm_up(Certificates& certificates) {
  // A well-formed signature (r = s = 1) that is wrong: the verification multiplies the base point
  // before it says so.
  constexpr std::array<unsigned char, 8> kSignature = {0x30, 6, 2, 1, 1, 2, 1, 1};
  std::array<unsigned char, 32> hash;
  hash.fill(0x5a);
  for (mbedtls_x509_crt* each = certificates.get(); each != nullptr; each = each->next) {
    if (mbedtls_pk_can_do(&each->pk, MBEDTLS_PK_ECDSA) == 0) continue;
    static_cast<void>(mbedtls_pk_verify(&each->pk, MBEDTLS_MD_SHA256, hash.data(), hash.size(),
                                        kSignature.data(), kSignature.size()));
  }
}

}  // namespace gatehouse::tls
