// Certificates, keys and revocation lists from files into mbed TLS's form. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/tls/mbedtls_compat.h"

namespace gatehouse::tls {

// `option` is the name the messages give the file: "cert_file", "trusted_ca_file".

// Every certificate of the file, in its order. One that cannot be parsed fails the file.
Status load_certificates(std::string_view option, const std::string& path, Certificates& to);

// The roots the operating system trusts: $SSL_CERT_FILE, or the first bundle found where Linux
// distributions put it. `option` is the option whose absence led here. A few that the library
// cannot parse are passed over.
Status load_system_roots(std::string_view option, Certificates& to);

Status load_revocation_lists(const std::string& path, RevocationLists& to);

// A certificate chain and its key, checked to belong together.
Status load_identity(const std::string& cert_file, const std::string& key_file, Certificates& chain,
                     PrivateKey& key);

// True if a list of the certificate's issuer names its serial number.
bool is_revoked(const mbedtls_x509_crt& certificate, const RevocationLists& lists);

// mbed TLS 2.28 fills a table inside an elliptic-curve key at the first use of it, without a lock:
// a race when threads share the key. One use before it is shared fills it for good.
Status warm_up(PrivateKey& key);
void warm_up(Certificates& certificates);

}  // namespace gatehouse::tls
