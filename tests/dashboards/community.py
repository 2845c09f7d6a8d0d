"""What other people's dashboards and alerts query of an etcd: etcd's own mixin and its dashboards for Grafana 7 and 8.

Family, TYPE and the labels of its series, without `le`. TYPE is etcd's, which calls some gauges `…_total`. A metric
that is missing here, or has other labels, breaks a panel or a page that somebody already has.
"""

CALL = ("grpc_type", "grpc_service", "grpc_method")

METRICS = {
    "etcd_disk_backend_commit_duration_seconds": ("histogram", ()),
    "etcd_disk_wal_fsync_duration_seconds": ("histogram", ()),
    "etcd_mvcc_db_total_size_in_bytes": ("gauge", ()),
    "etcd_mvcc_db_total_size_in_use_in_bytes": ("gauge", ()),
    "etcd_network_client_grpc_received_bytes_total": ("counter", ()),
    "etcd_network_client_grpc_sent_bytes_total": ("counter", ()),
    "etcd_network_peer_received_bytes_total": ("counter", ("From",)),
    "etcd_network_peer_round_trip_time_seconds": ("histogram", ("To",)),
    "etcd_network_peer_sent_bytes_total": ("counter", ("To",)),
    "etcd_network_peer_sent_failures_total": ("counter", ("To",)),
    "etcd_server_has_leader": ("gauge", ()),
    "etcd_server_leader_changes_seen_total": ("counter", ()),
    "etcd_server_proposals_applied_total": ("gauge", ()),
    "etcd_server_proposals_committed_total": ("gauge", ()),
    "etcd_server_proposals_failed_total": ("counter", ()),
    "etcd_server_proposals_pending": ("gauge", ()),
    "etcd_server_quota_backend_bytes": ("gauge", ()),
    "grpc_server_handled_total": ("counter", (*CALL, "grpc_code")),
    "grpc_server_handling_seconds": ("histogram", CALL),  # with --metrics=extensive
    "grpc_server_started_total": ("counter", CALL),
    "process_resident_memory_bytes": ("gauge", ()),
}

ALERTS = {
    "etcdMembersDown", "etcdInsufficientMembers", "etcdNoLeader", "etcdHighNumberOfLeaderChanges",
    "etcdHighNumberOfFailedGRPCRequests", "etcdGRPCRequestsSlow", "etcdMemberCommunicationSlow",
    "etcdHighNumberOfFailedProposals", "etcdHighFsyncDurations", "etcdHighCommitDurations",
    "etcdDatabaseQuotaLowSpace", "etcdExcessiveDatabaseGrowth", "etcdDatabaseHighFragmentationRatio",
}
