// Cipher suites by their IANA names, which are also those Go and therefore etcd's --cipher-suites
// use. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::tls {

// The list mbedtls_ssl_conf_ciphersuites wants: numbers, ended by 0. The TLS 1.3 suites (if the
// library has them) come first and cannot be chosen away, as in Go; their names are accepted and
// change nothing. `names` empty: ECDHE with an AEAD, which are the suites HTTP/2 allows (RFC 9113
// appendix A).
Result<std::vector<int>> cipher_suite_list(const std::vector<std::string>& names);

// "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" for the library's name of it.
std::string iana_name(std::string_view library_name);

}  // namespace gatehouse::tls
