// The rules of watching one by one: ids, filters, where it starts, what is grouped, what progress
// says.
#include "tests/conformance/grpc_client/watch_stream.h"

namespace gatehouse::conformance {

namespace {

const std::string kZero(1, '\0');

void ids(Session& session, Writer& writer) {
  WatchStream watch(session, "ids");
  const auto create = [&](int64_t id, std::string_view step) {
    auto request = watch_of("wi/", "wi0");
    request.set_watch_id(id);
    watch.create(request);
    watch.expect(step, 1);
  };
  create(1, "one, by request");
  create(0, "the server's choice");
  create(0, "the server's choice again");
  create(1, "one again, which is taken");
  create(-5, "a negative one");
  create(int64_t{1} << 40, "a large one");
  watch.cancel(1);
  watch.expect("one is cancelled", 1);
  watch.cancel(1);
  create(1, "one is free again");
  create(0, "the server's choice after all that");
  writer.put("wi/x", "1");
  watch.expect("all of them see it", 6);
  watch.end();
}

void filters(Session& session, Writer& writer) {
  const int64_t start = writer.put("wf/a", "1");
  writer.remove("wf/a");
  writer.put("wf/a", "2");
  writer.put_together({"wf/b", "wf/c"});
  writer.remove("wf/", "wf0");
  writer.put("wf/end", "");
  for (int mask = 0; mask < 4; ++mask) {
    WatchStream watch(session, "filters " + std::to_string(mask));
    auto request = watch_of("wf/", "wf0");
    request.set_start_revision(start);
    request.set_prev_kv(mask != 0);
    if (mask & 1) request.add_filters(pb::WatchCreateRequest::NOPUT);
    if (mask & 2) request.add_filters(pb::WatchCreateRequest::NODELETE);
    watch.create(request);
    watch.expect("created", 1);
    if (mask == 1) {
      writer.remove("wf/end");
      watch.expect_events_until("what is left", "wf/end");
    } else if (mask == 2 || mask == 0) {
      watch.expect_events_until("what is left", mask == 0 ? "wf/end" : "wf/end");
    } else {
      watch.cancel(0);
      watch.expect("nothing but the end", 1);
    }
    watch.end();
    if (mask == 1) writer.put("wf/end", "");
  }
}

void ranges(Session& session, Writer& writer) {
  struct Shape {
    const char* name;
    std::string key, end;
  };
  const Shape shapes[] = {{"one key", "ws/b", ""},           {"[b,d)", "ws/b", "ws/d"},
                          {"from c on", "ws/c", kZero},      {"no key", "", ""},
                          {"no key, everything", "", kZero}, {"[b,b)", "ws/b", "ws/b"},
                          {"everything", kZero, kZero},      {"end before key", "ws/d", "ws/a"}};
  for (const Shape& shape : shapes) {
    WatchStream watch(session, std::string("range ") + shape.name);
    watch.create(watch_of(shape.key, shape.end));
    watch.expect("created", 1);
    auto marker = watch_of("ws/end");
    marker.set_watch_id(99);
    watch.create(marker);
    watch.expect("created the marker", 1);
    for (const char* key : {"ws/a", "ws/b", "ws/c", "ws/d"}) writer.put(key, shape.name);
    writer.put("ws/end", shape.name);
    int responses = 1;  // the marker's
    const std::string_view name = shape.name;
    if (name == "one key") responses += 1;
    if (name == "[b,d)") responses += 2;
    if (name == "from c on") responses += 3;
    if (name == "everything" || name == "no key, everything") responses += 5;
    watch.expect("events", responses);
    watch.end();
  }
}

void grouping(Session& session, Writer& writer) {
  auto kv = pb::KV::NewStub(session.channel());
  WatchStream watch(session, "grouping");
  auto request = watch_of("wg/", "wg0");
  request.set_prev_kv(true);
  watch.create(request);
  watch.expect("created", 1);
  watch.create(request);  // watched twice, told twice
  watch.expect("created again", 1);
  writer.put_together({"wg/b", "wg/a", "elsewhere", "wg/c"});
  watch.expect("one transaction", 2);
  pb::TxnRequest txn;  // put, then delete of the same key, which the check of overlaps does not see
  txn.add_success()->mutable_request_txn()->add_success()->mutable_request_put()->set_key("wg/d");
  txn.add_success()->mutable_request_txn()->add_success()->mutable_request_delete_range()->set_key(
      "wg/d");
  session.call("txn, put and delete of one key", *kv, &pb::KV::Stub::Txn, txn);
  watch.expect("two events of one key and one revision", 2);
  auto lease = pb::Lease::NewStub(session.channel());
  pb::LeaseGrantRequest grant;
  grant.set_id(515151);
  grant.set_ttl(1000);
  session.call("grant", *lease, &pb::Lease::Stub::LeaseGrant, grant);
  for (const char* key : {"wg/z", "wg/m", "wg/a"}) {
    pb::PutRequest put;
    put.set_key(key);
    put.set_lease(515151);
    session.call("put with the lease", *kv, &pb::KV::Stub::Put, put);
    watch.expect("put with the lease", 2);
  }
  pb::LeaseRevokeRequest revoke;
  revoke.set_id(515151);
  session.call("revoke", *lease, &pb::Lease::Stub::LeaseRevoke, revoke);
  watch.expect("the lease's keys go together", 2);
  writer.remove("wg/nothing");
  writer.put("wg/b", "after a delete of nothing");
  watch.expect("put", 2);
  watch.end();
}

// More revisions than one batch of a catching-up watcher has.
void catching_up(Session& session, Writer& writer) {
  constexpr int kRevisions = 1100;
  auto kv = pb::KV::NewStub(session.channel());
  const int64_t start = writer.put("wu/first", "");
  for (int i = 0; i < kRevisions; ++i) {
    pb::PutRequest put;
    put.set_key("wu/" + std::to_string(i % 7));
    put.set_value(std::to_string(i));
    pb::PutResponse response;
    auto context = session.context();
    if (!kv->Put(context.get(), put, &response).ok()) session.record("put fails", i);
  }
  writer.put("wu/last", "");
  WatchStream watch(session, "catching up");
  for (const int64_t from : {start, start + 500}) {
    WatchStream each(session, "catching up from " + std::to_string(from - start));
    auto request = watch_of("wu/", "wu0");
    request.set_start_revision(from);
    request.set_prev_kv(from != start);
    each.create(request);
    each.expect("created", 1);
    each.expect_events_until("all of it", "wu/last");
    each.end();
  }
}

void progress(Session& session, Writer& writer) {
  {
    WatchStream watch(session, "progress without a watcher");
    watch.ask_progress();
    watch.create(watch_of("wp/a"));
    watch.expect("only the creation is told", 1);
    watch.end();
  }
  {
    WatchStream watch(session, "progress of two");
    watch.create(watch_of("wp/a"));
    watch.expect("created", 1);
    auto request = watch_of("wp/b");
    request.set_progress_notify(true);
    watch.create(request);
    watch.expect("created", 1);
    writer.put("elsewhere", "progress");
    watch.ask_progress();
    watch.expect("progress", 1);
    writer.put("wp/a", "1");
    watch.expect("event", 1);
    watch.ask_progress();
    watch.expect("progress after the event", 1);
    watch.end();
  }
  {
    WatchStream watch(session, "progress with a start to come");
    const int64_t now = writer.put("wp/a", "2");
    auto request = watch_of("wp/a");
    request.set_start_revision(now + 1000000);
    watch.create(request);
    watch.expect("created", 1);
    watch.create(watch_of("wp/marker"));
    watch.expect("created the marker", 1);
    watch.ask_progress();
    writer.put("wp/marker", "1");
    watch.expect("nothing but the marker", 1);
    watch.end();
  }
}

void starts(Session& session, Writer& writer) {
  const int64_t now = writer.put("wt/a", "1");
  for (const int64_t offset : {int64_t{0}, int64_t{1}, int64_t{-1}}) {
    WatchStream watch(session, "start at now" + std::to_string(offset));
    auto request = watch_of("wt/a");
    request.set_start_revision(now + offset + 2 * (offset == 1));
    watch.create(request);
    watch.expect("created", 1);
    if (offset != 1) watch.expect("history", 1);
    watch.end();
  }
  WatchStream watch(session, "negative start revision");
  auto request = watch_of("wt/a");
  request.set_start_revision(-3);
  watch.create(request);
  watch.expect("the answer", 1);
  watch.end();
}

}  // namespace

void run_watch_rules(Session& session) {
  Writer writer(session);
  ids(session, writer);
  filters(session, writer);
  ranges(session, writer);
  grouping(session, writer);
  catching_up(session, writer);
  progress(session, writer);
  starts(session, writer);
}

}  // namespace gatehouse::conformance
