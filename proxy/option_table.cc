#include "proxy/option_table.h"

#include <chrono>
#include <utility>
#include <vector>

namespace gatehouse::proxy {

namespace {

using config::Option;
using config::Type;
using config::Value;
using Options = std::vector<Option>;

// Far above any sane machine: a slip of the finger must not start a million threads.
constexpr uint64_t kMaxThreads = 256;
// A REST body is held in memory several times while it becomes a message.
constexpr uint64_t kMaxRequestBytes = uint64_t{1} << 30;
// gRPC's length prefix has 32 bits; etcd's default is the largest signed one.
constexpr uint64_t kMaxMessageBytes = INT32_MAX;

template <uint64_t kMin, uint64_t kMax>
Status within(const Value& value) {
  const uint64_t number = std::get<uint64_t>(value);
  if (number >= kMin && number <= kMax) return Status();
  return invalid_argument("must be from " + std::to_string(kMin) + " to " + std::to_string(kMax));
}

Status not_negative(const Value& value) {
  if (std::get<std::chrono::nanoseconds>(value).count() >= 0) return Status();
  return invalid_argument("must not be negative");
}
Status above_zero(const Value& value) {
  if (std::get<std::chrono::nanoseconds>(value).count() > 0) return Status();
  return invalid_argument("must be above 0");
}

// Etcd's first, with etcd's names and defaults, then ours.
Options listening() {
  const std::string group = "Where clients connect";
  return {
      {"listen-addr", Type::kList, "127.0.0.1:23790", group,
       "addresses for gRPC, REST and HTTP: host:port or unix:///path, several by comma"},
      {"advertise-client-url", Type::kString, "127.0.0.1:23790", group,
       "the address that MemberList tells clients; empty: those of the members"},
      {"metrics-addr", Type::kString, "", group,
       "another address for /metrics and /health only, as URL"},
      {.name = "max-concurrent-streams",
       .type = Type::kUint32,
       .default_text = "4294967295",
       .group = group,
       .help = "requests that one connection may have under way",
       .validate = within<1, UINT32_MAX>},
      {.name = "grpc-keepalive-min-time",
       .type = Type::kDuration,
       .default_text = "5s",
       .group = group,
       .help = "clients that ping more often than this are cut off",
       .validate = not_negative},
      {.name = "grpc-keepalive-interval",
       .type = Type::kDuration,
       .default_text = "2h",
       .group = group,
       .help = "how long a client connection may be silent before it is pinged; 0: never",
       .validate = not_negative},
      {.name = "grpc-keepalive-timeout",
       .type = Type::kDuration,
       .default_text = "20s",
       .group = group,
       .help = "how long a pinged client may take to answer",
       .validate = above_zero},
      {.name = "max-request-bytes",
       .type = Type::kBytes,
       .default_text = "1.5MiB",
       .group = group,
       .help = "the largest request; gRPC messages may have 512KiB more, as with etcd's members",
       .validate = within<1, kMaxRequestBytes>},
      {.name = "drain-timeout",
       .type = Type::kDuration,
       .default_text = "10s",
       .group = group,
       .help = "how long running requests may go on after SIGTERM",
       .validate = not_negative},
  };
}

Options client_tls() {
  const std::string group = "TLS towards clients";
  return {
      {"cert-file", Type::kString, "", group, "certificate to serve with"},
      {"key-file", Type::kString, "", group, "its key"},
      {"trusted-ca-file", Type::kString, "", group,
       "roots for clients' certificates, which it makes mandatory"},
      {"client-cert-auth", Type::kBool, "false", group,
       "require a client certificate; follows from --trusted-ca-file"},
      {"client-crl-file", Type::kString, "", group, "revoked client certificates"},
      {"auto-tls", Type::kBool, "false", group,
       "serve with a self-signed certificate made at the start"},
      {.name = "self-signed-cert-validity",
       .type = Type::kUint32,
       .default_text = "1",
       .group = group,
       .help = "years for which that certificate is valid",
       .validate = within<1, 100>},
      {"data-dir", Type::kString, "default.proxy", group, "where that certificate is kept"},
      {"listen-cipher-suites", Type::kList, "", group, "cipher suites for TLS 1.2, IANA names"},
      {.name = "tls-min-version",
       .type = Type::kEnum,
       .default_text = "TLS1.2",
       .group = group,
       .help = "lowest TLS version",
       .choices = {"TLS1.2", "TLS1.3"}},
      {.name = "tls-max-version",
       .type = Type::kEnum,
       .default_text = "",
       .group = group,
       .help = "highest TLS version; empty: the newest there is",
       .choices = {"", "TLS1.2", "TLS1.3"}},
  };
}

Options members() {
  const std::string group = "The members";
  return {
      {"endpoints", Type::kList, "127.0.0.1:2379", group,
       "members of the cluster: host:port, http://, https:// or unix:///path, several by comma"},
      {.name = "endpoints-auto-sync-interval",
       .type = Type::kDuration,
       .default_text = "0",
       .group = group,
       .help = "how often to ask the cluster for its members; 0: never",
       .validate = not_negative},
      {"discovery-srv", Type::kString, "", group, "DNS domain whose SRV records name the members"},
      {"discovery-srv-name", Type::kString, "", group, "suffix of the SRV service name"},
      {"insecure-discovery", Type::kBool, "false", group,
       "accept SRV records of members without TLS"},
      {.name = "balancer",
       .type = Type::kEnum,
       .default_text = "least_request",
       .group = group,
       .help = "which member gets the next request",
       .choices = {"round_robin", "least_request"}},
      {.name = "connect-timeout",
       .type = Type::kDuration,
       .default_text = "5s",
       .group = group,
       .help = "for name, connection and TLS handshake",
       .validate = above_zero},
      {.name = "health-check-interval",
       .type = Type::kDuration,
       .default_text = "2s",
       .group = group,
       .help = "how often each member is asked whether it serves",
       .validate = above_zero},
      {.name = "dial-keepalive-time",
       .type = Type::kDuration,
       .default_text = "0",
       .group = group,
       .help = "how long a member may be silent before it is pinged; 0: never",
       .validate = not_negative},
      {.name = "dial-keepalive-timeout",
       .type = Type::kDuration,
       .default_text = "20s",
       .group = group,
       .help = "how long a pinged member may take to answer",
       .validate = above_zero},
      {"permit-without-stream", Type::kBool, "false", group,
       "ping members also while no request is under way"},
      {.name = "max-send-bytes",
       .type = Type::kBytes,
       .default_text = "1572864",
       .group = group,
       .help = "the largest message to a member",
       .validate = within<1, kMaxMessageBytes>},
      {.name = "max-recv-bytes",
       .type = Type::kBytes,
       .default_text = "2147483647",
       .group = group,
       .help = "the largest message from a member",
       .validate = within<1, kMaxMessageBytes>},
      {"cacert", Type::kString, "", group, "roots for the members' certificates"},
      {"cert", Type::kString, "", group, "our client certificate"},
      {"key", Type::kString, "", group, "its key"},
      {"insecure-skip-tls-verify", Type::kBool, "false", group,
       "accept any certificate of a member; for tests only"},
  };
}

Options mirrors() {
  const std::string group = "Mirrors";
  return {
      {"mirror", Type::kList, "", group,
       "prefixes of keys to hold here and answer reads and watches of, several by comma; * is all"},
      {.name = "mirror-max-bytes",
       .type = Type::kBytes,
       .default_text = "1GiB",
       .group = group,
       .help = "memory for all mirrors; one that would be over it is dropped",
       .validate = within<1, UINT64_MAX>},
      {.name = "max-stale",
       .type = Type::kDuration,
       .default_text = "0",
       .group = group,
       .help = "how long serializable reads are answered while no member is; 0: without end",
       .validate = not_negative},
  };
}

Options process(CommandLine command_line) {
  const std::string group = "The process";
  Options options = {
      {.name = "config-file",
       .type = Type::kString,
       .group = group,
       .help = "YAML or JSON with these flags as keys; flags and environment beat it",
       .key = std::string(config::kNoKey)},
      {.name = "threads",
       .type = Type::kUint32,
       .default_text = "0",
       .group = group,
       .help = "threads that serve; 0: one for each core",
       .validate = within<0, kMaxThreads>},
      {.name = "log-level",
       .type = Type::kEnum,
       .default_text = "info",
       .group = group,
       .help = "lines of this level and above",
       .choices = {"debug", "info", "warn", "error", "panic", "fatal"}},
      {.name = "log-format",
       .type = Type::kEnum,
       .default_text = "json",
       .group = group,
       .help = "form of a line",
       .choices = {"json", "console"}},
      {"log-outputs", Type::kList, "stderr", group,
       "where lines go: stderr, stdout or files, several by comma"},
      {"debug", Type::kBool, "false", group, "the same as --log-level debug"},
      {"experimental-enable-grpc-logging", Type::kBool, "false", group, "log each request"},
      {"enable-pprof", Type::kBool, "false", group, "taken for compatibility; there is no pprof"},
  };
  if (command_line == CommandLine::kPlain) {
    options.push_back({.name = "version",
                       .type = Type::kBool,
                       .group = group,
                       .help = "print the version and end",
                       .environment = std::string(config::kNoEnvironment),
                       .key = std::string(config::kNoKey)});
  }
  return options;
}

// What etcd's proxy has and this release refuses, rather than to ignore what changes answers.
Options refused() {
  const auto refuse = [](std::string name, Type type, std::string because) {
    return Option{.name = std::move(name),
                  .type = type,
                  .group = "Taken with their defaults only",
                  .help = "not supported by this release",
                  .rejected = "is not supported by this release: " + std::move(because)};
  };
  const std::string resolver =
      "the proxy does not register itself in the cluster under a lease; name the proxies in the "
      "endpoints of the clients";
  return {
      refuse("namespace", Type::kString,
             "keys go to the members as they are, and a namespace that is not added would read and "
             "write the wrong keys"),
      refuse("resolver-prefix", Type::kString, resolver),
      refuse("resolver-ttl", Type::kInt64, resolver),
      refuse("experimental-leasing-prefix", Type::kString,
             "the proxy does not take ownership of keys to answer reads from its memory; without "
             "the flag linearizable reads are answered by the members"),
      refuse("experimental-serializable-ordering", Type::kBool,
             "serializable reads from different members are not put in order; use linearizable "
             "reads where the order matters"),
  };
}

}  // namespace

config::Schema option_schema(CommandLine command_line) {
  config::Schema schema;
  schema.program = "gatehouse-proxy";
  schema.description =
      "A reverse proxy for clusters of etcd v3: gRPC, REST and metrics on one port.";
  if (command_line == CommandLine::kPlain) {
    schema.syntax = config::Syntax::kGoFlag;
    schema.env_prefix = "GATEHOUSE_PROXY_";
  } else {
    schema.program += " grpc-proxy start";
    schema.syntax = config::Syntax::kCobra;
  }
  schema.config_file_option = "config-file";
  for (Options& options : std::vector<Options>{listening(), client_tls(), members(),
                                               mirrors(), process(command_line), refused()}) {
    std::move(options.begin(), options.end(), std::back_inserter(schema.options));
  }
  return schema;
}

}  // namespace gatehouse::proxy
