// Makes certificates and keys. Private to this room and its tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::tls {

struct CertificateSpec {
  // Without the characters that mbed TLS's name syntax gives a meaning: , = \ and quotes.
  std::string common_name;
  std::string organization;
  std::vector<std::string> hosts;  // subject alternative names: DNS names and IP addresses
  std::vector<std::string> uris;
  bool authority = false;    // may sign certificates and revocation lists
  bool for_servers = false;  // extended key usages
  bool for_clients = false;
  int64_t not_before_s = 0;  // Unix time
  int64_t not_after_s = 0;
  uint64_t serial = 0;  // 0: 128 random bits
};

// A new ECDSA P-256 key, in PEM.
Result<std::string> make_key();

// The certificate in PEM, signed with SHA-256. `issuer` is the issuer's subject as mbed TLS writes
// it ("CN=x,O=y"); empty: self-signed, and issuer_key must be key.
Result<std::string> make_certificate(const CertificateSpec& spec, std::string_view key,
                                     std::string_view issuer, std::string_view issuer_key);

// "CN=x,O=y", from the parts that are not empty.
std::string subject_of(const CertificateSpec& spec);

// One element of DER: tag, length, content.
std::string der(uint8_t tag, std::string_view content);

// "YYYYMMDDhhmmss" in UTC.
std::string asn1_time(int64_t unix_s);

}  // namespace gatehouse::tls
