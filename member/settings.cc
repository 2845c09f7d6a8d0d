#include "member/settings.h"

#include <algorithm>
#include <utility>

#include "common/tls/self_signed.h"

namespace gatehouse::member {

namespace {

uint64_t ms(std::chrono::milliseconds duration) { return static_cast<uint64_t>(duration.count()); }

// What gRPC's limit leaves above the largest request: names, lengths and headers.
constexpr uint64_t kRequestOverhead = 512 * 1024;

std::optional<replica::AutoCompactor::Options> auto_compaction(const Options& options) {
  using Mode = Options::AutoCompaction::Mode;
  replica::AutoCompactor::Options out;
  const Options::AutoCompaction& wanted = options.auto_compaction;
  if (wanted.mode == Mode::kPeriodic) {
    if (wanted.period.count() <= 0) return std::nullopt;
    out.mode = replica::AutoCompactor::Mode::kPeriodic;
    out.period = std::chrono::duration_cast<std::chrono::milliseconds>(wanted.period);
  } else {
    if (wanted.revisions <= 0) return std::nullopt;
    out.mode = replica::AutoCompactor::Mode::kRevision;
    out.revisions = wanted.revisions;
  }
  return out;
}

}  // namespace

uint64_t quota_bytes(const Options& options) {
  return options.quota_backend_bytes < 0 ? 0 : static_cast<uint64_t>(options.quota_backend_bytes);
}

replica::StorageOptions storage_options(const Options& options) {
  replica::StorageOptions out;
  out.data_directory = options.data_dir;
  out.wal_directory = options.wal_dir;
  out.name = options.name;
  out.backend.batch_interval = options.backend_batch_interval;
  out.backend.batch_limit = static_cast<uint32_t>(options.backend_batch_limit);
  out.backend.no_sync = options.unsafe_no_fsync;
  out.defragment_from_bytes = options.bootstrap_defrag_threshold_megabytes << 20;
  return out;
}

replica::ReplicaOptions replica_options(const Options& options) {
  replica::ReplicaOptions out;
  out.tick_ms = ms(options.heartbeat_interval);
  out.election_ticks = static_cast<uint64_t>(options.election_ticks());
  out.pre_vote = options.pre_vote;
  out.initial_tick_advance = options.initial_election_tick_advance;
  out.max_request_bytes = options.max_request_bytes;
  out.snapshots.every = options.snapshot_count;
  out.snapshots.keep = options.snapshot_catchup_entries;
  out.snapshots.max_snapshots = static_cast<uint32_t>(options.max_snapshots);
  out.snapshots.max_wals = static_cast<uint32_t>(options.max_wals);
  out.strict_reconfiguration = options.strict_reconfig_check;
  out.keeper.name = options.name;
  out.keeper.client_urls = url_texts(options.advertise_client_urls);
  out.keeper.checkpoint_leases = options.gates.lease_checkpoint;
  out.durable_checkpoints = options.gates.lease_checkpoint_persist;
  out.auto_compaction = auto_compaction(options);
  out.warn_apply_ms = ms(options.warning_apply_duration);
  return out;
}

WorkerOptions worker_options(const Options& options) {
  WorkerOptions out;
  out.limits.max_txn_ops = options.max_txn_ops;
  out.limits.quota_bytes = quota_bytes(options);
  out.warn_apply_ms = ms(options.warning_apply_duration);
  out.limits.warn_request_ms = ms(options.warning_unary_request_duration);
  out.server.max_receive_bytes = options.max_request_bytes + kRequestOverhead;
  out.gateway.max_receive_bytes = SIZE_MAX;
  out.gateway.max_send_bytes = out.server.max_receive_bytes;
  // The largest request in base64, and room for names and punctuation.
  out.gateway.max_body_bytes = out.server.max_receive_bytes / 3 * 4 + 64 * 1024;
  out.access.hosts = options.host_whitelist;
  out.access.origins = options.cors;
  out.access.client_cert_auth =
      options.client_tls.server && options.client_tls.server->client_auth != tls::ClientAuth::kNone;
  out.rest = options.enable_grpc_gateway;
  out.election_timeout_ms = ms(options.election_timeout);
  out.progress_notify_interval_ms = ms(options.watch_progress_interval);
  return out;
}

httpio::HttpServerOptions client_server_options(const Options& options) {
  httpio::HttpServerOptions out;
  out.listener.socket.reuse_port = options.socket_reuse_port;
  out.connection.http2.max_concurrent_streams = options.max_concurrent_streams;
  out.connection.http2.min_ping_interval_ms = ms(options.keepalive_min_time);
  out.connection.keepalive_interval_ms = ms(options.keepalive_interval);
  out.connection.keepalive_timeout_ms = ms(options.keepalive_timeout);
  return out;
}

Result<std::unique_ptr<tls::ReloadingContext>> listener_tls(const Options& options,
                                                            const Options::Tls& tls,
                                                            const std::vector<Url>& urls,
                                                            const std::string& fixtures) {
  const bool wanted = std::any_of(urls.begin(), urls.end(), [](const Url& url) { return url.tls(); });
  if (!tls.server || !wanted) return std::unique_ptr<tls::ReloadingContext>();
  tls::ServerOptions server = *tls.server;
  if (tls.auto_tls) {
    std::vector<std::string> hosts;
    for (const Url& url : urls) hosts.push_back(url.host.empty() ? "localhost" : url.host);
    const Result<tls::SelfSigned> files =
        tls::make_self_signed(options.data_dir + "/fixtures/" + fixtures, hosts,
                              options.self_signed_cert_validity_years);
    if (!files.ok()) return files.status();
    server.cert_file = files->cert_file;
    server.key_file = files->key_file;
  }
  return tls::ReloadingContext::server(std::move(server));
}

Result<std::unique_ptr<tls::ReloadingContext>> dialing_tls(const Options& options) {
  bool wanted = false;
  for (const auto& [name, urls] : options.initial_members) {
    wanted = wanted || std::any_of(urls.begin(), urls.end(), [](const Url& url) { return url.tls(); });
  }
  if (!wanted) return std::unique_ptr<tls::ReloadingContext>();
  tls::ClientOptions client = options.peer_dialing;
  client.alpn = {"http/1.1"};
  return tls::ReloadingContext::client(std::move(client));
}

}  // namespace gatehouse::member
