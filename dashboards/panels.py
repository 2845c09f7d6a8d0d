"""The dashboards as tables: one row a panel. `generate` makes Grafana's JSON of them; tests/dashboards asks a real
Prometheus every query here and fails for one that is drawn from a metric nobody exports.

In a query `@` stands for the selector of the dashboard's variables, job=~"$job",instance=~"$instance".
"""

import dataclasses

STAT, LINES, HEATMAP = "stat", "timeseries", "heatmap"


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    kind: str
    unit: str  # Grafana's: short, s, bytes, Bps, reqps, ops, percentunit, none
    queries: tuple  # of (PromQL, legend)
    tells: str  # what to read out of it; the panel's description
    line: float = None  # a limit, drawn in red
    width: int = 12  # of 24
    empty: str = None  # why a healthy cluster may have nothing to show


@dataclasses.dataclass(frozen=True)
class Dashboard:
    uid: str
    title: str
    probe: str  # the metric by which Grafana finds jobs and instances
    rows: tuple  # of (title, panels)


def quantiles(metric, by, legend):
    """The 50th and 99th percentile of a histogram, for each value of the labels `by`."""
    return tuple((f"histogram_quantile({q}, sum by ({by}, le) (rate({metric}_bucket{{@}}[$__rate_interval])))",
                  f"{legend} p{q * 100:.0f}") for q in (0.5, 0.99))


def rate(metric, by, matchers=""):
    return f"sum by ({by}) (rate({metric}{{@{matchers}}}[$__rate_interval]))"


DISK_BAR_S = 0.01  # what p99 of a member's disk should stay under

CLUSTER = Dashboard("gatehouse-cluster", "Gatehouse / Cluster", "etcd_server_has_leader", (
    ("Leader", (
        Panel("Members up", STAT, "none", (("sum(up{@})", "up"),), "Members that Prometheus reaches.", width=4),
        Panel("Members with a leader", STAT, "none", (("sum(etcd_server_has_leader{@})", "with a leader"),),
              "Fewer than the members that are up: those that are missing serve no linearizable read and no write.",
              width=4),
        Panel("Leaders", STAT, "none", (("sum(etcd_server_is_leader{@})", "leaders"),),
              "1. For a moment 2 while an old leader has not heard of the next.", width=4),
        Panel("Leader changes in a day", STAT, "none",
              (("max(increase(etcd_server_leader_changes_seen_total{@}[1d]))", "changes"),),
              "Each one is a second or so without writes.", width=4),
        Panel("Version", STAT, "none", (("count by (server_version) (etcd_server_version{@})", "{{server_version}}"),),
              "How many members run which version.", width=4),
        Panel("Learners", STAT, "none", (("sum(etcd_server_is_learner{@})", "learners"),),
              "Members that follow and do not vote.", width=4),
        Panel("Who leads", LINES, "none", (("etcd_server_is_leader{@}", "{{instance}}"),),
              "1 for the leader; crossing lines are a change."),
        Panel("Leader changes", LINES, "none",
              (("increase(etcd_server_leader_changes_seen_total{@}[$__rate_interval])", "{{instance}}"),),
              "Seen by each member."),
    )),
    ("Raft", (
        Panel("Proposals", LINES, "ops", (
            ("rate(etcd_server_proposals_committed_total{@}[$__rate_interval])", "{{instance}} committed"),
            ("rate(etcd_server_proposals_applied_total{@}[$__rate_interval])", "{{instance}} applied")),
              "Writes a second that the quorum has, and that the member has in its store."),
        Panel("Proposals pending and failed", LINES, "short", (
            ("etcd_server_proposals_pending{@}", "{{instance}} pending"),
            ("rate(etcd_server_proposals_failed_total{@}[$__rate_interval])", "{{instance}} failed/s")),
              "Pending that grows: the disk or the network does not keep up. Failed: no leader, or a timeout."),
        Panel("Raft lag: behind the leader", LINES, "short",
              (("scalar(max(etcd_server_proposals_committed_total{@})) - etcd_server_proposals_committed_total{@}",
                "{{instance}}"),),
              "Entries that others know to be committed and this member does not."),
        Panel("Raft lag: committed, not applied", LINES, "short",
              (("etcd_server_proposals_committed_total{@} - etcd_server_proposals_applied_total{@}", "{{instance}}"),),
              "Past 5000 the member refuses writes: too many requests."),
    )),
    ("Peers", (
        Panel("Round trips between peers", LINES, "s",
              quantiles("etcd_network_peer_round_trip_time_seconds", "instance, To", "{{instance}} to {{To}}"),
              "The election timeout should be at least ten times this."),
        Panel("Connections to peers", LINES, "short", (("etcd_network_active_peers{@}", "{{instance}} to {{Remote}}"),),
              "0: the two do not hear each other."),
        Panel("Bytes between peers", LINES, "Bps", (
            (rate("etcd_network_peer_sent_bytes_total", "instance"), "{{instance}} sent"),
            (rate("etcd_network_peer_received_bytes_total", "instance"), "{{instance}} received")), "Replication."),
        Panel("Failures to send", LINES, "short",
              ((rate("etcd_network_peer_sent_failures_total", "instance, To"), "{{instance}} to {{To}}"),),
              "Messages a second that did not reach a peer."),
    )),
    ("Clients", (
        Panel("Requests", LINES, "reqps", ((rate("grpc_server_handled_total", "grpc_service, grpc_method")
                                           + " > 0", "{{grpc_service}}/{{grpc_method}}"),),
              "gRPC calls that ended, by method."),
        Panel("Requests that failed", LINES, "reqps",
              ((rate("grpc_server_handled_total", "grpc_method, grpc_code", ',grpc_code!="OK"'),
                "{{grpc_method}} {{grpc_code}}"),), "By method and code.",
              empty="the series of a code begins with the first call that ends so"),
        Panel("Time to answer", LINES, "s",
              (("histogram_quantile(0.99, sum by (grpc_method, le) (rate(grpc_server_handling_seconds_bucket"
                '{@,grpc_type="unary"}[$__rate_interval])))', "{{grpc_method}} p99"),),
              "Of unary calls. Members have it with --metrics=extensive.",
              empty="without --metrics=extensive a member has no such histogram, as etcd"),
        Panel("Client traffic", LINES, "Bps", (
            (rate("etcd_network_client_grpc_sent_bytes_total", "instance"), "{{instance}} sent"),
            (rate("etcd_network_client_grpc_received_bytes_total", "instance"), "{{instance}} received")),
              "gRPC messages, without their framing."),
    )),
    ("Process", (
        Panel("Memory", LINES, "bytes", (("process_resident_memory_bytes{@}", "{{instance}}"),), "Resident."),
        Panel("CPU", LINES, "percentunit", (("rate(process_cpu_seconds_total{@}[$__rate_interval])", "{{instance}}"),),
              "1 is one core."),
        Panel("File descriptors", LINES, "short", (("os_fd_used{@}", "{{instance}} used"), ("os_fd_limit{@}", "{{instance}} limit")),
              "At the limit no client gets a connection."),
        Panel("Health checks", LINES, "ops", (
            (rate("etcd_server_health_success", "instance"), "{{instance}} healthy"),
            (rate("etcd_server_health_failures", "instance"), "{{instance}} unhealthy")), "Answers of /health."),
    )),
))


def disk_row(title, metric, tells):
    """A histogram of the disk: where its calls fall, its percentiles against the bar, and how many miss it.

    Grafana's heatmap draws no limits: the line is in the panel beside it, on the same time axis and crosshair."""
    over = (f'1 - sum by (instance) (rate({metric}_bucket{{@,le="0.008"}}[$__rate_interval]))'
            f" / sum by (instance) (rate({metric}_count{{@}}[$__rate_interval]))")
    return (title, (
        Panel(title, HEATMAP, "s", ((f"sum by (le) (increase({metric}_bucket{{@}}[$__rate_interval]))", "{{le}}"),), tells),
        Panel(f"{title}: percentiles and the 10 ms line", LINES, "s", quantiles(metric, "instance", "{{instance}}"),
              "p99 under the line is a disk for a member. Buckets are powers of two: 10 ms lies within 8 to 16.",
              line=DISK_BAR_S),
        Panel(f"{title}: share over 8 ms", LINES, "percentunit", ((over, "{{instance}}"),),
              "One in a hundred is the bar.", line=0.01),
        Panel(f"{title}: a second", LINES, "ops", ((rate(f"{metric}_count", "instance"), "{{instance}}"),),
              "One of them may carry many proposals."),
    ))


DISK = Dashboard("gatehouse-disk", "Gatehouse / Disk", "etcd_server_has_leader", (
    disk_row("WAL fsync", "etcd_disk_wal_fsync_duration_seconds",
             "Every write waits for one of these on a majority of the members."),
    disk_row("Backend commit", "etcd_disk_backend_commit_duration_seconds",
             "The store's own commit, some ten times a second under load; writes do not wait for it unless it is slow."),
    ("Amounts", (
        Panel("WAL written", LINES, "Bps", (("rate(etcd_disk_wal_write_bytes_total{@}[$__rate_interval])", "{{instance}}"),),
              "Proposals as they are logged."),
        Panel("Database file", LINES, "bytes", (
            ("etcd_mvcc_db_total_size_in_bytes{@}", "{{instance}} file"),
            ("etcd_mvcc_db_total_size_in_use_in_bytes{@}", "{{instance}} in use")),
              "What lies between the two lines, a defragmentation gives back to the disk."),
    )),
))

STORE = Dashboard("gatehouse-store", "Gatehouse / Store", "etcd_server_has_leader", (
    ("Size", (
        Panel("Keys", STAT, "short", (("max(etcd_debugging_mvcc_keys_total{@})", "keys"),), "Without old revisions.", width=6),
        Panel("Quota used", STAT, "percentunit",
              (("max(etcd_mvcc_db_total_size_in_bytes{@} / etcd_server_quota_backend_bytes{@})", "used"),),
              "At 100 % the cluster refuses writes until it is compacted, defragmented and disarmed.", line=0.8, width=6),
        Panel("Revision", STAT, "none", (("max(etcd_debugging_mvcc_current_revision{@})", "revision"),),
              "Grows by one with each write.", width=6),
        Panel("Revisions kept", STAT, "short",
              (("max(etcd_debugging_mvcc_current_revision{@} - etcd_debugging_mvcc_compact_revision{@})", "kept"),),
              "Since the last compaction. What grows without end here lacks --auto-compaction-retention.", width=6),
        Panel("Database and quota", LINES, "bytes", (
            ("etcd_mvcc_db_total_size_in_bytes{@}", "{{instance}} file"),
            ("etcd_mvcc_db_total_size_in_use_in_bytes{@}", "{{instance}} in use"),
            ("max(etcd_server_quota_backend_bytes{@})", "quota")), "The file against --quota-backend-bytes."),
        Panel("Keys over time", LINES, "short", (("etcd_debugging_mvcc_keys_total{@}", "{{instance}}"),),
              "Members that differ for long do not have the same data."),
    )),
    ("Operations", (
        Panel("Puts, deletes, transactions", LINES, "ops", (
            (rate("etcd_mvcc_put_total", "instance"), "{{instance}} put"),
            (rate("etcd_mvcc_delete_total", "instance"), "{{instance}} delete"),
            (rate("etcd_mvcc_txn_total", "instance"), "{{instance}} txn")), "Applied by each member."),
        Panel("Ranges", LINES, "ops", ((rate("etcd_mvcc_range_total", "instance"), "{{instance}}"),),
              "Reads that each member answers."),
        Panel("Read transactions open", LINES, "short", (("etcd_mvcc_db_open_read_transactions{@}", "{{instance}}"),),
              "Snapshots, hashes and long reads: while one is open, pages are not given back."),
        Panel("Bytes put", LINES, "Bps", (("rate(etcd_debugging_mvcc_total_put_size_in_bytes{@}[$__rate_interval])", "{{instance}}"),),
              "Keys and values, before replication."),
    )),
    ("Compaction", (
        Panel("Revision compacted to", LINES, "none", (
            ("max(etcd_debugging_mvcc_current_revision{@})", "current"),
            ("max(etcd_debugging_mvcc_compact_revision{@})", "compacted")), "The gap is the history kept."),
        Panel("Keys removed by compaction", LINES, "ops",
              ((rate("etcd_debugging_mvcc_db_compaction_keys_total", "instance"), "{{instance}}"),),
              "Revisions of keys, really."),
        Panel("Duration of a compaction", LINES, "ms",
              (("histogram_quantile(0.99, sum by (instance, le) (rate("
                "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_bucket{@}[$__rate_interval])))",
                "{{instance}} p99"),),
              "The whole sweep, with its pauses."),
    )),
    ("Watchers", (
        Panel("Watchers and streams", LINES, "short", (
            ("etcd_debugging_mvcc_watcher_total{@}", "{{instance}} watchers"),
            ("etcd_debugging_mvcc_watch_stream_total{@}", "{{instance}} streams")), "Many watchers share a stream."),
        Panel("Slow watchers, events that wait", LINES, "short", (
            ("etcd_debugging_mvcc_slow_watcher_total{@}", "{{instance}} slow watchers"),
            ("etcd_debugging_mvcc_pending_events_total{@}", "{{instance}} events")),
              "Watchers that have history to catch up with, and what is queued for clients that read slowly."),
        Panel("Events", LINES, "ops", ((rate("etcd_debugging_mvcc_events_total", "instance"), "{{instance}}"),),
              "Sent to watchers: one write counts once for each."),
    )),
    ("Leases", (
        Panel("Granted, revoked, renewed, expired", LINES, "ops", tuple(
            (f"sum by (instance) (rate(etcd_debugging_{name}_total{{@}}[$__rate_interval]))", "{{instance}} " + word)
            for name, word in (("lease_granted", "granted"), ("lease_revoked", "revoked"),
                               ("lease_renewed", "renewed"), ("server_lease_expired", "expired"))),
              "Renewals are counted by the leader. Expired that jumps: clients died, or cannot reach it."),
    )),
))

PROXY = Dashboard("gatehouse-proxy", "Gatehouse / Proxy", "gatehouse_proxy_build_info", (
    ("Members, as the proxy sees them", (
        Panel("Proxies up", STAT, "none", (("sum(up{@})", "up"),), "Proxies that Prometheus reaches.", width=6),
        Panel("Fewest members in use", STAT, "none",
              (("min(sum by (instance) (gatehouse_proxy_upstream_healthy{@}))", "members"),),
              "Of any proxy. 0: its clients get no answers.", width=6),
        Panel("Retries refused", STAT, "short",
              (("sum(increase(gatehouse_proxy_upstream_retries_refused_total{@}[1h]))", "refused"),),
              "In the last hour, by the retry budget: many members failed at once.", width=6),
        Panel("Version", STAT, "none", (("count by (version) (gatehouse_proxy_build_info{@})", "{{version}}"),),
              "How many proxies run which version.", width=6),
        Panel("Upstream health", LINES, "none", (("gatehouse_proxy_upstream_healthy{@}", "{{instance}} of {{endpoint}}"),),
              "1: gets calls. 0: left out until it answers again."),
        Panel("Retries", LINES, "ops", (
            (rate("gatehouse_proxy_upstream_retries_total", "instance"), "{{instance}} sent again"),
            (rate("gatehouse_proxy_upstream_retries_refused_total", "instance"), "{{instance}} refused")),
              "Only calls that cannot have run, or may run twice, are sent again."),
        Panel("Time of members to answer", LINES, "s",
              quantiles("gatehouse_proxy_upstream_request_duration_seconds", "endpoint", "{{endpoint}}"),
              "Unary calls, by member: one that stands out is slow for all."),
        Panel("Calls to members", LINES, "reqps", (
            (rate("gatehouse_proxy_upstream_requests_total", "endpoint, code"), "{{endpoint}} {{code}}"),),
              "By how they ended."),
    )),
    ("Requests", (
        Panel("gRPC requests", LINES, "reqps",
              ((rate("grpc_server_handled_total", "grpc_service, grpc_method") + " > 0", "{{grpc_service}}/{{grpc_method}}"),),
              "Of clients, by method."),
        Panel("gRPC requests that failed", LINES, "reqps",
              ((rate("grpc_server_handled_total", "grpc_method, grpc_code", ',grpc_code!="OK"'),
                "{{grpc_method}} {{grpc_code}}"),), "By method and code.",
              empty="the series of a code begins with the first call that ends so"),
        Panel("gRPC time to answer", LINES, "s",
              (("histogram_quantile(0.99, sum by (grpc_method, le) (rate(grpc_server_handling_seconds_bucket"
                '{@,grpc_type="unary"}[$__rate_interval])))', "{{grpc_method}} p99"),), "Of unary calls, at the proxy."),
        Panel("Pending", LINES, "short", (
            ("sum by (instance, endpoint) (gatehouse_proxy_upstream_requests_in_flight{@})", "{{instance}} to {{endpoint}}"),
            ("sum by (instance) (gatehouse_proxy_rest_requests_in_flight{@})", "{{instance}} REST")),
              "Calls and streams under way. Watches stay for long and are no backlog."),
    )),
    ("REST", (
        Panel("REST requests", LINES, "reqps",
              ((rate("gatehouse_proxy_rest_requests_total", "path, code"), "{{path}} {{code}}"),), "By path and status."),
        Panel("REST time to answer", LINES, "s",
              (("histogram_quantile(0.99, sum by (path, le) (rate("
                "gatehouse_proxy_rest_request_duration_seconds_bucket{@}[$__rate_interval])))", "{{path}} p99"),),
              "JSON both ways included."),
    )),
    ("Clients and process", (
        Panel("Client connections", LINES, "short", (("gatehouse_proxy_client_connections{@}", "{{instance}}"),), "Open."),
        Panel("New connections, failed handshakes", LINES, "ops", (
            (rate("gatehouse_proxy_client_connections_total", "instance"), "{{instance}} new"),
            (rate("gatehouse_proxy_client_handshake_failures_total", "instance"), "{{instance}} failed TLS")),
              "Many new ones: clients that do not keep theirs."),
        Panel("Client traffic", LINES, "Bps", (
            (rate("gatehouse_proxy_client_sent_bytes_total", "instance"), "{{instance}} sent"),
            (rate("gatehouse_proxy_client_received_bytes_total", "instance"), "{{instance}} received")), "Before TLS."),
        Panel("Memory", LINES, "bytes", (("process_resident_memory_bytes{@}", "{{instance}}"),), "Resident."),
        Panel("CPU", LINES, "percentunit", (("rate(process_cpu_seconds_total{@}[$__rate_interval])", "{{instance}}"),),
              "1 is one core."),
        Panel("File descriptors", LINES, "short", (
            ("process_open_fds{@}", "{{instance}} used"), ("process_max_fds{@}", "{{instance}} limit")),
              "At the limit no client gets a connection."),
    )),
))

ALL = {"cluster": CLUSTER, "disk": DISK, "store": STORE, "proxy": PROXY}
