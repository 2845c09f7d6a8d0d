#include "common/tls/cipher_suites.h"

#include <algorithm>
#include <array>

#include "common/tls/error_text.h"
#include "common/tls/mbedtls_compat.h"

namespace gatehouse::tls {
namespace {

// AES-128 before AES-256, as Go has it: ten rounds for fourteen.
constexpr std::string_view kDefaults[] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",       "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",       "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
};

constexpr std::string_view kTls13[] = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
};

// The library writes dashes, and TLS1-3- for the suites of TLS 1.3.
int library_id(std::string_view iana) {
  std::string name(iana);
  std::replace(name.begin(), name.end(), '_', '-');
  if (name.find("-WITH-") == std::string::npos) name.replace(0, 4, "TLS1-3-");
  return mbedtls_ssl_get_ciphersuite_id(name.c_str());
}

// Suites that prove who the server is by its certificate and encrypt. The library knows others
// (pre-shared keys, NULL).
bool is_usable(std::string_view iana) {
  const bool authenticated = iana.starts_with("TLS_ECDHE_RSA_WITH_") ||
                             iana.starts_with("TLS_ECDHE_ECDSA_WITH_") ||
                             iana.starts_with("TLS_RSA_WITH_");
  return authenticated && iana.find("_NULL_") == std::string_view::npos;
}

}  // namespace

Result<std::vector<int>> cipher_suite_list(const std::vector<std::string>& names) {
  std::vector<int> list;
  for (std::string_view name : kTls13) {
    if (const int id = kHasTls13 ? library_id(name) : 0; id != 0) list.push_back(id);
  }
  const size_t tls13 = list.size();
  if (names.empty()) {
    for (std::string_view name : kDefaults) {
      if (const int id = library_id(name); id != 0) list.push_back(id);
    }
  }
  for (std::string_view name : names) {
    if (std::find(std::begin(kTls13), std::end(kTls13), name) != std::end(kTls13)) continue;
    std::string whole(name);
    // Go's names for these two lack the hash, and etcd takes both forms.
    if (name.ends_with("_CHACHA20_POLY1305")) whole += "_SHA256";
    const int id = is_usable(whole) ? library_id(whole) : 0;
    if (id == 0) {
      return invalid_argument("tls: cipher_suites: \"" + std::string(name) +
                              "\" is unknown or not supported by " + library_name());
    }
    if (std::find(list.begin(), list.end(), id) == list.end()) list.push_back(id);
  }
  if (list.empty() || (!names.empty() && !kHasTls13 && list.size() == tls13)) {
    return invalid_argument("tls: cipher_suites: only suites of TLS1.3 are named, which " +
                            library_name() + " does not support");
  }
  list.push_back(0);
  return list;
}

std::string iana_name(std::string_view library_name_of_suite) {
  std::string name(library_name_of_suite);
  std::replace(name.begin(), name.end(), '-', '_');
  if (name.starts_with("TLS1_3_")) name.replace(0, 7, "TLS_");
  return name;
}

}  // namespace gatehouse::tls
