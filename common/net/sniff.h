// Tells the protocols of one port apart by the first bytes that a client sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::net {

enum class Protocol : uint8_t {
  kNeedMore,  // as yet it could be HTTP/2 or something else
  kTls,       // a TLS handshake record
  kHttp2,     // the connection preface of RFC 9113 section 3.4, whole
  kHttp1,     // anything else: HTTP/1 answers what it cannot parse
};

// What the client begins an HTTP/2 connection with.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// All bytes received so far, at least one. Never kNeedMore for kHttp2Preface.size() or more.
Protocol sniff(std::string_view first_bytes);

}  // namespace gatehouse::net
