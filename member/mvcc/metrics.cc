#include "member/mvcc/metrics.h"

namespace gatehouse::mvcc {

Metrics::Metrics(metrics::Registry& registry)
    : puts(registry.counter("etcd_mvcc_put_total", "Total number of puts seen by this member.")),
      deletes(
          registry.counter("etcd_mvcc_delete_total", "Total number of deletes seen by this member.")),
      ranges(
          registry.counter("etcd_mvcc_range_total", "Total number of ranges seen by this member.")),
      txns(registry.counter("etcd_mvcc_txn_total", "Total number of txns seen by this member.")),
      keys(registry.up_down_counter("etcd_debugging_mvcc_keys_total", "Total number of keys.")),
      put_bytes(
          registry.up_down_counter("etcd_debugging_mvcc_total_put_size_in_bytes",
                                   "The total size of put kv pairs seen by this member.")),
      current_revision(registry.gauge("etcd_debugging_mvcc_current_revision",
                                      "The current revision of store.")),
      compact_revision(registry.gauge("etcd_debugging_mvcc_compact_revision",
                                      "The revision of the last compaction in store.")),
      compacted_rows(registry.counter("etcd_debugging_mvcc_db_compaction_keys_total",
                                      "Total number of db keys compacted.")),
      compaction_duration(registry.histogram(
          "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
          "Bucketed histogram of db compaction total duration.",
          metrics::exponential_buckets(100, 2, 14))),
      index_compaction_pause(registry.histogram(
          "etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds",
          "Bucketed histogram of index compaction pause duration.",
          metrics::exponential_buckets(0.5, 2, 14))),
      rows_compaction_pause(registry.histogram(
          "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
          "Bucketed histogram of db compaction pause duration.",
          metrics::exponential_buckets(1, 2, 13))),
      last_compaction(registry.gauge("etcd_debugging_mvcc_db_compaction_last",
                                     "The unix time of the last db compaction. Resets to 0 on start.")),
      hash_duration(registry.histogram("etcd_mvcc_hash_rev_duration_seconds",
                                       "The latency distribution of storage hash by revision "
                                       "operation.",
                                       metrics::exponential_buckets(.01, 2, 15))) {}

}  // namespace gatehouse::mvcc
