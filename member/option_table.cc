#include "member/option_table.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "member/legacy_options.h"
#include "member/option_rules.h"

namespace gatehouse::member {

namespace {

using config::Option;
using config::Type;
using Options = std::vector<Option>;

const std::string kNone(config::kNoKey);

// kString: one of these words. As in etcd the message does not list them.
Status one_of(const config::Value& value, std::initializer_list<const char*> words) {
  const auto& text = std::get<std::string>(value);
  const bool known =
      std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
  return known ? Status() : invalid_argument("invalid value");
}
Status cluster_state(const config::Value& value) { return one_of(value, {"new", "existing"}); }
Status discovery_fallback(const config::Value& value) { return one_of(value, {"exit", "proxy"}); }
Status v2_deprecation(const config::Value& value) {
  return one_of(value, {"write-only", "write-only-skip-check", "write-only-drop-data", "gone"});
}

Options of_the_member() {
  const std::string group = "Member";
  return {
      {"name", Type::kString, "default", group, "name of this member, as in --initial-cluster"},
      {"data-dir", Type::kString, "", group, "where it keeps its data; by default <name>.etcd"},
      {"wal-dir", Type::kString, "", group, "another directory for the write-ahead log"},
      {"snapshot-count", Type::kUint64, "10000", group, "applied entries between two snapshots"},
      {"snapshot-catchup-entries", Type::kUint64, "5000", group,
       "entries kept behind a snapshot, for followers that lag"},
      {"heartbeat-interval", Type::kUint64, "100", group,
       "milliseconds between two heartbeats of the leader"},
      {"election-timeout", Type::kUint64, "1000", group,
       "milliseconds of silence after which a follower asks for votes"},
      {"initial-election-tick-advance", Type::kBool, "true", group,
       "shorten the wait before the first election"},
      {"pre-vote", Type::kBool, "true", group,
       "ask whether an election could be won before starting one"},
      {.name = "listen-peer-urls",
       .type = Type::kList,
       .default_text = "http://localhost:2380",
       .group = group,
       .help = "where other members connect",
       .validate = urls_rule},
      {.name = "listen-client-urls",
       .type = Type::kList,
       .default_text = "http://localhost:2379",
       .group = group,
       .help = "where clients connect",
       .validate = urls_rule},
      {.name = "listen-client-http-urls",
       .type = Type::kList,
       .group = group,
       .help = "where HTTP is served instead of on the client URLs",
       .validate = urls_rule},
      {.name = "listen-metrics-urls",
       .type = Type::kList,
       .group = group,
       .help = "further URLs for /metrics and /health",
       .validate = urls_rule},
      {"max-snapshots", Type::kUint64, "5", group,
       "snapshot files to keep; 0: all; deprecated by etcd 3.6"},
      {"max-wals", Type::kUint64, "5", group, "log files to keep; 0: all"},
      {"quota-backend-bytes", Type::kInt64, "0", group,
       "size at which the member stops taking writes; 0: 2 GiB; negative: no limit"},
      {"backend-bbolt-freelist-type", Type::kString, "map", group,
       "of bbolt, which this member does not use"},
      {.name = "backend-batch-interval",
       .type = Type::kDuration,
       .default_text = "0",
       .group = group,
       .help = "longest time between two commits of the backend; 0: 100ms",
       .validate = not_negative_rule},
      {.name = "backend-batch-limit",
       .type = Type::kInt64,
       .default_text = "0",
       .group = group,
       .help = "changes after which the backend commits; 0: 10000",
       .validate = not_negative_rule},
      {"max-txn-ops", Type::kUint64, "128", group, "operations that one transaction may have"},
      {"max-request-bytes", Type::kUint64, "1572864", group, "the largest request"},
      {"max-concurrent-streams", Type::kUint32, "4294967295", group,
       "requests that one connection may have under way"},
      {"grpc-keepalive-min-time", Type::kDuration, "5s", group,
       "clients that ping more often than this are cut off"},
      {"grpc-keepalive-interval", Type::kDuration, "2h", group,
       "how long a client may be silent before it is pinged; 0: never"},
      {"grpc-keepalive-timeout", Type::kDuration, "20s", group,
       "how long a pinged client may take to answer; 0: any time"},
      {.name = "socket-reuse-port",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "SO_REUSEPORT on the listeners",
       .key = "socket-options.reuse-port"},
      {.name = "socket-reuse-address",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "SO_REUSEADDR on the listeners",
       .key = "socket-options.reuse-address"},
      {.name = "raft-read-timeout",
       .type = Type::kDuration,
       .default_text = "5s",
       .group = group,
       .help = "of a connection between members; at least 5s",
       .key = kNone},
      {.name = "raft-write-timeout",
       .type = Type::kDuration,
       .default_text = "5s",
       .group = group,
       .help = "the same for writing",
       .key = kNone},
      {"memory-mlock", Type::kBool, "false", group, "keep the pages of the backend in memory"},
      {"max-learners", Type::kInt64, "1", group, "members that may learn without a vote at a time"},
      {"strict-reconfig-check", Type::kBool, "true", group,
       "refuse changes of membership that lose the quorum"},
  };
}

Options of_the_cluster() {
  const std::string group = "Clustering";
  return {
      {.name = "initial-advertise-peer-urls",
       .type = Type::kList,
       .default_text = "http://localhost:2380",
       .group = group,
       .help = "the peer URLs that other members are told",
       .validate = urls_rule},
      {"initial-cluster", Type::kString, "default=http://localhost:2380", group,
       "all members at the start: name=url, several by comma; follows the name"},
      {.name = "initial-cluster-state",
       .type = Type::kString,
       .default_text = "new",
       .group = group,
       .help = "new, or existing for a member that was added",
       .validate = cluster_state},
      {"initial-cluster-token", Type::kString, "etcd-cluster", group,
       "tells clusters with the same members apart"},
      {.name = "advertise-client-urls",
       .type = Type::kList,
       .default_text = "http://localhost:2379",
       .group = group,
       .help = "the client URLs that clients are told; needed with --listen-client-urls",
       .validate = urls_rule},
      {"auto-compaction-mode", Type::kString, "periodic", group, "periodic or revision"},
      {"auto-compaction-retention", Type::kString, "0", group,
       "how much history to keep: a duration (hours without a unit) or revisions; 0: all"},
      {"force-new-cluster", Type::kBool, "false", group,
       "make a cluster of this member alone out of its data"},
      {.name = "feature-gates",
       .type = Type::kString,
       .group = group,
       .help = "Name=true for features that are off by default",
       .validate = feature_gates_rule},
      {.name = "v2-deprecation",
       .type = Type::kString,
       .default_text = "write-only-drop-data",
       .group = group,
       .help = "ignored; deprecated",
       .validate = v2_deprecation},
  };
}

}  // namespace

Options member_options() {
  Options all = of_the_member();
  Options more = of_the_cluster();
  std::move(more.begin(), more.end(), std::back_inserter(all));
  return all;
}

Options discovery_options() {
  const std::string group = "Discovery";
  return {
      {"discovery-srv", Type::kString, "", group, "DNS domain whose SRV records name the members"},
      {"discovery-srv-name", Type::kString, "", group, "suffix of the SRV service name"},
      {.name = "discovery-fallback",
       .type = Type::kString,
       .default_text = "exit",
       .group = group,
       .help = "exit",
       .key = kNone,
       .validate = discovery_fallback},
      {.name = "discovery-endpoints",
       .type = Type::kList,
       .group = group,
       .help = "cluster that serves discovery",
       .key = "discovery-config.client.endpoints"},
      {.name = "discovery-token",
       .type = Type::kString,
       .group = group,
       .help = "token of the cluster to be found",
       .key = "discovery-config.token"},
      {.name = "discovery-dial-timeout",
       .type = Type::kDuration,
       .default_text = "2s",
       .group = group,
       .help = "for a connection to it",
       .key = "discovery-config.client.dial-timeout"},
      {.name = "discovery-request-timeout",
       .type = Type::kDuration,
       .default_text = "5s",
       .group = group,
       .help = "for a request to it",
       .key = "discovery-config.client.request-timeout"},
      {.name = "discovery-keepalive-time",
       .type = Type::kDuration,
       .default_text = "2s",
       .group = group,
       .help = "silence before it is pinged",
       .key = "discovery-config.client.keepalive-time"},
      {.name = "discovery-keepalive-timeout",
       .type = Type::kDuration,
       .default_text = "6s",
       .group = group,
       .help = "for its answer to a ping",
       .key = "discovery-config.client.keepalive-timeout"},
      {.name = "discovery-insecure-transport",
       .type = Type::kBool,
       .default_text = "true",
       .group = group,
       .help = "connect without TLS",
       .key = "discovery-config.client.secure.insecure-transport"},
      {.name = "discovery-insecure-skip-tls-verify",
       .type = Type::kBool,
       .default_text = "false",
       .group = group,
       .help = "accept any certificate; for tests only",
       .key = "discovery-config.client.secure.insecure-skip-tls-verify"},
      {.name = "discovery-cert",
       .type = Type::kString,
       .group = group,
       .help = "client certificate for it",
       .key = "discovery-config.client.secure.cert"},
      {.name = "discovery-key",
       .type = Type::kString,
       .group = group,
       .help = "its key",
       .key = "discovery-config.client.secure.key"},
      {.name = "discovery-cacert",
       .type = Type::kString,
       .group = group,
       .help = "roots for its certificate",
       .key = "discovery-config.client.secure.cacert"},
      {.name = "discovery-user",
       .type = Type::kString,
       .group = group,
       .help = "user name for it",
       .key = "discovery-config.client.auth.username"},
      {.name = "discovery-password",
       .type = Type::kString,
       .group = group,
       .help = "password for it",
       .key = "discovery-config.client.auth.password"},
  };
}

Options ignored_options() {
  Options all;
  for (const char* name : {"cluster-active-size", "cluster-remove-delay", "cluster-sync-interval",
                           "config", "force", "max-result-buffer", "max-retry-attempts",
                           "peer-heartbeat-interval", "peer-election-timeout", "retry-interval",
                           "snapshot", "v", "vv", "test.coverprofile", "test.outputdir"}) {
    all.push_back({.name = name, .key = kNone, .value_optional = true, .hidden = true});
  }
  return all;
}

config::Schema option_schema() {
  config::Schema schema;
  schema.program = "gatehouse-member";
  schema.description =
      "A member of a replicated key-value cluster, with the API and the command line of etcd.";
  schema.usage =
      "Usage:\n\n"
      "  gatehouse-member [flags]\n    Start a member.\n\n"
      "  gatehouse-member --version\n    Show the version.\n\n"
      "  gatehouse-member -h | --help\n    Show all flags.\n\n"
      "  gatehouse-member --config-file <path>\n"
      "    Read a YAML or JSON file instead of all other flags and of the environment; its\n"
      "    durations are integers: nanoseconds.\n";
  schema.env_prefix = "ETCD_";
  schema.env_conflict = config::Schema::EnvConflict::kError;
  schema.config_file_option = "config-file";
  schema.file_mode = config::Schema::FileMode::kExclusive;
  schema.options = member_options();
  // The legacy table copies from those before it.
  for (const auto& part : {discovery_options, service_options}) {
    Options more = part();
    std::move(more.begin(), more.end(), std::back_inserter(schema.options));
  }
  for (Options& more : std::vector<Options>{legacy_options(schema.options), ignored_options()}) {
    std::move(more.begin(), more.end(), std::back_inserter(schema.options));
  }
  return schema;
}

}  // namespace gatehouse::member
