// A certificate of any bytes: its names are read, printed and compared without harm.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "common/tls/mbedtls_compat.h"
#include "common/tls/names.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gatehouse::tls;
  Certificates certificate;
  if (mbedtls_x509_crt_parse_der(certificate.get(), data, size) != 0) return 0;
  const PeerCertificate names = read_names(*certificate.get());
  for (const std::string& name : names.dns_names) {
    // An empty name is no name; any other covers itself unless it is a pattern, an address or ends
    // in a dot.
    const bool plain = !name.empty() && !name.starts_with("*.") && !name.ends_with('.') &&
                       canonical_ip(name).empty();
    CHECK(!plain || is_valid_for(names, name));
  }
  for (const std::string& address : names.ip_addresses) CHECK(is_valid_for(names, address));
  CHECK(!is_valid_for(names, ""));
  const bool has_names = !names.dns_names.empty() || !names.ip_addresses.empty();
  CHECK(mismatch_text(names, "host").ends_with(", not host") == has_names);
  static_cast<void>(subject_text(certificate->subject));
  return 0;
}
