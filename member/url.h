// Url: one entry of etcd's URL lists (--listen-peer-urls, --advertise-client-urls, ...).
//
//   http://host:port  https://host:port     host: a name or a number, IPv6 in brackets, or empty
//   unix://path       unixs://path          the socket's name is all that follows: unix:///run/e is
//                                           /run/e, unix://localhost:22 is localhost:22
//
// Where a host must be a number is a matter of what the URL is for; see options.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/net/address.h"

namespace gatehouse::member {

struct Url {
  enum class Scheme : uint8_t { kHttp, kHttps, kUnix, kUnixs };

  Scheme scheme = Scheme::kHttp;
  std::string host;   // http(s), without brackets
  uint16_t port = 0;  // http(s)
  std::string path;   // unix(s)

  bool tls() const { return scheme == Scheme::kHttps || scheme == Scheme::kUnixs; }
  bool is_unix() const { return scheme == Scheme::kUnix || scheme == Scheme::kUnixs; }

  // As it is written, advertised and compared: "http://[::1]:2380", "unix:///run/e".
  std::string to_string() const;
  // Where to listen or connect.
  net::Address address() const;

  friend bool operator==(const Url&, const Url&) = default;
};

std::vector<std::string> url_texts(const std::vector<Url>& urls);

// Sorted by their text; duplicates are kept. White space around a text is ignored.
// InvalidArgument in etcd's words for the first text that is no such URL; an empty text is none.
Result<std::vector<Url>> parse_urls(const std::vector<std::string>& texts);

}  // namespace gatehouse::member
