// Who a certificate speaks for. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "common/tls/mbedtls_compat.h"
#include "common/tls/session.h"

namespace gatehouse::tls {

// Reads the subject and the subject alternative names (RFC 5280 section 4.2.1.6); `verified` stays
// false. Names of kinds we do not use, and addresses of a wrong length, are left out.
PeerCertificate read_names(const mbedtls_x509_crt& certificate);

// The address in one form ("::ffff:1.2.3.4" becomes "1.2.3.4"), or "" if the text is not an IP
// address.
std::string canonical_ip(std::string_view text);

// Whether a subject alternative name covers `host`, an IP address or DNS name (RFC 6125
// section 6.4): DNS names compare without case and a trailing dot; "*" stands for a whole left-most
// label with at least one label after it. The common name is never looked at, as in Go since 1.15.
bool is_valid_for(const PeerCertificate& certificate, std::string_view host);

// "tls: certificate is valid for a, b, not c", or why there is nothing it could be valid for.
std::string mismatch_text(const PeerCertificate& certificate, std::string_view host);

// The subject as one line: "CN=x, O=y".
std::string subject_text(const mbedtls_x509_name& name);

}  // namespace gatehouse::tls
