#include "common/tls/error_text.h"

#include <array>
#include <cstdio>

#include "common/tls/mbedtls_compat.h"

namespace gatehouse::tls {
namespace {

struct AlertName {
  uint8_t number;
  const char* name;
};

// The words are those of the RFCs, in the form etcd's users know from Go's logs.
constexpr AlertName kAlerts[] = {
    {0, "close notify"},
    {10, "unexpected message"},
    {20, "bad record MAC"},
    {21, "decryption failed"},
    {22, "record overflow"},
    {30, "decompression failure"},
    {40, "handshake failure"},
    {41, "no certificate"},
    {42, "bad certificate"},
    {43, "unsupported certificate"},
    {44, "revoked certificate"},
    {45, "expired certificate"},
    {46, "unknown certificate"},
    {47, "illegal parameter"},
    {48, "unknown certificate authority"},
    {49, "access denied"},
    {50, "error decoding message"},
    {51, "error decrypting message"},
    {60, "export restriction"},
    {70, "protocol version not supported"},
    {71, "insufficient security level"},
    {80, "internal error"},
    {86, "inappropriate fallback"},
    {90, "user canceled"},
    {100, "no renegotiation"},
    {109, "missing extension"},
    {110, "unsupported extension"},
    {112, "unrecognized name"},
    {113, "bad certificate status response"},
    {115, "unknown PSK identity"},
    {116, "certificate required"},
    {120, "no application protocol"},
};

}  // namespace

std::string library_name() {
  std::array<char, 32> text{};  // the manual asks for 18
  mbedtls_version_get_string_full(text.data());
  std::string name = text.data();  // "mbed TLS 2.28.3", "Mbed TLS 3.6.6"
  if (!name.empty() && name[0] == 'M') name[0] = 'm';
  return name;
}

std::string error_text(int error) {
  std::array<char, 256> text{};
  mbedtls_strerror(error, text.data(), text.size());
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), " (-0x%04x)", static_cast<unsigned>(-error));
  return std::string(text.data()) + number.data();
}

std::string alert_name(uint8_t alert) {
  for (const AlertName& known : kAlerts) {
    if (known.number == alert) return known.name;
  }
  return "alert(" + std::to_string(alert) + ")";
}

std::string_view reason_for_sent_alert(uint8_t alert) {
  switch (alert) {
    case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
      return "no cipher suite, curve or signature algorithm in common with the peer";
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
      return "no protocol version in common with the peer";
    case MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL:
      return "no application protocol (ALPN) in common with the peer";
    case MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC:
      return "bad record MAC";
    case MBEDTLS_SSL_ALERT_MSG_INAPROPRIATE_FALLBACK:
      return "peer fell back to a lower protocol version than it has";
    default:
      return "";
  }
}

uint8_t alert_for_verification(uint32_t flags) {
  if ((flags & MBEDTLS_X509_BADCERT_MISSING) != 0) return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
  if ((flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0) {
    return MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED;
  }
  if ((flags & MBEDTLS_X509_BADCERT_REVOKED) != 0) return MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED;
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
  if ((flags & MBEDTLS_X509_BADCERT_OTHER) != 0) return MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED;
  if ((flags & (MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE)) != 0) {
    return MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT;
  }
  return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
}

}  // namespace gatehouse::tls
