// What a compaction leaves: every revision around it is read and watched.
#include "tests/conformance/grpc_client/watch_stream.h"

namespace gatehouse::conformance {

void run_compaction_rules(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  auto maintenance = pb::Maintenance::NewStub(session.channel());
  Writer writer(session);
  const int64_t first = writer.put("cr/a", "1");
  writer.put("cr/b", "1");
  writer.put("cr/a", "2");
  writer.remove("cr/b");  // first + 3
  writer.put("cr/c", "1");
  writer.put("cr/b", "again");
  const int64_t last = writer.put("cr/a", "3");  // first + 6

  const auto read_all = [&](const std::string& when) {
    for (int64_t revision = first - 1; revision <= last + 1; ++revision) {
      for (const char* key : {"cr/", "cr/b"}) {
        pb::RangeRequest range;
        range.set_key(key);
        if (std::string_view(key) == "cr/") range.set_range_end("cr0");
        range.set_revision(revision);
        session.call(when + ": " + key + " at " + std::to_string(revision - first), *kv,
                     &pb::KV::Stub::Range, range);
      }
      pb::HashKVRequest hash;
      hash.set_revision(revision);
      session.call(when + ": hash at " + std::to_string(revision - first), *maintenance,
                   &pb::Maintenance::Stub::HashKV, hash);
    }
  };
  const auto compact = [&](int64_t revision, bool physical) {
    pb::CompactionRequest request;
    request.set_revision(revision);
    request.set_physical(physical);
    session.call("compact at " + std::to_string(revision - first), *kv, &pb::KV::Stub::Compact,
                 request);
  };
  read_all("before");
  compact(first + 2, true);
  read_all("before the delete");
  compact(first + 3, false);  // exactly the delete
  compact(first + 3, true);
  compact(first + 1, true);
  compact(0, false);
  compact(-1, false);
  compact(last + 1, false);
  read_all("at the delete");
  for (int64_t start = first + 2; start <= first + 4; ++start) {
    WatchStream watch(session, "watch from " + std::to_string(start - first));
    auto create = watch_of("cr/", "cr0");
    create.set_start_revision(start);
    create.set_prev_kv(true);
    watch.create(create);
    if (start < first + 3) {
      watch.expect("created, then cancelled", 2);
    } else {
      watch.expect("created", 1);
      watch.expect_events_until("history", "cr/a");
    }
    watch.end();
  }
  pb::TxnRequest txn;
  auto& range = *txn.add_success()->mutable_request_range();
  range.set_key("cr/a");
  range.set_revision(first);
  txn.add_success()->mutable_request_put()->set_key("cr/never");
  session.call("txn that reads what is compacted", *kv, &pb::KV::Stub::Txn, txn);
  compact(last, true);
  read_all("at the end");
  session.call("defragment", *maintenance, &pb::Maintenance::Stub::Defragment,
               pb::DefragmentRequest());
  read_all("after defragmenting");
}

}  // namespace gatehouse::conformance
