#include "tests/conformance/grpc_client/watch_stream.h"

namespace gatehouse::conformance {

namespace {

void live(Session& session, Writer& writer) {
  WatchStream watch(session, "live watch",
                    [](auto& context) { context.AddMetadata("hasleader", "true"); });
  auto create = watch_of("w/", "w0");
  create.set_prev_kv(true);
  watch.create(create);
  watch.expect("created", 1);
  writer.put("w/1", "a");
  watch.expect("put", 1);
  writer.put("w/1", "b");
  watch.expect("put with a previous value", 1);
  writer.put("elsewhere", "x");
  writer.put_together({"w/2", "w/3", "v", "w/4"});
  watch.expect("three events of one revision", 1);
  watch.ask_progress();
  watch.expect("progress", 1);
  create = watch_of("w/", "w0");
  create.add_filters(pb::WatchCreateRequest::NOPUT);
  create.set_watch_id(5);
  watch.create(create);
  watch.expect("created with an id of its own", 1);
  watch.create(create);
  watch.expect("an id that is taken", 1);
  watch.create(watch_of("z", "a"));
  watch.expect("an empty range", 1);
  writer.put("w/5", "not for watch 5");
  watch.expect("put, filtered for one", 1);
  writer.remove("w/", "w0");
  watch.expect("delete, for both", 2);
  watch.cancel(77);
  watch.cancel(5);
  watch.expect("cancelled", 1);
  watch.half_close();
  writer.put("w/6", "after the half-close");
  watch.expect("put after the half-close", 1);
  watch.end();
}

void history(Session& session, Writer& writer) {
  WatchStream watch(session, "history");
  auto create = watch_of(std::string(1, '\0'), std::string(1, '\0'));
  create.set_start_revision(6);
  create.set_prev_kv(true);
  watch.create(create);
  watch.expect("created", 1);
  writer.put("history/end", "x");
  watch.expect_events_until("everything since revision 6", "history/end");
  watch.end();

  WatchStream compacted(session, "compacted");
  create = watch_of("foo");
  create.set_start_revision(2);
  compacted.create(create);
  compacted.expect("created, then cancelled", 2);
  compacted.end();

  WatchStream future(session, "future");
  const int64_t now = writer.put("future", "1");
  create = watch_of("future");
  create.set_start_revision(now + 2);
  future.create(create);
  future.expect("created", 1);
  writer.put("future", "too early");
  writer.put("future", "in time");
  future.expect("the event of that revision", 1);
  future.end();

  WatchStream negative(session, "negative start");
  create.set_start_revision(-1);
  negative.create(create);
  negative.expect("created", 1);
  negative.end();
}

// Deleting three keys of 1 MiB with their previous values makes a response above the 2 MiB at which
// etcd splits.
void large(Session& session, Writer& writer) {
  WatchStream whole(session, "large response"), split(session, "fragments");
  auto create = watch_of("large/", "large0");
  create.set_prev_kv(true);
  whole.create(create);
  whole.expect("created", 1);
  create.set_fragment(true);
  split.create(create);
  split.expect("created", 1);
  for (const char* key : {"large/1", "large/2", "large/3"}) {
    writer.put(key, std::string(1 << 20, key[6]));
    whole.expect("put", 1);
    split.expect("put", 1);
  }
  writer.remove("large/", "large0");
  whole.expect("delete of 3 MiB", 1);
  split.expect("delete of 3 MiB", 3);
  whole.end();
  split.end();
}

}  // namespace

void run_watch(Session& session) {
  Writer writer(session);
  live(session, writer);
  history(session, writer);
  large(session, writer);
}

}  // namespace gatehouse::conformance
