#include "member/option_translation.h"

#include <arpa/inet.h>

#include <algorithm>

#include "common/base/duration.h"
#include "common/config/values.h"

namespace gatehouse::member {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr const char* kDefaultPeerUrl = "http://localhost:2380";
constexpr milliseconds kMinRaftTimeout{5000};

Result<std::vector<Url>> unique_urls(std::vector<std::string> texts, const char* standard) {
  if (texts.empty() && *standard != '\0') texts.emplace_back(standard);
  Result<std::vector<Url>> urls = parse_urls(texts);
  if (urls.ok()) urls->erase(std::unique(urls->begin(), urls->end()), urls->end());
  return urls;
}

bool is_ip(const std::string& host) {
  in6_addr buffer{};
  return inet_pton(AF_INET, host.c_str(), &buffer) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

// A name would have to be resolved, and what it resolves to tomorrow may not be ours.
Status check_listening(const std::vector<Url>& urls) {
  for (const Url& url : urls) {
    if (url.is_unix() || url.host == "localhost" || is_ip(url.host)) continue;
    return invalid_argument("expected IP in URL for binding (" + url.to_string() + ")");
  }
  return Status();
}

Status check_advertised(const std::vector<Url>& urls, const std::string& option,
                        const std::string& form) {
  for (const Url& url : urls) {
    if (url.is_unix() || !url.host.empty()) continue;
    std::string all;
    for (const std::string& text : url_texts(urls)) all += (all.empty() ? "" : ",") + text;
    return invalid_argument("--" + option + " \"" + all + "\" must be " + form +
                            " (unexpected empty host (" + url.to_string() + "))");
  }
  return Status();
}

// "a=http://…,b=http://…": a name may come again with another URL.
Result<std::map<std::string, std::vector<Url>>> parse_initial_cluster(const std::string& text) {
  std::map<std::string, std::vector<std::string>> texts;
  for (const std::string& item : config::split_list(text)) {
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    texts[item.substr(0, equals)].push_back(equals == std::string::npos ? ""
                                                                        : item.substr(equals + 1));
  }
  std::map<std::string, std::vector<Url>> members;
  for (const auto& [name, urls] : texts) {
    Result<std::vector<Url>> parsed = parse_urls(urls);
    if (!parsed.ok()) return parsed.status().with_context("error setting up initial cluster");
    members[name] = *std::move(parsed);
  }
  return members;
}

Status translate_discovery(const OptionValues& values) {
  const bool srv = !values.string("discovery-srv").empty();
  const std::vector<std::string>& endpoints = values.list("discovery-endpoints");
  const bool cluster =
      values.is_set("initial-cluster") && !values.string("initial-cluster").empty();
  if (int{srv} + int{!endpoints.empty()} + int{cluster} > 1) {
    return invalid_argument(
        "multiple discovery or bootstrap flags are set. Choose one of \"initial-cluster\", "
        "\"discovery-endpoints\" or \"discovery-srv\"");
  }
  if (values.string("discovery-token").empty() != endpoints.empty()) {
    return invalid_argument("both --discovery-token and --discovery-endpoints must be set");
  }
  if (std::find(endpoints.begin(), endpoints.end(), "") != endpoints.end()) {
    return invalid_argument("--discovery-endpoints must not contain empty endpoints");
  }
  return Status();
}

Status translate_auto_compaction(const OptionValues& values, Options::AutoCompaction* compaction) {
  using Mode = Options::AutoCompaction::Mode;
  const std::string& mode = values.string("auto-compaction-mode");
  if (mode.empty()) return invalid_argument("undefined auto-compaction-mode");
  if (mode != "periodic" && mode != "revision") {
    return invalid_argument("unknown auto-compaction-mode \"" + mode + "\"");
  }
  compaction->mode = mode == "periodic" ? Mode::kPeriodic : Mode::kRevision;

  const std::string& text = values.string("auto-compaction-retention");
  if (text.empty()) return Status();
  const bool plain = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (plain) {
    // Decimal whatever its zeros, as Go's Atoi.
    const size_t first = std::min(text.find_first_not_of('0'), text.size() - 1);
    const Result<int64_t> number = config::parse_int64(text.substr(first));
    constexpr int64_t kMaxHours = INT64_MAX / nanoseconds(std::chrono::hours(1)).count();
    if (!number.ok() || (compaction->mode == Mode::kPeriodic && *number > kMaxHours)) {
      return invalid_argument("error parsing CompactionRetention: value out of range");
    }
    if (compaction->mode == Mode::kPeriodic) {
      compaction->period = std::chrono::hours(*number);
    } else {
      compaction->revisions = *number;
    }
    return Status();
  }
  const Result<nanoseconds> duration = parse_duration(text);
  if (!duration.ok()) return duration.status().with_context("error parsing CompactionRetention");
  if (duration->count() < 0) {
    return invalid_argument("error parsing CompactionRetention: must not be negative");
  }
  // Etcd counts a duration's nanoseconds as revisions.
  if (compaction->mode == Mode::kRevision) {
    compaction->revisions = duration->count();
  } else {
    compaction->period = *duration;
  }
  return Status();
}

template <typename T>
T number_or(T value, T standard) {
  return value == 0 ? standard : value;
}

}  // namespace

Status translate_urls(const OptionValues& values, Options* options) {
  struct List {
    const char* option;
    std::vector<Url>* urls;
    const char* standard;  // an empty list is this
  };
  const List lists[] = {
      {"listen-peer-urls", &options->listen_peer_urls, kDefaultPeerUrl},
      {"listen-client-urls", &options->listen_client_urls, "http://localhost:2379"},
      {"listen-client-http-urls", &options->listen_client_http_urls, ""},
      {"listen-metrics-urls", &options->listen_metrics_urls, ""},
      {"initial-advertise-peer-urls", &options->initial_advertise_peer_urls, kDefaultPeerUrl},
      {"advertise-client-urls", &options->advertise_client_urls, "http://localhost:2379"},
  };
  for (const List& list : lists) {
    Result<std::vector<Url>> urls = unique_urls(values.list(list.option), list.standard);
    if (!urls.ok()) return urls.status().with_context(std::string("--") + list.option);
    *list.urls = *std::move(urls);
  }
  for (const auto* urls : {&options->listen_peer_urls, &options->listen_client_urls,
                           &options->listen_client_http_urls, &options->listen_metrics_urls}) {
    GATEHOUSE_RETURN_IF_ERROR(check_listening(*urls));
  }
  GATEHOUSE_RETURN_IF_ERROR(check_advertised(options->initial_advertise_peer_urls,
                                             "initial-advertise-peer-urls", "\"host:port\""));
  GATEHOUSE_RETURN_IF_ERROR(check_advertised(
      options->advertise_client_urls, "advertise-client-urls",
      "in the format \"host:port\", \"unix:/path/to/socket\" or \"unixs:/path/to/socket\""));
  options->socket_reuse_port = values.boolean("socket-reuse-port");
  options->socket_reuse_address = values.boolean("socket-reuse-address");
  return Status();
}

Status translate_cluster(const OptionValues& values, Options* options) {
  options->name = values.string("name");
  if (options->name == "default") {
    options->warnings.emplace_back(
        "it isn't recommended to use default name, please set a value for --name. Note that etcd "
        "might run into issue when multiple members have the same default name");
  }
  options->data_dir = values.string("data-dir");
  if (options->data_dir.empty()) {
    options->data_dir = options->name + ".etcd";
    options->warnings.push_back("'data-dir' was empty; using default " + options->data_dir);
  }
  options->wal_dir = values.string("wal-dir");
  if (values.string("discovery-fallback") == "proxy") {
    return invalid_argument(
        "v2 proxy is deprecated, and --discovery-fallback can't be configured as \"proxy\"");
  }
  options->new_cluster = values.string("initial-cluster-state") == "new";
  options->initial_cluster_token = values.string("initial-cluster-token");
  options->force_new_cluster = values.boolean("force-new-cluster");
  GATEHOUSE_RETURN_IF_ERROR(translate_discovery(values));
  options->discovery_srv = values.string("discovery-srv");
  options->discovery_srv_name = values.string("discovery-srv-name");

  options->initial_cluster = values.string("initial-cluster");
  // As in etcd, a member that says no more than its name starts a cluster of its own; the same text
  // given by hand is taken for the default.
  if (options->name != "default" &&
      options->initial_cluster == std::string("default=") + kDefaultPeerUrl) {
    options->initial_cluster.clear();
    for (const std::string& url : url_texts(options->initial_advertise_peer_urls)) {
      if (!options->initial_cluster.empty()) options->initial_cluster += ',';
      options->initial_cluster += (options->name.empty() ? "default" : options->name) + "=" + url;
    }
  }
  auto members = parse_initial_cluster(options->initial_cluster);
  if (!members.ok()) return members.status();
  options->initial_members = *std::move(members);
  options->max_learners = values.int64("max-learners");
  if (options->max_learners < 0) {
    return invalid_argument("membership: too many learner members in cluster");
  }
  options->strict_reconfig_check = values.boolean("strict-reconfig-check");
  if (values.is_set("v2-deprecation")) {
    options->warnings.emplace_back(
        "--v2-deprecation is deprecated and scheduled for removal in v3.8. The default value is "
        "enforced, ignoring user input.");
  }
  return Status();
}

Status translate_timing(const OptionValues& values, Options* options) {
  const uint64_t heartbeat = values.uint64("heartbeat-interval");
  const uint64_t election = values.uint64("election-timeout");
  if (heartbeat == 0) return invalid_argument("--heartbeat-interval must be >0 (set to 0ms)");
  if (election == 0) return invalid_argument("--election-timeout must be >0 (set to 0ms)");
  if (heartbeat > election / 5) {
    return invalid_argument("--election-timeout[" + std::to_string(election) +
                            "ms] should be at least as 5 times as --heartbeat-interval[" +
                            std::to_string(heartbeat) + "ms]");
  }
  if (election > kMaxElectionTimeoutMs) {
    return invalid_argument("--election-timeout[" + std::to_string(election) +
                            "ms] is too long, and should be set less than " +
                            std::to_string(kMaxElectionTimeoutMs) + "ms");
  }
  options->heartbeat_interval = milliseconds(heartbeat);
  options->election_timeout = milliseconds(election);
  // A file without the key means the default; there is no telling the two apart on a command line.
  if (!values.is_set("advertise-client-urls") && values.is_set("listen-client-urls") &&
      !values.from_file("listen-client-urls")) {
    return invalid_argument(
        "--advertise-client-urls is required when --listen-client-urls is set explicitly");
  }
  options->initial_election_tick_advance = values.boolean("initial-election-tick-advance");
  options->pre_vote = values.boolean("pre-vote");
  options->corrupt_check_interval = values.duration("corrupt-check-time");
  const nanoseconds compact_hash =
      values.settings().duration(values.given("compact-hash-check-time"));
  if (compact_hash.count() <= 0) {
    return invalid_argument("--compact-hash-check-time must be >0 (set to " +
                            format_duration(compact_hash) + ")");
  }
  options->compact_hash_check_interval = values.duration("compact-hash-check-time");
  options->downgrade_check_interval = values.duration("downgrade-check-time");
  options->warning_apply_duration = values.duration("warning-apply-duration");
  options->warning_unary_request_duration =
      values.duration_or("warning-unary-request-duration", kDefaultUnaryWarning);
  options->watch_progress_interval =
      values.duration_or("watch-progress-notify-interval", kDefaultProgressInterval);
  for (const auto& [name, timeout] :
       {std::pair("raft-read-timeout", &options->raft_read_timeout),
        std::pair("raft-write-timeout", &options->raft_write_timeout)}) {
    *timeout = values.duration(name);
    if (*timeout >= kMinRaftTimeout) continue;
    *timeout = kMinRaftTimeout;
    options->warnings.push_back(std::string(name) + " increased to minimum value: 5s");
  }
  return Status();
}

Status translate_storage(const OptionValues& values, Options* options) {
  options->snapshot_count = number_or(values.uint64("snapshot-count"), kDefaultSnapshotCount);
  options->snapshot_catchup_entries =
      number_or(values.uint64("snapshot-catchup-entries"), kDefaultSnapshotCatchupEntries);
  options->max_snapshots = values.uint64("max-snapshots");
  if (values.is_set("max-snapshots")) {
    options->warnings.emplace_back(
        "--max-snapshots is deprecated in 3.6 and will be decommissioned in 3.8.");
  }
  options->max_wals = values.uint64("max-wals");
  options->quota_backend_bytes = number_or(values.int64("quota-backend-bytes"), kDefaultQuotaBytes);
  options->backend_batch_interval =
      values.duration_or("backend-batch-interval", kDefaultBatchInterval);
  options->backend_batch_limit = number_or(values.int64("backend-batch-limit"), kDefaultBatchLimit);
  options->compaction_batch_limit =
      number_or(values.int64("compaction-batch-limit"), kDefaultCompactionBatchLimit);
  options->compaction_sleep_interval =
      values.duration_or("compaction-sleep-interval", kDefaultCompactionSleep);
  options->bootstrap_defrag_threshold_megabytes =
      values.uint64("bootstrap-defrag-threshold-megabytes");
  options->unsafe_no_fsync = values.boolean("unsafe-no-fsync");
  options->memory_mlock = values.boolean("memory-mlock");
  return translate_auto_compaction(values, &options->auto_compaction);
}

Status translate_requests(const OptionValues& values, Options* options) {
  options->max_txn_ops = values.uint64("max-txn-ops");
  options->max_request_bytes = values.uint64("max-request-bytes");
  if (options->max_request_bytes > kRecommendedMaxRequestBytes) {
    options->warnings.push_back("exceeded recommended request limit: --max-request-bytes is " +
                                std::to_string(options->max_request_bytes) + ", recommended are " +
                                std::to_string(kRecommendedMaxRequestBytes));
  }
  options->max_concurrent_streams = values.uint32("max-concurrent-streams");
  options->keepalive_min_time = values.duration("grpc-keepalive-min-time");
  options->keepalive_interval = values.duration("grpc-keepalive-interval");
  options->keepalive_timeout = values.duration("grpc-keepalive-timeout");
  options->enable_grpc_gateway = values.boolean("enable-grpc-gateway");
  options->extensive_metrics = values.string("metrics") == "extensive";

  Result<FeatureGates> gates = feature_gates(values.settings());
  if (!gates.ok()) return gates.status();
  options->gates = *gates;
  if (gates->lease_checkpoint && !gates->lease_checkpoint_persist) {
    options->warnings.emplace_back(
        "Detected that checkpointing is enabled without persistence. Consider enabling feature "
        "gate LeaseCheckpointPersist");
  }
  if (values.boolean("enable-distributed-tracing")) {
    const int64_t rate = values.int64("distributed-tracing-sampling-rate");
    if (rate < 0 || rate > 1'000'000) {
      return invalid_argument(
          std::string("distributed tracing configurition is not valid: (tracing sampling rate must "
                      "be ") +
          (rate < 0 ? "positive)" : "less than 1000000)"));
    }
  }
  return Status();
}

}  // namespace gatehouse::member
