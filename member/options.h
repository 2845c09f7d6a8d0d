// Options: what a member is told by flags, environment or file, read and checked.
//
// The command line is etcd's, with etcd's names, defaults, messages and exit codes: Go's flag
// rules, ETCD_* variables (a variable beside its flag is fatal), and a configuration file that
// excludes both. Flags of releases before 3.7 that still have a meaning are taken with a warning;
// those that have none any more are refused (legacy_options.h).
//
// Where etcd 3.7.1 takes a value and then misbehaves (panics, or runs with a negative interval),
// the value is refused here.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/config.h"
#include "common/log/log.h"
#include "common/tls/options.h"
#include "member/feature_gates.h"
#include "member/url.h"

namespace gatehouse::member {

// Values that stand for 0 in a flag, where 0 says "the default".
inline constexpr uint64_t kDefaultSnapshotCount = 10'000;
inline constexpr uint64_t kDefaultSnapshotCatchupEntries = 5'000;
inline constexpr int64_t kDefaultQuotaBytes = int64_t{2} << 30;
inline constexpr std::chrono::milliseconds kDefaultBatchInterval{100};
inline constexpr int64_t kDefaultBatchLimit = 10'000;
inline constexpr int64_t kDefaultCompactionBatchLimit = 1'000;
inline constexpr std::chrono::milliseconds kDefaultCompactionSleep{10};
inline constexpr std::chrono::minutes kDefaultProgressInterval{10};
inline constexpr std::chrono::milliseconds kDefaultUnaryWarning{300};

inline constexpr uint64_t kMaxElectionTimeoutMs = 50'000;
inline constexpr uint64_t kRecommendedMaxRequestBytes = 10 * 1024 * 1024;

// Durations are whole milliseconds, anything shorter counts as one. Nothing is negative but where a
// comment says so.
struct Options {
  // -- the member
  std::string name = "default";
  std::string data_dir = "default.etcd";
  std::string wal_dir;  // "": inside data_dir
  uint64_t snapshot_count = kDefaultSnapshotCount;
  uint64_t snapshot_catchup_entries = kDefaultSnapshotCatchupEntries;
  uint64_t max_snapshots = 5;  // files to keep; 0: all
  uint64_t max_wals = 5;       // the same
  std::chrono::milliseconds heartbeat_interval{100};
  std::chrono::milliseconds election_timeout{1000};
  bool initial_election_tick_advance = true;
  bool pre_vote = true;
  int64_t max_learners = 1;
  bool strict_reconfig_check = true;

  // Ticks of heartbeat_interval, at least 5.
  int64_t election_ticks() const { return election_timeout / heartbeat_interval; }

  // -- where it listens; hosts are IP addresses or "localhost", lists are sorted and unique
  std::vector<Url> listen_peer_urls;    // at least one
  std::vector<Url> listen_client_urls;  // at least one
  std::vector<Url> listen_client_http_urls;
  std::vector<Url> listen_metrics_urls;
  bool socket_reuse_port = false;
  bool socket_reuse_address = false;

  // -- what it tells others; hosts are not empty
  std::vector<Url> initial_advertise_peer_urls;  // at least one
  std::vector<Url> advertise_client_urls;        // at least one

  // -- the cluster it starts in
  std::string initial_cluster;  // as given, or made from the name and the advertised URLs
  // The same parsed, by name; the own name need not be among them, which is for membership to say.
  std::map<std::string, std::vector<Url>> initial_members;
  bool new_cluster = true;  // --initial-cluster-state
  std::string initial_cluster_token = "etcd-cluster";
  std::string discovery_srv;       // a DNS domain that names the members of a new cluster
  std::string discovery_srv_name;  // suffix of the service's name
  bool force_new_cluster = false;

  // -- storage
  int64_t quota_backend_bytes = kDefaultQuotaBytes;  // negative: no quota
  std::chrono::milliseconds backend_batch_interval = kDefaultBatchInterval;
  int64_t backend_batch_limit = kDefaultBatchLimit;
  int64_t compaction_batch_limit = kDefaultCompactionBatchLimit;
  std::chrono::milliseconds compaction_sleep_interval = kDefaultCompactionSleep;
  struct AutoCompaction {
    enum class Mode : uint8_t { kPeriodic, kRevision } mode = Mode::kPeriodic;
    std::chrono::nanoseconds period{0};  // kPeriodic; 0: off
    int64_t revisions = 0;               // kRevision: how many to keep; 0: off
  } auto_compaction;
  uint64_t bootstrap_defrag_threshold_megabytes = 0;  // 0: off
  bool unsafe_no_fsync = false;
  bool memory_mlock = false;

  // -- requests
  uint64_t max_txn_ops = 128;
  uint64_t max_request_bytes = 1536 * 1024;
  uint32_t max_concurrent_streams = UINT32_MAX;             // per connection
  std::chrono::milliseconds keepalive_min_time{5000};       // clients that ping more often are cut
  std::chrono::milliseconds keepalive_interval{7'200'000};  // our pings; 0: off
  std::chrono::milliseconds keepalive_timeout{20'000};      // 0: off
  std::chrono::milliseconds raft_read_timeout{5000};        // of a peer connection, at least 5 s
  std::chrono::milliseconds raft_write_timeout{5000};       // the same
  std::chrono::milliseconds watch_progress_interval = kDefaultProgressInterval;
  bool enable_grpc_gateway = true;

  // -- checks and warnings
  FeatureGates gates;
  std::chrono::milliseconds corrupt_check_interval{0};  // 0: off
  std::chrono::milliseconds compact_hash_check_interval{60'000};
  std::chrono::milliseconds downgrade_check_interval{5000};  // 0: off
  std::chrono::milliseconds warning_apply_duration{100};
  std::chrono::milliseconds warning_unary_request_duration = kDefaultUnaryWarning;

  // -- TLS. Under auto_tls the files of the server are empty: whoever starts the listeners makes
  // them below data_dir (fixtures/client, fixtures/peer). Peers are asked for certificates under
  // the same rules as clients.
  struct Tls {
    std::optional<tls::ServerOptions> server;  // absent: the listeners are in clear text
    bool auto_tls = false;
    // The own certificate as a client of others; "" beside a server's certificate is that one.
    std::string client_cert_file;
    std::string client_key_file;
  };
  Tls client_tls;                   // towards clients; also of listen_metrics_urls
  Tls peer_tls;                     // towards peers
  tls::ClientOptions peer_dialing;  // for connections to https:// peers
  bool peer_skip_client_san_verification = false;
  uint32_t self_signed_cert_validity_years = 1;

  // -- who may do what
  std::vector<std::string> cors = {"*"};            // origins, "http://host:port", or "*" alone
  std::vector<std::string> host_whitelist = {"*"};  // host names; "*": all
  struct AuthToken {
    enum class Kind : uint8_t { kSimple, kJwt, kNone } kind = Kind::kSimple;
    std::map<std::string, std::string> jwt;  // pub-key, priv-key, sign-method, ttl
  } auth_token;
  uint32_t bcrypt_cost = 10;  // 4..31
  std::chrono::seconds auth_token_ttl{300};

  // -- the process
  log::Options log;
  bool extensive_metrics = false;

  // For the log.
  std::vector<std::pair<std::string, std::string>> effective;  // every option with its value
  std::vector<std::string> warnings;                           // what was odd
  // "--name: why" for what was asked for and is not done (not_effective.h).
  std::vector<std::string> not_effective;
};

// The options, or what to print and the exit code to end with: help and version (0), a command line
// that does not parse (2), options that do not hold (1). The text for 1 is the reason alone:
// report() makes a log line of it.
using ParsedOptions = std::variant<Options, config::Exit>;

// argv as main() has it, `environ` its null-terminated "NAME=value" array. Reads the configuration
// file and nothing else.
ParsedOptions parse_options(int argc, const char* const* argv, const char* const* environ);

// Prints as etcd does: 0 and 2 as they are, 1 as the log line "failed to verify flags" on standard
// error. Returns the exit code.
int report(const config::Exit& exit);

}  // namespace gatehouse::member
