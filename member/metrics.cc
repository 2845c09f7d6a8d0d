#include "member/metrics.h"

#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "member/schema/meta.h"

namespace gatehouse::member {

namespace {

std::string hex(uint64_t id) {
  char text[17];
  std::snprintf(text, sizeof(text), "%llx", static_cast<unsigned long long>(id));
  return text;
}

double descriptor_limit() {
  rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

double open_descriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; each != end;
       each.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

Metrics::Metrics(metrics::Registry& registry)
    : wal_sync(registry.histogram("etcd_disk_wal_fsync_duration_seconds",
                                  "The latency distributions of fsync called by WAL.",
                                  metrics::exponential_buckets(0.001, 2, 14))),
      wal_bytes(registry.up_down_counter("etcd_disk_wal_write_bytes_total",
                                         "Total number of bytes written in WAL.")),
      wal_write(registry.histogram("etcd_disk_wal_write_duration_seconds",
                                   "The latency distributions of write called by WAL.",
                                   metrics::exponential_buckets(0.001, 2, 14))),
      backend_commit(registry.histogram("etcd_disk_backend_commit_duration_seconds",
                                        "The latency distributions of commit called by backend.",
                                        metrics::exponential_buckets(0.001, 2, 14))),
      backend_spill(registry.histogram(
          "etcd_debugging_disk_backend_commit_spill_duration_seconds",
          "The latency distributions of commit.spill called by bboltdb backend.",
          metrics::exponential_buckets(0.001, 2, 14))),
      backend_write(registry.histogram(
          "etcd_debugging_disk_backend_commit_write_duration_seconds",
          "The latency distributions of commit.write called by bboltdb backend.",
          metrics::exponential_buckets(0.001, 2, 14))),
      defragment(registry.histogram("etcd_disk_backend_defrag_duration_seconds",
                                    "The latency distribution of backend defragmentation.",
                                    metrics::exponential_buckets(.1, 2, 13))),
      snapshot(registry.histogram("etcd_disk_backend_snapshot_duration_seconds",
                                  "The latency distribution of backend snapshots.",
                                  metrics::exponential_buckets(.01, 2, 17))),
      leader_changes(registry.counter("etcd_server_leader_changes_seen_total",
                                      "The number of leader changes seen.")),
      leases_expired(registry.counter("etcd_debugging_server_lease_expired_total",
                                      "The total number of expired leases.")),
      hash(registry.histogram("etcd_mvcc_hash_duration_seconds",
                              "The latency distribution of storage hash operation.",
                              metrics::exponential_buckets(.01, 2, 15))),
      cluster_version_(registry.gauge_family(
          "etcd_cluster_version",
          "Which version is running. 1 for 'cluster_version' label with current cluster version",
          {"cluster_version"})),
      alarms_(registry.gauge_family(
          "etcd_debugging_server_alarms",
          "Alarms for every member in cluster. 1 for 'server_id' label with current ID. 2 for "
          "'alarm_type' label with type of this alarm",
          {"server_id", "alarm_type"})) {}

void Metrics::set_cluster_version(const std::string& version) {
  const std::string release = version.substr(0, version.rfind('.'));
  if (release == version_) return;
  if (!version_.empty()) cluster_version_.with({version_}).set(0);
  cluster_version_.with({release}).set(1);
  version_ = release;
}

void Metrics::set_alarm(const alarm::Alarm& alarm, bool on) const {
  const char* type = alarm.type == alarm::kNoSpace ? "NOSPACE"
                     : alarm.type == alarm::kCorrupt ? "CORRUPT"
                                                     : "UNKNOWN";
  alarms_.with({hex(alarm.member), type}).set(on ? 1 : 0);
}

void add_server_metrics(metrics::Registry& registry, const replica::Replica& replica,
                        const replica::Replica::State& state, const ServerFacts& facts) {
  const replica::Progress& progress = replica.progress();
  const auto gauge = [&](const char* name, const char* help, std::function<double()> value) {
    registry.computed_gauge(name, help, std::move(value));
  };
  gauge("etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.",
        [&progress] { return progress.leader == 0 ? 0 : 1; });
  gauge("etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.",
        [&progress] { return progress.is_leader ? 1 : 0; });
  gauge("etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.",
        [&progress] { return progress.is_learner ? 1 : 0; });
  gauge("etcd_server_proposals_committed_total",
        "The total number of consensus proposals committed.",
        [&progress] { return static_cast<double>(progress.committed); });
  gauge("etcd_server_proposals_applied_total", "The total number of consensus proposals applied.",
        [&progress] { return static_cast<double>(progress.applied); });
  gauge("etcd_server_proposals_pending", "The current number of pending proposals to commit.",
        [&replica] { return static_cast<double>(replica.pending_proposals()); });
  registry.computed_counter("etcd_server_proposals_failed_total",
                            "The total number of failed proposals seen.",
                            [&replica] { return static_cast<double>(replica.failed_proposals()); });
  gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.",
        [quota = facts.quota_bytes] { return static_cast<double>(quota); });
  gauge("etcd_mvcc_db_total_size_in_bytes",
        "Total size of the underlying database physically allocated in bytes.",
        [&backend = state.backend] { return static_cast<double>(backend.size_bytes()); });
  gauge("etcd_mvcc_db_total_size_in_use_in_bytes",
        "Total size of the underlying database logically in use in bytes.",
        [&backend = state.backend] { return static_cast<double>(backend.size_in_use_bytes()); });
  gauge("etcd_mvcc_db_open_read_transactions",
        "The number of currently open read transactions",
        [&backend = state.backend] { return static_cast<double>(backend.open_readers()); });
  gauge("etcd_disk_defrag_inflight",
        "Whether or not defrag is active on the member. 1 means active, 0 means not.",
        [&backend = state.backend] { return backend.defragmenting() ? 1 : 0; });
  gauge("etcd_debugging_auth_revision", "The current revision of auth store.",
        [&backend = state.backend] {
          const auto reader = backend.read();
          std::string_view bytes;
          return reader->get(backend::Bucket::kAuth, schema::kAuthRevision, bytes)
                     ? static_cast<double>(schema::decode_number(bytes))
                     : 0;
        });
  gauge("os_fd_limit", "The file descriptor limit.", descriptor_limit);
  gauge("os_fd_used", "The number of used file descriptors.", open_descriptors);

  const auto features = registry.gauge_family(
      "etcd_server_feature_enabled",
      "Whether or not a feature is enabled. 1 is enabled, 0 is not.", {"name", "stage"});
  for (const FeatureGate& gate : feature_gate_table()) {
    features.with({gate.name, gate.alpha ? "ALPHA" : "BETA"}).set(facts.gates.*gate.field ? 1 : 0);
  }
  // The groups are switches for others, which say themselves what they are.
  features.with({"AllAlpha", "ALPHA"}).set(0);
  features.with({"AllBeta", "BETA"}).set(0);
  registry.gauge_family("etcd_server_id", "Server or member ID in hexadecimal format. 1 for "
                        "'server_id' label with current ID.", {"server_id"})
      .with({hex(facts.member_id)})
      .set(1);
  registry.gauge_family("etcd_server_version",
                        "Which version is running. 1 for 'server_version' label with current "
                        "version.", {"server_version"})
      .with({facts.version})
      .set(1);
}

}  // namespace gatehouse::member
