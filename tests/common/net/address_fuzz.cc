// Any text is an address or an error, and an address that is written and read again is the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "common/net/address.h"
#include "common/net/sniff.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using gatehouse::net::Address;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto address = gatehouse::net::parse_address(text); address.ok()) {
    const auto again = gatehouse::net::parse_address(address->to_string());
    // A path that begins with "//" is read as "unix://" and the rest; a host of a scheme's name as
    // that scheme.
    const bool ambiguous = address->kind == Address::Kind::kUnix
                               ? address->path.starts_with("//")
                               : address->host == "unix" || address->host == "unixs";
    if (!ambiguous) {
      CHECK(again.ok());
      CHECK(again->kind == address->kind && again->host == address->host);
      CHECK(again->port == address->port && again->path == address->path);
    }
  }
  const auto protocol = gatehouse::net::sniff(text);
  CHECK(protocol != gatehouse::net::Protocol::kNeedMore ||
        size < gatehouse::net::kHttp2Preface.size());
  return 0;
}
