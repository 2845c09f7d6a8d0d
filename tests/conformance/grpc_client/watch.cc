#include <algorithm>
#include <memory>

#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

// One Watch stream. The session writes, then reads exactly the responses that this must bring, so
// that the record says how events are grouped into responses.
class WatchStream {
 public:
  WatchStream(Session& session, std::string name, const Setup& setup = {})
      : session_(session),
        name_(std::move(name)),
        stub_(pb::Watch::NewStub(session.channel())),
        context_(session.context()) {
    if (setup) setup(*context_);
    stream_ = stub_->Watch(context_.get());
  }

  void create(const pb::WatchCreateRequest& create) {
    pb::WatchRequest request;
    *request.mutable_create_request() = create;
    session_.settle();
    stream_->Write(request);
  }

  void cancel(int64_t id) {
    pb::WatchRequest request;
    request.mutable_cancel_request()->set_watch_id(id);
    stream_->Write(request);
  }

  void ask_progress() {
    pb::WatchRequest request;
    request.mutable_progress_request();
    stream_->Write(request);
  }

  void half_close() { stream_->WritesDone(); }
  void cancel_call() { context_->TryCancel(); }

  // Reads `count` responses and records them, those of different watches sorted by id: only the
  // order within one watch is promised.
  void expect(std::string_view step, int count) {
    std::vector<pb::WatchResponse> responses;
    pb::WatchResponse response;
    while (static_cast<int>(responses.size()) < count && stream_->Read(&response))
      responses.push_back(response);
    std::stable_sort(responses.begin(), responses.end(),
                     [](const auto& a, const auto& b) { return a.watch_id() < b.watch_id(); });
    std::vector<std::string> jsons;
    for (const auto& each : responses) jsons.push_back(to_json(each));
    session_.record(name_ + ": " + std::string(step), jsons);
  }

  // Reads all events of watch 0 up to one of `key`. History comes in as many responses as etcd
  // likes.
  void expect_events_until(std::string_view step, const std::string& key) {
    std::vector<std::string> jsons;
    for (pb::WatchResponse response; stream_->Read(&response);) {
      for (const auto& event : response.events()) jsons.push_back(to_json(event));
      if (response.events_size() > 0 &&
          response.events(response.events_size() - 1).kv().key() == key)
        break;
    }
    session_.record(name_ + ": " + std::string(step), jsons);
  }

  // Reads what is left and records how the stream ended.
  void end() {
    context_->TryCancel();
    for (pb::WatchResponse response; stream_->Read(&response);) {
    }
    session_.record(name_ + ": ends", stream_->Finish());
  }

 private:
  Session& session_;
  const std::string name_;
  std::unique_ptr<pb::Watch::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<pb::WatchRequest, pb::WatchResponse>> stream_;
};

pb::WatchCreateRequest watch_of(std::string key, std::string end = {}) {
  pb::WatchCreateRequest create;
  create.set_key(std::move(key));
  create.set_range_end(std::move(end));
  return create;
}

class Writer {
 public:
  explicit Writer(Session& session) : session_(session), kv_(pb::KV::NewStub(session.channel())) {}

  int64_t put(std::string key, std::string value) {
    pb::PutRequest request;
    request.set_key(std::move(key));
    request.set_value(std::move(value));
    return session_.call("put " + request.key().substr(0, 40), *kv_, &pb::KV::Stub::Put, request)
        .header()
        .revision();
  }

  void remove(std::string key, std::string end = {}) {
    pb::DeleteRangeRequest request;
    request.set_key(std::move(key));
    request.set_range_end(std::move(end));
    session_.call("delete " + request.key(), *kv_, &pb::KV::Stub::DeleteRange, request);
  }

  void put_together(const std::vector<std::string>& keys) {
    pb::TxnRequest request;
    for (const auto& key : keys) {
      auto& op = *request.add_success()->mutable_request_put();
      op.set_key(key);
      op.set_value("together");
    }
    session_.call("txn", *kv_, &pb::KV::Stub::Txn, request);
  }

 private:
  Session& session_;
  std::unique_ptr<pb::KV::Stub> kv_;
};

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
