#include "common/net/sniff.h"

#include <algorithm>

namespace gatehouse::net {

Protocol sniff(std::string_view first_bytes) {
  // A TLS record of type handshake begins with 22 (RFC 8446 section 5.1), which no HTTP/1 request
  // line can: one byte tells.
  constexpr char kTlsHandshake = 0x16;
  if (first_bytes.empty()) return Protocol::kNeedMore;
  if (first_bytes.front() == kTlsHandshake) return Protocol::kTls;
  const size_t n = std::min(first_bytes.size(), kHttp2Preface.size());
  if (first_bytes.substr(0, n) != kHttp2Preface.substr(0, n)) return Protocol::kHttp1;
  return n == kHttp2Preface.size() ? Protocol::kHttp2 : Protocol::kNeedMore;
}

}  // namespace gatehouse::net
