#include <iterator>
#include <utility>

#include "member/option_rules.h"
#include "member/option_table.h"

namespace gatehouse::member {

namespace {

using config::Option;
using config::Type;
using Options = std::vector<Option>;

const std::string kNone(config::kNoKey);

// Etcd's default: a new file after 100 MB, all old ones kept.
constexpr const char* kRotationDefault =
    R"({"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false})";

Options security() {
  const std::string group = "Security";
  return {
      {.name = "cert-file",
       .type = Type::kString,
       .group = group,
       .help = "certificate to serve clients with",
       .key = "client-transport-security.cert-file"},
      {.name = "key-file",
       .type = Type::kString,
       .group = group,
       .help = "its key",
       .key = "client-transport-security.key-file"},
      {.name = "client-cert-file",
       .type = Type::kString,
       .group = group,
       .help = "certificate to connect to the own client URLs with; by default --cert-file",
       .key = "client-transport-security.client-cert-file"},
      {.name = "client-key-file",
       .type = Type::kString,
       .group = group,
       .help = "its key",
       .key = "client-transport-security.client-key-file"},
      {.name = "trusted-ca-file",
       .type = Type::kString,
       .group = group,
       .help = "roots for certificates of clients, which it makes mandatory",
       .key = "client-transport-security.trusted-ca-file"},
      {.name = "client-cert-auth",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "require a certificate of clients",
       .key = "client-transport-security.client-cert-auth"},
      {.name = "client-crl-file",
       .type = Type::kString,
       .group = group,
       .help = "revoked certificates of clients",
       .key = kNone},
      {.name = "client-cert-allowed-hostname",
       .type = Type::kList,
       .group = group,
       .help = "names, one of which the certificate of a client must have",
       .key = "client-transport-security.allowed-hostname"},
      {.name = "auto-tls",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "serve clients with a self-signed certificate made at the start",
       .key = "client-transport-security.auto-tls"},
      {.name = "peer-cert-file",
       .type = Type::kString,
       .group = group,
       .help = "certificate to serve peers with",
       .key = "peer-transport-security.cert-file"},
      {.name = "peer-key-file",
       .type = Type::kString,
       .group = group,
       .help = "its key",
       .key = "peer-transport-security.key-file"},
      {.name = "peer-client-cert-file",
       .type = Type::kString,
       .group = group,
       .help = "certificate to connect to peers with; by default --peer-cert-file",
       .key = "peer-transport-security.client-cert-file"},
      {.name = "peer-client-key-file",
       .type = Type::kString,
       .group = group,
       .help = "its key",
       .key = "peer-transport-security.client-key-file"},
      {.name = "peer-trusted-ca-file",
       .type = Type::kString,
       .group = group,
       .help = "roots for certificates of peers, which it makes mandatory",
       .key = "peer-transport-security.trusted-ca-file"},
      {.name = "peer-client-cert-auth",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "require a certificate of peers",
       .key = "peer-transport-security.client-cert-auth"},
      {.name = "peer-auto-tls",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "serve peers with a self-signed certificate made at the start",
       .key = "peer-transport-security.auto-tls"},
      {.name = "peer-crl-file",
       .type = Type::kString,
       .group = group,
       .help = "revoked certificates of peers",
       .key = kNone},
      {.name = "peer-cert-allowed-cn",
       .type = Type::kList,
       .group = group,
       .help = "common names, one of which the certificate of a peer must have",
       .key = "peer-transport-security.allowed-cn"},
      {.name = "peer-cert-allowed-hostname",
       .type = Type::kList,
       .group = group,
       .help = "the same for subject alternative names",
       .key = "peer-transport-security.allowed-hostname"},
      {.name = "peer-skip-client-san-verification",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "do not compare the address of a peer with its certificate",
       .key = "peer-transport-security.skip-client-san-verification"},
      {"self-signed-cert-validity", Type::kUint32, "1", group,
       "years for which self-signed certificates are valid"},
      {"cipher-suites", Type::kList, "", group, "cipher suites for TLS 1.2, IANA names"},
      {"tls-min-version", Type::kString, "TLS1.2", group, "TLS1.2 or TLS1.3"},
      {"tls-max-version", Type::kString, "", group, "TLS1.2, TLS1.3 or the highest there is"},
      {.name = "cors",
       .type = Type::kList,
       .default_text = "*",
       .group = group,
       .help = "origins that browsers may call from, as URLs with port, or *",
       .validate = cors_rule},
      {"host-whitelist", Type::kList, "*", group,
       "host names under which HTTP without TLS is served, or *"},
      {"auth-token", Type::kString, "simple", group, "simple, or jwt with its options"},
      {"bcrypt-cost", Type::kUint64, "10", group, "cost of a password hash, 4 to 31"},
      {"auth-token-ttl", Type::kUint64, "300", group,
       "seconds that a simple token lives without use"},
  };
}

Options logging() {
  const std::string group = "Logging, metrics, tracing";
  return {
      {"logger", Type::kString, "zap", group, "zap"},
      {"log-outputs", Type::kList, "default", group,
       "default, stderr, stdout or files, several by comma"},
      {.name = "log-level",
       .type = Type::kString,
       .default_text = "info",
       .group = group,
       .help = "debug, info, warn, error, panic or fatal",
       .validate = log_level_rule},
      {"log-format", Type::kString, "json", group, "json or console"},
      {"enable-log-rotation", Type::kBool, "false", group, "start a new log file when one is full"},
      {"log-rotation-config-json", Type::kString, kRotationDefault, group, "when and how"},
      {"enable-pprof", Type::kBool, "false", group, "profiles over HTTP"},
      {"metrics", Type::kString, "basic", group, "basic or extensive"},
      {"enable-distributed-tracing", Type::kBool, "false", group,
       "send spans to an OpenTelemetry collector"},
      {"distributed-tracing-address", Type::kString, "localhost:4317", group, "the collector"},
      {"distributed-tracing-service-name", Type::kString, "etcd", group,
       "the same for all members"},
      {"distributed-tracing-instance-id", Type::kString, "", group, "unique to this member"},
      {"distributed-tracing-sampling-rate", Type::kInt64, "0", group,
       "spans of a million that are sent"},
      {"enable-grpc-gateway", Type::kBool, "true", group, "serve the API as JSON, too"},
  };
}

Options checks() {
  const std::string group = "Checks, warnings, unsafe";
  return {
      {.name = "corrupt-check-time",
       .type = Type::kDuration,
       .default_text = "0",
       .group = group,
       .help = "how often to compare hashes with the other members; 0: never",
       .validate = not_negative_rule},
      {"compact-hash-check-time", Type::kDuration, "1m", group,
       "how often the leader compares hashes of compactions"},
      {.name = "compaction-batch-limit",
       .type = Type::kInt64,
       .default_text = "0",
       .group = group,
       .help = "revisions that a compaction deletes at a time; 0: 1000",
       .validate = not_negative_rule},
      {.name = "compaction-sleep-interval",
       .type = Type::kDuration,
       .default_text = "0",
       .group = group,
       .help = "pause between two such batches; 0: 10ms",
       .validate = not_negative_rule},
      {.name = "watch-progress-notify-interval",
       .type = Type::kDuration,
       .default_text = "0",
       .group = group,
       .help = "how often idle watches are told the revision; 0: 10m",
       .validate = not_negative_rule},
      {"downgrade-check-time", Type::kDuration, "5s", group,
       "how often a downgrade is looked after; 0: never"},
      {.name = "warning-apply-duration",
       .type = Type::kDuration,
       .default_text = "100ms",
       .group = group,
       .help = "applying that takes longer is logged",
       .validate = not_negative_rule},
      {.name = "warning-unary-request-duration",
       .type = Type::kDuration,
       .default_text = "300ms",
       .group = group,
       .help = "requests that take longer are logged; 0: 300ms",
       .validate = not_negative_rule},
      {"bootstrap-defrag-threshold-megabytes", Type::kUint64, "0", group,
       "defragment at the start if it frees this much; 0: never"},
      {"unsafe-no-fsync", Type::kBool, "false", group, "do not wait for the disk; loses data"},
  };
}

Options of_the_process() {
  const std::string group = "The process";
  return {
      {.name = "config-file",
       .type = Type::kString,
       .group = group,
       .help = "YAML or JSON; all other flags and the environment are then ignored",
       .key = kNone},
      {.name = "version",
       .type = Type::kBool,
       .group = group,
       .help = "print the version and end",
       .environment = std::string(config::kNoEnvironment),
       .key = kNone},
  };
}

}  // namespace

Options service_options() {
  Options all;
  for (Options& part : std::vector<Options>{security(), logging(), checks(), of_the_process()}) {
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace gatehouse::member
