// Command lines that end a member before it starts: the exit code and the text that etcd 3.7.1 was
// seen to end with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace gatehouse::member {

struct BadCommandLine {
  std::string words;  // separated by spaces
  int code;
  std::string text;  // for 2 the first line, for 1 the reason
  // Which etcd ends with the same code.
  enum class In : uint8_t {
    kAll,   // 3.4 and 3.7
    k37,    // 3.4 does not know the flag, or takes it
    kOurs,  // etcd of any release takes it, or has another text; see the group's comment
  } in = In::kAll;
  std::string environment = "";  // one variable
};

// A list's entry or a URL that does not parse, for each flag that takes URLs.
inline void add_bad_urls(std::vector<BadCommandLine>* all) {
  const std::string form = "URL address does not have the form \"host:port\": ";
  const std::string scheme = "URL scheme must be http, https, unix, or unixs: ";
  for (const std::string flag :
       {"listen-peer-urls", "listen-client-urls", "listen-client-http-urls", "listen-metrics-urls",
        "initial-advertise-peer-urls", "advertise-client-urls", "cors"}) {
    const auto in =
        flag == "listen-client-http-urls" ? BadCommandLine::In::k37 : BadCommandLine::In::kAll;
    for (const auto& [text, entry, reason] :
         std::vector<std::tuple<std::string, std::string, std::string>>{
             {"localhost:2379", "localhost:2379", scheme},
             {"ftp://localhost:2379", "ftp://localhost:2379", scheme},
             {"http://localhost", "http://localhost", form},
             {"http://", "http://", form},
             {"http://::1:2379", "http://::1:2379", form},
             {"https://127.0.0.1:1,http://localhost", "http://localhost", form},
             {"http://localhost:2379,", "", scheme},
             {",", "", scheme},
             {"http://localhost:2379/", "http://localhost:2379/", "URL must not contain a path: "},
             {"https://localhost:1/x", "https://localhost:1/x", "URL must not contain a path: "},
         }) {
      // Go's URL parser has its own word on an address with too many colons.
      const auto where = text == "http://::1:2379" ? BadCommandLine::In::kOurs : in;
      all->push_back({"--" + flag + "=" + text, 2,
                      "invalid value \"" + text + "\" for flag -" + flag + ": " + reason + entry,
                      where});
    }
  }
}

inline std::vector<BadCommandLine> bad_command_lines() {
  using In = BadCommandLine::In;
  std::vector<BadCommandLine> all = {
      // -- words
      {"foo", 1, "\"foo\" is not a valid flag"},
      {"--name a foo", 1, "\"foo\" is not a valid flag"},
      {"-- foo", 1, "\"foo\" is not a valid flag"},
      {"-", 1, "\"-\" is not a valid flag"},
      {"--pre-vote false", 1, "\"false\" is not a valid flag"},
      {"--force-new-cluster true --name x", 1, "\"true\" is not a valid flag"},
      {"--xyz", 2, "flag provided but not defined: -xyz"},
      {"-xyz=3", 2, "flag provided but not defined: -xyz"},
      {"--Name=x", 2, "flag provided but not defined: -Name"},
      {"--name", 2, "flag needs an argument: -name"},
      {"-election-timeout", 2, "flag needs an argument: -election-timeout"},
      {"---name", 2, "bad flag syntax: ---name"},
      {"--=x", 2, "bad flag syntax: --=x"},
      {"-=", 2, "bad flag syntax: -="},
      // -- numbers, booleans, durations
      {"--snapshot-count=a", 2, "invalid value \"a\" for flag -snapshot-count: parse error"},
      {"--snapshot-count=", 2, "invalid value \"\" for flag -snapshot-count: parse error"},
      {"--snapshot-count=-1", 2, "invalid value \"-1\" for flag -snapshot-count: parse error"},
      {"--snapshot-count=1.5", 2, "invalid value \"1.5\" for flag -snapshot-count: parse error"},
      {"--snapshot-count=99999999999999999999", 2,
       "invalid value \"99999999999999999999\" for flag -snapshot-count: value out of range"},
      {"--pre-vote=maybe", 2, "invalid boolean value \"maybe\" for -pre-vote: parse error"},
      {"--pre-vote=", 2, "invalid boolean value \"\" for -pre-vote: parse error"},
      {"--heartbeat-interval=100ms", 2,
       "invalid value \"100ms\" for flag -heartbeat-interval: parse error"},
      {"--max-concurrent-streams=4294967296", 2,
       "invalid value \"4294967296\" for flag -max-concurrent-streams: value out of range",
       In::kOurs},  // the same code; etcd names Go's function
      {"--grpc-keepalive-timeout=5", 2,
       "invalid value \"5\" for flag -grpc-keepalive-timeout: parse error"},
      {"--grpc-keepalive-interval=1d", 2,
       "invalid value \"1d\" for flag -grpc-keepalive-interval: parse error"},
      {"--quota-backend-bytes=2GiB", 2,
       "invalid value \"2GiB\" for flag -quota-backend-bytes: parse error"},
      {"--bootstrap-defrag-threshold-megabytes=-1", 2,
       "invalid value \"-1\" for flag -bootstrap-defrag-threshold-megabytes: parse error"},
      {"--distributed-tracing-sampling-rate=a", 2,
       "invalid value \"a\" for flag -distributed-tracing-sampling-rate: parse error"},
      // -- words of a set
      {"--initial-cluster-state=foo", 2,
       "invalid value \"foo\" for flag -initial-cluster-state: invalid value"},
      {"--initial-cluster-state=New", 2,
       "invalid value \"New\" for flag -initial-cluster-state: invalid value"},
      {"--discovery-fallback=foo", 2,
       "invalid value \"foo\" for flag -discovery-fallback: invalid value"},
      {"--v2-deprecation=not-yet", 2,
       "invalid value \"not-yet\" for flag -v2-deprecation: invalid value", In::kOurs},  // code 2
      {"--feature-gates=Foo=true", 2,
       "invalid value \"Foo=true\" for flag -feature-gates: unrecognized feature gate: Foo"},
      {"--feature-gates=InitialCorruptCheck", 2,
       "invalid value \"InitialCorruptCheck\" for flag -feature-gates: missing bool value for "
       "InitialCorruptCheck"},
      {"--feature-gates=InitialCorruptCheck=x", 2,
       "invalid value \"InitialCorruptCheck=x\" for flag -feature-gates: invalid value of "
       "InitialCorruptCheck=x, err: strconv.ParseBool: parsing \"x\": invalid syntax"},
      {"--feature-gates=LeaseCheckpointPersist=true", 1,
       "enabling feature gate LeaseCheckpointPersist requires enabling feature gate "
       "LeaseCheckpoint",
       In::k37},
      // -- where to listen and what to tell
      {"--cors=", 2,
       "invalid value \"\" for flag -cors: URL scheme must be http, https, unix, or unixs: "},
      {"--cors=*,http://a:80", 2,
       "invalid value \"*,http://a:80\" for flag -cors: URL scheme must be http, https, unix, or "
       "unixs: *"},
      {"--listen-peer-urls=http://example.com:2380", 1,
       "expected IP in URL for binding (http://example.com:2380)"},
      {"--listen-client-urls=http://example.com:2379 --advertise-client-urls=http://a:2379", 1,
       "expected IP in URL for binding (http://example.com:2379)"},
      {"--listen-client-urls=http://:2379 --advertise-client-urls=http://a:2379", 1,
       "expected IP in URL for binding (http://:2379)"},
      {"--listen-client-urls=http://127.0.0.01:2379 --advertise-client-urls=http://a:2379", 1,
       "expected IP in URL for binding (http://127.0.0.01:2379)", In::k37},
      {"--listen-metrics-urls=http://example.com:22", 1,
       "expected IP in URL for binding (http://example.com:22)"},
      {"--listen-client-http-urls=http://example.com:1", 1,
       "expected IP in URL for binding (http://example.com:1)", In::k37},
      {"--listen-client-urls=http://127.0.0.1:2379", 1,
       "--advertise-client-urls is required when --listen-client-urls is set explicitly"},
      {"--listen-client-urls=", 1,
       "--advertise-client-urls is required when --listen-client-urls is set explicitly"},
      {"", 1, "--advertise-client-urls is required when --listen-client-urls is set explicitly",
       In::kAll, "ETCD_LISTEN_CLIENT_URLS=http://127.0.0.1:2379"},
      {"--advertise-client-urls=http://:2379", 1,
       "--advertise-client-urls \"http://:2379\" must be in the format \"host:port\", "
       "\"unix:/path/to/socket\" or \"unixs:/path/to/socket\" (unexpected empty host "
       "(http://:2379))"},
      {"--initial-advertise-peer-urls=http://:2380", 1,
       "--initial-advertise-peer-urls \"http://:2380\" must be \"host:port\" (unexpected empty "
       "host (http://:2380))"},
      {"--listen-client-urls=https://127.0.0.1:0 --advertise-client-urls=https://127.0.0.1:1", 1,
       "TLS key/cert (--cert-file, --key-file) must be provided for client url "
       "https://127.0.0.1:0 with HTTPS scheme"},
      {"--listen-peer-urls=https://127.0.0.1:0", 1,
       "cannot listen on TLS for https://127.0.0.1:0: KeyFile and CertFile are not presented",
       In::kOurs},  // the same code; etcd tells the port it had already bound
      {"--peer-cert-file=a", 1, "KeyFile and CertFile must both be present[key: , cert: a]",
       In::kAll},
      // -- the cluster
      {"--initial-cluster=foo", 1,
       "error setting up initial cluster: URL scheme must be http, https, unix, or unixs: "},
      {"--initial-cluster=foo=http", 1,
       "error setting up initial cluster: URL scheme must be http, https, unix, or unixs: http"},
      {"--initial-cluster=a=http://h:1,b=http://h", 1,
       "error setting up initial cluster: URL address does not have the form \"host:port\": "
       "http://h"},
      {"--discovery-srv=x --initial-cluster=a=http://localhost:1", 1,
       "multiple discovery or bootstrap flags are set. Choose one of \"initial-cluster\", "
       "\"discovery-endpoints\" or \"discovery-srv\"",
       In::k37},
      {"--discovery-token=x", 1, "both --discovery-token and --discovery-endpoints must be set",
       In::k37},
      {"--discovery-endpoints=x", 1, "both --discovery-token and --discovery-endpoints must be set",
       In::k37},
      {"--discovery-endpoints=, --discovery-token=x", 1,
       "--discovery-endpoints must not contain empty endpoints", In::k37},
      {"--discovery-fallback=proxy", 1,
       "v2 proxy is deprecated, and --discovery-fallback can't be configured as \"proxy\"",
       In::k37},
      {"--max-learners=-1", 1, "membership: too many learner members in cluster", In::k37},
      // -- time
      {"--heartbeat-interval=0", 1, "--heartbeat-interval must be >0 (set to 0ms)", In::k37},
      {"--election-timeout=0", 1, "--election-timeout must be >0 (set to 0ms)", In::k37},
      {"--election-timeout=400", 1,
       "--election-timeout[400ms] should be at least as 5 times as --heartbeat-interval[100ms]"},
      {"--election-timeout=500 --heartbeat-interval=101", 1,
       "--election-timeout[500ms] should be at least as 5 times as --heartbeat-interval[101ms]"},
      {"--heartbeat-interval=201", 1,
       "--election-timeout[1000ms] should be at least as 5 times as --heartbeat-interval[201ms]"},
      {"--election-timeout=50001", 1,
       "--election-timeout[50001ms] is too long, and should be set less than 50000ms"},
      {"--compact-hash-check-time=0", 1, "--compact-hash-check-time must be >0 (set to 0s)",
       In::k37},
      {"--compact-hash-check-time=-1s", 1, "--compact-hash-check-time must be >0 (set to -1s)",
       In::k37},
      {"--auto-compaction-mode=foo", 1, "unknown auto-compaction-mode \"foo\""},
      {"--auto-compaction-mode=", 1, "undefined auto-compaction-mode", In::k37},
      {"--auto-compaction-retention=foo", 1,
       "error parsing CompactionRetention: time: invalid duration \"foo\""},
      {"--auto-compaction-retention=-1", 1,
       "error parsing CompactionRetention: time: missing unit in duration \"-1\""},
      {"--auto-compaction-retention=1.5", 1,
       "error parsing CompactionRetention: time: missing unit in duration \"1.5\""},
      {"--auto-compaction-mode=revision --auto-compaction-retention=-5", 1,
       "error parsing CompactionRetention: time: missing unit in duration \"-5\""},
      {"--auto-compaction-mode=revision --auto-compaction-retention=x", 1,
       "error parsing CompactionRetention: time: invalid duration \"x\""},
      // -- TLS and tokens
      {"--tls-min-version=TLS1.1", 1,
       "unexpected TLS version \"TLS1.1\" (must be one of: TLS1.2, TLS1.3)", In::k37},
      {"--tls-max-version=foo", 1,
       "unexpected TLS version \"foo\" (must be one of: TLS1.2, TLS1.3)", In::k37},
      {"--tls-max-version=TLS1.2 --tls-min-version=TLS1.3", 1,
       "min version (TLS1.3) is greater than max version (TLS1.2)", In::k37},
      {"--tls-min-version=TLS1.3 --cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 1,
       "cipher suites cannot be configured when only TLS1.3 is enabled", In::k37},
      {"--cipher-suites=foo", 1, "unexpected TLS cipher suite \"foo\""},
      {"--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,foo", 1,
       "unexpected TLS cipher suite \"foo\""},
      {"--cipher-suites=", 1, "unexpected TLS cipher suite \"\""},
      {"--self-signed-cert-validity=0 --auto-tls", 1,
       "selfSignedCertValidity is invalid,it should be greater than 0", In::k37},
      {"--auth-token=foo", 1, "auth: invalid auth options"},
      {"--auth-token=jwt,x", 1, "auth: invalid auth options"},
      // -- the log
      {"--logger=capnslog", 1, "--logger=capnslog is removed in v3.5", In::k37},
      {"--logger=foo", 1, "unknown logger option \"foo\""},
      {"--log-format=foo", 1, "unknown log format: foo, supported values json, console", In::k37},
      {"--log-outputs=", 1, "open sink \"\": open : no such file or directory", In::k37},
      {"--log-outputs=default,stderr", 1, "multi logoutput for \"default\" is not supported yet",
       In::k37},
      {"--log-outputs=default,/dev/null", 1, "multi logoutput for \"default\" is not supported yet",
       In::k37},
      {"--enable-log-rotation", 1,
       "--log-outputs requires a single file path when --log-rotate-config-json is defined",
       In::k37},
      {"--enable-log-rotation --log-outputs=a.log,b.log", 1,
       "--log-outputs requires a single file path when --log-rotate-config-json is defined",
       In::k37},
      {"--enable-distributed-tracing --distributed-tracing-sampling-rate=1000001", 1,
       "distributed tracing configurition is not valid: (tracing sampling rate must be less than "
       "1000000)",
       In::k37},
      {"--enable-distributed-tracing --distributed-tracing-sampling-rate=-1", 1,
       "distributed tracing configurition is not valid: (tracing sampling rate must be positive)",
       In::k37},
      // -- variables and files
      {"--name=b", 1, "conflicting environment variable \"ETCD_NAME\" is shadowed", In::kAll,
       "ETCD_NAME=a"},
      {"--name=b", 1, "conflicting environment variable \"ETCD_NAME\" is shadowed", In::kAll,
       "ETCD_NAME="},
      {"", 1, "invalid value \"x\" for ETCD_SNAPSHOT_COUNT: parse error", In::kAll,
       "ETCD_SNAPSHOT_COUNT=x"},
      {"", 1, "invalid value \"maybe\" for ETCD_PRE_VOTE: parse error", In::kAll,
       "ETCD_PRE_VOTE=maybe"},
      {"", 1,
       "invalid value \"foo\" for ETCD_LISTEN_CLIENT_URLS: URL scheme must be http, https, unix, "
       "or unixs: foo",
       In::kAll, "ETCD_LISTEN_CLIENT_URLS=foo"},
      {"--config-file=/nonexistent", 1, "cannot read configuration file /nonexistent: No such file",
       In::kOurs},  // the same code in other words
      {"", 1, "cannot read configuration file /nonexistent: No such file", In::kOurs,
       "ETCD_CONFIG_FILE=/nonexistent"},
      // -- where etcd panics with code 2
      {"--log-level=foo", 2,
       "invalid value \"foo\" for flag -log-level: unrecognized level: \"foo\"", In::kOurs},
      {"--corrupt-check-time=-1s", 2,
       "invalid value \"-1s\" for flag -corrupt-check-time: must not be negative", In::kOurs},
      // -- what etcd takes and then runs with
      {"--backend-batch-interval=-1s", 2,
       "invalid value \"-1s\" for flag -backend-batch-interval: must not be negative", In::kOurs},
      {"--backend-batch-limit=-1", 2,
       "invalid value \"-1\" for flag -backend-batch-limit: must not be negative", In::kOurs},
      {"--compaction-batch-limit=-1", 2,
       "invalid value \"-1\" for flag -compaction-batch-limit: must not be negative", In::kOurs},
      {"--compaction-sleep-interval=-1ms", 2,
       "invalid value \"-1ms\" for flag -compaction-sleep-interval: must not be negative",
       In::kOurs},
      {"--auto-compaction-retention=-1h", 1,
       "error parsing CompactionRetention: must not be negative", In::kOurs},
      {"--client-cert-file=a", 1,
       "--client-cert-file and --client-key-file must both be present or both absent", In::kOurs},
      // -- older flags that ask for what is gone
      {"--proxy=on", 1, "--proxy is not supported: the v2 proxy is gone", In::kOurs},
      {"--proxy=readonly", 1, "--proxy is not supported: the v2 proxy is gone", In::kOurs},
      {"--discovery=http://d:1/x", 1, "--discovery is not supported: v2 discovery is gone",
       In::kOurs},
      {"--discovery-proxy=http://d:1", 1, "--discovery-proxy is not supported", In::kOurs},
      {"--experimental-enable-v2v3=/v2", 1, "--experimental-enable-v2v3 is not supported",
       In::kOurs},
      {"--experimental-corrupt-check-time=1s --corrupt-check-time=1s", 1,
       "cannot set --experimental-corrupt-check-time and --corrupt-check-time at the same time, "
       "please use --corrupt-check-time only",
       In::kOurs},
      {"--experimental-initial-corrupt-check --feature-gates=InitialCorruptCheck=true", 1,
       "cannot specify both flags: --experimental-initial-corrupt-check=(true|false) and "
       "--feature-gates=InitialCorruptCheck=(true|false) at the same time",
       In::kOurs},
      {"--experimental-foo", 2, "flag provided but not defined: -experimental-foo"},
      // -- what this release does not do and must not seem to do
      {"--discovery-endpoints=http://d:1 --discovery-token=x", 1,
       "--discovery-endpoints is not supported by this release", In::kOurs},
      {"--auth-token=jwt,pub-key=a,priv-key=b,sign-method=RS256", 1,
       "--auth-token=jwt is not supported by this release", In::kOurs},
      {"grpc-proxy start", 1, "\"grpc-proxy\" is no command of gatehouse-member", In::kOurs},
      {"gateway start", 1, "\"gateway\" is no command of gatehouse-member", In::kOurs},
  };
  add_bad_urls(&all);
  return all;
}

inline std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find(' ', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

}  // namespace gatehouse::member
