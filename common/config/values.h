// Reading single values as an operator writes them in flags, environment variables and files.
//
// All errors are InvalidArgument; the message says what is wrong with the text and does not repeat
// the name of the flag, which the caller knows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::config {

// Go's strconv.ParseBool: 1 t T TRUE true True, 0 f F FALSE false False. Else "parse error".
Result<bool> parse_bool(std::string_view text);

// Decimal, 0x, 0o, 0 (octal) and 0b, with single underscores between digits, as Go's flag package.
// "parse error", or "value out of range".
Result<int64_t> parse_int64(std::string_view text);
Result<uint64_t> parse_uint64(std::string_view text);

// A count of bytes: a plain number as parse_uint64, or a decimal number with up to 9 places and one
// of B kB KB MB GB TB (powers of 1000) or KiB MiB GiB TiB (of 1024), "1.5MiB". Rounded down.
Result<uint64_t> parse_bytes(std::string_view text);
// The largest unit of 1024 that gives a short exact number: "1.5MiB", "512KiB", "1000B".
std::string format_bytes(uint64_t bytes);

// Splits at commas; white space around items goes away, "" gives no items, empty items are kept as
// "" so that a caller can refuse them.
std::vector<std::string> split_list(std::string_view text);
std::string join_list(const std::vector<std::string>& items);

// host:port. The host may be a name, an IPv4 address, "[IPv6]" (kept without brackets) or empty
// ("every address", for listeners). Port 0..65535, needed.
struct HostPort {
  std::string host;
  uint16_t port = 0;
  // "host:port", with brackets around a host that contains a colon.
  std::string to_string() const;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};
Result<HostPort> parse_host_port(std::string_view text);

enum class Scheme : uint8_t { kHttp, kHttps, kUnix, kUnixs };
// What a sockaddr_un holds beside its final zero.
inline constexpr size_t kMaxUnixPathBytes = 107;
std::string_view scheme_name(Scheme scheme);  // "http", "https", "unix", "unixs"

// scheme://host:port for http and https, unix:///absolute/path or unix://relative/path for Unix
// sockets (also unix:path, as gRPC writes them). No user, path (one trailing "/" is let go), query
// or fragment for http and https: etcd refuses them too.
struct Url {
  Scheme scheme = Scheme::kHttp;
  HostPort address;  // http, https
  std::string path;  // unix, unixs
  bool tls() const { return scheme == Scheme::kHttps || scheme == Scheme::kUnixs; }
  bool is_unix() const { return scheme == Scheme::kUnix || scheme == Scheme::kUnixs; }
  std::string to_string() const;
  friend bool operator==(const Url&, const Url&) = default;
};
Result<Url> parse_url(std::string_view text);
// As parse_url, and host:port without a scheme, which means http; *had_scheme (may be null) tells.
Result<Url> parse_url_or_host_port(std::string_view text, bool* had_scheme = nullptr);

}  // namespace gatehouse::config
