// Options: what the proxy is told by flags, environment and file, read and checked.
//
// Two command lines mean the same:
//   gatehouse-proxy --endpoints a:2379                     Go's flag rules; environment variables
//                                                          GATEHOUSE_PROXY_<FLAG>; exit code 2
//   gatehouse-proxy grpc-proxy start --endpoints=a:2379    as etcd's: cobra's rules, no environment
// Both take --config-file. A flag beats the environment, which beats the file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/config.h"
#include "common/log/log.h"
#include "common/net/address.h"
#include "common/tls/options.h"
#include "proxy/upstream/picker.h"

namespace gatehouse::proxy {

// What gRPC framing and the request around a value may add to --max-request-bytes, as in etcd's
// server (grpcOverheadBytes).
inline constexpr size_t kRequestOverheadBytes = 512 * 1024;

// Durations are whole milliseconds, anything shorter counts as one; 0 is "off" where a comment says
// so and refused elsewhere.
struct Options {
  // -- where clients connect
  std::vector<net::Address> listen_addresses;  // at least one
  std::string listen_addr;                     // the same as written, for the log
  std::optional<net::Address> metrics_address;
  std::string advertise_client_url;                    // "": MemberList tells the members' own URLs
  size_t max_request_bytes = 1536 * 1024;              // of a REST body
  uint32_t max_concurrent_streams = UINT32_MAX;        // per connection
  std::chrono::milliseconds keepalive_min_time{5000};  // clients that ping more often are cut off
  std::chrono::milliseconds keepalive_interval{7'200'000};  // our pings to clients; 0: off
  std::chrono::milliseconds keepalive_timeout{20'000};
  std::chrono::milliseconds drain_timeout{10'000};  // 0: running requests are cut off

  // The limit of a gRPC message from a client.
  size_t max_receive_bytes() const { return max_request_bytes + kRequestOverheadBytes; }

  // TLS towards clients, if any. Under auto_tls its cert_file and key_file are empty: whoever
  // starts the listeners makes them below data_dir.
  std::optional<tls::ServerOptions> client_tls;
  bool auto_tls = false;
  uint32_t self_signed_cert_validity_years = 1;
  std::string data_dir = "default.proxy";

  // -- the members
  std::vector<std::string> endpoints;  // as net::parse_address takes them, at least one
  bool endpoints_given = false;        // or the default
  std::chrono::milliseconds endpoints_auto_sync_interval{0};  // 0: off
  std::string discovery_srv;                                  // "": off
  std::string discovery_srv_name;
  bool insecure_discovery = false;
  std::chrono::milliseconds dial_keepalive_time{0};  // our pings to members; 0: off
  std::chrono::milliseconds dial_keepalive_timeout{20'000};
  bool permit_without_stream = false;
  size_t max_send_bytes = 1536 * 1024;  // of a message to a member
  size_t max_recv_bytes = INT32_MAX;    // of a message from a member
  upstream::Balancer balancer = upstream::Balancer::kLeastRequest;
  std::chrono::milliseconds health_check_interval{2000};
  std::chrono::milliseconds connect_timeout{5000};

  // TLS towards members; used for endpoints that say https:// or unixs:, and for those that do not
  // say when tls_unless_stated (--cacert, --cert or --key is given, as in etcd's client).
  tls::ClientOptions member_tls;
  bool tls_unless_stated = false;

  // -- mirrors
  std::vector<std::string> mirror_prefixes;  // "": the whole key space
  size_t mirror_max_bytes = size_t{1} << 30;
  std::chrono::milliseconds max_stale{0};  // 0: without end

  // -- the process
  uint32_t threads = 0;    // 0: as many as the machine has cores
  bool log_calls = false;  // --experimental-enable-grpc-logging
  log::Options log;        // of --log-level, --log-format, --log-outputs, --debug

  // For the log: every option with its value, and what was odd.
  std::vector<std::pair<std::string, std::string>> effective;
  std::vector<std::string> warnings;
};

// The options, or a text to print and the exit code to end with: help, version, or what is wrong.
using ParsedOptions = std::variant<Options, config::Exit>;

// argv as main() has it, `environ` its null-terminated "NAME=value" array. Reads --config-file and
// nothing else.
ParsedOptions parse_options(int argc, const char* const* argv, const char* const* environ);

}  // namespace gatehouse::proxy
