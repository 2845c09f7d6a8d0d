// What mbed TLS reports as numbers, in words an operator understands. Private to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::tls {

// "mbed TLS 2.28.3": the library this program runs with.
std::string library_name();

// The library's own sentence for one of its negative error numbers, with the number: "PK - …
// (-0x3d00)".
std::string error_text(int error);

// RFC 8446 section 6 and RFC 5246 section 7.2: "bad certificate", "alert(99)".
std::string alert_name(uint8_t alert);

// What went wrong when we sent this alert for a reason of the handshake itself (not of a
// certificate); "" if the alert says nothing that helps.
std::string_view reason_for_sent_alert(uint8_t alert);

// The alert that tells the peer of these MBEDTLS_X509_BADCERT_* flags.
uint8_t alert_for_verification(uint32_t flags);

}  // namespace gatehouse::tls
