#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <thread>

#include "proto/health.grpc.pb.h"
#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

// A method that the stubs do not have.
void unknown_method(Session& session, const std::string& path) {
  grpc::GenericStub stub(session.channel());
  grpc::CompletionQueue queue;
  auto context = session.context();
  grpc::ByteBuffer response;
  grpc::Status status;
  grpc::Slice empty;
  auto call = stub.PrepareUnaryCall(context.get(), path, grpc::ByteBuffer(&empty, 1), &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  session.record("call of " + path, status);
}

// Sizes on both sides of etcd's limits: 1.5 MiB a proposal, 2 MiB a message.
void sizes(Session& session, pb::KV::Stub& kv) {
  pb::PutRequest put;
  put.set_key("size");
  for (const int kib : {100, 1500, 1600, 2000, 3000, 9000}) {
    put.set_value(std::string(static_cast<size_t>(kib) << 10, 's'));
    session.call("put of " + std::to_string(kib) + " KiB", kv, &pb::KV::Stub::Put, put);
  }
  // A response above the 4 MiB that is most libraries' default.
  for (int i = 0; i < 5; ++i) {
    put.set_key("wide/" + std::to_string(i));
    put.set_value(std::string(1 << 20, static_cast<char>('a' + i)));
    session.call("put " + put.key(), kv, &pb::KV::Stub::Put, put);
  }
  pb::RangeRequest range;
  range.set_key("wide/");
  range.set_range_end("wide0");
  session.call("get 5 MiB", kv, &pb::KV::Stub::Range, range);
  pb::DeleteRangeRequest remove;
  remove.set_key("wide/");
  remove.set_range_end("wide0");
  session.call("delete 5 MiB", kv, &pb::KV::Stub::DeleteRange, remove);
}

void compression(Session& session, pb::KV::Stub& kv) {
  const Setup gzip = [](auto& context) { context.set_compression_algorithm(GRPC_COMPRESS_GZIP); };
  pb::PutRequest put;
  put.set_key("gzip");
  put.set_value(std::string(100000, 'z'));
  put.set_lease(99);  // unknown, so that nothing is written where gzip is understood
  session.call("put, compressed", kv, &pb::KV::Stub::Put, put, gzip);
  pb::RangeRequest range;
  range.set_key("foo");
  session.call("get, compressed", kv, &pb::KV::Stub::Range, range, gzip);
  session.call("get without a key, compressed", kv, &pb::KV::Stub::Range, pb::RangeRequest(), gzip);
}

void metadata(Session& session, pb::KV::Stub& kv) {
  pb::RangeRequest range;
  range.set_key("foo");
  session.call("get, with metadata of all kinds", kv, &pb::KV::Stub::Range, range,
               [](auto& context) {
                 context.AddMetadata("hasleader", "true");
                 context.AddMetadata("client-api-version", "3.4.23");
                 context.AddMetadata("x-binary-bin", std::string("\0\xff\x01", 3));
                 for (int i = 0; i < 30; ++i) context.AddMetadata("x-many", std::to_string(i));
               });
}

// Unary calls from several threads at once, and many streams open at once, all over the one
// connection.
void concurrency(Session& session, pb::KV::Stub& kv) {
  constexpr int kThreads = 8, kCallsEach = 100, kStreams = 120;
  std::atomic<int> succeeded = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCallsEach; ++i) {
        const std::string key = "concurrent/" + std::to_string(t);
        pb::PutRequest put;
        put.set_key(key);
        put.set_value(std::to_string(i));
        pb::PutResponse put_response;
        pb::RangeRequest range;
        range.set_key(key);
        pb::RangeResponse range_response;
        auto first = session.context(), second = session.context();
        if (kv.Put(first.get(), put, &put_response).ok() &&
            kv.Range(second.get(), range, &range_response).ok() && range_response.kvs_size() == 1 &&
            range_response.kvs(0).value() == put.value()) {
          ++succeeded;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  session.record("concurrent puts that were read back", succeeded.load());

  auto stub = pb::Watch::NewStub(session.channel());
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReaderWriter<pb::WatchRequest, pb::WatchResponse>>>
      streams;
  pb::WatchResponse response;
  int created = 0, saw_event = 0;
  for (int i = 0; i < kStreams; ++i) {
    contexts.push_back(session.context());
    streams.push_back(stub->Watch(contexts.back().get()));
    pb::WatchRequest request;
    request.mutable_create_request()->set_key("streams/" + std::to_string(i % 10));
    streams.back()->Write(request);
  }
  for (auto& stream : streams) created += stream->Read(&response) && response.created();
  for (int i = 0; i < 10; ++i) {
    pb::PutRequest put;
    put.set_key("streams/" + std::to_string(i));
    session.call("put " + put.key(), kv, &pb::KV::Stub::Put, put);
  }
  for (auto& stream : streams) saw_event += stream->Read(&response) && response.events_size() == 1;
  session.record("watch streams created", created);
  session.record("watch streams that saw their event", saw_event);
  for (size_t i = 0; i < streams.size(); ++i) {
    contexts[i]->TryCancel();
    while (streams[i]->Read(&response)) {
    }
    streams[i]->Finish();
  }
}

void health(Session& session) {
  auto stub = grpc::health::v1::Health::NewStub(session.channel());
  grpc::health::v1::HealthCheckRequest request;
  session.call("health", *stub, &grpc::health::v1::Health::Stub::Check, request);
  request.set_service("nobody's");
  session.call("health of an unknown service", *stub, &grpc::health::v1::Health::Stub::Check,
               request);
  request.clear_service();
  auto context = session.context();
  auto stream = stub->Watch(context.get(), request);
  grpc::health::v1::HealthCheckResponse response;
  if (stream->Read(&response)) session.record("health watched", grpc::Status::OK, &response);
  context->TryCancel();
  while (stream->Read(&response)) {
  }
  stream->Finish();
}

}  // namespace

void run_transport(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  unknown_method(session, "/etcdserverpb.KV/NoSuchMethod");
  unknown_method(session, "/no.such.Service/Method");
  sizes(session, *kv);
  compression(session, *kv);
  metadata(session, *kv);
  health(session);
  concurrency(session, *kv);
}

}  // namespace gatehouse::conformance
